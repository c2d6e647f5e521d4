//! A clock that runs ten times as fast, so that time limits and repeats are tested as they are.
#![expect(clippy::disallowed_methods, reason = "the one place of these tests that reads the clock")]

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use roomed_companion::clock::{Clock, day_in};

const SPEED: i32 = 10;

pub(crate) struct FastClock {
    begun: Timestamp,
}

impl FastClock {
    pub(crate) fn new() -> Self {
        Self { begun: Timestamp::now() }
    }
}

#[async_trait]
impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        let passed: SignedDuration = Timestamp::now().duration_since(self.begun);
        self.begun + passed * SPEED
    }

    fn local_time(&self, at: Timestamp) -> String {
        // A clinic at UTC+2, whatever this machine's time zone is.
        at.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(2))).strftime("%H:%M").to_string()
    }

    fn local_day(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        day_in(&jiff::tz::TimeZone::fixed(jiff::tz::offset(2)), at)
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length / SPEED.unsigned_abs()).await;
    }
}
