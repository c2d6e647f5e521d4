//! Perhaps there: somebody whom our page sent to the meeting while people are in it whom nothing tells apart. Saying
//! that they have left would be invented, so nothing is said until the last of those people is gone.

use crate::attribution::Attribution;
use crate::ids::{LegId, ParticipantId};
use crate::leg::{Identity, Leg, Medium};
use crate::presence;
use crate::stay::Span;
use crate::time::Timestamp;
use crate::visit::Visit;

/// When somebody whose last certain stay ended at `since` may still have been in the meeting, and when they may have
/// been past its lobby.
#[derive(Debug, Default)]
pub(crate) struct Unclear {
    /// From the end of the certain stay on; `None` where nothing is unclear.
    pub(crate) anywhere: Option<Span>,
    /// The legs that may be theirs, as far as they were in the meeting itself.
    pub(crate) in_call: Vec<Span>,
}

/// Reads it off the legs that are nobody's and appeared after the hand-over, each no later than a short gap after the
/// last sign: a stranger who turns up long after is somebody else.
pub(crate) fn of(visit: &Visit, attribution: &Attribution, who: &ParticipantId, since: Timestamp) -> Unclear {
    let none = Unclear::default();
    let Some(handed_over) = outstanding_since(visit, attribution, who) else { return none };
    let mut legs: Vec<&Leg> =
        visit.evidence.legs.iter().filter(|it| may_be(visit, attribution, who, it)).map(|(_, leg)| leg).collect();
    legs.retain(|leg| leg.first_seen >= handed_over);
    legs.sort_by_key(|leg| leg.first_seen);
    let mut end = Some(since);
    let mut unclear = none;
    for leg in legs {
        if end.is_some_and(|end| leg.first_seen > presence::reach(visit, who, end)) {
            break;
        }
        let left = visit.evidence.end_of(leg);
        end = end.zip(left).map(|(end, left)| end.max(left));
        unclear.anywhere = Span::new(since, end);
        unclear.in_call.extend(leg.in_call.and_then(|at| Span::new(at, left)));
    }
    unclear
}

/// Since when `who` has been on the way: the first hand-over after the last leg that is theirs for certain. Handing them
/// over again makes the way no younger.
pub(crate) fn outstanding_since(visit: &Visit, attribution: &Attribution, who: &ParticipantId) -> Option<Timestamp> {
    let handed_over = visit.evidence.handed_over.get(who)?;
    let theirs = visit.evidence.legs.iter().filter(|(id, _)| attribution.get(*id) == Some(who));
    let mut ends =
        theirs.filter(|(_, leg)| matches!(leg.medium, Medium::Meeting(_))).map(|(_, leg)| visit.evidence.end_of(leg));
    let last_end = ends.try_fold(None, |last: Option<Timestamp>, end| Some(last.max(Some(end?))))?;
    handed_over.iter().copied().find(|at| last_end.is_none_or(|end| *at > end))
}

/// A guest's leg that is nobody's: and, if a clinician has said whose it is, nobody else's.
fn may_be(visit: &Visit, attribution: &Attribution, who: &ParticipantId, (id, leg): &(&LegId, &Leg)) -> bool {
    matches!(leg.medium, Medium::Meeting(Identity::Guest))
        && !attribution.contains_key(*id)
        && visit.decisions.assigned.get(*id).is_none_or(|assigned| assigned == who)
}
