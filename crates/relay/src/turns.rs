//! Work that is done one at a time for each key (a visit), in this process.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;

/// Who is at work on what.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<String, Arc<Mutex<()>>>>);

impl Turns {
    /// Runs `work` when nobody else is at work on `key`.
    pub async fn take<T>(&self, key: &str, work: impl Future<Output = T>) -> T {
        let turn = Arc::clone(self.0.lock().await.entry(key.to_owned()).or_default());
        let done = {
            let _turn = turn.lock().await;
            work.await
        };
        let mut all = self.0.lock().await;
        if Arc::strong_count(&turn) <= 2 {
            all.remove(key);
        }
        done
    }

    /// Returns when whoever is at work on `key` now is done.
    pub async fn wait(&self, key: &str) {
        self.take(key, async {}).await;
    }

    /// True while nobody is at work on anything.
    pub async fn is_idle(&self) -> bool {
        self.0.lock().await.is_empty()
    }
}
