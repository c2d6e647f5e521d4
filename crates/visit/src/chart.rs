//! What the chart should now show of each person. Effects are differences to what was last asked for, so nothing is
//! ever asked for twice in a row. Who is to be alerted is elsewhere.

use serde::{Deserialize, Serialize};

use crate::alert;
use crate::arrival;
use crate::attribution::{self, Attribution};
use crate::awaited;
use crate::doubt::Doubt;
use crate::effect::Effect;
use crate::ids::ParticipantId;
use crate::participant::{Participant, Role};
use crate::plan::ConnectedAt;
use crate::presence::{self, Presence};
use crate::stay;
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

/// What the chart should show on `who`'s line, and since when; nothing while there is nothing to say. Guests have no
/// line, and whoever acts for a patient is on the patient's.
fn wanted(
    visit: &Visit,
    attribution: &Attribution,
    who: &ParticipantId,
    now: Timestamp,
) -> Option<(ChartStatus, Timestamp)> {
    match visit.participants.get(who)?.role {
        Role::Patient => match visit.policy.connected_at {
            ConnectedAt::Ready => since_ready(visit, attribution, who, now),
            ConnectedAt::Admitted => in_the_meeting(visit, attribution, &awaited::behind_the_line(visit, who), now),
        },
        Role::Practitioner { .. } => in_the_meeting(visit, attribution, &[who], now),
        Role::Proxy { .. } | Role::Guest { .. } => None,
    }
}

/// From *I'm ready* on. Somebody who is perhaps still there has not been seen to leave.
fn since_ready(
    visit: &Visit,
    attribution: &Attribution,
    patient: &ParticipantId,
    now: Timestamp,
) -> Option<(ChartStatus, Timestamp)> {
    let mut there = None;
    let mut left = None;
    for who in awaited::behind_the_line(visit, patient) {
        if arrival::of_one(visit, attribution, who, now).is_none() {
            continue;
        }
        match presence::of(visit, attribution, who, now) {
            Presence::Absent => {}
            Presence::Waiting { since, .. } | Presence::Connected { since } | Presence::Unclear { since } => {
                there = crate::time::earliest(there, Some(since));
            }
            Presence::Disconnected { at, .. } => left = left.max(Some(at)),
        }
    }
    let connected = there.map(|since| (ChartStatus::Connected, since));
    connected.or(left.map(|at| (ChartStatus::Disconnected, at)))
}

/// Only the meeting itself counts: for a clinician, and for a patient under a policy that counts from admission.
fn in_the_meeting(
    visit: &Visit,
    attribution: &Attribution,
    people: &[&ParticipantId],
    now: Timestamp,
) -> Option<(ChartStatus, Timestamp)> {
    let spans = people.iter().flat_map(|who| presence::spans(visit, attribution, who).in_call).collect();
    let last = stay::join(spans, visit.policy.grace).last().copied()?;
    match last.end {
        Some(end) if people.iter().all(|who| presence::gone_at(visit, who, end) <= now) => {
            Some((ChartStatus::Disconnected, end))
        }
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
        let behind = awaited::behind_the_line(visit, &who);
        let leaving = behind.into_iter().any(|one| presence::is_leaving(visit, &attribution, one, now));
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
    alert::settle(visit, &attribution, now, &mut effects);
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
