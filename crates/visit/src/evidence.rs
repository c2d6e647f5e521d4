//! Everything the witnesses of a visit have said, merged so that order and repetition leave no trace.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::Source;
use crate::event::Testimony;
use crate::ids::{LegId, ParticipantId};
use crate::leg::{Leg, LegState, Medium};
use crate::time::Timestamp;

/// More legs of one medium than any real visit has; beyond it new legs are dropped, so that nobody can fill our memory,
/// and a page that opens socket after socket cannot keep the roster out.
const MOST_LEGS: usize = 200;
const MOST_TIMES: usize = 100;

/// The sum of all testimony.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub(crate) legs: BTreeMap<LegId, Leg>,
    /// Who said *I'm ready*, when first, and through which witness: the minimum by (time, rank).
    pub(crate) ready: BTreeMap<ParticipantId, (Timestamp, Source)>,
    /// Who was sent from our page to the meeting, and when.
    pub(crate) handed_over: BTreeMap<ParticipantId, BTreeSet<Timestamp>>,
    /// Every time the call as a whole ended. A meeting may be held in several sittings.
    pub(crate) call_ended: BTreeSet<Timestamp>,
    /// Staff have roomed the patient.
    pub(crate) roomed: Option<Timestamp>,
}

impl Evidence {
    /// Takes one statement in. Commutative and idempotent.
    pub(crate) fn hear(&mut self, testimony: &Testimony) {
        match testimony {
            Testimony::Ready { participant, at, source } => {
                let said = (*at, *source);
                let known = self.ready.entry(participant.clone()).or_insert(said);
                *known = (*known).min(said);
            }
            Testimony::PageOpened { participant, leg, at } => {
                self.leg(leg, Medium::Page(participant.clone()), LegState::Waiting, *at);
            }
            Testimony::PageClosed { participant, leg, at } => {
                self.leg(leg, Medium::Page(participant.clone()), LegState::Left, *at);
            }
            Testimony::HandedOver { participant, at } => {
                remember(self.handed_over.entry(participant.clone()).or_default(), *at);
            }
            Testimony::Roster { leg, identity, state, at } => {
                self.leg(leg, Medium::Meeting(identity.clone()), *state, *at);
            }
            Testimony::CallEnded { at } => {
                remember(&mut self.call_ended, *at);
            }
            Testimony::Roomed { at } => self.roomed = crate::time::earliest(self.roomed, Some(*at)),
        }
    }

    fn leg(&mut self, id: &LegId, medium: Medium, state: LegState, at: Timestamp) {
        if let Some(leg) = self.legs.get_mut(id) {
            leg.learn(medium, state, at);
        } else if self.legs.values().filter(|leg| leg.is_like(&medium)).count() < MOST_LEGS {
            self.legs.insert(id.clone(), Leg::new(medium, state, at));
        }
    }

    /// When the leg ended, by its own word or because the call as a whole ended after it began.
    pub(crate) fn end_of(&self, leg: &Leg) -> Option<Timestamp> {
        let with_the_call = match leg.medium {
            Medium::Page(_) => None,
            Medium::Meeting(_) => self.call_ended.range(leg.first_seen..).next().copied(),
        };
        crate::time::earliest(leg.left, with_the_call)
    }
}

/// Keeps the newest times: which ones are kept depends on the set only, not on the order they came in.
fn remember(times: &mut BTreeSet<Timestamp>, at: Timestamp) {
    times.insert(at);
    while times.len() > MOST_TIMES {
        times.pop_first();
    }
}
