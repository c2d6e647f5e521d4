//! When to try again: a pure function of the schedule, what the EHR said, and how it went so far.

use jiff::{SignedDuration, Timestamp};

use super::connection;
use crate::config;
use crate::ehr::Said;
use crate::store::Outcome;

/// What waited through an outage is old before it is ever tried: its age alone parks nothing.
const ITS_OWN: u32 = 3;

/// `[outbox]` as far as it decides what follows an answer.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Waits before the second, third, ... try; the last one repeats.
    pub waits: Vec<SignedDuration>,
    /// After an unknown outcome, the state is asserted again so long after.
    pub settle_delay: SignedDuration,
    /// `Retry-After` is believed up to this.
    pub retry_after_max: SignedDuration,
    /// So many failures that count, and the row is parked.
    pub park_after_failures: u32,
    /// So long after acceptance a failure that counts parks the row.
    pub park_after: SignedDuration,
    /// Between two looks for a missing identifier.
    pub identifier: SignedDuration,
    /// So long after acceptance a missing identifier parks the row.
    pub identifier_limit: SignedDuration,
}

/// How it went so far.
#[derive(Debug, Clone, Copy)]
pub struct SoFar {
    /// Failed tries before this one that count.
    pub failures: u32,
    /// The EHR takes other rows: a failure now is this row's own. Otherwise it is the EHR's, and an outage of hours uses
    /// nothing up.
    pub others_went: bool,
    /// When the row was accepted.
    pub accepted_at: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// It is said once, and never superseded by a newer one.
    pub is_event: bool,
    /// An earlier attempt may have been applied: "not now" answers this attempt only.
    pub uncertain: bool,
    /// From 0 to 1: up to a quarter of the wait is added, so that an EHR that comes back is not met by all at once.
    pub jitter: f64,
}

fn millis(it: u32) -> SignedDuration {
    SignedDuration::from_millis(i64::from(it))
}

/// The pace and breaker of every EHR connection.
pub fn connection_policy(config: &config::Outbox) -> connection::Policy {
    connection::Policy {
        per_second: config.per_ehr_per_second,
        burst: config.per_ehr_burst,
        per_row: 1,
        trip_after: config.breaker_failures,
        open_for: millis(config.breaker_ms),
        open_at_most: millis(config.breaker_max_ms),
        asked_at_most: SignedDuration::from_secs(i64::from(config.retry_after_max_seconds)),
    }
}

impl Schedule {
    /// From the configuration.
    pub fn of(config: &config::Outbox) -> Self {
        Self {
            waits: config.schedule_ms.iter().map(|it| millis(*it)).collect(),
            settle_delay: millis(config.settle_delay_ms),
            retry_after_max: SignedDuration::from_secs(i64::from(config.retry_after_max_seconds)),
            park_after_failures: config.park_after_failures,
            park_after: SignedDuration::from_hours(i64::from(config.park_after_hours)),
            identifier: millis(config.identifier_ms),
            identifier_limit: SignedDuration::from_hours(i64::from(config.identifier_hours)),
        }
    }

    /// No row has to wait for longer than this before its next try.
    pub fn longest_wait(&self) -> SignedDuration {
        let longest = self.waits.iter().copied().max().unwrap_or_default();
        let with_jitter = longest + longest / 4;
        [self.settle_delay, self.retry_after_max, self.identifier].into_iter().fold(with_jitter, SignedDuration::max)
    }

    /// What becomes of the row.
    pub fn outcome(&self, said: Said, so_far: SoFar) -> Outcome {
        let age = so_far.now.duration_since(so_far.accepted_at);
        let counts = so_far.others_went;
        let doubtful = so_far.is_event && so_far.uncertain;
        // What kept a state from leaving says nothing of the attempt before it either.
        let kept_back = so_far.uncertain && matches!(said, Said::Stopped | Said::Wait);
        // Whatever kept this attempt from leaving, the one before it may have been applied: the doubt stays.
        let still_unknown = |outcome: Outcome| match outcome {
            Outcome::Retry { at, reason, counts } if doubtful || kept_back => Outcome::Unknown { at, reason, counts },
            Outcome::WaitingForIdentifier { at } if doubtful => {
                Outcome::Unknown { at, reason: "an identifier is missing".into(), counts: false }
            }
            outcome => outcome,
        };
        // Given up while nobody knows whether it was said: whoever sends it again is to know that.
        let uncertain = so_far.uncertain || matches!(said, Said::NobodyKnows { .. });
        let parked =
            |reason: String| Outcome::Parked { reason, uncertain, possible_double: so_far.is_event && uncertain };
        let failures = so_far.failures.saturating_add(1);
        let given_up =
            counts && (failures >= self.park_after_failures || (failures >= ITS_OWN && age >= self.park_after));
        still_unknown(match said {
            Said::Accepted => Outcome::Delivered,
            Said::NotNow { reason, .. } | Said::NobodyKnows { reason } if given_up => {
                parked(format!("The EHR takes others but not this one ({reason})."))
            }
            Said::NotNow { reason, retry_after } => {
                let asked = retry_after.unwrap_or_default().clamp(SignedDuration::ZERO, self.retry_after_max);
                Outcome::Retry { at: after(so_far.now, self.wait(so_far).max(asked)), reason, counts }
            }
            // Not before the settle delay: what was sent may still land, and must not land last.
            Said::NobodyKnows { reason } => {
                Outcome::Unknown { at: after(so_far.now, self.wait(so_far).max(self.settle_delay)), reason, counts }
            }
            // It answers this attempt: what became of the one before it is not known any better.
            Said::Never { reason } => parked(reason),
            Said::PossibleDouble { reason } => Outcome::Parked { reason, uncertain: true, possible_double: true },
            Said::Unsupported { reason } => Outcome::Unsupported { reason },
            Said::NoIdentifier if age >= self.identifier_limit => {
                parked("The EHR has not given the identifier that is needed.".into())
            }
            Said::NoIdentifier => Outcome::WaitingForIdentifier { at: after(so_far.now, self.identifier) },
            Said::Wait => Outcome::Retry {
                at: after(so_far.now, self.settle_delay),
                reason: "what became of an earlier write-back of this visit is not known yet".into(),
                counts: false,
            },
            Said::Stopped => Outcome::Retry {
                at: after(so_far.now, self.wait(so_far)),
                reason: "the lease was lost before a request left".into(),
                counts: false,
            },
        })
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
            park_after_failures: 12,
            park_after: SignedDuration::from_hours(24),
            identifier: seconds(30),
            identifier_limit: SignedDuration::from_hours(48),
        }
    }

    #[test]
    fn what_the_ehr_said_decides() {
        let not_now = |retry_after: Option<i64>| Said::NotNow {
            reason: "r".into(),
            retry_after: retry_after.map(SignedDuration::from_secs),
        };
        let nobody_knows = || Said::NobodyKnows { reason: "r".into() };
        let never = || Said::Never { reason: "r".into() };
        let unsupported = || Said::Unsupported { reason: "r".into() };
        let double = || Said::PossibleDouble { reason: "r".into() };
        // said, failures so far, others went, age in hours, jitter -> class, seconds until the next try
        let table = [
            (Said::Accepted, 7, true, 99, 0.0, "delivered", None),
            (not_now(None), 0, true, 0, 0.0, "retry+", Some(1)),
            (not_now(None), 1, true, 0, 0.0, "retry+", Some(10)),
            (not_now(None), 2, false, 0, 0.0, "retry", Some(60)),
            (not_now(None), 10, true, 23, 1.0, "retry+", Some(75)),
            (not_now(Some(120)), 0, true, 0, 0.5, "retry+", Some(120)),
            (not_now(Some(-5)), 1, true, 0, 0.0, "retry+", Some(10)),
            (not_now(Some(86_400)), 0, false, 0, 0.0, "retry", Some(600)),
            (not_now(None), 11, true, 0, 0.0, "parked", None),
            (not_now(None), 3, true, 24, 0.0, "parked", None),
            // An outage parks nothing, however long.
            (not_now(None), 11, false, 99, 0.0, "retry", Some(60)),
            (nobody_knows(), 11, false, 99, 0.0, "unknown", Some(60)),
            (nobody_knows(), 0, true, 0, 0.0, "unknown+", Some(5)),
            (nobody_knows(), 1, true, 0, 0.0, "unknown+", Some(10)),
            (nobody_knows(), 2, true, 24, 0.0, "parked", None),
            (nobody_knows(), 1, true, 99, 0.0, "unknown+", Some(10)),
            (never(), 0, false, 0, 0.0, "parked", None),
            (unsupported(), 0, false, 0, 0.0, "unsupported", None),
            (double(), 0, false, 0, 0.0, "possible double", None),
            (Said::NoIdentifier, 50, true, 1, 0.9, "identifier", Some(30)),
            (Said::NoIdentifier, 50, true, 47, 0.9, "identifier", Some(30)),
            (Said::NoIdentifier, 50, false, 48, 0.9, "parked", None),
            (Said::Stopped, 0, true, 99, 0.0, "retry", Some(1)),
            (Said::Wait, 0, true, 99, 0.0, "retry", Some(5)),
        ];
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        for (said, failures, others_went, hours, jitter, class, seconds) in table {
            let accepted_at = now - SignedDuration::from_hours(hours);
            let row = format!("{said:?} {failures} {hours}");
            let so_far = SoFar { failures, others_went, accepted_at, now, is_event: false, uncertain: false, jitter };
            let (got, at) = match schedule().outcome(said, so_far) {
                Outcome::Delivered => ("delivered", None),
                Outcome::Retry { at, counts, .. } => (if counts { "retry+" } else { "retry" }, Some(at)),
                Outcome::Unknown { at, counts, .. } => (if counts { "unknown+" } else { "unknown" }, Some(at)),
                Outcome::Parked { possible_double: true, .. } => ("possible double", None),
                Outcome::Parked { .. } => ("parked", None),
                Outcome::Unsupported { .. } => ("unsupported", None),
                Outcome::WaitingForIdentifier { at } => ("identifier", Some(at)),
            };
            assert_eq!((got, at.map(|it| it.duration_since(now).as_secs())), (class, seconds), "{row}");
        }
    }

    #[test]
    fn no_wait_is_longer_than_the_longest() {
        let schedule = schedule();
        assert_eq!(schedule.longest_wait(), SignedDuration::from_secs(600));
        let slow = Schedule { waits: vec![SignedDuration::from_secs(800)], ..schedule };
        assert_eq!(slow.longest_wait(), SignedDuration::from_secs(1000), "with its jitter");
    }

    #[test]
    fn an_event_that_may_have_been_said_stays_in_doubt_until_somebody_knows() {
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        let so_far = SoFar {
            failures: 1,
            others_went: true,
            accepted_at: now,
            now,
            is_event: true,
            uncertain: true,
            jitter: 0.0,
        };
        for said in [Said::NotNow { reason: "503".into(), retry_after: None }, Said::Stopped, Said::NoIdentifier] {
            let outcome = schedule().outcome(said.clone(), so_far);
            assert!(matches!(outcome, Outcome::Unknown { .. }), "{said:?} became {outcome:?}");
        }
        assert_eq!(schedule().outcome(Said::Accepted, so_far), Outcome::Delivered);
        for said in [Said::Stopped, Said::Wait] {
            let state = SoFar { is_event: false, ..so_far };
            let outcome = schedule().outcome(said.clone(), state);
            assert!(matches!(outcome, Outcome::Unknown { counts: false, .. }), "{said:?}: a state has not left either");
            let outcome = schedule().outcome(said.clone(), SoFar { uncertain: false, ..state });
            assert!(matches!(outcome, Outcome::Retry { counts: false, .. }), "{said:?}");
        }
        let parked = schedule().outcome(Said::Never { reason: "422".into() }, SoFar { is_event: false, ..so_far });
        assert!(matches!(parked, Outcome::Parked { uncertain: true, possible_double: false, .. }), "{parked:?}");
        let given_up = |said, uncertain, is_event| {
            let outcome = schedule().outcome(said, SoFar { failures: 11, uncertain, is_event, ..so_far });
            matches!(outcome, Outcome::Parked { possible_double: true, .. })
        };
        let not_now = || Said::NotNow { reason: "503".into(), retry_after: None };
        assert!(given_up(not_now(), true, true), "an earlier attempt may have said it");
        let never = || Said::Never { reason: "422".into() };
        assert!(given_up(never(), true, true), "a refusal now says nothing of what was sent before");
        assert!(!given_up(never(), false, true) && !given_up(never(), true, false));
        let too_late = SoFar { accepted_at: now - SignedDuration::from_hours(48), ..so_far };
        let outcome = schedule().outcome(Said::NoIdentifier, too_late);
        assert!(matches!(outcome, Outcome::Parked { possible_double: true, .. }), "{outcome:?}");
        assert!(given_up(Said::NobodyKnows { reason: "500".into() }, false, true), "this one may have");
        assert!(!given_up(not_now(), false, true), "none has");
        assert!(!given_up(Said::NobodyKnows { reason: "500".into() }, true, false), "a state may be said twice");
    }
}
