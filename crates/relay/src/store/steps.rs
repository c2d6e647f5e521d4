//! What a step of the outbox means, whatever the database: what a row becomes when its attempt ends, which duties pass
//! from row to row, and what the ledger says of it. Pure; the stores do the SQL.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::outbox::ClaimPolicy;
use super::{Channel, EntryState, Lease, Outcome, StoreError};
use crate::ledger::{Kind, Record};
use crate::outbox::connection::Allowance;

/// A stored time.
pub(super) fn at(milliseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(milliseconds).map_err(|_| StoreError::Unreadable("time"))
}

/// A stored time that may be missing.
pub(super) fn maybe_at(milliseconds: Option<i64>) -> Result<Option<Timestamp>, StoreError> {
    milliseconds.map(at).transpose()
}

/// What a record of the ledger is about.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) id: String,
    pub(super) organization: String,
    pub(super) ehr: String,
    pub(super) channel: Channel,
    pub(super) reference: Vec<u8>,
    pub(super) digest: Vec<u8>,
}

impl Subject {
    /// Of a lease whose row is gone: who it was about can no longer be said.
    pub(super) fn gone(lease: &Lease) -> Self {
        Self {
            id: lease.id.clone(),
            organization: lease.organization.clone(),
            ehr: lease.ehr.clone(),
            channel: lease.channel,
            reference: Vec::new(),
            digest: Vec::new(),
        }
    }

    fn record(&self, kind: Kind, at: Timestamp) -> Record {
        Record {
            kind: kind.as_str().to_owned(),
            at: at.as_millisecond(),
            organization: self.organization.clone(),
            ehr: self.ehr.clone(),
            entry: self.id.clone(),
            channel: self.channel.as_str().to_owned(),
            attempt: 0,
            fence: 0,
            reference: self.reference.clone(),
            digest: self.digest.clone(),
            outcome: String::new(),
            reason: String::new(),
        }
    }

    /// An attempt is about to begin.
    pub(super) fn started(&self, at: Timestamp, attempt: u32, fence: i64) -> Record {
        Record { attempt: attempt.into(), fence, ..self.record(Kind::Started, at) }
    }

    /// It ended.
    pub(super) fn settled(&self, at: Timestamp, attempt: u32, fence: i64, outcome: &str, reason: &str) -> Record {
        let (outcome, reason) = (outcome.to_owned(), reason.to_owned());
        Record { attempt: attempt.into(), fence, outcome, reason, ..self.record(Kind::Settled, at) }
    }

    /// A newer state took its place.
    pub(super) fn superseded(&self, at: Timestamp) -> Record {
        self.record(Kind::Superseded, at)
    }

    /// It is not to be sent.
    pub(super) fn skipped(&self, at: Timestamp, reason: &str) -> Record {
        Record { reason: reason.to_owned(), ..self.record(Kind::Skipped, at) }
    }
}

/// When there may be more to claim: the next row that runs, as pace and breaker allow, or the next lease that runs out (in
/// so many milliseconds, by the database's time).
pub(super) fn next_look(
    policy: &ClaimPolicy,
    allowed: Allowance,
    next_run: Option<Timestamp>,
    next_lost: Option<i64>,
) -> Option<Timestamp> {
    let not_before = if allowed.now == 0 { allowed.next.unwrap_or(policy.now) } else { policy.now };
    let lost =
        next_lost.map(|it| policy.now.saturating_add(SignedDuration::from_millis(it.max(0))).unwrap_or(policy.now));
    [next_run.map(|it| it.max(not_before)), lost].into_iter().flatten().min()
}

/// Of one claim, at most one state per visit, where the EHR keeps them in one resource.
pub(super) struct OnePerVisit(Option<HashSet<String>>);

impl OnePerVisit {
    pub(super) fn of(policy: &ClaimPolicy) -> Self {
        Self(policy.one_per_visit.then(HashSet::new))
    }

    /// Whether rows of this door take turns.
    pub(super) fn applies_to(&self, channel: Channel) -> bool {
        self.0.is_some() && channel == Channel::State
    }

    /// Whether a row may go along with those that were asked for before it.
    pub(super) fn takes(&mut self, visit: String, channel: i64) -> bool {
        match &mut self.0 {
            Some(taken) if channel == Channel::State.number() => taken.insert(visit),
            _ => true,
        }
    }
}

/// What a row owes, or may have done, when another takes its place.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Duty {
    /// The stream's state is to be asserted once more, not before.
    pub(super) reassert_at: Option<i64>,
    /// An attempt may have been applied.
    pub(super) uncertain: bool,
}

/// What the row owes and may have done when the attempt ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) owed: Option<i64>,
    pub(super) uncertain: bool,
    pub(super) possible_double: bool,
}

/// What a settled row becomes.
#[derive(Debug)]
pub(super) struct Becomes {
    pub(super) state: EntryState,
    pub(super) run_at: Option<i64>,
    pub(super) for_identifier: bool,
    pub(super) failed: bool,
    pub(super) counts: bool,
    pub(super) delivered_at: Option<i64>,
    pub(super) reassert_at: Option<i64>,
    pub(super) uncertain: bool,
    pub(super) possible_double: bool,
    pub(super) reason: Option<String>,
}

impl Becomes {
    /// `reassert_at` is none for an event: that is said once, and searched for.
    pub(super) fn of(outcome: Outcome, now: i64, reassert_at: Option<i64>, found: Found) -> Self {
        // What was owed by the time of the claim was forgotten there. The rest stays owed even if its time has come since:
        // what was said just now may have been said before the earlier request landed.
        // What is owed later than that was promised by a clock that was ahead.
        let owed = found.owed.zip(reassert_at).map(|(owed, latest)| owed.min(latest));
        let plain = Self {
            state: EntryState::Waiting,
            run_at: None,
            for_identifier: false,
            failed: false,
            counts: false,
            delivered_at: None,
            reassert_at: owed,
            uncertain: false,
            possible_double: found.possible_double,
            reason: None,
        };
        match outcome {
            Outcome::Delivered => Self {
                // Accepted, but an earlier request may still land: say it once more when that can no longer be.
                state: if owed.is_some() { EntryState::Waiting } else { EntryState::Delivered },
                run_at: owed,
                delivered_at: Some(now),
                possible_double: false,
                ..plain
            },
            Outcome::Retry { at, reason, counts } => {
                Self { run_at: Some(at.as_millisecond()), failed: true, counts, reason: Some(reason), ..plain }
            }
            Outcome::Unknown { at, reason, counts } => Self {
                run_at: Some(at.as_millisecond()),
                failed: true,
                counts,
                reassert_at: reassert_at.max(owed),
                uncertain: true,
                reason: Some(reason),
                ..plain
            },
            Outcome::Parked { reason, uncertain, possible_double } => {
                Self { state: EntryState::Parked, uncertain, possible_double, reason: Some(reason), ..plain }
            }
            Outcome::Unsupported { reason } => {
                Self { state: EntryState::Unsupported, uncertain: found.uncertain, reason: Some(reason), ..plain }
            }
            Outcome::WaitingForIdentifier { at } => {
                Self { run_at: Some(at.as_millisecond()), for_identifier: true, ..plain }
            }
        }
    }

    /// A newer state waits: this one need not be said again.
    pub(super) fn give_way(&mut self) {
        self.state = if self.delivered_at.is_some() { EntryState::Delivered } else { EntryState::Superseded };
    }
}
