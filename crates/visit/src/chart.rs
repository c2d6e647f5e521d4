//! What follows from a change: what the chart should now show of each person, and whether the arrival still wants
//! somebody's attention. Effects are differences to what was last asked for, so nothing is ever asked for twice in a row.

use serde::{Deserialize, Serialize};

use crate::attribution::{self, Attribution};
use crate::decisions::Told;
use crate::doubt::Doubt;
use crate::ids::ParticipantId;
use crate::participant::{Participant, Role};
use crate::plan::ConnectedAt;
use crate::presence::{self, Presence};
use crate::time::Timestamp;
use crate::visit::Visit;

/// What the chart shows of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChartStatus {
    /// There.
    Connected,
    /// No longer there.
    Disconnected,
}

/// What must happen because the visit changed. Written in the same transaction as the visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// "This participant of this visit is now connected": an intent, which each vendor's file knows how to say.
    WriteBack {
        /// Whom.
        participant: ParticipantId,
        /// What the chart should show.
        status: ChartStatus,
        /// When it became so, by the evidence.
        at: Timestamp,
        /// The chart may know already; it is said again since nobody can be sure (after a restore).
        again: bool,
    },
    /// Somebody waits and nobody has taken it on: tell the clinicians.
    RaiseAlert {
        /// Waiting since.
        since: Timestamp,
    },
    /// The alert has stood too long: tell the delegates as well.
    Escalate {
        /// Waiting since.
        since: Timestamp,
    },
    /// It is taken care of, or the patient has left: take the alert down everywhere.
    WithdrawAlert,
    /// The visit closed.
    Closed,
}

/// Whether an alert stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AlertMemory {
    /// When it was raised; nothing stands otherwise.
    pub(crate) raised: Option<Timestamp>,
    /// The delegates have been told because nobody took it on.
    pub(crate) escalated: bool,
}

/// What the chart should show of `who`, and since when; nothing while there is nothing to say.
fn wanted(
    visit: &Visit,
    attribution: &Attribution,
    who: &ParticipantId,
    now: Timestamp,
) -> Option<(ChartStatus, Timestamp)> {
    let participant = visit.participants.get(who)?;
    let waiting_counts = match participant.role {
        Role::Patient => {
            visit.policy.connected_at == ConnectedAt::Ready && crate::arrival::of(visit, attribution, now).is_some()
        }
        Role::Practitioner { .. } => false,
    };
    if waiting_counts {
        return match presence::of(visit, attribution, who, now) {
            Presence::Absent => None,
            Presence::Waiting { since, .. } | Presence::Connected { since } => Some((ChartStatus::Connected, since)),
            Presence::Disconnected { at, .. } => Some((ChartStatus::Disconnected, at)),
        };
    }
    // Only the meeting itself counts: for a clinician, and for a patient under a policy that counts from admission.
    let last = presence::spans(visit, attribution, who).in_call.last().copied()?;
    match last.end {
        Some(end) if presence::gone_at(visit, end) <= now => Some((ChartStatus::Disconnected, end)),
        _ => Some((ChartStatus::Connected, last.start)),
    }
}

/// Compares what should be with what was last asked for, remembers the new, and answers with the differences.
pub(crate) fn settle(visit: &mut Visit, now: Timestamp) -> Vec<Effect> {
    let attribution = attribution::attribute(visit);
    let mut effects = Vec::new();
    let everybody: Vec<ParticipantId> = visit.participants.keys().cloned().collect();
    for who in everybody {
        let wanted = wanted(visit, &attribution, &who, now);
        // Somebody who may only be gone for a moment is not said to be there again: in a moment it is plain.
        let leaving = presence::is_leaving(visit, &attribution, &who, now);
        let Some(participant) = visit.participants.get_mut(&who) else { continue };
        // Later evidence may take a presence back (it was somebody else): the chart must not go on showing it.
        let retracted = participant.told_chart.map(|_| (ChartStatus::Disconnected, now));
        if let Some((status, at)) = wanted.or(retracted)
            && worth_saying(participant, status, leaving)
        {
            let again = participant.told_chart == Some(status);
            participant.told_chart = Some(status);
            participant.doubt = None;
            effects.push(Effect::WriteBack { participant: who, status, at, again });
        }
    }
    let since = wants_attention(visit, &attribution, now);
    match (visit.alert.raised, since) {
        (None, Some(since)) => {
            visit.alert = AlertMemory { raised: Some(now), escalated: false };
            // Who was told of an earlier stay has not been told of this one.
            visit.decisions.told = Told::default();
            effects.push(Effect::RaiseAlert { since });
        }
        (Some(raised), Some(since)) if !visit.alert.escalated && raised + visit.policy.escalate_after <= now => {
            visit.alert.escalated = true;
            effects.push(Effect::Escalate { since });
        }
        (Some(_), None) => {
            visit.alert = AlertMemory::default();
            effects.push(Effect::WithdrawAlert);
        }
        _ => {}
    }
    effects
}

/// Whether the chart is to be told `status` now. In doubt, time alone is no witness: what it makes of old evidence may
/// long have been overtaken.
fn worth_saying(participant: &Participant, status: ChartStatus, leaving: bool) -> bool {
    match participant.doubt {
        None => participant.told_chart != Some(status),
        Some(Doubt::Since(_)) => false,
        Some(Doubt::Witnessed) => !leaving,
    }
}

/// True while a patient waits whom nobody has taken on.
pub(crate) fn patient_waits(visit: &Visit, now: Timestamp) -> bool {
    wants_attention(visit, &attribution::attribute(visit), now).is_some()
}

/// Since when a patient waits whom nobody has taken on. An acknowledgement covers the stay it was given in: a patient
/// who left and came back is news again.
fn wants_attention(visit: &Visit, attribution: &Attribution, now: Timestamp) -> Option<Timestamp> {
    let decisions = &visit.decisions;
    if decisions.ended.is_some() || decisions.cancelled.is_some() || decisions.closed.is_some() {
        return None;
    }
    let practitioner_inside = visit
        .practitioners()
        .any(|who| matches!(presence::of(visit, attribution, who, now), Presence::Connected { .. }));
    if practitioner_inside {
        return None;
    }
    crate::arrival::of(visit, attribution, now)?;
    let waiting = visit.patients().filter_map(|who| match presence::of(visit, attribution, who, now) {
        Presence::Waiting { since, .. } | Presence::Connected { since } => Some(since),
        Presence::Absent | Presence::Disconnected { .. } => None,
    });
    let since = waiting.min()?;
    let taken_on = decisions.acknowledged.as_ref().is_some_and(|acknowledged| acknowledged.at >= since);
    // *Join* is an intention: it counts for a while, and for good once the two have met in this stay.
    let called = decisions
        .called
        .as_ref()
        .is_some_and(|called| called.at >= since && now < called.at + visit.policy.call_patience);
    let met = crate::stage::met_at(visit, attribution).is_some_and(|met| met >= since);
    (!taken_on && !called && !met).then_some(since)
}
