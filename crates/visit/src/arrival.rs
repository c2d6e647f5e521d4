//! Arrival: the earliest sign that somebody who is awaited is there and ready, by (time, rank of the witness).

use serde::{Deserialize, Serialize};

use crate::Source;
use crate::attribution::Attribution;
use crate::awaited::awaited;
use crate::ids::ParticipantId;
use crate::leg::Medium;
use crate::participant::Role;
use crate::time::Timestamp;
use crate::visit::Visit;

/// When they arrived, and who saw it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Arrival {
    /// When it happened.
    pub at: Timestamp,
    /// Who saw it.
    pub source: Source,
}

/// The earliest evidence inside the early-join window. Somebody who came before the window and is still there when it
/// opens arrives at that moment.
pub(crate) fn of(visit: &Visit, attribution: &Attribution, now: Timestamp) -> Option<Arrival> {
    awaited(visit).into_iter().filter_map(|who| of_one(visit, attribution, who, now)).min()
}

/// The same of one person.
pub(crate) fn of_one(visit: &Visit, attribution: &Attribution, who: &ParticipantId, now: Timestamp) -> Option<Arrival> {
    let opens = visit.opens_at();
    let said = visit.evidence.ready.get(who).filter(|(at, _)| *at >= opens);
    let said = said.map(|(at, source)| Arrival { at: *at, source: *source });
    let seen = visit.evidence.legs.iter().filter(|(id, _)| attribution.get(*id) == Some(who));
    let seen = seen.filter_map(|(_, leg)| {
        let start = match leg.medium {
            // Opening the page, or testing devices on it, is no arrival; being ready on it is.
            Medium::Page(_) => visit.evidence.ready.get(who)?.0.max(leg.first_seen),
            Medium::Meeting(_) => leg.first_seen,
        };
        let source = match leg.medium {
            Medium::Page(_) => Source::VisitPage,
            Medium::Meeting(_) => Source::Roster,
        };
        let still_there = opens <= now && visit.evidence.end_of(leg).is_none_or(|end| end > opens);
        (start >= opens || still_there).then_some(Arrival { at: start.max(opens), source })
    });
    said.into_iter().chain(seen).min()
}

impl Visit {
    /// True once a patient, or somebody who acts for them, has arrived.
    pub fn has_arrived(&self, patient: &ParticipantId, now: Timestamp) -> bool {
        let attribution = crate::attribution::attribute(self);
        let acts = |who: &ParticipantId| {
            let role = self.participants.get(who).map(|it| &it.role);
            who == patient || matches!(role, Some(Role::Proxy { of }) if of == patient)
        };
        self.participants.keys().any(|who| acts(who) && of_one(self, &attribution, who, now).is_some())
    }

    /// When this one arrived, whoever else did.
    pub fn arrival_of(&self, who: &ParticipantId, now: Timestamp) -> Option<Arrival> {
        of_one(self, &crate::attribution::attribute(self), who, now)
    }

    /// When the patient arrived, as far as is known at `now`.
    pub fn arrival(&self, now: Timestamp) -> Option<Arrival> {
        of(self, &crate::attribution::attribute(self), now)
    }
}
