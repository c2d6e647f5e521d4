//! The one place of this package that reads the clock and pauses.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]

use std::time::{Duration, Instant};

/// Milliseconds since this was made.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long ago.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// The present moment.
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Time that has to pass in a scenario: a fault that lasts, a source that says something every now and then.
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// A pause between two looks of [`crate::wait::until`]; never a wait for something to have happened.
pub(crate) async fn breathe() {
    tokio::time::sleep(Duration::from_millis(40)).await;
}
