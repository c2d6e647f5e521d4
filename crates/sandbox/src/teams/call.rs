//! One meeting's call as a state machine: who waits, who is in the lobby, who is in, and what the roster says of it.
//! Pure: time, ids and rules come in, [`Happened`] goes out. Leaves out pages, HTTP and delivery.
//! Facts from microsoft.md 4.6 and 5.3: nobody is shown in a roster before a Teams user is in (A-JOIN).

use jiff::Timestamp;

use super::rules::{Rules, Who};

/// Where one leg stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the "someone will let you in" page of a call that has not started: in no roster.
    Waiting,
    /// In the lobby of a running call.
    Lobby,
    /// In the call.
    In,
}

/// One device of one person. Joining again makes another leg.
#[derive(Debug, Clone)]
pub(crate) struct Leg {
    /// `participant.id`: random, new for every join.
    pub(crate) id: String,
    /// The person.
    pub(crate) who: Who,
    /// Where they stand.
    pub(crate) place: Place,
    /// When they came to the meeting's door.
    pub(crate) joined: Timestamp,
    /// When they were let in.
    pub(crate) inside_since: Option<Timestamp>,
}

/// Why a leg went away; the sentences are Graph's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removed {
    /// Left, was removed or the meeting was ended.
    Left,
    /// The device stopped answering.
    Inactive,
}

impl Removed {
    /// `removedState.reason`.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Left => "Participant has left the meeting call.",
            Self::Inactive => "Participant entered an inactive state in the roster.",
        }
    }
}

/// One line of `participants@delta`.
#[derive(Debug, Clone)]
pub(crate) struct Delta {
    /// `participant.id`.
    pub(crate) leg: String,
    /// The person.
    pub(crate) who: Who,
    /// `isInLobby`.
    pub(crate) in_lobby: bool,
    /// `removedState`, when they went.
    pub(crate) removed: Option<Removed>,
    /// `rosterSequenceNumber`: rises with every change of this meeting's roster.
    pub(crate) sequence: u64,
}

/// What Graph would tell a subscriber.
#[derive(Debug, Clone)]
pub(crate) enum Happened {
    /// `callStarted`.
    Started,
    /// `rosterUpdated`.
    Roster(Vec<Delta>),
    /// `callEnded`, with the session for the attendance report.
    Ended(Session),
}

/// One stay inside the call.
#[derive(Debug, Clone)]
pub(crate) struct Stay {
    /// The person.
    pub(crate) who: Who,
    /// Let in.
    pub(crate) from: Timestamp,
    /// Gone.
    pub(crate) to: Timestamp,
}

/// A finished call: the raw material of one attendance report.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// First person in.
    pub(crate) start: Timestamp,
    /// Last person out.
    pub(crate) end: Timestamp,
    /// Every stay, in order of leaving.
    pub(crate) stays: Vec<Stay>,
}

/// Why an act on the call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// No such leg, or it has gone.
    #[error("there is no such participant")]
    Unknown,
    /// The person acting is not in the call or has no right to.
    #[error("this participant may not do that")]
    NotAllowed,
}

/// The call of one meeting.
#[derive(Debug, Default)]
pub(crate) struct Call {
    legs: Vec<Leg>,
    started: Option<Timestamp>,
    stays: Vec<Stay>,
    sequence: u64,
}

impl Call {
    /// Everyone at the door or inside, in the order they came.
    pub(crate) fn legs(&self) -> &[Leg] {
        &self.legs
    }

    /// When the running call started; `None` while there is none.
    pub(crate) fn started(&self) -> Option<Timestamp> {
        self.started
    }

    /// The leg with this id.
    pub(crate) fn leg(&self, id: &str) -> Option<&Leg> {
        self.legs.iter().find(|it| it.id == id)
    }

    /// Someone comes. A Teams user whom the lobby lets pass starts the call; then those who waited appear.
    pub(crate) fn join(&mut self, id: String, who: Who, rules: &Rules, now: Timestamp) -> Vec<Happened> {
        let passes = rules.passes_lobby(&who) && (self.started.is_some() || who.is_teams_user());
        let place = match (passes, self.started) {
            (true, _) => Place::In,
            (false, Some(_)) => Place::Lobby,
            (false, None) => Place::Waiting,
        };
        let inside_since = passes.then_some(now);
        self.legs.push(Leg { id: id.clone(), who, place, joined: now, inside_since });
        let mut happened = Vec::new();
        match place {
            Place::Waiting => {}
            Place::Lobby => happened.push(self.roster(&[id])),
            Place::In => {
                let first = self.started.is_none();
                self.started.get_or_insert(now);
                if first {
                    happened.push(Happened::Started);
                }
                happened.push(self.roster(&[id]));
                if first {
                    happened.extend(self.let_the_waiting_appear(rules, now));
                }
            }
        }
        happened
    }

    fn let_the_waiting_appear(&mut self, rules: &Rules, now: Timestamp) -> Option<Happened> {
        let mut shown = Vec::new();
        for leg in self.legs.iter_mut().filter(|it| it.place == Place::Waiting) {
            if rules.passes_lobby(&leg.who) {
                (leg.place, leg.inside_since) = (Place::In, Some(now));
            } else {
                leg.place = Place::Lobby;
            }
            shown.push(leg.id.clone());
        }
        (!shown.is_empty()).then(|| self.roster(&shown))
    }

    /// `by` lets `leg` in from the lobby.
    pub(crate) fn admit(
        &mut self,
        by: &str,
        leg: &str,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Vec<Happened>, Refused> {
        self.may(by, |who| rules.may_admit(who))?;
        let found = self.legs.iter_mut().find(|it| it.id == leg && it.place == Place::Lobby).ok_or(Refused::Unknown)?;
        (found.place, found.inside_since) = (Place::In, Some(now));
        Ok(vec![self.roster(&[leg.to_owned()])])
    }

    /// `by` sends `leg` away from the lobby or removes them from the call.
    pub(crate) fn remove(
        &mut self,
        by: &str,
        leg: &str,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Vec<Happened>, Refused> {
        self.may(by, |who| rules.may_admit(who))?;
        self.go(leg, Removed::Left, now)
    }

    /// A leg goes away by itself. The call ends with the last person inside; who is in the lobby waits on.
    pub(crate) fn go(&mut self, leg: &str, why: Removed, now: Timestamp) -> Result<Vec<Happened>, Refused> {
        let at = self.legs.iter().position(|it| it.id == leg).ok_or(Refused::Unknown)?;
        let gone = self.legs.remove(at);
        if gone.place == Place::Waiting {
            return Ok(Vec::new());
        }
        let mut happened = vec![Happened::Roster(vec![self.farewell(&gone, why, now)])];
        if gone.place == Place::In && !self.legs.iter().any(|it| it.place == Place::In) {
            for leg in &mut self.legs {
                leg.place = Place::Waiting;
            }
            happened.extend(self.finish(now));
        }
        Ok(happened)
    }

    /// `by` ends the meeting for everyone: the organizer and co-organizers only.
    pub(crate) fn end(&mut self, by: &str, rules: &Rules, now: Timestamp) -> Result<Vec<Happened>, Refused> {
        self.may(by, |who| rules.may_end(who))?;
        Ok(self.end_for_all(now))
    }

    /// The meeting ends for everyone, whoever decided it.
    pub(crate) fn end_for_all(&mut self, now: Timestamp) -> Vec<Happened> {
        let legs = std::mem::take(&mut self.legs);
        if self.started.is_none() {
            return Vec::new();
        }
        let seen = legs.iter().filter(|it| it.place != Place::Waiting);
        let gone: Vec<_> = seen.map(|it| self.farewell(it, Removed::Left, now)).collect();
        let mut happened = vec![Happened::Roster(gone)];
        happened.extend(self.finish(now));
        happened
    }

    fn may(&self, by: &str, right: impl Fn(&Who) -> bool) -> Result<(), Refused> {
        let actor = self.leg(by).ok_or(Refused::Unknown)?;
        if actor.place == Place::In && right(&actor.who) { Ok(()) } else { Err(Refused::NotAllowed) }
    }

    fn finish(&mut self, now: Timestamp) -> Option<Happened> {
        let start = self.started.take()?;
        Some(Happened::Ended(Session { start, end: now, stays: std::mem::take(&mut self.stays) }))
    }

    fn farewell(&mut self, gone: &Leg, why: Removed, now: Timestamp) -> Delta {
        if let Some(from) = gone.inside_since {
            self.stays.push(Stay { who: gone.who.clone(), from, to: now });
        }
        self.sequence += 1;
        Delta {
            leg: gone.id.clone(),
            who: gone.who.clone(),
            in_lobby: gone.place == Place::Lobby,
            removed: Some(why),
            sequence: self.sequence,
        }
    }

    fn roster(&mut self, legs: &[String]) -> Happened {
        let mut deltas = Vec::new();
        for leg in self.legs.iter().filter(|it| legs.contains(&it.id)) {
            self.sequence += 1;
            deltas.push(Delta {
                leg: leg.id.clone(),
                who: leg.who.clone(),
                in_lobby: leg.place == Place::Lobby,
                removed: None,
                sequence: self.sequence,
            });
        }
        Happened::Roster(deltas)
    }
}
