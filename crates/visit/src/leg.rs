//! A leg: one connection of one person, as the sum of everything said about it.
//! Every field only moves one way (earlier, or more specific), so testimony may come in any order and more than once.

use serde::{Deserialize, Serialize};

use crate::ids::{Oid, ParticipantId};
use crate::time::{Timestamp, earliest};

/// Where the leg is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Medium {
    /// A socket of our own page: we know whose it is.
    Page(ParticipantId),
    /// The meeting: the roster says who, as well as it can.
    Meeting(Identity),
}

/// Who the roster says it is. Ordered by how much it says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// Nothing usable.
    Unknown,
    /// A guest with an editable display name, which we do not keep.
    Guest,
    /// A person of an Entra tenant.
    User(Oid),
}

/// How far a leg is. It never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegState {
    /// In the lobby, or on our page.
    Waiting,
    /// In the meeting.
    InCall,
    /// Gone.
    Left,
}

/// The sum of what was said about one leg.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leg {
    /// Where it is, and whose.
    pub(crate) medium: Medium,
    /// The earliest time anybody mentioned it.
    pub(crate) first_seen: Timestamp,
    /// When it was first in the meeting.
    pub(crate) in_call: Option<Timestamp>,
    /// When it left.
    pub(crate) left: Option<Timestamp>,
}

impl Leg {
    pub(crate) fn new(medium: Medium, state: LegState, at: Timestamp) -> Self {
        let mut leg = Self { medium: medium.clone(), first_seen: at, in_call: None, left: None };
        leg.learn(medium, state, at);
        leg
    }

    /// On the same medium: the meeting, or the page of the same person.
    pub(crate) fn is_like(&self, medium: &Medium) -> bool {
        match (&self.medium, medium) {
            (Medium::Page(one), Medium::Page(other)) => one == other,
            (Medium::Meeting(_), Medium::Meeting(_)) => true,
            (Medium::Page(_), Medium::Meeting(_)) | (Medium::Meeting(_), Medium::Page(_)) => false,
        }
    }

    /// Takes one more statement in. Commutative and idempotent.
    pub(crate) fn learn(&mut self, medium: Medium, state: LegState, at: Timestamp) {
        self.first_seen = self.first_seen.min(at);
        match state {
            LegState::Waiting => {}
            LegState::InCall => self.in_call = earliest(self.in_call, Some(at)),
            LegState::Left => self.left = earliest(self.left, Some(at)),
        }
        // Graph may name a person only in some of a leg's events: the most specific statement stands.
        if let (Medium::Meeting(known), Medium::Meeting(said)) = (&self.medium, medium)
            && said > *known
        {
            self.medium = Medium::Meeting(said);
        }
    }
}
