//! Launching without a browser: *Begin virtual visit* as it is pressed in an EHR's chart or portal.

use super::refuse;
use crate::{
    core::{Ehr, Hospital, Organization, Shared},
    epic::{Appointment, launch},
    fhir::{self, Booked, Server},
    oracle, r4,
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Launch {
    emp_user: Option<String>,
    mychart_user: Option<String>,
    appointment_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    ehr: Ehr,
    org: String,
    mychart_user: String,
}

/// `POST /portal-sessions`: signs a patient in at the portal of an EHR beside Epic; the cookie their browser then has.
pub(super) async fn sign_in(State(hospital): State<Shared>, Json(it): Json<SignIn>) -> Response {
    let server = match it.ehr {
        Ehr::Epic => return refuse(StatusCode::BAD_REQUEST, "at Epic one signs in on MyChart's page"),
        Ehr::Oracle => &hospital.oracle.server,
        Ehr::R4 => &hospital.r4.server,
    };
    match fhir::launch::sign_in(&hospital, server, &it.org, &it.mychart_user) {
        Some(cookie) => Json(json!({ "cookie": cookie })).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "no such patient"),
    }
}

/// Where the appointment is.
enum Found<'a> {
    AtEpic(Appointment),
    Elsewhere(&'a Server, Booked),
}

/// `POST /launch`: presses *Begin virtual visit* as a user of the chart, or with `mychart_user` as the patient in the portal or, at Epic,
/// as somebody who acts for them.
/// The people of all EHRs sign in with the names they have at Epic.
pub(super) async fn launch(State(hospital): State<Shared>, Json(it): Json<Launch>) -> Response {
    let Some(found) = find(&hospital, &it.appointment_id) else {
        return refuse(StatusCode::NOT_FOUND, "no such appointment");
    };
    let Some(organization) = hospital.organization(found.organization()) else {
        return refuse(StatusCode::NOT_FOUND, "no such organization");
    };
    let answer = match (&it.emp_user, &it.mychart_user) {
        (Some(user), None) => {
            let Some(person) = organization.emp_user(user) else {
                return refuse(StatusCode::NOT_FOUND, "no such Hyperspace user at the appointment's hospital");
            };
            found.clinician(&hospital, organization, &person.oid)
        }
        (None, Some(user)) => {
            let Some(answer) = found.patient(&hospital, organization, user) else {
                return refuse(
                    StatusCode::NOT_FOUND,
                    "the appointment is not this patient's, nor of whom they act for",
                );
            };
            answer
        }
        _ => return refuse(StatusCode::BAD_REQUEST, "give either emp_user or mychart_user"),
    };
    match answer {
        Some(body) => Json(body).into_response(),
        None => refuse(StatusCode::CONFLICT, "PUT /relay first: no launch address is registered"),
    }
}

fn find<'a>(hospital: &'a Hospital, id: &str) -> Option<Found<'a>> {
    if let Some(appointment) = hospital.epic.chart.appointment(id) {
        return Some(Found::AtEpic(appointment));
    }
    let at_oracle = oracle::booked(hospital, id).map(|it| (&hospital.oracle.server, it));
    let elsewhere = at_oracle.or_else(|| r4::booked(hospital, id).map(|it| (&hospital.r4.server, it)));
    elsewhere.map(|(server, booked)| Found::Elsewhere(server, booked))
}

impl Found<'_> {
    fn organization(&self) -> &'static str {
        match self {
            Self::AtEpic(appointment) => appointment.organization,
            Self::Elsewhere(_, booked) => booked.organization,
        }
    }

    fn clinician(&self, hospital: &Hospital, organization: &Organization, oid: &str) -> Option<Value> {
        let begun = match self {
            Self::AtEpic(appointment) => launch::clinician(hospital, organization, oid, appointment),
            Self::Elsewhere(server, booked) => fhir::launch::clinician(hospital, server, oid, booked),
        };
        begun.map(|it| json!(it))
    }

    /// `None`: not theirs to begin.
    fn patient(&self, hospital: &Hospital, organization: &Organization, user: &str) -> Option<Option<Value>> {
        let url = match self {
            Self::AtEpic(appointment) => {
                let user = organization.portal_user(user)?;
                let who = launch::portal(hospital, organization, &user, appointment)?;
                launch::patient(hospital, organization, who, appointment)
            }
            Self::Elsewhere(server, booked) => {
                fhir::launch::is_of(organization, server, user, booked).then_some(())?;
                fhir::launch::patient(hospital, server, booked)
            }
        };
        Some(url.map(|it| json!({ "https_url": it })))
    }
}
