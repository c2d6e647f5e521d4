//! *Begin virtual visit*: mints a launch token bound to whoever pressed and to the appointment, and says where to go.

use super::{
    chart::{Appointment, OFFICE, VIRTUAL},
    fhir_base,
};
use crate::{
    core::{Hospital, Organization},
    pages,
    smart::{
        grants::{Launch, Launcher},
        launch::{self, ClinicianLaunch},
    },
};
use axum::{http::StatusCode, response::Response};
use jiff::Timestamp;
use serde_json::json;

/// Begins a visit as a Hyperspace user; `None` while no relay is registered.
pub(crate) fn clinician(
    hospital: &Hospital,
    organization: &Organization,
    oid: &str,
    appointment: &Appointment,
) -> Option<ClinicianLaunch> {
    let token = mint(hospital, Launcher::Clinician { oid: oid.to_owned() }, appointment);
    let iss = fhir_base(hospital, organization);
    let department = hospital.random.stable_digits(&format!("{} department", organization.key), 7);
    let context = [("sessionId", appointment.csn.as_str()), ("departmentId", department.as_str())];
    let begun = launch::clinician(hospital, organization.key, (&iss, &token), &context)?;
    let by = organization.person(oid).and_then(|it| it.emp_user.clone());
    hospital.log(
        "hyperspace",
        "launch.begun",
        json!({
            "organization": organization.key, "appointment_id": appointment.id, "emp_user": by,
        }),
    );
    Some(begun)
}

/// Begins a visit as the MyChart user the appointment is for; `None` while no relay is registered.
pub(crate) fn patient(hospital: &Hospital, organization: &Organization, appointment: &Appointment) -> Option<String> {
    let encrypted = super::links::patient(hospital, organization, appointment);
    let by = if encrypted.is_some() { "encrypted link" } else { "SMART" };
    let url = match encrypted {
        Some(url) => url?,
        None => {
            let token = mint(hospital, Launcher::Patient { patient_id: appointment.patient_id.clone() }, appointment);
            let iss = fhir_base(hospital, organization);
            launch::patient(hospital, organization.key, (&iss, &token), &appointment.csn)?
        }
    };
    let detail = json!({ "organization": organization.key, "appointment_id": appointment.id, "by": by });
    hospital.log("mychart", "launch.begun", detail);
    Some(url)
}

fn mint(hospital: &Hospital, launcher: Launcher, appointment: &Appointment) -> String {
    let launch = Launch {
        organization: appointment.organization,
        launcher,
        patient_id: appointment.patient_id.clone(),
        encounter_id: Some(appointment.encounter_id.clone()),
    };
    hospital.epic.grants.launch(hospital, launch)
}

/// The page shown when nobody has said where launches go.
pub(super) fn no_relay(product: &str) -> Response {
    let text =
        "No launch address is configured for this integration yet. Your EHR analyst can register the relay's address.";
    pages::refusal(StatusCode::CONFLICT, product, "Virtual visits are not set up", text)
}

/// What is needed to schedule a visit.
pub(crate) struct NewAppointment<'a> {
    pub(crate) patient_id: &'a str,
    pub(crate) practitioner_id: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) start: Timestamp,
    pub(crate) minutes: u32,
    pub(crate) status: &'a str,
}

/// Puts an appointment into the schedule, with the encounter Epic makes for it.
pub(crate) fn schedule(
    hospital: &Hospital,
    organization: &Organization,
    who: &str,
    new: &NewAppointment<'_>,
) -> Result<Appointment, &'static str> {
    let kind = [VIRTUAL, OFFICE].into_iter().find(|it| *it == new.kind).ok_or("no such visit type")?;
    organization.patient(new.patient_id).ok_or("no such patient")?;
    organization.practitioner(new.practitioner_id).ok_or("no such practitioner")?;
    if !super::chart::STATUSES.contains(&new.status) {
        return Err("no such appointment status");
    }
    if !(5..=480).contains(&new.minutes) {
        return Err("a visit takes 5 to 480 minutes");
    }
    let unique = hospital.random.guid();
    let appointment = Appointment {
        id: crate::core::fhir_id(&hospital.random, &format!("appointment {unique}")),
        encounter_id: crate::core::fhir_id(&hospital.random, &format!("encounter {unique}")),
        csn: hospital.random.stable_digits(&format!("csn {unique}"), 11),
        organization: organization.key,
        patient_id: new.patient_id.to_owned(),
        practitioner_id: new.practitioner_id.to_owned(),
        kind,
        start: new.start,
        minutes: new.minutes,
        status: new.status.to_owned(),
        created: hospital.clock.now(),
    };
    hospital.canaries.patient("appointment.csn", &appointment.csn);
    let detail = json!({ "organization": organization.key, "appointment_id": appointment.id, "type": kind });
    hospital.log(who, "appointment.scheduled", detail);
    hospital.epic.chart.add(appointment.clone());
    Ok(appointment)
}

/// Changes an appointment's status; refuses one FHIR does not have.
pub(crate) fn set_status(hospital: &Hospital, who: &str, id: &str, status: &str) -> Result<(), &'static str> {
    if !super::chart::STATUSES.contains(&status) {
        return Err("no such appointment status");
    }
    if !hospital.epic.chart.change(id, |it| status.clone_into(&mut it.status)) {
        return Err("no such appointment");
    }
    hospital.log(who, "appointment.status", json!({ "appointment_id": id, "status": status }));
    Ok(())
}
