//! For whom a visit is held: its patients and those who act for them. Where there is none (a talk between colleagues),
//! every clinician in it awaits the others. Interpreters and family never make a visit arrived.

use crate::ids::ParticipantId;
use crate::participant::{GuestKind, Participant, Role};
use crate::visit::Visit;

/// Those who are awaited, in the order of their ids: none whose own appointment was cancelled.
pub(crate) fn awaited(visit: &Visit) -> Vec<&ParticipantId> {
    held_for(visit).into_iter().filter(|who| !visit.is_withdrawn(who)).collect()
}

/// The same with those who were withdrawn: whoever was met was met.
pub(crate) fn held_for(visit: &Visit) -> Vec<&ParticipantId> {
    let held_by = |wanted: fn(&Role) -> bool| -> Vec<&ParticipantId> {
        let them = visit.participants.iter().filter(|(_, person): &(_, &Participant)| wanted(&person.role));
        them.map(|(id, _)| id).collect()
    };
    let patients = held_by(|role| matches!(role, Role::Patient | Role::Proxy { .. }));
    if !patients.is_empty() {
        return patients;
    }
    held_by(|role| matches!(role, Role::Practitioner { .. } | Role::Guest { kind: GuestKind::Colleague, .. }))
}

/// The people whose presence the patient's line in the chart shows: the patient and, where the policy says so, those
/// who act for them.
pub(crate) fn behind_the_line<'a>(visit: &'a Visit, patient: &'a ParticipantId) -> Vec<&'a ParticipantId> {
    let acts_for = |person: &Participant| matches!(&person.role, Role::Proxy { of } if of == patient);
    let proxies = visit.participants.iter().filter(|(_, person)| visit.policy.proxy_in_chart && acts_for(person));
    std::iter::once(patient).chain(proxies.map(|(id, _)| id)).collect()
}
