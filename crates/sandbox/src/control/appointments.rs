//! Scheduling and launching without a browser: the same doors as the Hyperspace and MyChart pages.

use super::refuse;
use crate::{
    core::{Hospital, Shared},
    epic::{
        Appointment,
        launch::{self, NewAppointment},
    },
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Schedule {
    org: String,
    patient_id: String,
    practitioner_id: String,
    r#type: String,
    start: Timestamp,
    #[serde(default = "half_an_hour")]
    minutes: u32,
    #[serde(default = "booked")]
    status: String,
}

fn half_an_hour() -> u32 {
    30
}

fn booked() -> String {
    "booked".to_owned()
}

/// `POST /appointments`
pub(super) async fn schedule(State(hospital): State<Shared>, Json(it): Json<Schedule>) -> Response {
    let Some(organization) = hospital.organization(&it.org) else {
        return refuse(StatusCode::NOT_FOUND, "the organizations are northside and harbor");
    };
    let new = NewAppointment {
        patient_id: &it.patient_id,
        practitioner_id: &it.practitioner_id,
        kind: &it.r#type,
        start: it.start,
        minutes: it.minutes,
        status: &it.status,
    };
    match launch::schedule(&hospital, organization, "control", &new) {
        Ok(appointment) => (StatusCode::CREATED, Json(describe(&hospital, &appointment))).into_response(),
        Err(text) => refuse(StatusCode::UNPROCESSABLE_ENTITY, text),
    }
}

/// `GET /appointments`: all of both organizations, by start.
pub(super) async fn list(State(hospital): State<Shared>) -> Json<Value> {
    let all = hospital.epic.chart.appointments(|_| true);
    let all: Vec<Value> = all.iter().map(|it| describe(&hospital, it)).collect();
    Json(json!({ "appointments": all }))
}

fn describe(hospital: &Hospital, it: &Appointment) -> Value {
    let (patient, practitioner) = hospital.epic.chart.marks(&it.csn);
    json!({
        "appointment_id": it.id, "csn": it.csn, "encounter_id": it.encounter_id, "org": it.organization,
        "patient_id": it.patient_id, "practitioner_id": it.practitioner_id, "type": it.kind, "start": it.start,
        "minutes": it.minutes, "status": it.status,
        "marks": { "patient": patient.words(), "practitioner": practitioner.words() },
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    status: Option<String>,
    start: Option<Timestamp>,
    practitioner_id: Option<String>,
}

/// `PATCH /appointments/{id}`: what a scheduler changes.
pub(super) async fn change(
    State(hospital): State<Shared>,
    Path(id): Path<String>,
    Json(change): Json<Change>,
) -> Response {
    let Some(before) = hospital.epic.chart.appointment(&id) else {
        return refuse(StatusCode::NOT_FOUND, "no such appointment");
    };
    if let Some(practitioner_id) = &change.practitioner_id {
        let known = hospital.organization(before.organization).and_then(|it| it.practitioner(practitioner_id));
        if known.is_none() {
            return refuse(StatusCode::UNPROCESSABLE_ENTITY, "no such practitioner");
        }
    }
    if let Some(status) = &change.status
        && let Err(text) = launch::set_status(&hospital, "control", &id, status)
    {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, text);
    }
    hospital.epic.chart.change(&id, |it| {
        it.start = change.start.unwrap_or(it.start);
        if let Some(practitioner_id) = change.practitioner_id {
            it.practitioner_id = practitioner_id;
        }
    });
    let after = hospital.epic.chart.appointment(&id).unwrap_or(before);
    Json(describe(&hospital, &after)).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Launch {
    emp_user: Option<String>,
    mychart_user: Option<String>,
    appointment_id: String,
}

/// `POST /launch`: presses *Begin virtual visit* as a Hyperspace user, or with `mychart_user` as the patient.
pub(super) async fn launch(State(hospital): State<Shared>, Json(it): Json<Launch>) -> Response {
    let Some(appointment) = hospital.epic.chart.appointment(&it.appointment_id) else {
        return refuse(StatusCode::NOT_FOUND, "no such appointment");
    };
    let Some(organization) = hospital.organization(appointment.organization) else {
        return refuse(StatusCode::NOT_FOUND, "no such organization");
    };
    let answer = match (&it.emp_user, &it.mychart_user) {
        (Some(user), None) => {
            let Some(person) = organization.emp_user(user) else {
                return refuse(StatusCode::NOT_FOUND, "no such Hyperspace user at the appointment's hospital");
            };
            launch::clinician(&hospital, organization, &person.oid, &appointment)
                .map(|it| json!({ "https_url": it.https_url, "roomed_url": it.roomed_url }))
        }
        (None, Some(user)) => {
            if organization.patient(&appointment.patient_id).is_none_or(|it| it.mychart_user != *user) {
                return refuse(StatusCode::NOT_FOUND, "the appointment is not this patient's");
            }
            launch::patient(&hospital, organization, &appointment).map(|url| json!({ "https_url": url }))
        }
        _ => return refuse(StatusCode::BAD_REQUEST, "give either emp_user or mychart_user"),
    };
    match answer {
        Some(body) => Json(body).into_response(),
        None => refuse(StatusCode::CONFLICT, "PUT /relay first: no launch address is registered"),
    }
}
