//! The world of one run: virtual time, dice, the journal, and what went wrong. The one file that reads tokio's clock.
#![expect(clippy::disallowed_methods, reason = "virtual time is what this simulation is made of")]

use std::fmt::Display;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// When every run begins: noon, UTC.
const NOON: i64 = 1_800_014_400;

/// Virtual time, journal and verdicts.
pub(crate) struct World {
    /// Repeats the run.
    pub(crate) seed: u64,
    origin: Instant,
    journal: Mutex<Journal>,
    wrongs: Mutex<Vec<String>>,
}

#[derive(Default)]
struct Journal {
    hash: DefaultHasher,
    count: u64,
    lines: Vec<String>,
    keep: usize,
}

impl World {
    /// Begins now, by the runtime's clock. The last `keep` lines of the journal are shown should anything go wrong.
    pub(crate) fn new(seed: u64, keep: usize) -> Self {
        let journal = Mutex::new(Journal { keep, ..Journal::default() });
        Self { seed, origin: Instant::now(), journal, wrongs: Mutex::default() }
    }

    /// Virtual milliseconds since the run began.
    pub(crate) fn ms(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap()
    }

    /// The true time, which no node need know.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_second(NOON).unwrap() + SignedDuration::try_from(self.origin.elapsed()).unwrap()
    }

    /// A line of the journal. Two runs of one seed write the same.
    pub(crate) fn note(&self, what: impl Display) {
        let line = format!("{:>9} {what}", self.ms());
        let journal = &mut *self.journal.lock().unwrap();
        line.hash(&mut journal.hash);
        journal.count += 1;
        if journal.keep > 0 {
            if journal.lines.len() >= 2 * journal.keep {
                journal.lines.drain(..journal.keep);
            }
            journal.lines.push(line);
        }
    }

    /// Something that must never be.
    pub(crate) fn wrong(&self, what: impl Display) {
        self.note(format_args!("WRONG: {what}"));
        self.wrongs.lock().unwrap().push(format!("at {} ms: {what}", self.ms()));
    }

    /// What went wrong.
    pub(crate) fn wrongs(&self) -> Vec<String> {
        self.wrongs.lock().unwrap().clone()
    }

    /// How many lines the journal has, and their hash.
    pub(crate) fn journal(&self) -> (u64, u64) {
        let journal = self.journal.lock().unwrap();
        (journal.count, journal.hash.finish())
    }

    /// The last lines of the journal.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.journal.lock().unwrap().lines.clone()
    }
}

/// Lets virtual time pass.
pub(crate) async fn pass(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// Chance that repeats itself: splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
pub(crate) struct Dice(Mutex<u64>);

impl Dice {
    /// Dice of their own for `whom`, so that what one does moves nothing for the others.
    pub(crate) fn new(seed: u64, whom: &str) -> Self {
        let mut hash = DefaultHasher::new();
        (seed, whom).hash(&mut hash);
        Self(Mutex::new(hash.finish()))
    }

    fn next(&self) -> u64 {
        let state = &mut *self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = *state;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ (it >> 31)
    }

    /// From `from` up to but not including `until`.
    pub(crate) fn between(&self, from: u64, until: u64) -> u64 {
        from + self.next() % (until - from).max(1)
    }

    /// True so many times in a thousand.
    pub(crate) fn per_mille(&self, chance: u32) -> bool {
        self.between(0, 1000) < u64::from(chance)
    }

    /// One of these.
    pub(crate) fn one_of<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.between(0, of.len() as u64)).unwrap()]
    }
}
