//! How visits are joined while the relay does not answer: the meeting's address of each visit that this clinician has proven
//! a launch of and that is open. In memory only, gone with the visit and with the sign-in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use roomed_protocol::{JoinView, VisitView};

use crate::board::is_over;

/// `None`: the relay was asked and would not say.
#[derive(Default)]
pub(crate) struct Doors(Mutex<HashMap<String, Option<JoinView>>>);

impl Doors {
    fn edit<T>(&self, edit: impl FnOnce(&mut HashMap<String, Option<JoinView>>) -> T) -> T {
        edit(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn get(&self, visit: &str) -> Option<JoinView> {
        self.edit(|doors| doors.get(visit).cloned().flatten())
    }

    pub(crate) fn put(&self, visit: &str, door: Option<JoinView>) {
        self.edit(|doors| doors.insert(visit.to_owned(), door));
    }

    pub(crate) fn clear(&self) {
        self.edit(HashMap::clear);
    }

    /// Asks again where the relay would not say: it may be another one by now.
    pub(crate) fn ask_again(&self) {
        self.edit(|doors| doors.retain(|_, door| door.is_some()));
    }

    /// Drops what is no longer open; returns the visits whose address is still to be asked for.
    pub(crate) fn missing(&self, visits: &[VisitView]) -> Vec<String> {
        let open = |visit: &&VisitView| visit.proven && !visit.closing && !is_over(visit);
        self.edit(|doors| {
            doors.retain(|id, _| visits.iter().filter(open).any(|visit| visit.id == *id));
            visits.iter().filter(open).filter(|it| !doors.contains_key(&it.id)).map(|it| it.id.clone()).collect()
        })
    }

    /// Those that can be joined without the relay, in order of their ids.
    pub(crate) fn known(&self) -> Vec<String> {
        let mut known: Vec<_> =
            self.edit(|it| it.iter().filter(|(_, d)| d.is_some()).map(|(id, _)| id.clone()).collect());
        known.sort_unstable();
        known
    }
}
