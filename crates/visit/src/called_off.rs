//! What a cancellation in the EHR means while people are in the meeting. It is often only tidied up in the schedule that
//! somebody else was booked, so a clinician who is with anybody is never cut short: the visit goes on as it is, says what
//! the EHR said, and is cancelled once that clinician has left. Whoever is alone inside, or waits, is asked to leave at once.

use crate::attribution::{self, Attribution};
use crate::awaited::held_for;
use crate::closing::CloseReason;
use crate::decisions::{Decisions, Told};
use crate::ids::ParticipantId;
use crate::leg::{Identity, Leg, Medium};
use crate::presence::{self, Presence};
use crate::time::Timestamp;
use crate::visit::Visit;

/// The EHR says that the appointment stands no more.
pub(crate) fn hear(visit: &mut Visit, now: Timestamp) {
    if visit.is_called_off() {
        return;
    }
    let attribution = attribution::attribute(visit);
    // What a backup remembers of who is inside says nothing of now.
    let waits = visit.is_in_doubt() || in_company(visit, &attribution, now) || perhaps_together(visit);
    match waits || waits_until(visit, &attribution, now).is_some() {
        true => visit.decisions.called_off = Some(now),
        false => visit.decisions.cancelled = Some(now),
    }
}

/// What the EHR said while a clinician was with somebody counts once no clinician is in the meeting, perhaps in it, or on the
/// way to it. A clinician who ends the visit has said what becomes of it.
pub(crate) fn settle(visit: &mut Visit, now: Timestamp) {
    let Decisions { called_off, cancelled, ended, closed, .. } = &visit.decisions;
    if called_off.is_none() || cancelled.is_some() || ended.is_some() || closed.is_some() || visit.is_in_doubt() {
        return;
    }
    let attribution = attribution::attribute(visit);
    let waits = is_held(visit, &attribution, now) || perhaps_together(visit);
    if !waits && waits_until(visit, &attribution, now).is_none() {
        visit.decisions.cancelled = Some(now);
    }
}

/// The appointment stands again: it goes on, and nobody is asked to leave any more. What was decided about the visit that was
/// called off says nothing of this one.
pub(crate) fn reinstate(visit: &mut Visit, now: Timestamp) {
    if visit.decisions.cancelled.take().is_some() {
        visit.decisions.closed = None;
        visit.decisions.reopened = Some(now);
        visit.decisions.called = None;
        // Nobody has been told of who comes to this one.
        visit.decisions.told = Told::default();
        visit.decisions.acknowledged = None;
    }
    visit.decisions.called_off = None;
}

/// A clinician is in the meeting, and so is somebody else: known, unknown, or perhaps.
fn in_company(visit: &Visit, attribution: &Attribution, now: Timestamp) -> bool {
    let known = visit.participants.keys().filter(|who| is_in(visit, attribution, who, now)).count();
    let strangers = strangers_in(visit, attribution).count();
    let hosts = practitioners_in(visit, attribution, now) + colleagues_in(visit, attribution);
    hosts > 0 && known + strangers > 1
}

/// A clinician is in the meeting, or somebody who may be one.
pub(crate) fn is_held(visit: &Visit, attribution: &Attribution, now: Timestamp) -> bool {
    practitioners_in(visit, attribution, now) > 0 || colleagues_in(visit, attribution) > 0
}

fn practitioners_in(visit: &Visit, attribution: &Attribution, now: Timestamp) -> usize {
    visit.practitioners().filter(|who| is_in(visit, attribution, who, now)).count()
}

/// Those in the meeting whom nothing ties to anyone: somebody on the telephone among them, of whom the roster says nothing.
fn strangers_in<'a>(visit: &'a Visit, attribution: &'a Attribution) -> impl Iterator<Item = &'a Identity> {
    visit.evidence.legs.iter().filter_map(|(id, leg)| match &leg.medium {
        Medium::Meeting(who) if !attribution.contains_key(id) => {
            (leg.in_call.is_some() && visit.evidence.end_of(leg).is_none()).then_some(who)
        }
        _ => None,
    })
}

/// A stranger with an account may be a colleague whom a clinician brought in, and so may somebody of whom nothing is said.
fn colleagues_in(visit: &Visit, attribution: &Attribution) -> usize {
    strangers_in(visit, attribution).filter(|who| **who != Identity::Guest).count()
}

fn is_in(visit: &Visit, attribution: &Attribution, who: &ParticipantId, now: Timestamp) -> bool {
    let there = presence::of(visit, attribution, who, now);
    matches!(there, Presence::Connected { .. } | Presence::Unclear { .. })
}

/// Until when somebody may still turn up in the meeting: a clinician who pressed *Join*, and whom our page has sent there
/// since. Teams tells us of them after seconds, at times after a minute.
pub(crate) fn waits_until(visit: &Visit, attribution: &Attribution, now: Timestamp) -> Option<Timestamp> {
    let turned_up = |who: &ParticipantId, since: Timestamp| {
        visit.evidence.legs.iter().any(|(id, leg)| {
            let last = visit.evidence.end_of(leg).unwrap_or(now);
            attribution.get(id) == Some(who) && matches!(leg.medium, Medium::Meeting(_)) && last >= since
        })
    };
    let sent = visit.evidence.handed_over.iter().filter_map(|(who, times)| {
        let at = *times.iter().next_back()?;
        (!turned_up(who, at) && !visit.has_left(who)).then_some(at + presence::ON_THE_WAY)
    });
    let called = visit.decisions.called.as_ref().filter(|called| !turned_up(&called.by, called.at));
    let joining = called.map(|called| called.at + visit.policy.call_patience);
    sent.chain(joining).filter(|until| *until > now).max()
}

/// Since when each of those for whom it is held may be with a clinician without anybody telling us: the clinician pressed *Join*,
/// our page sent them to the meeting, and the roster has said nothing since, of nobody.
fn perhaps_met(visit: &Visit) -> impl Iterator<Item = (&ParticipantId, Timestamp)> {
    let pressed = visit.decisions.called.as_ref().map(|called| called.at);
    let is_silent = |since: Timestamp| {
        let tells = |leg: &Leg| {
            matches!(leg.medium, Medium::Meeting(_)) && visit.evidence.end_of(leg).is_none_or(|end| end >= since)
        };
        !visit.evidence.legs.values().any(tells)
    };
    let sent = held_for(visit).into_iter().filter_map(move |who| {
        let sent = *visit.evidence.handed_over.get(who)?.last()?;
        Some((who, sent, sent.min(pressed?)))
    });
    sent.filter(move |(.., since)| is_silent(*since)).map(|(who, sent, _)| (who, sent))
}

/// They may be talking at this moment. Only their own word, the end of the call or the clinician's says otherwise.
fn perhaps_together(visit: &Visit) -> bool {
    perhaps_met(visit)
        .any(|(who, sent)| !visit.has_left(who) && visit.evidence.call_ended.range(sent..).next().is_none())
}

impl Visit {
    /// True once the EHR has said that the appointment is cancelled, whether or not that counts yet.
    pub fn is_called_off(&self) -> bool {
        self.decisions.cancelled.is_some() || self.decisions.called_off.is_some()
    }

    /// Since when the EHR says so of a visit that goes on all the same: a clinician is with somebody, or one of them is on the
    /// way to the meeting.
    pub fn called_off_at(&self) -> Option<Timestamp> {
        self.decisions.called_off.filter(|_| self.is_open())
    }

    /// True once it was cancelled, is closed and nobody had met: its meeting is of no use to anybody. Closed by time alone,
    /// too: whoever was not seen to leave is out by then. A visit that took place all the same is over like any other, and so
    /// is one of which nobody can say that it did not.
    pub fn is_for_nothing(&self) -> bool {
        let Decisions { called_off, cancelled, ended, closed, .. } = &self.decisions;
        let by_nobody = closed.as_ref().is_some_and(|closed| match closed.reason {
            CloseReason::Cancelled => true,
            CloseReason::TimedOut => cancelled.is_some() || (called_off.is_some() && ended.is_none()),
            CloseReason::Ended | CloseReason::CallEnded => false,
        });
        by_nobody && !self.is_in_doubt() && self.met_at().is_none() && perhaps_met(self).next().is_none()
    }

    /// From when nobody is to be in it any more.
    pub(crate) fn over_since(&self) -> Option<Timestamp> {
        let ended = self.decisions.ended.as_ref().map(|ended| ended.at);
        [ended, self.decisions.cancelled].into_iter().flatten().min()
    }
}
