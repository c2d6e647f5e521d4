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

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}

/// The outcome of `work`, or `None` if it takes longer than `limit`; then it is dropped.
pub(crate) async fn within<T>(clock: &dyn Clock, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = clock.sleep(limit) => None,
    }
}
