//! When to try again: a pure function of the schedule, what the EHR said, and how it went so far.

use jiff::{SignedDuration, Timestamp};

use crate::config;
use crate::ehr::Said;
use crate::store::Outcome;

/// `[outbox]` as far as it decides what follows an answer.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Waits before the second, third, ... try; the last one repeats.
    pub waits: Vec<SignedDuration>,
    /// After an unknown outcome, the state is asserted again so long after.
    pub settle_delay: SignedDuration,
    /// `Retry-After` is believed up to this.
    pub retry_after_max: SignedDuration,
    /// Since acceptance; then the row is parked.
    pub park_after: SignedDuration,
    /// Between two looks for a missing identifier.
    pub identifier: SignedDuration,
}

/// How it went so far.
#[derive(Debug, Clone, Copy)]
pub struct SoFar {
    /// Failed tries before this one.
    pub failures: u32,
    /// When the row was accepted.
    pub accepted_at: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// From 0 to 1: up to a quarter of the wait is added, so that an EHR that comes back is not met by all at once.
    pub jitter: f64,
}

impl Schedule {
    /// From the configuration.
    pub fn of(config: &config::Outbox) -> Self {
        let seconds = |it: u32| SignedDuration::from_secs(i64::from(it));
        Self {
            waits: config.schedule_seconds.iter().map(|it| seconds(*it)).collect(),
            settle_delay: seconds(config.settle_delay_seconds),
            retry_after_max: seconds(config.retry_after_max_seconds),
            park_after: SignedDuration::from_hours(i64::from(config.park_after_hours)),
            identifier: seconds(config.identifier_seconds),
        }
    }

    /// What becomes of the row.
    pub fn outcome(&self, said: Said, so_far: SoFar) -> Outcome {
        let old = so_far.now.duration_since(so_far.accepted_at) >= self.park_after;
        match said {
            Said::Accepted => Outcome::Delivered,
            Said::NotNow { reason, .. } | Said::NobodyKnows { reason } if old => {
                Outcome::Parked { reason: format!("The EHR did not take it for too long ({reason}).") }
            }
            Said::NotNow { reason, retry_after } => {
                let asked = retry_after.unwrap_or_default().clamp(SignedDuration::ZERO, self.retry_after_max);
                Outcome::Retry { at: after(so_far.now, self.wait(so_far).max(asked)), reason }
            }
            // Not before the settle delay: what was sent may still land, and must not land last.
            Said::NobodyKnows { reason } => {
                Outcome::Unknown { at: after(so_far.now, self.wait(so_far).max(self.settle_delay)), reason }
            }
            Said::Never { reason } => Outcome::Parked { reason },
            Said::Unsupported { reason } => Outcome::Unsupported { reason },
            Said::NoIdentifier if old => {
                Outcome::Parked { reason: "The EHR has not given the identifier that is needed.".into() }
            }
            Said::NoIdentifier => Outcome::WaitingForIdentifier { at: after(so_far.now, self.identifier) },
        }
    }

    fn wait(&self, so_far: SoFar) -> SignedDuration {
        let index = usize::try_from(so_far.failures).unwrap_or(usize::MAX).min(self.waits.len().saturating_sub(1));
        let wait = self.waits.get(index).copied().unwrap_or(self.settle_delay);
        wait + wait.mul_f64(so_far.jitter.clamp(0.0, 1.0) / 4.0)
    }
}

fn after(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule() -> Schedule {
        let seconds = SignedDuration::from_secs;
        Schedule {
            waits: vec![seconds(1), seconds(10), seconds(60)],
            settle_delay: seconds(5),
            retry_after_max: seconds(600),
            park_after: SignedDuration::from_hours(24),
            identifier: seconds(30),
        }
    }

    #[test]
    fn what_the_ehr_said_decides() {
        let not_now = |retry_after: Option<i64>| Said::NotNow {
            reason: "r".into(),
            retry_after: retry_after.map(SignedDuration::from_secs),
        };
        let nobody_knows = || Said::NobodyKnows { reason: "r".into() };
        let never = Said::Never { reason: "r".into() };
        let unsupported = Said::Unsupported { reason: "r".into() };
        // said, failures so far, age in hours, jitter -> class, seconds until the next try
        let table = [
            (Said::Accepted, 7, 99, 0.0, "delivered", None),
            (not_now(None), 0, 0, 0.0, "retry", Some(1)),
            (not_now(None), 1, 0, 0.0, "retry", Some(10)),
            (not_now(None), 2, 0, 0.0, "retry", Some(60)),
            (not_now(None), 900, 23, 1.0, "retry", Some(75)),
            (not_now(Some(120)), 0, 0, 0.5, "retry", Some(120)),
            (not_now(Some(-5)), 1, 0, 0.0, "retry", Some(10)),
            (not_now(Some(86_400)), 0, 0, 0.0, "retry", Some(600)),
            (not_now(None), 3, 24, 0.0, "parked", None),
            (nobody_knows(), 0, 0, 0.0, "unknown", Some(5)),
            (nobody_knows(), 1, 0, 0.0, "unknown", Some(10)),
            (nobody_knows(), 1, 24, 0.0, "parked", None),
            (never, 0, 0, 0.0, "parked", None),
            (unsupported, 0, 0, 0.0, "unsupported", None),
            (Said::NoIdentifier, 50, 1, 0.9, "identifier", Some(30)),
            (Said::NoIdentifier, 50, 24, 0.9, "parked", None),
        ];
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        for (said, failures, hours, jitter, class, seconds) in table {
            let accepted_at = now - SignedDuration::from_hours(hours);
            let row = format!("{said:?} {failures} {hours}");
            let (got, at) = match schedule().outcome(said, SoFar { failures, accepted_at, now, jitter }) {
                Outcome::Delivered => ("delivered", None),
                Outcome::Retry { at, .. } => ("retry", Some(at)),
                Outcome::Unknown { at, .. } => ("unknown", Some(at)),
                Outcome::Parked { .. } => ("parked", None),
                Outcome::Unsupported { .. } => ("unsupported", None),
                Outcome::WaitingForIdentifier { at } => ("identifier", Some(at)),
            };
            assert_eq!((got, at.map(|it| it.duration_since(now).as_secs())), (class, seconds), "{row}");
        }
    }
}
