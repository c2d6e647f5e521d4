//! The named places of the write path, and how often a relay has died at each.

use roomed_relay::failpoint;

use super::door::Conditions;

/// In the order one write-back passes them.
pub(super) struct Places([(&'static str, u64); failpoint::NAMES.len()]);

impl Places {
    /// None was died at yet.
    pub(super) fn new() -> Self {
        Self(failpoint::NAMES.map(|name| (name, 0)))
    }

    /// The one that was died at least often, and how often that was.
    pub(super) fn least(&self) -> (&'static str, u64) {
        self.0.into_iter().min_by_key(|(_, times)| *times).unwrap_or_default()
    }

    /// Once more.
    pub(super) fn died_at(&mut self, name: &str) {
        self.0.iter_mut().filter(|(known, _)| *known == name).for_each(|(_, times)| *times += 1);
    }

    /// All together.
    pub(super) fn sum(&self) -> u64 {
        self.0.iter().map(|(_, times)| times).sum()
    }
}

/// What a relay is started with to die at the n-th passage of a place.
pub(super) fn to_die_at(name: &str, passage: u64) -> Conditions {
    Conditions { environment: vec![("ROOMED_FAILPOINT".into(), format!("{name}:{passage}").into())] }
}
