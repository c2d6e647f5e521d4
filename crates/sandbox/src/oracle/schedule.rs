//! Scheduling over the control API: what somebody at the hospital's own screens does, under none of the API's rules.

use super::{Appointment, patch};
use crate::{
    control::{Change, NewVisit},
    core::{Ehr, Hospital, lock},
    fhir::Booked,
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Books an appointment.
pub(crate) fn schedule(hospital: &Hospital, new: &NewVisit<'_>) -> Result<Value, &'static str> {
    let site = hospital.oracle.server.of(new.organization).ok_or("no such organization")?;
    let is_virtual = site.is_virtual(new.kind).ok_or("no such visit type")?;
    let patient = new.patient_id.map(|it| site.patient(it).ok_or("no such patient")).transpose()?;
    let practitioners = new.practitioners().map(|it| site.practitioner(it).ok_or("no such practitioner"));
    let practitioner_ids = practitioners.map(|it| Ok(it?.id.clone())).collect::<Result<_, &str>>()?;
    let digits = |label: &str, length| hospital.random.stable_digits(&format!("{label} {}", new.unique), length);
    let appointment = Appointment {
        id: digits("oracle appointment", 8),
        encounter_id: digits("oracle encounter", 8),
        number: digits("oracle number", 11),
        organization: site.organization,
        patient_id: patient.map(|it| it.id.clone()),
        practitioner_ids,
        is_virtual,
        start: to_millis(new.start),
        minutes: new.minutes,
        status: new.status.to_owned(),
        links: None,
        updated: hospital.clock.now(),
        booking_version: 0,
        links_version: 0,
    };
    hospital.canaries.patient("appointment.number", &appointment.number);
    let described = describe(&appointment);
    lock(&hospital.oracle.appointments).push(appointment);
    Ok(described)
}

/// An appointment as a launch is about it. The record's session is the Appointment's id: Oracle's page lists no search by
/// `identifier`.
pub(crate) fn booked(hospital: &Hospital, id: &str) -> Option<Booked> {
    let found = hospital.oracle.appointments(|it| it.id == id).pop()?;
    Some(Booked {
        organization: found.organization,
        session: found.id.clone(),
        appointment_id: found.id,
        patient_id: found.patient_id,
        encounter_id: Some(found.encounter_id),
    })
}

/// Changes an appointment; `None` if there is none with this id.
pub(crate) fn change(hospital: &Hospital, id: &str, change: &Change) -> Option<Result<Value, &'static str>> {
    let mut all = lock(&hospital.oracle.appointments);
    let found = all.iter_mut().find(|it| it.id == id)?;
    if let Some(wanted) = &change.practitioner_id {
        let site = hospital.oracle.server.of(found.organization)?;
        let Some(practitioner) = site.practitioner(wanted) else { return Some(Err("no such practitioner")) };
        found.practitioner_ids = vec![practitioner.id.clone()];
    }
    if let Some(status) = &change.status {
        found.status = status.clone();
    }
    found.start = change.start.map_or(found.start, to_millis);
    found.minutes = change.minutes(found.start).unwrap_or(found.minutes);
    found.rebooked(hospital.clock.now());
    Some(Ok(describe(found)))
}

impl super::State {
    /// All appointments as the control API lists them.
    pub(crate) fn listed(&self) -> Vec<Value> {
        self.appointments(|_| true).iter().map(describe).collect()
    }

    /// What stands at every appointment: status and links.
    pub(crate) fn standing(&self) -> Vec<Value> {
        let all = self.appointments(|_| true);
        let all = all.iter().map(|it| {
            json!({
                "organization": it.organization, "appointment_id": it.id, "number": it.number, "status": it.status,
                "version": it.version(), "links": it.links.as_ref().map(patch::describe),
            })
        });
        all.collect()
    }
}

/// No finer than FHIR shows it, so that a time told here finds what it is the time of.
fn to_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

fn describe(it: &Appointment) -> Value {
    json!({
        "ehr": Ehr::Oracle, "appointment_id": it.id, "csn": it.number, "encounter_id": it.encounter_id,
        "org": it.organization, "patient_id": it.patient_id, "practitioner_id": it.practitioner_ids.first(),
        "more_practitioners": it.practitioner_ids.get(1..),
        "type": if it.is_virtual { crate::epic::chart::VIRTUAL } else { crate::epic::chart::OFFICE },
        "start": it.start, "minutes": it.minutes, "status": it.status, "version": it.version(),
        "links": it.links.as_ref().map(patch::describe),
    })
}
