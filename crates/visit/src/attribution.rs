//! Whose leg is it? Our page's legs are known; a tenant user is known by object id; a guest shows only a name they
//! can edit. A guest is the patient only when, at the moment they appeared, exactly one person whom our page had
//! handed over was still outstanding. Everybody else stays unattributed: shown, and never written to a chart.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{LegId, ParticipantId};
use crate::leg::{Identity, Medium};
use crate::time::{Millis, Timestamp};
use crate::visit::Visit;

/// Leg to participant; a leg that is missing is unattributed.
pub(crate) type Attribution = BTreeMap<LegId, ParticipantId>;

/// Reads the attribution off the evidence. A function of the set of legs, so the order of delivery does not matter.
pub(crate) fn attribute(visit: &Visit) -> Attribution {
    let mut found = Attribution::new();
    let mut guests = Vec::new();
    for (id, leg) in &visit.evidence.legs {
        match &leg.medium {
            Medium::Page(participant) => {
                found.insert(id.clone(), participant.clone());
            }
            Medium::Meeting(Identity::User(oid)) => {
                if let Some((participant, _)) = visit.participants.iter().find(|(_, p)| p.oid() == Some(oid)) {
                    found.insert(id.clone(), participant.clone());
                }
            }
            Medium::Meeting(Identity::Guest) => guests.push((leg.first_seen, id)),
            Medium::Meeting(Identity::Unknown) => {}
        }
    }
    guests.sort();
    let mut matched: BTreeMap<&ParticipantId, Match> = BTreeMap::new();
    for (at, id) in guests {
        let outstanding = |participant: &ParticipantId, handed_over: &BTreeSet<Timestamp>| {
            let Some(newest) = handed_over.range(..=at).next_back() else { return false };
            matched.get(participant).is_none_or(|earlier| earlier.lets_go(at, *newest, visit.policy.grace))
        };
        let mut candidates = visit.evidence.handed_over.iter().filter(|(who, when)| outstanding(who, when));
        if let (Some((only, _)), None) = (candidates.next(), candidates.next()) {
            let end = visit.evidence.legs.get(id).and_then(|leg| visit.evidence.end_of(leg));
            matched.insert(only, Match { start: at, end });
            found.insert(id.clone(), only.clone());
        }
    }
    found
}

/// The guest leg a handed-over person was last matched with.
struct Match {
    start: Timestamp,
    end: Option<Timestamp>,
}

impl Match {
    /// Is the person outstanding again at `at`? Our page handed them over anew and the old leg is over by then, or is
    /// found dead a moment later, or may be dead without Teams having noticed; or the leg dropped and this is the short
    /// gap of a reload. *Back to the meeting* often only brings Teams to the front, so while the old leg lives that counts
    /// for a moment: whoever turns up later, on a forwarded link perhaps, is not the patient.
    fn lets_go(&self, at: Timestamp, newest_handover: Timestamp, grace: Millis) -> bool {
        let anew = newest_handover > self.start;
        match self.end {
            Some(end) => (anew && end <= at + grace) || (end <= at && at <= end + grace),
            None => anew && at <= newest_handover + grace,
        }
    }
}
