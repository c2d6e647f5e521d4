//! The appointment as the EHR has it now: who is on it, as far as nobody has come by another way.

use crate::ids::{Oid, ParticipantId};
use crate::participant::{Participant, Role};
use crate::visit::Visit;

/// Takes over who is on the appointment. Nobody who has launched, covers or was told to the chart is taken away.
/// True if somebody became known who can be told.
pub(crate) fn refresh(visit: &mut Visit, practitioners: &[(ParticipantId, Option<Oid>)]) -> bool {
    let mut somebody_new = false;
    for (who, linked) in practitioners {
        let known = visit.participants.entry(who.clone()).or_insert_with(|| Participant::practitioner(None));
        if let Role::Practitioner { oid, .. } = &mut known.role
            && oid.is_none()
            && linked.is_some()
        {
            oid.clone_from(linked);
            somebody_new = true;
        }
    }
    visit.participants.retain(|who, person| match person.role {
        Role::Patient
        | Role::Proxy { .. }
        | Role::Guest { .. }
        | Role::Practitioner { covering: true, .. }
        | Role::Practitioner { launched: Some(_), .. } => true,
        Role::Practitioner { .. } => person.told_chart.is_some() || practitioners.iter().any(|(on_it, _)| on_it == who),
    });
    somebody_new
}
