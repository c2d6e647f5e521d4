//! The sandbox's own clock: real time plus an offset that the control API moves forward.
//! The one file that reads the time; everything else is handed a `Clock`.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]

use jiff::{SignedDuration, Timestamp};
use std::{
    sync::Mutex,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// Real time plus an offset. Only ever moved forward, so nothing that has expired comes back to life.
pub struct Clock {
    origin: Timestamp,
    started: Instant,
    offset: Mutex<SignedDuration>,
    moved: watch::Sender<u64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            origin: Timestamp::now(),
            started: Instant::now(),
            offset: Mutex::new(SignedDuration::ZERO),
            moved: watch::Sender::new(0),
        }
    }
}

impl Clock {
    /// The sandbox's present moment.
    pub fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::ZERO);
        let offset = *crate::core::lock(&self.offset);
        self.origin.saturating_add(elapsed.saturating_add(offset)).unwrap_or(self.origin)
    }

    /// When the sandbox began.
    pub fn origin(&self) -> Timestamp {
        self.origin
    }

    /// Whole seconds since 1970, as JWT claims want them.
    pub fn unix(&self) -> i64 {
        self.now().as_second()
    }

    /// The present moment moved by whole seconds (negative: the past).
    pub fn in_seconds(&self, seconds: i64) -> Timestamp {
        let now = self.now();
        now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now)
    }

    /// Moves the clock forward by `seconds` and wakes everyone who waits for a time to come.
    pub fn advance(&self, seconds: u32) {
        {
            let mut offset = crate::core::lock(&self.offset);
            *offset = offset.saturating_add(SignedDuration::from_secs(i64::from(seconds)));
        }
        self.moved.send_modify(|n| *n += 1);
    }

    /// How far the clock has been moved, in seconds.
    pub fn advanced_seconds(&self) -> i64 {
        crate::core::lock(&self.offset).as_secs()
    }

    /// Returns once the sandbox's time is `at` or later, however that comes about.
    pub async fn until(&self, at: Timestamp) {
        let mut moved = self.moved.subscribe();
        loop {
            let left = at.duration_since(self.now());
            if left <= SignedDuration::ZERO {
                return;
            }
            let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
            // Either the time comes or somebody moves the clock; both lead to another look.
            let _ = tokio::time::timeout(left, moved.changed()).await;
        }
    }

    /// Waits that much real time, however the clock is moved: a slow network, not a late hour.
    pub async fn delay(&self, time: Duration) {
        let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
    }
}
