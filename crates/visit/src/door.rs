//! The door to the meeting: whom our page may send in now. A guest is recognised only while exactly one person is
//! on their way, so people go in one after the other, the patient first. The wait is short and bounded: a phone that
//! sleeps holds nobody up for long.

use crate::attribution::{self, Attribution};
use crate::ids::ParticipantId;
use crate::participant::{Participant, Role};
use crate::presence::{self, Presence};
use crate::time::Timestamp;
use crate::unclear;
use crate::visit::Visit;

impl Visit {
    /// Since when people may come into the meeting: a clinician called, or is in it.
    pub fn open_since(&self, now: Timestamp) -> Option<Timestamp> {
        let attribution = attribution::attribute(self);
        let inside = self.practitioners().filter_map(|who| match presence::of(self, &attribution, who, now) {
            Presence::Connected { since } => Some(since),
            _ => None,
        });
        inside.chain(self.decisions.called.as_ref().map(|called| called.at)).min()
    }

    /// Whether our page may send `who` into the meeting at `now`.
    pub fn may_enter(&self, who: &ParticipantId, now: Timestamp) -> bool {
        let attribution = attribution::attribute(self);
        // Whoever is inside goes in again whenever they like, also when nobody has told us of a clinician.
        if matches!(presence::of(self, &attribution, who, now), Presence::Connected { .. }) {
            return true;
        }
        let Some(open) = self.open_since(now) else { return false };
        let queue = queue(self, &attribution, now);
        // So does whoever is on the way, or was told to come back.
        let Some(place) = queue.iter().position(|next| *next == who) else { return true };
        !self.somebody_is_on_the_way(&attribution, who, now) && now >= self.turn(&attribution, open, place)
    }

    /// When the turn of the one at `place` comes, if nobody before them moves: as long after the opening as there are
    /// people before them, and not while somebody has only just set out.
    fn turn(&self, attribution: &Attribution, open: Timestamp, place: usize) -> Timestamp {
        let slept = (0..place).fold(open, |turn, _| turn + self.policy.door);
        let on_the_way = self.participants.keys().filter_map(|who| unclear::outstanding_since(self, attribution, who));
        match on_the_way.max() {
            Some(newest) if place > 0 => slept.max(newest + self.policy.door),
            _ => slept,
        }
    }

    fn somebody_is_on_the_way(&self, attribution: &Attribution, but: &ParticipantId, now: Timestamp) -> bool {
        self.participants.keys().filter(|who| *who != but).any(|who| {
            unclear::outstanding_since(self, attribution, who).is_some_and(|since| now < since + self.policy.door)
        })
    }

    /// The next moment after `now` at which somebody's turn comes by time alone.
    pub(crate) fn next_turn(&self, attribution: &Attribution, now: Timestamp) -> Option<Timestamp> {
        let open = self.open_since(now)?;
        let queue = queue(self, attribution, now);
        if queue.is_empty() {
            return None;
        }
        let turns = (0..queue.len()).map(|place| self.turn(attribution, open, place));
        let on_the_way = self.participants.keys();
        let on_the_way = on_the_way.filter_map(|who| unclear::outstanding_since(self, attribution, who));
        turns.chain(on_the_way.map(|since| since + self.policy.door)).filter(|at| *at > now).min()
    }
}

/// Those who wait on our page and have not been sent in, in the order in which they go.
fn queue<'a>(visit: &'a Visit, attribution: &Attribution, now: Timestamp) -> Vec<&'a ParticipantId> {
    let rank = |person: &Participant| match person.role {
        Role::Patient => 0,
        Role::Proxy { .. } => 1,
        Role::Guest { .. } => 2,
        Role::Practitioner { .. } => 3,
    };
    let waits = |who: &ParticipantId| {
        if !visit.is_welcome(who) {
            return false;
        }
        let here = matches!(presence::of(visit, attribution, who, now), Presence::Waiting { .. });
        here && unclear::outstanding_since(visit, attribution, who).is_none()
            && !presence::is_in_lobby_or_meeting(visit, attribution, who)
    };
    let mut queue: Vec<_> = visit.participants.iter().filter(|(who, _)| waits(who)).collect();
    queue.sort_by_key(|(who, person)| (rank(person), visit.evidence.ready.get(*who).map(|(at, _)| *at), *who));
    queue.into_iter().map(|(who, _)| who).collect()
}
