//! The one door: `(visit, event, now)` to the visit after it and the effects that follow.

use crate::alert::{self, AlertMemory};
use crate::called_off;
use crate::chart;
use crate::closing::{self, CloseReason};
use crate::decisions::{Acknowledged, Called, Ended};
use crate::doubt;
use crate::effect::Effect;
use crate::event::{Command, Expected, Testimony, VisitEvent};
use crate::guests;
use crate::message::{MOST_MESSAGES, Message};
use crate::participant::{Participant, Role};
use crate::refresh::refresh;
use crate::time::Timestamp;
use crate::visit::Visit;

/// What an event leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The visit after the event.
    pub visit: Visit,
    /// What must happen, in this order, committed together with the visit.
    pub effects: Vec<Effect>,
}

/// Applies one event at `now`, the relay's clock. Never fails: testimony is merged, a command that no longer makes
/// sense changes nothing, and after the close everything is only counted.
pub fn apply(mut visit: Visit, event: &VisitEvent, now: Timestamp) -> Transition {
    if visit.is_closed() && !undoes(&visit, event, now) {
        if reopens(&visit, event) {
            if visit.is_for_nothing() {
                visit.evidence.forget_those_inside();
            }
            visit.decisions.closed = None;
            visit.decisions.ended = None;
            visit.decisions.reopened = Some(now);
        } else {
            if let VisitEvent::Witnessed(testimony) = event {
                // Should it ever go on, nobody is there by a page that was closed meanwhile.
                if matches!(testimony, Testimony::PageClosed { .. }) {
                    visit.evidence.hear(testimony);
                }
                visit.late_events = visit.late_events.saturating_add(1);
            }
            return Transition { visit, effects: Vec::new() };
        }
    }
    match event {
        VisitEvent::Witnessed(testimony) => {
            visit.evidence.hear(testimony);
            let attribution = crate::attribution::attribute(&visit);
            doubt::hear(&mut visit, &attribution, testimony);
        }
        VisitEvent::Decided(command) => decide(&mut visit, command, now),
        VisitEvent::Tick => {}
    }
    called_off::settle(&mut visit, now);
    let mut effects = chart::settle(&mut visit, now);
    if let Some(closed) = closing::close(&visit, now) {
        visit.decisions.closed = Some(closed);
        effects.extend(chart::settle(&mut visit, now));
        effects.push(Effect::Closed);
    }
    Transition { visit, effects }
}

/// *End for all* can be taken back for a while, even if it closed the visit at once.
fn undoes(visit: &Visit, event: &VisitEvent, now: Timestamp) -> bool {
    let by_the_end = visit.decisions.closed.as_ref().is_some_and(|closed| closed.reason == CloseReason::Ended);
    matches!(event, VisitEvent::Decided(Command::UndoEnd)) && by_the_end && within_undo(visit, now)
}

/// A clinician who begins the visit again from the chart goes on with it, however it had closed; a cancelled one stays so
/// until the EHR says that it stands again, or until a group that was left by everybody gets somebody new.
fn reopens(visit: &Visit, event: &VisitEvent) -> bool {
    let by_nobody = visit.decisions.closed.as_ref().is_some_and(|closed| closed.reason == CloseReason::Cancelled);
    match event {
        VisitEvent::Decided(Command::Launched { .. }) => visit.decisions.cancelled.is_none(),
        VisitEvent::Decided(Command::Expect { whom: Expected::Patient, .. }) => by_nobody && guests::is_deserted(visit),
        VisitEvent::Decided(Command::Reinstate) => visit.decisions.cancelled.is_some(),
        _ => false,
    }
}

fn within_undo(visit: &Visit, now: Timestamp) -> bool {
    visit.decisions.ended.as_ref().is_some_and(|ended| now <= ended.at + visit.policy.undo)
}

fn decide(visit: &mut Visit, command: &Command, now: Timestamp) {
    match command {
        Command::Launched { participant, oid, covering } => {
            let known =
                visit.participants.entry(participant.clone()).or_insert_with(|| Participant::practitioner(None));
            if let Role::Practitioner { oid: known_oid, covering: known_covering, launched } = &mut known.role {
                *known_oid = Some(oid.clone());
                *known_covering |= covering;
                launched.get_or_insert(now);
            }
            // Begun again while it was being left: it goes on, and nobody is asked to leave any more.
            if visit.decisions.ended.take().is_some() {
                visit.decisions.reopened = Some(now);
            }
            // Whoever begins an appointment knows that it stands.
            if visit.decisions.reopened == Some(now) {
                visit.decisions.called_off = None;
            }
        }
        Command::MeetingReady => {
            visit.decisions.meeting_ready.get_or_insert(now);
        }
        Command::Call { by } => visit.decisions.called = Some(Called { by: by.clone(), at: now }),
        Command::Acknowledge { by } => visit.decisions.acknowledged = Some(Acknowledged { by: by.clone(), at: now }),
        Command::Told { delegate } => {
            let told = &mut visit.decisions.told;
            let first = if *delegate { &mut told.delegate } else { &mut told.clinician };
            first.get_or_insert(now);
        }
        Command::End { by } => {
            visit.decisions.ended.get_or_insert(Ended { by: by.clone(), at: now });
        }
        Command::UndoEnd => {
            if within_undo(visit, now) {
                visit.decisions.ended = None;
                visit.decisions.closed = None;
                visit.decisions.undone = Some(now);
            }
        }
        Command::Restored => doubt::begin(visit, now),
        Command::Cancel => called_off::hear(visit, now),
        Command::Reinstate => called_off::reinstate(visit, now),
        Command::Withdraw { participant } => guests::withdraw(visit, participant, now),
        Command::Refresh { plan, practitioners } => {
            visit.plan = *plan;
            // An alert that still holds was raised before anybody knew of them: it is raised anew, for everybody.
            if refresh(visit, practitioners) && alert::somebody_waits(visit, now) {
                visit.alert = AlertMemory::default();
            }
        }
        Command::Expect { participant, whom } => guests::expect(visit, participant, whom, now),
        Command::Revoke { participant } => guests::revoke(visit, participant, now),
        Command::Assign { leg, to } => guests::assign(visit, leg, to.as_ref()),
        Command::Say { id, by, to, preset } => {
            let messages = &mut visit.decisions.messages;
            // The same button pressed twice over a bad line is one message.
            if messages.iter().all(|message| message.id != *id) {
                let message = Message { id: id.clone(), at: now, by: by.clone(), to: to.clone(), preset: *preset };
                messages.push(message);
                if messages.len() > MOST_MESSAGES {
                    messages.remove(0);
                }
            }
        }
        Command::HelpTaken { participant } => {
            visit.decisions.help_taken.insert(participant.clone(), now);
        }
    }
}
