//! Scheduling without a browser: the same door as the Hyperspace page, and for the other EHRs what their own screens would do.

use super::refuse;
use crate::{
    core::{Ehr, Hospital, Shared},
    epic::{
        Appointment,
        booking::{self, NewAppointment},
        chart, marks,
    },
    oracle, r4,
};
use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Schedule {
    #[serde(default)]
    ehr: Ehr,
    org: String,
    /// Absent: clinicians meet each other.
    patient_id: Option<String>,
    practitioner_id: String,
    #[serde(default)]
    more_practitioners: Vec<String>,
    /// A department's number. Absent: at Epic the practitioner's usual one, elsewhere none; empty at Epic: none.
    department: Option<String>,
    r#type: String,
    start: Timestamp,
    #[serde(default = "half_an_hour")]
    minutes: u32,
    #[serde(default = "booked")]
    status: String,
    /// Whether the generic server plans an Encounter for it at once; the others always do.
    #[serde(default = "yes")]
    encounter: bool,
}

fn half_an_hour() -> u32 {
    30
}

fn booked() -> String {
    "booked".to_owned()
}

fn yes() -> bool {
    true
}

/// A visit to be booked at an EHR beside Epic. People may be given by that EHR's ids or by Epic's.
pub(crate) struct NewVisit<'a> {
    /// Organization key.
    pub(crate) organization: &'a str,
    /// Absent: clinicians meet each other.
    pub(crate) patient_id: Option<&'a str>,
    pub(crate) practitioner_id: &'a str,
    pub(crate) more_practitioners: &'a [String],
    /// The site's code or the sandbox's word.
    pub(crate) kind: &'a str,
    pub(crate) start: Timestamp,
    pub(crate) minutes: u32,
    pub(crate) status: &'a str,
    pub(crate) encounter: bool,
    /// Number or Location id at Epic; at the generic server a HealthcareService.
    pub(crate) department: Option<&'a str>,
    /// What makes its ids its own.
    pub(crate) unique: String,
}

impl NewVisit<'_> {
    /// Everybody who is to be there for it.
    pub(crate) fn practitioners(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.practitioner_id).chain(self.more_practitioners.iter().map(String::as_str))
    }
}

/// `POST /appointments`
pub(super) async fn schedule(State(hospital): State<Shared>, Json(it): Json<Schedule>) -> Response {
    let Some(organization) = hospital.organization(&it.org) else {
        return refuse(StatusCode::NOT_FOUND, "the organizations are northside and harbor");
    };
    let made = match it.ehr {
        Ehr::Epic => {
            let new = NewAppointment {
                patient_id: it.patient_id.as_deref(),
                practitioner_id: &it.practitioner_id,
                more_practitioners: &it.more_practitioners,
                department: it.department.as_deref(),
                kind: &it.r#type,
                start: it.start,
                minutes: it.minutes,
                status: &it.status,
            };
            booking::schedule(&hospital, organization, "control", &new).map(|it| describe(&hospital, &it))
        }
        other => elsewhere(&hospital, other, &it),
    };
    match made {
        Ok(described) => (StatusCode::CREATED, Json(described)).into_response(),
        Err(text) => refuse(StatusCode::UNPROCESSABLE_ENTITY, text),
    }
}

fn elsewhere(hospital: &Shared, ehr: Ehr, it: &Schedule) -> Result<Value, &'static str> {
    if !chart::STATUSES.contains(&it.status.as_str()) {
        return Err("no such appointment status");
    }
    if !(5..=480).contains(&it.minutes) {
        return Err("a visit takes 5 to 480 minutes");
    }
    if it.patient_id.is_none() && it.more_practitioners.is_empty() {
        return Err("a visit without a patient is of at least two practitioners");
    }
    if it.department.is_some() && ehr == Ehr::Oracle {
        return Err("Oracle Health's appointments have no department here");
    }
    let new = NewVisit {
        organization: &it.org,
        patient_id: it.patient_id.as_deref(),
        practitioner_id: &it.practitioner_id,
        more_practitioners: &it.more_practitioners,
        kind: &it.r#type,
        start: it.start,
        minutes: it.minutes,
        status: &it.status,
        encounter: it.encounter,
        department: it.department.as_deref(),
        unique: hospital.random.guid(),
    };
    let made = if ehr == Ehr::Oracle { oracle::schedule(hospital, &new) } else { r4::schedule(hospital, &new) }?;
    let detail = json!({ "organization": it.org, "ehr": ehr, "appointment_id": made["appointment_id"] });
    hospital.log("control", "appointment.scheduled", detail);
    Ok(made)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    ehr: Option<Ehr>,
}

/// `GET /appointments`: all of both organizations; each EHR's by start, Epic's first. `?ehr=` for one EHR's only.
pub(super) async fn list(State(hospital): State<Shared>, Query(which): Query<Which>) -> Json<Value> {
    let wanted = |ehr| which.ehr.is_none_or(|it| it == ehr);
    let mut all = Vec::new();
    if wanted(Ehr::Epic) {
        all.extend(hospital.epic.chart.appointments(|_| true).iter().map(|it| describe(&hospital, it)));
    }
    if wanted(Ehr::Oracle) {
        all.extend(hospital.oracle.listed());
    }
    if wanted(Ehr::R4) {
        all.extend(hospital.r4.listed());
    }
    Json(json!({ "appointments": all }))
}

fn describe(hospital: &Hospital, it: &Appointment) -> Value {
    let (patient, practitioner) = marks::marks(hospital, it);
    json!({
        "ehr": Ehr::Epic,
        "appointment_id": it.id, "csn": it.csn, "encounter_id": it.encounter_id, "org": it.organization,
        "patient_id": it.patient_id, "practitioner_id": it.practitioner_id, "type": it.kind, "start": it.start,
        "minutes": it.minutes, "status": it.status,
        "conference_id": it.conference(), "is_group": it.group.is_some(), "location_id": it.location_id,
        "more_practitioners": it.more_practitioners,
        "marks": { "patient": patient.words(), "practitioner": practitioner.words() },
        "lines": marks::described(hospital, it),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    org: String,
    practitioner_id: String,
    patient_ids: Vec<String>,
    start: Timestamp,
    #[serde(default = "half_an_hour")]
    minutes: u32,
    department: Option<String>,
}

/// `POST /groups`: a group visit at Epic, an appointment for each patient and one conference id for all.
pub(super) async fn group(State(hospital): State<Shared>, Json(it): Json<Group>) -> Response {
    let Some(organization) = hospital.organization(&it.org) else {
        return refuse(StatusCode::NOT_FOUND, "the organizations are northside and harbor");
    };
    let new = NewAppointment {
        patient_id: None,
        practitioner_id: &it.practitioner_id,
        more_practitioners: &[],
        department: it.department.as_deref(),
        kind: chart::VIRTUAL,
        start: it.start,
        minutes: it.minutes,
        status: "booked",
    };
    match booking::schedule_group(&hospital, organization, "control", &new, &it.patient_ids) {
        Ok(made) => {
            let conference = made.first().map(|it| it.conference().to_owned());
            let all: Vec<Value> = made.iter().map(|it| describe(&hospital, it)).collect();
            let body = json!({ "conference_id": conference, "appointments": all });
            (StatusCode::CREATED, Json(body)).into_response()
        }
        Err(text) => refuse(StatusCode::UNPROCESSABLE_ENTITY, text),
    }
}

/// What a scheduler changes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Only at this EHR; absent: wherever the id is.
    ehr: Option<Ehr>,
    pub(crate) status: Option<String>,
    pub(crate) start: Option<Timestamp>,
    pub(crate) end: Option<Timestamp>,
    pub(crate) practitioner_id: Option<String>,
}

impl Change {
    /// The new length of a visit that begins at `start`, if the end changes.
    pub(crate) fn minutes(&self, start: Timestamp) -> Option<u32> {
        u32::try_from(self.end?.duration_since(start).as_mins()).ok()
    }
}

/// `PATCH /appointments/{id}`
pub(super) async fn change(
    State(hospital): State<Shared>,
    Path(id): Path<String>,
    Json(change): Json<Change>,
) -> Response {
    if change.status.as_deref().is_some_and(|it| !chart::STATUSES.contains(&it)) {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "no such appointment status");
    }
    if matches!((change.start, change.end), (Some(start), Some(end)) if end <= start) {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "the end is not after the start");
    }
    let wanted = |ehr| change.ehr.is_none_or(|it| it == ehr);
    let mut done = None;
    if wanted(Ehr::Epic) {
        done = at_epic(&hospital, &id, &change);
    }
    if done.is_none() && wanted(Ehr::Oracle) {
        done = oracle::change(&hospital, &id, &change);
    }
    if done.is_none() && wanted(Ehr::R4) {
        done = r4::change(&hospital, &id, &change);
    }
    match done {
        None => refuse(StatusCode::NOT_FOUND, "no such appointment"),
        Some(Ok(described)) => Json(described).into_response(),
        Some(Err(text)) => refuse(StatusCode::UNPROCESSABLE_ENTITY, text),
    }
}

fn at_epic(hospital: &Hospital, id: &str, change: &Change) -> Option<Result<Value, &'static str>> {
    let before = hospital.epic.chart.appointment(id)?;
    if let Some(practitioner_id) = &change.practitioner_id {
        let known = hospital.organization(before.organization).and_then(|it| it.practitioner(practitioner_id));
        if known.is_none() {
            return Some(Err("no such practitioner"));
        }
    }
    if let Some(status) = &change.status
        && let Err(text) = booking::set_status(hospital, "control", id, status)
    {
        return Some(Err(text));
    }
    hospital.epic.chart.change(id, |it| {
        it.start = change.start.unwrap_or(it.start);
        it.minutes = change.minutes(it.start).unwrap_or(it.minutes);
        if let Some(practitioner_id) = &change.practitioner_id {
            it.practitioner_id.clone_from(practitioner_id);
        }
    });
    let after = hospital.epic.chart.appointment(id).unwrap_or(before);
    Some(Ok(describe(hospital, &after)))
}
