//! Where somebody is, and since when, read off their legs. Holds the one rule about gaps: a short one is not a leave.

use serde::{Deserialize, Serialize};

use crate::Source;
use crate::attribution::Attribution;
use crate::ids::ParticipantId;
use crate::leg::{Leg, Medium};
use crate::page;
use crate::stay::{self, Span};
use crate::time::{Millis, Timestamp};
use crate::unclear::{self, Unclear};
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
    /// Went to the meeting, where people are whom nothing tells apart: perhaps there.
    Unclear {
        /// Start of the stay that nobody has seen the end of.
        since: Timestamp,
    },
}

/// One person's legs as spans.
pub(crate) struct Spans {
    /// In the meeting itself.
    pub(crate) in_call: Vec<Span>,
    /// In the meeting, its lobby, or ready on our page.
    pub(crate) anywhere: Vec<Span>,
    /// Perhaps there, after the last of those.
    pub(crate) unclear: Unclear,
    /// Which witness stands behind the newest beginning, and so behind a wait.
    newest: Source,
    /// Which witness stands behind the last end.
    last: Source,
}

impl Spans {
    /// When the last stay ended; nothing while it lasts, perhaps lasts, or never began.
    pub(crate) fn end(&self) -> Option<Timestamp> {
        match self.unclear.anywhere {
            Some(unclear) => unclear.end,
            None => self.anywhere.last()?.end,
        }
    }

    /// In the meeting, certainly or perhaps.
    pub(crate) fn maybe_in_call(&self) -> Vec<Span> {
        self.in_call.iter().chain(&self.unclear.in_call).copied().collect()
    }
}

/// Reads one person's spans. A page counts from *I'm ready* (a device test is no arrival), and a page that has since
/// handed its person over to the meeting no longer says where they are.
pub(crate) fn spans(visit: &Visit, attribution: &Attribution, who: &ParticipantId) -> Spans {
    let (in_call, anywhere) = (Vec::new(), Vec::new());
    let (newest, last) = (Source::VisitPage, Source::VisitPage);
    let mut spans = Spans { in_call, anywhere, unclear: Unclear::default(), newest, last };
    let (mut newest_seen, mut last_seen) = (None, None);
    for (_, leg) in visit.evidence.legs.iter().filter(|(id, _)| attribution.get(*id) == Some(who)) {
        let (stays, source) = match leg.medium {
            Medium::Page(_) => (page::spans(visit, who, leg), Source::VisitPage),
            Medium::Meeting(_) => {
                (Span::new(leg.first_seen, visit.evidence.end_of(leg)).into_iter().collect(), Source::Roster)
            }
        };
        for span in stays {
            spans.anywhere.push(span);
            if newest_seen.is_none_or(|seen| seen <= span.start) {
                newest_seen = Some(span.start);
                spans.newest = source;
            }
            if last_seen.is_none_or(|seen| Some(seen) <= span.end) {
                last_seen = span.end;
                spans.last = source;
            }
            if let Some(in_call) = leg.in_call.and_then(|at| Span::new(at, span.end)) {
                spans.in_call.push(in_call);
            }
        }
    }
    let grace = visit.policy.grace;
    spans.in_call = stay::join(spans.in_call, grace);
    spans.anywhere = stay::join(spans.anywhere, grace);
    if let Some(end) = spans.anywhere.last().and_then(|last| last.end) {
        spans.unclear = unclear::of(visit, attribution, who, end);
    }
    spans
}

/// Where `who` is at `now`.
pub(crate) fn of(visit: &Visit, attribution: &Attribution, who: &ParticipantId, now: Timestamp) -> Presence {
    let spans = spans(visit, attribution, who);
    let Some(last) = spans.anywhere.last().copied() else {
        return match visit.evidence.ready.get(who) {
            // Ready by the word of a witness that has no legs: the EHR's `arrived`, staff, or a page whose socket failed.
            Some((since, source)) if visit.over_since().is_none() && !visit.is_withdrawn(who) => {
                match visit.evidence.left_for_good(who) {
                    Some(at) => Presence::Disconnected { at, source: Source::VisitPage },
                    None => Presence::Waiting { since: *since, source: *source },
                }
            }
            Some((_, _)) | None => Presence::Absent,
        };
    };
    if let Some(end) = spans.end()
        && gone_at(visit, who, end) <= now
    {
        let source = if spans.unclear.anywhere.is_some() { Source::Roster } else { spans.last };
        return Presence::Disconnected { at: end, source };
    }
    if spans.unclear.anywhere.is_some() {
        return Presence::Unclear { since: last.start };
    }
    match spans.in_call.last() {
        Some(in_call) if in_call.end.is_none() || in_call.end == last.end => {
            Presence::Connected { since: in_call.start }
        }
        _ => Presence::Waiting { since: last.start, source: spans.newest },
    }
}

impl Visit {
    /// True if they pressed *Leave* and have not been ready again since.
    pub fn has_left(&self, who: &ParticipantId) -> bool {
        self.evidence.left_for_good(who).is_some()
    }
}

/// True while a leg of the meeting that is theirs for certain lasts: in it, or in its lobby.
pub(crate) fn is_in_lobby_or_meeting(visit: &Visit, attribution: &Attribution, who: &ParticipantId) -> bool {
    let theirs = visit.evidence.legs.iter().filter(|(id, _)| attribution.get(*id) == Some(who));
    let lasting = |leg: &Leg| matches!(leg.medium, Medium::Meeting(_)) && visit.evidence.end_of(leg).is_none();
    theirs.into_iter().any(|(_, leg)| lasting(leg))
}

/// True while the last stay has ended but may go on: the grace period is running.
pub(crate) fn is_leaving(visit: &Visit, attribution: &Attribution, who: &ParticipantId, now: Timestamp) -> bool {
    spans(visit, attribution, who).end().is_some_and(|end| gone_at(visit, who, end) > now)
}

/// How long somebody whom our page has sent to the meeting may be on the way: opening Teams, giving a name, and waiting in a
/// lobby of which Teams may tell nobody. That they have left would be invented any earlier.
pub(crate) const ON_THE_WAY: Millis = Millis::minutes(10);

/// From when a span of `who` that ended at `end` counts as a leave: after the grace period, or after the way to the meeting;
/// at once when they said so, were sent away, the call as a whole has ended or the visit was ended or called off.
pub(crate) fn gone_at(visit: &Visit, who: &ParticipantId, end: Timestamp) -> Timestamp {
    let call_end = visit.evidence.call_ended.range(end..).next().copied();
    let visit_end = visit.over_since().map(|over| over.max(end));
    let said_so = visit.evidence.left.get(who).and_then(|times| times.range(end..).next()).copied();
    let sent_away = page::sent_away(visit, who).filter(|at| *at > end);
    [Some(reach(visit, who, end)), call_end, visit_end, said_so, sent_away].into_iter().flatten().min().unwrap_or(end)
}

/// Until when after the end of a stay `who` may still turn up: for long where our page has sent them to the meeting since, or
/// a moment before its own end was noticed.
pub(crate) fn reach(visit: &Visit, who: &ParticipantId, end: Timestamp) -> Timestamp {
    let gap = end + visit.policy.grace;
    let sent = visit.evidence.handed_over.get(who).and_then(|times| times.range(end..=gap).next_back());
    sent.map_or(gap, |at| gap.max(*at + ON_THE_WAY))
}
