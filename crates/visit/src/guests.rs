//! Who comes besides those on the appointment: another patient of a group, somebody who acts for a patient, guests by
//! link. And whose a leg is that nothing ties to anyone, in a clinician's words.

use crate::event::Expected;
use crate::ids::{LegId, ParticipantId};
use crate::participant::{Participant, Role};
use crate::time::Timestamp;
use crate::visit::Visit;

/// More people than a visit has; beyond it nobody is added.
pub(crate) const MOST_PEOPLE: usize = 60;

/// Somebody is to come. Whoever is known stays who they are.
pub(crate) fn expect(visit: &mut Visit, who: &ParticipantId, whom: &Expected, now: Timestamp) {
    if let Some(known) = visit.participants.get_mut(who) {
        if let Role::Guest { revoked, .. } = &mut known.role {
            *revoked = None;
        }
        return;
    }
    if visit.participants.len() >= MOST_PEOPLE {
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
    /// Whom a clinician says this leg is.
    pub fn assigned(&self, leg: &LegId) -> Option<&ParticipantId> {
        self.decisions.assigned.get(leg)
    }

    /// True if the guest may still come; everybody else always may.
    pub fn is_welcome(&self, who: &ParticipantId) -> bool {
        self.participants.get(who).is_some_and(|it| !matches!(it.role, Role::Guest { revoked: Some(_), .. }))
    }
}
