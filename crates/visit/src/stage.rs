//! How far a visit is, in FHIR's Encounter words. Read off, never stored: the variants hold the facts they rest on.

use serde::{Deserialize, Serialize};

use crate::arrival::{self, Arrival};
use crate::attribution::{self, Attribution};
use crate::awaited::held_for;
use crate::closing::Closed;
use crate::ids::ParticipantId;
use crate::presence;
use crate::stay::{self, Span};
use crate::time::Timestamp;
use crate::visit::Visit;

/// FHIR `Encounter.status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "kebab-case")]
pub enum Stage {
    /// Nobody is there.
    Planned,
    /// The patient is there and ready.
    Arrived {
        /// The earliest evidence.
        arrival: Arrival,
    },
    /// Staff have roomed the patient.
    Triaged {
        /// The earliest evidence.
        arrival: Arrival,
        /// When staff roomed them.
        roomed_at: Timestamp,
    },
    /// Patient and clinician have been in the meeting at the same time.
    InProgress {
        /// The first such moment.
        since: Timestamp,
    },
    /// Over.
    Finished {
        /// When and why.
        closed: Closed,
    },
    /// Over, and the patient never came.
    Noshow {
        /// When and why.
        closed: Closed,
    },
    /// Called off in the EHR, before patient and clinician had met.
    Cancelled {
        /// When.
        at: Timestamp,
    },
}

impl Visit {
    /// How far the visit is at `now`.
    pub fn stage(&self, now: Timestamp) -> Stage {
        let attribution = attribution::attribute(self);
        let arrival = arrival::of(self, &attribution, now);
        let met = met_at(self, &attribution);
        // What took place has taken place, whatever the schedule says of it afterwards.
        if let (Some(at), None) = (self.decisions.cancelled, met) {
            return Stage::Cancelled { at };
        }
        if let Some(closed) = self.decisions.closed.clone() {
            return if arrival.is_some() { Stage::Finished { closed } } else { Stage::Noshow { closed } };
        }
        if let Some(since) = met {
            return Stage::InProgress { since };
        }
        match (arrival, self.evidence.roomed) {
            (Some(arrival), Some(roomed_at)) => Stage::Triaged { arrival, roomed_at },
            (Some(arrival), None) => Stage::Arrived { arrival },
            (None, _) => Stage::Planned,
        }
    }
}

impl Visit {
    /// The first moment at which patient and clinician were both in the meeting.
    pub fn met_at(&self) -> Option<Timestamp> {
        met_at(self, &attribution::attribute(self))
    }
}

/// The first moment at which somebody for whom it is held and a clinician, another person, were both in the meeting.
pub(crate) fn met_at(visit: &Visit, attribution: &Attribution) -> Option<Timestamp> {
    let in_call = |who: &ParticipantId| presence::spans(visit, attribution, who).in_call;
    let hosts: Vec<(&ParticipantId, Vec<Span>)> = visit.practitioners().map(|who| (who, in_call(who))).collect();
    let met = |who: &ParticipantId| {
        let theirs = in_call(who);
        let others = hosts.iter().filter(|(host, _)| *host != who);
        others.filter_map(|(_, spans)| stay::first_overlap(&theirs, spans)).min()
    };
    held_for(visit).into_iter().filter_map(met).min()
}
