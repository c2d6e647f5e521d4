//! The one place of the companion that reads the clock or waits. Everything else is given a [`Clock`].
#![expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// Time, as a parameter.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
    /// "10:30" where the clinician is.
    fn local_time(&self, at: Timestamp) -> String;
    /// The day around `at` where the clinician is: from midnight to midnight.
    fn local_day(&self, at: Timestamp) -> (Timestamp, Timestamp);
    /// Waits.
    async fn sleep(&self, length: Duration);
}

/// The workstation's clock and time zone.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn local_time(&self, at: Timestamp) -> String {
        at.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M").to_string()
    }

    fn local_day(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        day_in(&jiff::tz::TimeZone::system(), at)
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}

/// From midnight to midnight in a time zone: 23, 24 or 25 hours.
pub fn day_in(zone: &jiff::tz::TimeZone, at: Timestamp) -> (Timestamp, Timestamp) {
    let date = at.to_zoned(zone.clone()).date();
    let midnight = |date: jiff::civil::Date| date.to_zoned(zone.clone()).map_or(at, |it| it.timestamp());
    (midnight(date), midnight(date.tomorrow().unwrap_or(date)))
}

/// The outcome of `work`, or `None` if it takes longer than `limit`; then it is dropped.
pub(crate) async fn within<T>(clock: &dyn Clock, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = clock.sleep(limit) => None,
    }
}
