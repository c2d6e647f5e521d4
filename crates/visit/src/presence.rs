//! Where somebody is, and since when, read off their legs. Holds the one rule about gaps: a short one is not a leave.

use serde::{Deserialize, Serialize};

use crate::Source;
use crate::attribution::Attribution;
use crate::ids::ParticipantId;
use crate::leg::{Leg, Medium};
use crate::stay::{self, Span};
use crate::time::Timestamp;
use crate::visit::Visit;

/// Where somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "presence", rename_all = "kebab-case")]
pub enum Presence {
    /// Not seen yet.
    Absent,
    /// Ready on our page, or in the lobby.
    Waiting {
        /// Start of this stay.
        since: Timestamp,
        /// Who says so.
        source: Source,
    },
    /// In the meeting.
    Connected {
        /// Start of this stay in the meeting.
        since: Timestamp,
    },
    /// Was there, and left.
    Disconnected {
        /// When.
        at: Timestamp,
        /// Who says so.
        source: Source,
    },
}

/// One person's legs as spans.
pub(crate) struct Spans {
    /// In the meeting itself.
    pub(crate) in_call: Vec<Span>,
    /// In the meeting, its lobby, or ready on our page.
    pub(crate) anywhere: Vec<Span>,
    /// Which witness stands behind the newest end, and behind a wait.
    newest: Source,
}

/// Reads one person's spans. A page counts from *I'm ready* (a device test is no arrival), and a page that has since
/// handed its person over to the meeting no longer says where they are.
pub(crate) fn spans(visit: &Visit, attribution: &Attribution, who: &ParticipantId) -> Spans {
    let ready = visit.evidence.ready.get(who).map(|(at, _)| *at);
    let mut spans = Spans { in_call: Vec::new(), anywhere: Vec::new(), newest: Source::VisitPage };
    let mut newest_seen = None;
    for (id, leg) in visit.evidence.legs.iter().filter(|(id, _)| attribution.get(*id) == Some(who)) {
        debug_assert!(attribution.contains_key(id));
        let (span, source) = match leg.medium {
            Medium::Page(_) => (page_span(visit, who, leg, ready), Source::VisitPage),
            Medium::Meeting(_) => (Span::new(leg.first_seen, visit.evidence.end_of(leg)), Source::Roster),
        };
        let Some(span) = span else { continue };
        spans.anywhere.push(span);
        if newest_seen.is_none_or(|seen| seen <= span.start) {
            newest_seen = Some(span.start);
            spans.newest = source;
        }
        if let Some(in_call) = leg.in_call.and_then(|at| Span::new(at, span.end)) {
            spans.in_call.push(in_call);
        }
    }
    let grace = visit.policy.grace;
    spans.in_call = stay::join(spans.in_call, grace);
    spans.anywhere = stay::join(spans.anywhere, grace);
    spans
}

fn page_span(visit: &Visit, who: &ParticipantId, leg: &Leg, ready: Option<Timestamp>) -> Option<Span> {
    let ended_by_us = visit.decisions.ended.as_ref().map(|ended| ended.at).filter(|at| *at >= leg.first_seen);
    let handed_over =
        visit.evidence.handed_over.get(who).and_then(|times| times.range(leg.first_seen..).next()).copied();
    let end = [leg.left, handed_over, ended_by_us].into_iter().flatten().min();
    Span::new(leg.first_seen.max(ready?), end)
}

/// Where `who` is at `now`.
pub(crate) fn of(visit: &Visit, attribution: &Attribution, who: &ParticipantId, now: Timestamp) -> Presence {
    let spans = spans(visit, attribution, who);
    let Some(last) = spans.anywhere.last().copied() else {
        return match visit.evidence.ready.get(who) {
            // Ready by the word of a witness that has no legs: the EHR's `arrived`, staff, or a page whose socket failed.
            Some((since, source)) if visit.decisions.ended.is_none() => {
                Presence::Waiting { since: *since, source: *source }
            }
            Some((_, _)) | None => Presence::Absent,
        };
    };
    if let Some(end) = last.end
        && gone_at(visit, end) <= now
    {
        return Presence::Disconnected { at: end, source: spans.newest };
    }
    match spans.in_call.last() {
        Some(in_call) if in_call.end.is_none() || in_call.end == last.end => {
            Presence::Connected { since: in_call.start }
        }
        _ => Presence::Waiting { since: last.start, source: spans.newest },
    }
}

/// True while the last stay has ended but may go on: the grace period is running.
pub(crate) fn is_leaving(visit: &Visit, attribution: &Attribution, who: &ParticipantId, now: Timestamp) -> bool {
    let end = spans(visit, attribution, who).anywhere.last().and_then(|last| last.end);
    end.is_some_and(|end| gone_at(visit, end) > now)
}

/// From when a span that ended at `end` counts as a leave: after the grace period, at once when the call as a whole
/// has ended or the clinician has ended the visit.
pub(crate) fn gone_at(visit: &Visit, end: Timestamp) -> Timestamp {
    let call_end = visit.evidence.call_ended.range(end..).next().copied();
    let visit_end = visit.decisions.ended.as_ref().map(|ended| ended.at.max(end));
    [Some(end + visit.policy.grace), call_end, visit_end].into_iter().flatten().min().unwrap_or(end)
}
