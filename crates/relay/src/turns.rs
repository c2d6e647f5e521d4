//! Work that is done one at a time for each key (a visit), in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Lock, MutexGuard, PoisonError};

use tokio::sync::Mutex;

type All = Lock<HashMap<String, Arc<Mutex<()>>>>;

/// Who is at work on what.
#[derive(Debug, Default)]
pub struct Turns(All);

/// Takes its key off the list once nobody else is waiting, also when the work is dropped in the middle.
struct Place<'a> {
    all: &'a All,
    key: &'a str,
    turn: Arc<Mutex<()>>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut all = lock(self.all);
        // The list's own, and this one.
        if Arc::strong_count(&self.turn) <= 2 {
            all.remove(self.key);
        }
    }
}

fn lock(all: &All) -> MutexGuard<'_, HashMap<String, Arc<Mutex<()>>>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Turns {
    /// Runs `work` when nobody else is at work on `key`.
    pub async fn take<T>(&self, key: &str, work: impl Future<Output = T>) -> T {
        let turn = Arc::clone(lock(&self.0).entry(key.to_owned()).or_default());
        let place = Place { all: &self.0, key, turn };
        let _turn = place.turn.lock().await;
        work.await
    }

    /// Returns when whoever is at work on `key` now is done.
    pub async fn wait(&self, key: &str) {
        self.take(key, async {}).await;
    }

    /// True while nobody is at work on anything.
    pub fn is_idle(&self) -> bool {
        lock(&self.0).is_empty()
    }
}
