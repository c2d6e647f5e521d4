//! Everything the witnesses of a visit have said, merged so that order and repetition leave no trace.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use crate::Source;
use crate::device_test::DeviceTest;
use crate::event::Testimony;
use crate::ids::{LegId, ParticipantId};
use crate::leg::{Leg, LegState, Medium};
use crate::message::{Answer, MOST_MESSAGES, MessageId};
use crate::time::Timestamp;

/// More legs of one medium than any real visit has; beyond it new legs are dropped, so that nobody can fill our memory,
/// and a page that opens socket after socket keeps out neither the roster nor anybody else's page.
const MOST_LEGS: usize = 200;
const MOST_TIMES: usize = 100;
const MOST_ANSWERED: usize = 2 * MOST_MESSAGES;

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
    /// Every *I'm ready* on our page, for those who left and came back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) ready_again: BTreeMap<ParticipantId, BTreeSet<Timestamp>>,
    /// Every *Leave* on our page.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) left: BTreeMap<ParticipantId, BTreeSet<Timestamp>>,
    /// The newest device test of each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tests: BTreeMap<ParticipantId, (Timestamp, DeviceTest)>,
    /// The newest request for help of each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) help: BTreeMap<ParticipantId, Timestamp>,
    /// The newest answer of each to each message.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) answers: BTreeMap<MessageId, BTreeMap<ParticipantId, (Timestamp, Answer)>>,
}

impl Evidence {
    /// Takes one statement in. Commutative and idempotent.
    pub(crate) fn hear(&mut self, testimony: &Testimony) {
        match testimony {
            Testimony::Ready { participant, at, source } => {
                let said = (*at, *source);
                let known = self.ready.entry(participant.clone()).or_insert(said);
                *known = (*known).min(said);
                if *source == Source::VisitPage {
                    remember(self.ready_again.entry(participant.clone()).or_default(), *at);
                }
            }
            Testimony::Left { participant, at } => {
                remember(self.left.entry(participant.clone()).or_default(), *at);
            }
            Testimony::Tested { participant, test, at } => {
                newest(&mut self.tests, participant, (*at, *test));
            }
            Testimony::Help { participant, at } => newest(&mut self.help, participant, *at),
            Testimony::Answered { participant, message, answer, at } => {
                newest(self.answers.entry(message.clone()).or_default(), participant, (*at, *answer));
                if *answer == Answer::NeedHelp {
                    newest(&mut self.help, participant, *at);
                }
                while self.answers.len() > MOST_ANSWERED {
                    self.answers.pop_first();
                }
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

    /// The meeting is another one from now on, and of the last nobody tells us any more: whoever was not seen to leave that one
    /// is not in this one.
    pub(crate) fn forget_those_inside(&mut self) {
        let inside: Vec<LegId> = self.inside().cloned().collect();
        for leg in inside {
            self.legs.remove(&leg);
        }
    }

    /// The legs in the meeting, or in its lobby, that have not ended.
    pub(crate) fn inside(&self) -> impl Iterator<Item = &LegId> {
        let lasting = |leg: &Leg| matches!(leg.medium, Medium::Meeting(_)) && self.end_of(leg).is_none();
        self.legs.iter().filter(move |(_, leg)| lasting(leg)).map(|(id, _)| id)
    }

    /// The last *Leave* of `who`, if they have not been ready again since.
    pub(crate) fn left_for_good(&self, who: &ParticipantId) -> Option<Timestamp> {
        let left = *self.left.get(who)?.last()?;
        let first = self.ready.get(who).map(|(at, _)| *at);
        let ready = first.max(self.ready_again.get(who).and_then(|times| times.last().copied()));
        ready.is_none_or(|ready| ready < left).then_some(left)
    }

    /// The first *Leave* of `who` after `at`.
    pub(crate) fn left_after(&self, who: &ParticipantId, at: Timestamp) -> Option<Timestamp> {
        after(self.left.get(who)?, at)
    }

    /// The first *I'm ready* of `who` after `at`.
    pub(crate) fn ready_after(&self, who: &ParticipantId, at: Timestamp) -> Option<Timestamp> {
        after(self.ready_again.get(who)?, at)
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

fn after(times: &BTreeSet<Timestamp>, at: Timestamp) -> Option<Timestamp> {
    times.range((Bound::Excluded(at), Bound::Unbounded)).next().copied()
}

/// The newest word of each person stands.
fn newest<T: Ord + Copy>(words: &mut BTreeMap<ParticipantId, T>, who: &ParticipantId, said: T) {
    let known = words.entry(who.clone()).or_insert(said);
    *known = (*known).max(said);
}

/// Keeps the newest times: which ones are kept depends on the set only, not on the order they came in.
fn remember(times: &mut BTreeSet<Timestamp>, at: Timestamp) {
    times.insert(at);
    while times.len() > MOST_TIMES {
        times.pop_first();
    }
}
