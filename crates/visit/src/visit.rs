//! The visit itself: its plan, its people, what was seen and what was decided. Everything else is read off these.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::alert::{AlertMemory, OnceMemory};
use crate::decisions::Decisions;
use crate::evidence::Evidence;
use crate::ids::{LegId, Oid, ParticipantId};
use crate::leg::{Identity, LegState, Medium};
use crate::participant::Participant;
use crate::plan::{Plan, Policy};
use crate::presence::{self, Presence};
use crate::time::Timestamp;

/// A visit. Serialized whole, sealed by the relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    pub(crate) plan: Plan,
    pub(crate) policy: Policy,
    pub(crate) participants: BTreeMap<ParticipantId, Participant>,
    pub(crate) evidence: Evidence,
    pub(crate) decisions: Decisions,
    pub(crate) alert: AlertMemory,
    /// Events that came after the close: counted, nothing more.
    pub(crate) late_events: u32,
    /// The visit came out of a backup then, and no witness has said anything since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) in_doubt: Option<Timestamp>,
    /// What people were told once.
    #[serde(default, skip_serializing_if = "OnceMemory::is_empty")]
    pub(crate) once: OnceMemory,
}

impl Visit {
    /// A visit nobody has come to yet.
    pub fn open(
        plan: Plan,
        policy: Policy,
        participants: impl IntoIterator<Item = (ParticipantId, Participant)>,
    ) -> Self {
        Self {
            plan,
            policy,
            participants: participants.into_iter().collect(),
            evidence: Evidence::default(),
            decisions: Decisions::default(),
            alert: AlertMemory::default(),
            late_events: 0,
            in_doubt: None,
            once: OnceMemory::default(),
        }
    }

    /// Planned times.
    pub fn plan(&self) -> Plan {
        self.plan
    }

    /// The policy the visit was opened under.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Everybody we know.
    pub fn participants(&self) -> impl Iterator<Item = (&ParticipantId, &Participant)> {
        self.participants.iter()
    }

    /// One of them.
    pub fn participant(&self, id: &ParticipantId) -> Option<&Participant> {
        self.participants.get(id)
    }

    /// The clinician with this object id.
    pub fn practitioner(&self, oid: &Oid) -> Option<(&ParticipantId, &Participant)> {
        self.participants.iter().find(|(_, participant)| participant.oid() == Some(oid))
    }

    /// What people decided.
    pub fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// True once the visit is over for good.
    pub fn is_closed(&self) -> bool {
        self.decisions.closed.is_some()
    }

    /// True once the visit was ended, called off or closed: nobody is to be alerted of it.
    pub(crate) fn is_over(&self) -> bool {
        self.over_since().is_some() || self.is_closed()
    }

    /// Until when *End for all* can be taken back; nothing where there is nothing to take back.
    pub fn undo_until(&self) -> Option<Timestamp> {
        self.decisions.ended.as_ref().map(|ended| ended.at + self.policy.undo)
    }

    /// True while the visit was ended or called off and somebody is still inside.
    pub fn is_closing(&self) -> bool {
        self.over_since().is_some() && !self.is_closed()
    }

    /// True while all that is known comes out of a backup: what time alone makes of it is told to nobody outside.
    pub fn is_in_doubt(&self) -> bool {
        self.in_doubt.is_some()
    }

    /// True once an alert has stood so long that the delegates were told as well.
    pub fn alert_escalated(&self) -> bool {
        self.alert.escalated
    }

    /// True while the arrival wants somebody's attention.
    pub fn alert_stands(&self) -> bool {
        self.alert.raised.is_some()
    }

    /// True while somebody, known or not, is in the meeting or in its lobby.
    pub fn is_met_in(&self) -> bool {
        self.evidence.inside().next().is_some()
    }

    /// Where somebody is at `now`: by the evidence or, for people only, by a clinician who says whose a leg is.
    pub fn presence(&self, id: &ParticipantId, now: Timestamp) -> Presence {
        let assigned = self.decisions.assigned.iter().filter(|(_, who)| *who == id);
        let lasting = assigned.filter_map(|(leg, _)| self.evidence.legs.get(leg));
        let inside = lasting.filter(|leg| self.evidence.end_of(leg).is_none());
        if let Some(leg) = inside.min_by_key(|leg| (leg.in_call.is_none(), leg.in_call, leg.first_seen)) {
            return match leg.in_call {
                Some(since) => Presence::Connected { since },
                None => Presence::Waiting { since: leg.first_seen, source: crate::Source::Companion },
            };
        }
        presence::of(self, &crate::attribution::attribute(self), id, now)
    }

    /// When staff roomed the patient.
    pub fn roomed_at(&self) -> Option<Timestamp> {
        self.evidence.roomed
    }

    /// People in the meeting or its lobby whom nothing ties to anyone we know, with the time they were first seen.
    pub fn unattributed(&self) -> Vec<(LegId, LegState, Timestamp)> {
        let attribution = crate::attribution::attribute(self);
        let stranger = |leg: &crate::leg::Leg| matches!(&leg.medium, Medium::Meeting(who) if *who != Identity::Unknown);
        self.evidence
            .legs
            .iter()
            .filter(|(id, leg)| !attribution.contains_key(*id) && stranger(leg))
            .map(|(id, leg)| {
                let state = match (self.evidence.end_of(leg), leg.in_call) {
                    (Some(_), _) => LegState::Left,
                    (None, Some(_)) => LegState::InCall,
                    (None, None) => LegState::Waiting,
                };
                (id.clone(), state, leg.first_seen)
            })
            .collect()
    }

    /// Sockets of our page that nobody has said are closed: after a restart the relay closes those it lost.
    pub fn open_pages(&self) -> Vec<(ParticipantId, LegId)> {
        let page = |(id, leg): (&LegId, &crate::leg::Leg)| match &leg.medium {
            Medium::Page(who) if leg.left.is_none() => Some((who.clone(), id.clone())),
            _ => None,
        };
        self.evidence.legs.iter().filter_map(page).collect()
    }

    /// True if this person has said that they are ready.
    pub fn is_ready(&self, who: &ParticipantId) -> bool {
        self.evidence.ready.contains_key(who)
    }

    /// The patients, in the order of their ids.
    pub fn patients(&self) -> impl Iterator<Item = &ParticipantId> {
        self.participants.iter().filter(|(_, participant)| participant.is_patient()).map(|(id, _)| id)
    }

    /// The clinicians.
    pub(crate) fn practitioners(&self) -> impl Iterator<Item = &ParticipantId> {
        self.participants.iter().filter(|(_, participant)| participant.is_practitioner()).map(|(id, _)| id)
    }

    /// Until when it is not closed for having been forgotten: what a guest's link is good for.
    pub fn open_until(&self) -> Timestamp {
        self.plan.end + self.policy.latest_close
    }

    /// True while somebody may still come: not ended, not called off.
    pub fn is_open(&self) -> bool {
        !self.is_over()
    }

    /// From when somebody can arrive.
    pub fn opens_at(&self) -> Timestamp {
        self.plan.start - self.policy.early_join
    }
}
