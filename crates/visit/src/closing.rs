//! When a visit is over for good: the clinician ended it and everybody is out, the call ended and stayed quiet, or
//! two hours have passed since its planned end. What could not be seen is named `unverified`, never invented.

use serde::{Deserialize, Serialize};

use crate::attribution::{self, Attribution};
use crate::called_off;
use crate::ids::ParticipantId;
use crate::leg::LegState;
use crate::participant::Role;
use crate::plan::AlertOn;
use crate::presence::{self, Presence};
use crate::stage::met_at;
use crate::time::{Millis, Timestamp};
use crate::visit::Visit;

/// Why it closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CloseReason {
    /// The clinician ended it.
    Ended,
    /// The call ended, clinician and patient had met, and nobody came back.
    CallEnded,
    /// Nothing closed it until long after its planned end.
    TimedOut,
    /// The appointment was cancelled.
    Cancelled,
}

/// The visit is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: CloseReason,
    /// Whose leaving nobody saw.
    pub unverified: Vec<ParticipantId>,
}

/// Closes the visit if it is time.
pub(crate) fn close(visit: &Visit, now: Timestamp) -> Option<Closed> {
    if visit.is_closed() {
        return None;
    }
    let attribution = attribution::attribute(visit);
    let inside = inside(visit, &attribution, now);
    // Whoever nothing ties to anyone is a person all the same.
    let strangers = visit.unattributed().iter().any(|(_, state, _)| *state != LegState::Left);
    let nobody_inside = inside.is_empty() && !strangers;
    let reason = if visit.decisions.cancelled.is_some() && nobody_inside {
        CloseReason::Cancelled
    } else if visit.decisions.ended.is_some() && nobody_inside {
        CloseReason::Ended
    } else if nobody_inside
        && quiet_since(visit, &attribution).is_some_and(|since| since + visit.policy.quiet_close <= now)
    {
        CloseReason::CallEnded
    } else if latest(visit, &attribution, now) <= now {
        CloseReason::TimedOut
    } else {
        return None;
    };
    Some(Closed { at: now, reason, unverified: inside })
}

/// Who is still there.
fn inside(visit: &Visit, attribution: &Attribution, now: Timestamp) -> Vec<ParticipantId> {
    let is_inside = |who: &&ParticipantId| {
        matches!(
            presence::of(visit, attribution, who, now),
            Presence::Waiting { .. } | Presence::Connected { .. } | Presence::Unclear { .. }
        )
    };
    visit.participants.keys().filter(is_inside).cloned().collect()
}

/// Since when nobody is left after a call in which clinician and patient met.
fn quiet_since(visit: &Visit, attribution: &Attribution) -> Option<Timestamp> {
    met_at(visit, attribution)?;
    let call_ended = visit.evidence.call_ended.last().copied()?;
    let last_seen = visit.participants.keys().filter_map(|who| presence::spans(visit, attribution, who).end());
    Some(last_seen.chain(visit.decisions.reopened).fold(call_ended, Timestamp::max))
}

/// When the visit closes in any case: long after its planned end or, if it began late, after the last sign of anybody.
/// While a clinician is in the meeting, or somebody who may be one, it takes a day: closing would leave their leaving unseen.
fn latest(visit: &Visit, attribution: &Attribution, now: Timestamp) -> Timestamp {
    let launched = visit.participants.values().filter_map(|person| match person.role {
        Role::Practitioner { launched, .. } => launched,
        Role::Patient | Role::Proxy { .. } | Role::Guest { .. } => None,
    });
    let legs = visit.evidence.legs.values().map(|leg| leg.first_seen);
    let ready = visit.evidence.ready.values().map(|(at, _)| *at);
    let last_sign =
        launched.chain(legs).chain(ready).chain(visit.decisions.reopened).fold(visit.plan.end, Timestamp::max);
    let held = called_off::is_held(visit, attribution, now);
    last_sign + if held { visit.policy.latest_close.max(Millis::minutes(24 * 60)) } else { visit.policy.latest_close }
}

impl Visit {
    /// The next moment at which time alone changes something; `None` once the visit is closed.
    pub fn next_timer(&self, now: Timestamp) -> Option<Timestamp> {
        if self.is_closed() {
            return None;
        }
        let attribution = attribution::attribute(self);
        let leaves = self.participants.keys().filter_map(|who| {
            let end = presence::spans(self, &attribution, who).end()?;
            Some(presence::gone_at(self, who, end))
        });
        let quiet = quiet_since(self, &attribution).map(|since| since + self.policy.quiet_close);
        let called = self.decisions.called.as_ref().map(|called| called.at + self.policy.call_patience);
        let on_the_way = called_off::waits_until(self, &attribution, now);
        let escalation = self.alert.raised.filter(|_| !self.alert.escalated).map(|at| at + self.policy.escalate_after);
        // Where staff room first, a wait that nobody rooms is news by time alone.
        let unroomed = self.policy.alert_on == AlertOn::Triaged && self.evidence.roomed.is_none();
        let waits = self.participants.keys().filter(|_| unroomed).filter_map(|who| {
            match presence::of(self, &attribution, who, now) {
                Presence::Waiting { since, .. } => Some(since + self.policy.escalate_after),
                _ => None,
            }
        });
        let turn = self.next_turn(&attribution, now);
        let soon = leaves
            .chain(quiet)
            .chain(called)
            .chain(on_the_way)
            .chain(escalation)
            .chain(turn)
            .chain(waits)
            .chain([self.opens_at()])
            .filter(|at| *at > now);
        soon.chain([latest(self, &attribution, now)]).min()
    }
}
