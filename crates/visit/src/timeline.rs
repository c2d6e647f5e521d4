//! What happened, in words a clinician reads. Derived from the evidence, so it corrects itself when news comes late.

use crate::Source;
use crate::attribution;
use crate::ids::ParticipantId;
use crate::participant::Role;
use crate::presence;
use crate::time::Timestamp;
use crate::visit::Visit;

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The meeting was made and is watched.
    MeetingCreated,
    /// A colleague began the visit, covering for its clinician.
    Covering,
    /// The patient is ready.
    Ready,
    /// A clinician pressed *Join*: the patient was called.
    Called,
    /// Somebody came into the meeting.
    Connected,
    /// Somebody left for good (so far).
    Disconnected,
    /// The clinician ended the visit.
    Ended,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimelineEntry {
    /// When it happened.
    pub at: Timestamp,
    /// What.
    pub what: What,
    /// Who; nobody for the visit as a whole.
    pub who: Option<ParticipantId>,
    /// Who saw it.
    pub source: Source,
}

impl Visit {
    /// Everything that happened up to `now`, newest first.
    pub fn timeline(&self, now: Timestamp) -> Vec<TimelineEntry> {
        let attribution = attribution::attribute(self);
        let mut lines = Vec::new();
        let mut line = |at, what, who: Option<&ParticipantId>, source| {
            lines.push(TimelineEntry { at, what, who: who.cloned(), source });
        };
        if let Some(at) = self.decisions.meeting_ready {
            line(at, What::MeetingCreated, None, Source::Relay);
        }
        for (who, person) in &self.participants {
            if let Role::Practitioner { covering: true, launched: Some(at), .. } = person.role {
                line(at, What::Covering, Some(who), Source::Companion);
            }
        }
        if let Some(arrival) = self.arrival(now) {
            line(arrival.at, What::Ready, self.patients().next(), arrival.source);
        }
        if let Some(called) = &self.decisions.called {
            line(called.at, What::Called, Some(&called.by), Source::Companion);
        }
        for who in self.participants.keys() {
            for span in presence::spans(self, &attribution, who).in_call {
                line(span.start, What::Connected, Some(who), Source::Roster);
                if let Some(end) = span.end.filter(|end| presence::gone_at(self, *end) <= now) {
                    line(end, What::Disconnected, Some(who), Source::Roster);
                }
            }
        }
        if let Some(ended) = &self.decisions.ended {
            line(ended.at, What::Ended, Some(&ended.by), Source::Companion);
        }
        lines.sort_by(|a, b| b.cmp(a));
        lines
    }
}
