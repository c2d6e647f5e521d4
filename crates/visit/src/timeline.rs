//! What happened, in words a clinician reads. Derived from the evidence, so it corrects itself when news comes late.

use crate::Source;
use crate::arrival;
use crate::attribution;
use crate::awaited::awaited;
use crate::ids::ParticipantId;
use crate::message::{Preset, Speaker};
use crate::participant::Role;
use crate::presence;
use crate::time::Timestamp;
use crate::unseen;
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
    /// The clinician took the end back.
    Undone,
    /// The appointment was cancelled in the EHR.
    Cancelled,
    /// Staff roomed the patient.
    Roomed,
    /// Left before any clinician saw them.
    LeftUnseen,
    /// A guest was invited.
    Invited,
    /// The invitation was taken back.
    Revoked,
    /// A clinician said who somebody is.
    Assigned,
    /// "Running late" was said.
    RunningLate,
    /// Another preset was said.
    Message,
    /// A preset was answered.
    Answered,
    /// Somebody asked for help.
    Help,
    /// Somebody took that on.
    HelpTaken,
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
            match person.role {
                Role::Practitioner { covering: true, launched: Some(at), .. } => {
                    line(at, What::Covering, Some(who), Source::Companion);
                }
                Role::Guest { invited, revoked, .. } => {
                    line(invited, What::Invited, Some(who), Source::Companion);
                    if let Some(at) = revoked {
                        line(at, What::Revoked, Some(who), Source::Companion);
                    }
                }
                Role::Practitioner { .. } | Role::Patient | Role::Proxy { .. } => {}
            }
        }
        for who in awaited(self) {
            if let Some(arrival) = arrival::of_one(self, &attribution, who, now) {
                line(arrival.at, What::Ready, Some(who), arrival.source);
            }
        }
        if let Some(at) = self.evidence.roomed {
            line(at, What::Roomed, None, Source::Staff);
        }
        self.said(&mut line);
        for left in unseen::of(self, &attribution, now) {
            line(left.at, What::LeftUnseen, Some(&left.who), Source::Relay);
        }
        if let Some(called) = &self.decisions.called {
            line(called.at, What::Called, Some(&called.by), Source::Companion);
        }
        for who in self.participants.keys() {
            for span in presence::spans(self, &attribution, who).in_call {
                line(span.start, What::Connected, Some(who), Source::Roster);
                if let Some(end) = span.end.filter(|end| presence::gone_at(self, who, *end) <= now) {
                    line(end, What::Disconnected, Some(who), Source::Roster);
                }
            }
        }
        if let Some(ended) = &self.decisions.ended {
            line(ended.at, What::Ended, Some(&ended.by), Source::Companion);
        }
        // What the EHR said first, even where it counts only from later on.
        if let Some(at) = self.decisions.called_off.or(self.decisions.cancelled) {
            line(at, What::Cancelled, None, Source::Ehr);
        }
        if let Some(at) = self.decisions.undone {
            line(at, What::Undone, None, Source::Companion);
        }
        for who in self.decisions.assigned.values() {
            // When it was said is not kept: it stands with the person's first sign in the meeting.
            let legs = self.decisions.assigned.iter().filter(|(_, assigned)| *assigned == who);
            let seen = legs.filter_map(|(leg, _)| self.evidence.legs.get(leg)).map(|leg| leg.first_seen).min();
            if let Some(at) = seen {
                line(at, What::Assigned, Some(who), Source::Companion);
            }
        }
        lines.sort_by(|a, b| b.cmp(a));
        lines
    }

    /// Messages, answers and requests for help.
    fn said(&self, line: &mut impl FnMut(Timestamp, What, Option<&ParticipantId>, Source)) {
        for message in self.messages() {
            let what = match message.preset {
                Preset::RunningLate(_) => What::RunningLate,
                _ => What::Message,
            };
            let (who, source) = match &message.by {
                Speaker::Clinician(who) => (Some(who), Source::Companion),
                Speaker::Staff => (None, Source::Staff),
            };
            line(message.at, what, who, source);
            for (who, (at, _)) in self.evidence.answers.get(&message.id).into_iter().flatten() {
                line(*at, What::Answered, Some(who), Source::VisitPage);
            }
        }
        for (who, at) in &self.evidence.help {
            line(*at, What::Help, Some(who), Source::VisitPage);
        }
        for (who, at) in &self.decisions.help_taken {
            line(*at, What::HelpTaken, Some(who), Source::Staff);
        }
    }
}
