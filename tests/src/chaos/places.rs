//! The named places of the write path, and how often a relay has died at each.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use roomed_relay::failpoint;

use super::door::Conditions;

/// What `abort` ends a process with. Nothing else here does: who is killed ends with another signal, who gives up with none.
const SIGABRT: i32 = 6;

/// In the order one write-back passes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places([(&'static str, u64); failpoint::NAMES.len()]);

impl Default for Places {
    /// None was died at yet.
    fn default() -> Self {
        Self(failpoint::NAMES.map(|name| (name, 0)))
    }
}

impl Places {
    /// The one that was died at least often, and how often that was.
    pub(super) fn least(&self) -> (&'static str, u64) {
        self.0.into_iter().min_by_key(|(_, times)| *times).unwrap_or_default()
    }

    /// A relay that was to die at this place has ended. Says whether it was there that it died.
    pub(super) fn died_at(&mut self, name: &str, ended: Option<ExitStatus>) -> bool {
        let did = ended.is_some_and(|it| it.signal() == Some(SIGABRT));
        self.0.iter_mut().filter(|(known, _)| *known == name).for_each(|(_, times)| *times += u64::from(did));
        did
    }

    /// Each of them, and how often it was died at.
    pub(super) fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.into_iter()
    }

    /// Another round's.
    pub(super) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.each()).for_each(|((_, sum), (_, times))| *sum += times);
    }
}

/// What a relay is started with to die at the n-th passage of a place.
pub(super) fn to_die_at(name: &str, passage: u64) -> Conditions {
    Conditions { environment: vec![("ROOMED_FAILPOINT".into(), format!("{name}:{passage}").into())] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_aborts_died_at_the_place() {
        let mut places = Places::default();
        let [first, second, ..] = failpoint::NAMES;
        let exited = ExitStatus::from_raw(1 << 8);
        let killed = ExitStatus::from_raw(9);
        for ended in [None, Some(exited), Some(killed)] {
            assert!(!places.died_at(first, ended), "{ended:?}");
        }
        assert_eq!(places, Places::default());
        assert!(places.died_at(first, Some(ExitStatus::from_raw(SIGABRT))));
        assert_eq!(places.least(), (second, 0));
        let once = places.clone();
        places.add(&once);
        assert_eq!(places.each().next(), Some((first, 2)));
    }
}
