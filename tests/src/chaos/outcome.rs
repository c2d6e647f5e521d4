//! What one episode counted, measured and found, and whether that is good.

use std::collections::BTreeMap;

use super::places::Places;
use super::verdict::Verdict;

/// What each episode has to have done, or it proves nothing. The figures of a report, in order.
pub(super) const FIGURES: [(&str, &str); 16] = [
    ("serve", "kills"),
    ("kills", "node_kills"),
    ("kills", "creates_tried_again"),
    ("ambiguous", "ambiguous"),
    ("ambiguous", "ambiguous_results"),
    ("simulation", "outage_backlog"),
    ("simulation", "simulated_node_faults"),
    ("nodes", "node_faults"),
    ("nodes", "taken_over"),
    ("nodes", "settled_after_the_lease"),
    ("nodes", "frozen_taken_over"),
    ("nodes", "long_frozen_taken_over"),
    ("disks", "disk_faults"),
    ("disks", "really_full"),
    ("time", "clock_steps"),
    ("poison", "poison"),
];

/// Episodes that kill at the named places of the write path, and the database under their relays. Each has to have killed at
/// every one of them, or on that database a place is not proven.
pub(super) const AT_PLACES: [(&str, &str); 3] = [("serve", "sqlite"), ("kills", "sqlite"), ("nodes", "postgres")];

/// What need not be a failure, and is one where nothing is unclear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Never {
    /// A state said again.
    Reasserted,
    /// A create nobody knows of.
    PossibleDouble,
    /// Something the EHR will not take.
    Parked,
}

/// One episode's counts and verdict.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    /// Its name.
    pub(super) name: &'static str,
    /// What was judged.
    pub(super) verdict: Verdict,
    /// How long it took.
    pub(super) seconds: f64,
    /// Why it could not be run.
    pub(super) error: Option<String>,
    /// How many of what.
    pub(super) counts: BTreeMap<&'static str, u64>,
    /// Where relays died that were to die at a named place.
    pub(super) places: Places,
    /// Times, by what was timed.
    pub(super) measured: BTreeMap<&'static str, Vec<i64>>,
    never: Vec<Never>,
}

impl Outcome {
    /// Nothing counted yet.
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            verdict: Verdict::default(),
            seconds: 0.0,
            error: None,
            counts: BTreeMap::new(),
            places: Places::default(),
            measured: BTreeMap::new(),
            never: Vec::new(),
        }
    }

    /// It could not be run.
    pub(super) fn failed(name: &'static str, error: &anyhow::Error) -> Self {
        Self { error: Some(format!("{error:#}")), ..Self::new(name) }
    }

    /// These must not happen in this episode.
    pub(super) fn never(&mut self, what: &[Never]) {
        self.never.extend(what);
    }

    /// It ran and did what it is there for, and nothing happened that must not.
    pub(super) fn is_good(&self) -> bool {
        self.error.is_none()
            && self.verdict.is_clean()
            && self.never.iter().all(|never| self.times(*never) == 0)
            && self.idle().is_none()
            && self.missed().is_empty()
    }

    fn times(&self, never: Never) -> u64 {
        match never {
            Never::Reasserted => self.verdict.reasserted,
            Never::PossibleDouble => self.verdict.possible_double,
            Never::Parked => self.verdict.parked,
        }
    }

    /// A figure that it is there for, and that is zero.
    fn idle(&self) -> Option<&'static str> {
        FIGURES.iter().find(|(name, figure)| *name == self.name && self.counted(figure) == 0).map(|(_, figure)| *figure)
    }

    /// The database it kills at named places on, if it does.
    pub(super) fn database(&self) -> Option<&'static str> {
        AT_PLACES.iter().find(|(name, _)| *name == self.name).map(|(_, database)| *database)
    }

    /// The named places at which nobody died who was to.
    fn missed(&self) -> Vec<&'static str> {
        let missed = self.places.each().filter(|(_, times)| *times == 0).map(|(name, _)| name);
        self.database().map(|_| missed.collect()).unwrap_or_default()
    }

    /// What is wrong beside what was judged, in words.
    pub(super) fn complaints(&self) -> Vec<String> {
        let never =
            self.never.iter().filter(|it| self.times(**it) > 0).map(|it| format!("{it:?}, and nothing was unclear"));
        let idle = self.idle().filter(|_| self.error.is_none()).map(|figure| format!("no {figure}: nothing is proven"));
        let missed = if self.error.is_none() { self.missed() } else { Vec::new() };
        let on = self.database().unwrap_or_default();
        let missed =
            missed.into_iter().map(|place| format!("nobody died at {place} on {on}: that place is not proven"));
        self.error.clone().into_iter().chain(never).chain(idle).chain(missed).collect()
    }

    /// Another round of the same.
    pub(super) fn add(&mut self, other: Self) {
        self.verdict.add(other.verdict);
        self.seconds += other.seconds;
        self.places.add(&other.places);
        self.error = self.error.take().or(other.error);
        other.counts.into_iter().for_each(|(what, many)| self.count(what, many));
        other.measured.into_iter().for_each(|(what, times)| self.measure(what, times));
        self.never = other.never;
    }

    /// So many more of something.
    pub(super) fn count(&mut self, what: &'static str, many: u64) {
        *self.counts.entry(what).or_default() += many;
    }

    /// So many of something, whatever was said before.
    pub(super) fn set(&mut self, what: &'static str, many: u64) {
        self.counts.insert(what, many);
    }

    /// So many milliseconds each.
    pub(super) fn measure(&mut self, what: &'static str, times: impl IntoIterator<Item = i64>) {
        self.measured.entry(what).or_default().extend(times);
    }

    /// How many of something.
    pub(super) fn counted(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }
}
