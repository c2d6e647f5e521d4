//! A socket of our page as stays: from *I'm ready* until it closes, until *Leave*, or until it sends its person to the
//! meeting. Whoever left and presses *I'm ready* again is there again.

use crate::ids::ParticipantId;
use crate::leg::Leg;
use crate::participant::Role;
use crate::stay::Span;
use crate::time::Timestamp;
use crate::visit::Visit;

/// The stays of one socket.
pub(crate) fn spans(visit: &Visit, who: &ParticipantId, leg: &Leg) -> Vec<Span> {
    let Some((first_ready, _)) = visit.evidence.ready.get(who).copied() else { return Vec::new() };
    let ended_by_us = visit.over_since().filter(|at| *at >= leg.first_seen);
    let handed_over =
        visit.evidence.handed_over.get(who).and_then(|times| times.range(leg.first_seen..).next()).copied();
    let sent_away = sent_away(visit, who).map(|at| at.max(leg.first_seen));
    let end = [leg.left, handed_over, ended_by_us, sent_away].into_iter().flatten().min();
    let mut spans = Vec::new();
    let mut ready = Some(first_ready);
    while let Some(at) = ready {
        let start = at.max(leg.first_seen);
        // A *Leave* before this socket opened, too, ends what was said before it.
        let left = visit.evidence.left_after(who, at);
        let over = [end, left].into_iter().flatten().min();
        spans.extend(Span::new(start, over));
        ready = left.and_then(|left| visit.evidence.ready_after(who, left));
    }
    spans
}

/// A guest who was sent away is not there any more, however long their page stays open; nor is a cancelled patient.
pub(crate) fn sent_away(visit: &Visit, who: &ParticipantId) -> Option<Timestamp> {
    match visit.participants.get(who).map(|person| &person.role) {
        Some(Role::Guest { revoked: Some(at), .. }) => Some(*at),
        _ => visit.withdrawn_at(who),
    }
}
