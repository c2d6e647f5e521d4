//! Leaving before being seen: a patient who waited, went away, and met no clinician. Told once for each such stay.

use crate::attribution::Attribution;
use crate::awaited::awaited;
use crate::ids::ParticipantId;
use crate::participant::Role;
use crate::presence;
use crate::stay::{self, Span};
use crate::time::{Millis, Timestamp};
use crate::unclear;
use crate::visit::Visit;

/// Somebody who left unseen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unseen {
    /// Who.
    pub(crate) who: ParticipantId,
    /// How long they had waited.
    pub(crate) waited: Millis,
    /// When they left.
    pub(crate) at: Timestamp,
}

/// Everybody's last stay that ended so by `now`. None where the visit was ended or called off before they left.
pub(crate) fn of(visit: &Visit, attribution: &Attribution, now: Timestamp) -> Vec<Unseen> {
    let over = visit.over_since();
    let seen: Vec<Span> =
        visit.practitioners().flat_map(|who| presence::spans(visit, attribution, who).in_call).collect();
    let unseen = |who: &ParticipantId| {
        let spans = presence::spans(visit, attribution, who);
        let last = spans.anywhere.last().copied()?;
        let at = spans.end().filter(|end| presence::gone_at(visit, who, *end) <= now)?;
        // Sent to the meeting and not seen since: on the way, not gone.
        let sent = unclear::outstanding_since(visit, attribution, who);
        if sent.is_some_and(|sent| sent >= last.start) {
            return None;
        }
        let stay = [Span { start: last.start, end: Some(at) }];
        let told_to_go = over.is_some_and(|over| over <= at);
        // While a clinician was in the meeting, somebody who was perhaps there may well have been seen.
        let was_seen = stay::first_overlap(&stay, &seen).is_some();
        (!told_to_go && !was_seen).then(|| Unseen { who: who.clone(), waited: at - last.start, at })
    };
    let patients = awaited(visit).into_iter().filter(|who| {
        visit.participants.get(*who).is_some_and(|it| matches!(it.role, Role::Patient | Role::Proxy { .. }))
    });
    patients.filter_map(unseen).collect()
}

impl Visit {
    /// How long somebody who left unseen had waited, and when they left.
    pub fn left_unseen(&self, who: &ParticipantId, now: Timestamp) -> Option<(Millis, Timestamp)> {
        let attribution = crate::attribution::attribute(self);
        of(self, &attribution, now).into_iter().find(|one| one.who == *who).map(|one| (one.waited, one.at))
    }
}
