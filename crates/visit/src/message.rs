//! What staff, clinicians and patients say to each other in presets: no free text, so nothing clinical can be in it.
//! The words of each preset are the pages' part.

use serde::{Deserialize, Serialize};

use crate::ids::ParticipantId;
use crate::time::{Millis, Timestamp};
use crate::visit::Visit;

/// More messages than a visit sees; beyond it the oldest go.
pub(crate) const MOST_MESSAGES: usize = 40;

/// A message's id, unique within its visit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(String);

impl MessageId {
    /// From its text.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// "We are running late", by so much.
    RunningLate(Millis),
    /// "We will be with you in a moment."
    AlmostReady,
    /// "Please stay on this page."
    PleaseStay,
    /// "Please check that your sound is on."
    CheckSound,
    /// "Please check your camera."
    CheckCamera,
    /// "We will call you on the phone."
    WeWillPhone,
    /// "Please come back to this page and press I'm ready."
    PleaseReturn,
}

/// What can be answered. Ordered, so that two answers of one moment end in the same one, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// "OK."
    Ok,
    /// "It works now."
    Done,
    /// "I can wait."
    CanWait,
    /// "I cannot wait."
    CannotWait,
    /// "I need help."
    NeedHelp,
}

impl Preset {
    /// What may be answered.
    pub fn answers(self) -> &'static [Answer] {
        match self {
            Self::RunningLate(_) => &[Answer::CanWait, Answer::CannotWait],
            Self::AlmostReady | Self::PleaseStay | Self::WeWillPhone => &[Answer::Ok, Answer::NeedHelp],
            Self::CheckSound | Self::CheckCamera | Self::PleaseReturn => &[Answer::Done, Answer::NeedHelp],
        }
    }
}

/// Who says something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Speaker {
    /// A clinician of the visit, from the companion.
    Clinician(ParticipantId),
    /// Somebody at the front desk.
    Staff,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Unique within the visit.
    pub id: MessageId,
    /// When it was said.
    pub at: Timestamp,
    /// By whom.
    pub by: Speaker,
    /// To whom; to everybody who waits where nobody is named.
    pub to: Option<ParticipantId>,
    /// What.
    pub preset: Preset,
}

impl Visit {
    /// What was said, oldest first.
    pub fn messages(&self) -> &[Message] {
        &self.decisions.messages
    }

    /// What `who` answered last.
    pub fn answer(&self, message: &MessageId, who: &ParticipantId) -> Option<(Timestamp, Answer)> {
        self.evidence.answers.get(message)?.get(who).copied()
    }

    /// What anybody answered last: for a message to everybody.
    pub fn last_answer(&self, message: &MessageId) -> Option<(Timestamp, Answer)> {
        self.evidence.answers.get(message)?.values().max().copied()
    }

    /// Until when the clinician said they would be late, to `who` or, where nobody is named, to anybody: so long after
    /// the planned start or, said later, after that.
    pub fn late_until(&self, who: Option<&ParticipantId>) -> Option<Timestamp> {
        let late = |message: &Message| match message.preset {
            Preset::RunningLate(by) if who.is_none() || message.to.is_none() || message.to.as_ref() == who => {
                Some(self.plan.start.max(message.at) + by)
            }
            _ => None,
        };
        self.decisions.messages.iter().rev().find_map(late)
    }

    /// Since when somebody has been asking for help that nobody has taken on.
    pub fn help_since(&self, who: &ParticipantId) -> Option<Timestamp> {
        let asked = *self.evidence.help.get(who)?;
        let taken = self.decisions.help_taken.get(who);
        taken.is_none_or(|taken| *taken < asked).then_some(asked)
    }
}
