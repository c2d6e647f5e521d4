//! What the schedule shows of a conference: each patient's own line in their own row, and for the practitioners the one
//! that matters most. Keys are the connection-status service's.

use super::{Appointment, Mark, chart::Line};
use crate::core::{Hospital, Organization};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The marks of an appointment's patient and of its practitioners: connected if one of them is.
pub(crate) fn marks(hospital: &Hospital, it: &Appointment) -> (Mark, Mark) {
    let Some(organization) = hospital.organization(it.organization) else { return Default::default() };
    let lines = hospital.epic.chart.lines(it.conference());
    let wpr = it.patient_id.as_deref().and_then(|id| organization.patient(id)).map(|it| it.wpr.as_str());
    let is_own = |(kind, id): (u32, &str)| kind == organization.patient_id_type && Some(id) == wpr;
    let patient = lines.iter().find(|(kind, id, _)| is_own((*kind, id))).map(|it| it.2).unwrap_or_default();
    let mut theirs = lines.iter().filter(|(kind, _, _)| *kind == organization.practitioner_id_type);
    let practitioner = match theirs.clone().any(|it| it.2 == Mark::Connected) {
        true => Mark::Connected,
        false => theirs.next().map(|it| it.2).unwrap_or_default(),
    };
    (patient, practitioner)
}

/// Every line of a conference, for tests.
pub(crate) fn described(hospital: &Hospital, it: &Appointment) -> Vec<Value> {
    let lines = hospital.epic.chart.lines(it.conference());
    let one = |(kind, id, mark): (u32, String, Mark)| json!({ "external_id_type": kind, "external_id": id, "mark": mark.words() });
    lines.into_iter().map(one).collect()
}

/// What is over was a visit in which both had been.
pub(super) fn of_the_past(organizations: &[Organization], appointments: &[Appointment]) -> BTreeMap<Line, Mark> {
    let mut lines = BTreeMap::new();
    for it in appointments.iter().filter(|it| it.is_virtual() && it.status == "fulfilled") {
        let Some(organization) = organizations.iter().find(|known| known.key == it.organization) else { continue };
        let patient = it.patient_id.as_deref().and_then(|id| organization.patient(id)).map(|it| it.wpr.clone());
        let practitioner = organization.practitioner(&it.practitioner_id).and_then(|it| it.emp.clone());
        let both = [(organization.patient_id_type, patient), (organization.practitioner_id_type, practitioner)];
        for (kind, id) in both {
            lines.extend(id.map(|id| ((it.conference().to_owned(), kind, id), Mark::Disconnected)));
        }
    }
    lines
}
