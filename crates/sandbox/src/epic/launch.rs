//! *Begin virtual visit*: mints a launch token bound to whoever pressed and to the appointment, and says where to go.
//! The launch addresses are the ones an analyst would have typed into the integration (FDI) records.

use super::{
    chart::{Appointment, OFFICE, VIRTUAL},
    fhir_base,
    grants::Launcher,
};
use crate::{
    core::{Hospital, Organization},
    pages,
};
use axum::{http::StatusCode, response::Response};
use jiff::Timestamp;
use serde_json::json;
use url::Url;

/// Where a clinician's launch may go.
pub(crate) struct ClinicianLaunch {
    /// The relay's launch page, with the record's context tokens.
    pub(crate) https_url: String,
    /// The companion's own scheme, with `iss` and `launch` only.
    pub(crate) roomed_url: String,
}

/// Begins a visit as a Hyperspace user; `None` while no relay is registered.
pub(crate) fn clinician(
    hospital: &Hospital,
    organization: &Organization,
    oid: &str,
    appointment: &Appointment,
) -> Option<ClinicianLaunch> {
    let base = hospital.relay_base()?;
    let launcher = Launcher::Clinician { oid: oid.to_owned() };
    let launch = hospital.epic.grants.launch(hospital, launcher, appointment);
    let iss = fhir_base(hospital, organization);
    let department = hospital.random.stable_digits(&format!("{} department", organization.key), 7);
    let common = [("iss", iss.as_str()), ("launch", launch.as_str())];
    let context = [("sessionId", appointment.csn.as_str()), ("departmentId", department.as_str())];
    let https_url = with_query(&format!("{base}/o/{}/launch", organization.key), common.into_iter().chain(context))?;
    let roomed_url = with_query("roomed://launch", common.into_iter())?;
    let by = organization.person(oid).and_then(|it| it.emp_user.clone());
    hospital.log(
        "hyperspace",
        "launch.begun",
        json!({
            "organization": organization.key, "appointment_id": appointment.id, "emp_user": by,
        }),
    );
    Some(ClinicianLaunch { https_url, roomed_url })
}

/// Begins a visit as the MyChart user the appointment is for; `None` while no relay is registered.
pub(crate) fn patient(hospital: &Hospital, organization: &Organization, appointment: &Appointment) -> Option<String> {
    let base = hospital.relay_base()?;
    let launcher = Launcher::Patient { patient_id: appointment.patient_id.clone() };
    let launch = hospital.epic.grants.launch(hospital, launcher, appointment);
    let iss = fhir_base(hospital, organization);
    let query = [("iss", iss.as_str()), ("launch", launch.as_str()), ("sessionId", appointment.csn.as_str())];
    let url = with_query(&format!("{base}/o/{}/patient", organization.key), query.into_iter())?;
    let detail = json!({ "organization": organization.key, "appointment_id": appointment.id });
    hospital.log("mychart", "launch.begun", detail);
    Some(url)
}

fn with_query<'a>(base: &str, query: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let mut url = Url::parse(base).ok()?;
    url.query_pairs_mut().extend_pairs(query);
    Some(url.into())
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
