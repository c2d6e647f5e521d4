//! Arrival: the earliest sign that the patient is there and ready, by (time, rank of the witness).

use serde::{Deserialize, Serialize};

use crate::Source;
use crate::attribution::Attribution;
use crate::ids::ParticipantId;
use crate::leg::Medium;
use crate::time::Timestamp;
use crate::visit::Visit;

/// When the patient arrived, and who saw it first.
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
    let opens = visit.opens_at();
    let is_patient = |who: &ParticipantId| visit.participants.get(who).is_some_and(|p| p.is_patient());
    let said = visit.evidence.ready.iter().filter(|(who, (at, _))| is_patient(who) && *at >= opens);
    let said = said.map(|(_, (at, source))| Arrival { at: *at, source: *source });
    let seen = visit.evidence.legs.iter().filter_map(|(id, leg)| {
        let who = attribution.get(id).filter(|who| is_patient(who))?;
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
    said.chain(seen).min()
}

impl Visit {
    /// When the patient arrived, as far as is known at `now`.
    pub fn arrival(&self, now: Timestamp) -> Option<Arrival> {
        of(self, &crate::attribution::attribute(self), now)
    }
}
