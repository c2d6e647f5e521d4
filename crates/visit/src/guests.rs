//! Who comes besides those on the appointment: another patient of a group, somebody who acts for a patient, guests by
//! link. And whose a leg is that nothing ties to anyone, in a clinician's words.

use crate::called_off;
use crate::event::Expected;
use crate::ids::{LegId, ParticipantId};
use crate::participant::{Participant, Role};
use crate::time::Timestamp;
use crate::visit::Visit;

/// More people than a visit has; beyond it nobody is added.
pub(crate) const MOST_PEOPLE: usize = 60;

/// Somebody is to come. Whoever is known stays who they are.
pub(crate) fn expect(visit: &mut Visit, who: &ParticipantId, whom: &Expected, now: Timestamp) {
    // Booked anew, or somebody new: what was cancelled only because nobody was left goes on.
    if *whom == Expected::Patient && is_deserted(visit) {
        called_off::reinstate(visit, now);
    }
    visit.decisions.withdrawn.remove(who);
    if let Some(known) = visit.participants.get_mut(who) {
        if let Role::Guest { revoked, .. } = &mut known.role {
            *revoked = None;
        }
        return;
    }
    if !visit.has_room() {
        return;
    }
    let person = match whom {
        Expected::Patient => Participant::patient(),
        Expected::Proxy { of } => Participant::proxy(of.clone()),
        Expected::Guest { kind } => Participant::guest(*kind, now),
    };
    visit.participants.insert(who.clone(), person);
}

/// A guest is to come no more. What was seen of them stays.
pub(crate) fn revoke(visit: &mut Visit, who: &ParticipantId, now: Timestamp) {
    if let Some(Participant { role: Role::Guest { revoked, .. }, .. }) = visit.participants.get_mut(who) {
        revoked.get_or_insert(now);
    }
}

/// One patient's appointment was cancelled. What was seen of them stays; where nobody else is left, so was the visit.
pub(crate) fn withdraw(visit: &mut Visit, who: &ParticipantId, now: Timestamp) {
    if !visit.participants.get(who).is_some_and(Participant::is_patient) {
        return;
    }
    visit.decisions.withdrawn.entry(who.clone()).or_insert(now);
    if is_deserted(visit) {
        called_off::hear(visit, now);
    }
}

/// A group none of whose patients is awaited any more.
pub(crate) fn is_deserted(visit: &Visit) -> bool {
    !visit.decisions.withdrawn.is_empty() && visit.patients().all(|patient| visit.is_withdrawn(patient))
}

/// A clinician says whose a leg is. Only what nothing else ties to anyone can be assigned.
pub(crate) fn assign(visit: &mut Visit, leg: &LegId, to: Option<&ParticipantId>) {
    match to {
        None => {
            visit.decisions.assigned.remove(leg);
        }
        Some(who) => {
            let is_nobodys = visit.unattributed().iter().any(|(id, ..)| id == leg);
            if is_nobodys && visit.participants.contains_key(who) {
                visit.decisions.assigned.insert(leg.clone(), who.clone());
            }
        }
    }
}

impl Visit {
    /// False once there are as many people as a visit can have.
    pub fn has_room(&self) -> bool {
        self.participants.len() < MOST_PEOPLE
    }

    /// Whom a clinician says this leg is.
    pub fn assigned(&self, leg: &LegId) -> Option<&ParticipantId> {
        self.decisions.assigned.get(leg)
    }

    /// True if they may still come: not a guest who was sent away, nor a patient who was withdrawn.
    pub fn is_welcome(&self, who: &ParticipantId) -> bool {
        let sent_away = |it: &Participant| matches!(it.role, Role::Guest { revoked: Some(_), .. });
        self.participants.get(who).is_some_and(|it| !sent_away(it)) && !self.is_withdrawn(who)
    }

    /// True for a patient whose own appointment was cancelled, and for those who act for them.
    pub fn is_withdrawn(&self, who: &ParticipantId) -> bool {
        self.withdrawn_at(who).is_some()
    }

    /// Since when that is so.
    pub(crate) fn withdrawn_at(&self, who: &ParticipantId) -> Option<Timestamp> {
        let patient = match self.participants.get(who).map(|it| &it.role) {
            Some(Role::Proxy { of }) => of,
            _ => who,
        };
        self.decisions.withdrawn.get(patient).copied()
    }
}
