//! *Begin virtual visit*: mints a launch token bound to whoever pressed and to the appointment, and says where to go.

use super::{chart::Appointment, fhir_base};
use crate::{
    core::{Hospital, Organization, PortalUser, switches::PROXIES},
    pages,
    smart::{
        grants::{Launch, Launcher},
        launch::{self, ClinicianLaunch},
    },
};
use axum::{http::StatusCode, response::Response};
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
    // The record says sessionId=%CSN%, for a group sessionId=%CONFERENCEID%; without a department Epic writes NONE.
    let department = appointment.location_id.as_deref().and_then(|it| organization.department(it));
    let department = department.map_or("NONE", |it| it.number.as_str());
    let context = [("sessionId", appointment.conference()), ("departmentId", department)];
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

/// Who begins a visit in MyChart.
pub(crate) enum Portal<'a> {
    /// The patient it is for.
    Patient(&'a str),
    /// Somebody who acts for the patient: their `fhirUser`.
    Proxy(String),
}

/// As whom a portal user may begin a visit, if at all: their own, or as the hospital lets proxies act.
pub(crate) fn portal<'a>(
    hospital: &Hospital,
    organization: &Organization,
    user: &PortalUser<'a>,
    appointment: &Appointment,
) -> Option<Portal<'a>> {
    if let Some(own) = user.own.filter(|it| appointment.is_of(&it.patient_id)) {
        return Some(Portal::Patient(&own.patient_id));
    }
    let (related, _) = user.acts_for.iter().find(|(_, it)| appointment.is_of(&it.patient_id))?;
    let related_person = format!("RelatedPerson/{}", related.related_person_id);
    let fhir_user = match (hospital.switches.of(&PROXIES, organization.key), user.own) {
        ("none", _) => return None,
        ("other-patient", Some(own)) => format!("Patient/{}", own.patient_id),
        _ => related_person,
    };
    Some(Portal::Proxy(fhir_user))
}

/// Begins a visit from MyChart; `None` while no relay is registered.
pub(crate) fn patient(
    hospital: &Hospital,
    organization: &Organization,
    who: Portal<'_>,
    appointment: &Appointment,
) -> Option<String> {
    let (launcher, by) = match who {
        Portal::Patient(id) => (Launcher::Patient { patient_id: id.to_owned() }, "patient"),
        Portal::Proxy(fhir_user) => (Launcher::Proxy { fhir_user }, "proxy"),
    };
    // Epic's older way tells nobody apart who acts for a patient: the link is the patient's.
    let encrypted = super::links::patient(hospital, organization, appointment);
    let by = if encrypted.is_some() { "encrypted link" } else { by };
    let url = match encrypted {
        Some(url) => url?,
        None => {
            let token = mint(hospital, launcher, appointment);
            let iss = fhir_base(hospital, organization);
            launch::patient(hospital, organization.key, (&iss, &token), appointment.conference())?
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
        encounter_id: appointment.encounter_id.clone(),
    };
    hospital.epic.grants.launch(hospital, launch)
}

/// The page shown when nobody has said where launches go.
pub(super) fn no_relay(product: &str) -> Response {
    let text =
        "No launch address is configured for this integration yet. Your EHR analyst can register the relay's address.";
    pages::refusal(StatusCode::CONFLICT, product, "Virtual visits are not set up", text)
}
