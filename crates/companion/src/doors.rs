//! How visits are joined while the relay does not answer: the meeting's address of each visit that this clinician has proven
//! a launch of and that is open. In memory only, gone with the visit and with the sign-in.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use roomed_protocol::{JoinView, VisitView};

use crate::board::is_over;

/// By visit.
#[derive(Default)]
pub(crate) struct Doors(Mutex<BTreeMap<String, JoinView>>);

impl Doors {
    fn edit<T>(&self, edit: impl FnOnce(&mut BTreeMap<String, JoinView>) -> T) -> T {
        edit(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn get(&self, visit: &str) -> Option<JoinView> {
        self.edit(|doors| doors.get(visit).cloned())
    }

    pub(crate) fn put(&self, visit: &str, door: JoinView) {
        self.edit(|doors| doors.insert(visit.to_owned(), door));
    }

    pub(crate) fn clear(&self) {
        self.edit(BTreeMap::clear);
    }

    /// Drops what is no longer open; returns the visits whose address is still to be asked for.
    pub(crate) fn missing(&self, visits: &[VisitView]) -> Vec<String> {
        let open = |visit: &&VisitView| visit.proven && !visit.closing && !is_over(visit);
        self.edit(|doors| {
            doors.retain(|id, _| visits.iter().filter(open).any(|visit| visit.id == *id));
            visits.iter().filter(open).filter(|it| !doors.contains_key(&it.id)).map(|it| it.id.clone()).collect()
        })
    }

    /// Those that can be joined without the relay.
    pub(crate) fn known(&self) -> Vec<String> {
        self.edit(|doors| doors.keys().cloned().collect())
    }
}
