//! The Hyperspace pages: sign-in, the day's schedule with live marks, scheduling, and *Begin virtual visit*.
//! Laid out like the real thing so that people know where they are; nothing else of it is here.

mod live;
mod view;

use super::{
    Appointment,
    booking::{self, NewAppointment},
    chart::STATUSES,
    launch, local_time, sessions,
};
use crate::{
    core::{Hospital, Organization, Person, Shared},
    pages,
    web::Parameters,
};
use axum::{
    Router,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

const PRODUCT: &str = "Hyperspace";
const HOME: &str = "/hyperspace/";

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/hyperspace", get(async || Redirect::permanent(HOME)))
        .route(HOME, get(home))
        .route("/hyperspace/sign-in", post(sign_in))
        .route("/hyperspace/sign-out", post(sign_out))
        .route("/hyperspace/events", get(live::events))
        .route("/hyperspace/appointments", post(schedule))
        .route("/hyperspace/appointments/{id}/begin", post(begin))
        .route("/hyperspace/appointments/{id}/begin-native", post(begin_native))
        .route("/hyperspace/appointments/{id}/status", post(status))
        .route("/hyperspace.css", get(async || pages::style(include_str!("../../../pages/hyperspace.css"))))
        .route("/hyperspace.js", get(async || pages::script(include_str!("../../../pages/hyperspace.js"))))
}

async fn home(State(hospital): State<Shared>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = Parameters::parse(&query.unwrap_or_default());
    match sessions::clinician(&hospital, &headers) {
        Some((organization, person)) => view::schedule(&hospital, organization, person, &query),
        None => view::sign_in(&hospital),
    }
}

async fn sign_in(State(hospital): State<Shared>, body: String) -> Response {
    let form = Parameters::parse(&body);
    let Some(person) = hospital.organizations.iter().find_map(|it| it.emp_user(form.text("emp_user"))) else {
        return pages::refusal(
            StatusCode::FORBIDDEN,
            PRODUCT,
            "Sign-in failed",
            "There is no such user at either hospital.",
        );
    };
    let cookie = sessions::sign_in_clinician(&hospital, &person.oid);
    hospital.log("hyperspace", "signed.in", serde_json::json!({ "emp_user": person.emp_user }));
    ([(header::SET_COOKIE, cookie)], Redirect::to(HOME)).into_response()
}

async fn sign_out() -> Response {
    ([(header::SET_COOKIE, sessions::sign_out_clinician())], Redirect::to(HOME)).into_response()
}

/// What a button of the side panel is about: a signed-in user and an appointment of their hospital.
fn pressed<'a>(
    hospital: &'a Hospital,
    headers: &HeaderMap,
    id: &str,
) -> Result<(&'a Organization, &'a Person, Appointment), Box<Response>> {
    let Some((organization, person)) = sessions::clinician(hospital, headers) else {
        return Err(Box::new(Redirect::to(HOME).into_response()));
    };
    match hospital.epic.chart.appointment(id).filter(|it| it.organization == organization.key) {
        Some(appointment) => Ok((organization, person, appointment)),
        None => Err(Box::new(refuse("There is no such appointment at this hospital."))),
    }
}

async fn begin(State(hospital): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    begin_at(&hospital, &headers, &id, |it| it.https_url)
}

async fn begin_native(State(hospital): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    begin_at(&hospital, &headers, &id, |it| it.roomed_url)
}

fn begin_at(
    hospital: &Hospital,
    headers: &HeaderMap,
    id: &str,
    at: impl Fn(crate::smart::launch::ClinicianLaunch) -> String,
) -> Response {
    let (organization, person, appointment) = match pressed(hospital, headers, id) {
        Ok(found) => found,
        Err(response) => return *response,
    };
    match launch::clinician(hospital, organization, &person.oid, &appointment) {
        Some(launch) => ([(header::REFERRER_POLICY, "no-referrer")], Redirect::to(&at(launch))).into_response(),
        None => launch::no_relay(PRODUCT),
    }
}

async fn status(State(hospital): State<Shared>, Path(id): Path<String>, headers: HeaderMap, body: String) -> Response {
    if let Err(response) = pressed(&hospital, &headers, &id) {
        return *response;
    }
    let form = Parameters::parse(&body);
    match booking::set_status(&hospital, "hyperspace", &id, form.text("status")) {
        Ok(()) => Redirect::to(&view::address(form.text("provider"), &id)).into_response(),
        Err(text) => refuse(text),
    }
}

async fn schedule(State(hospital): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let Some((organization, _)) = sessions::clinician(&hospital, &headers) else {
        return Redirect::to(HOME).into_response();
    };
    let form = Parameters::parse(&body);
    let made = local_time::start(&form).and_then(|start| {
        let new = NewAppointment {
            patient_id: Some(form.text("patient")),
            practitioner_id: form.text("practitioner"),
            more_practitioners: &[],
            department: None,
            kind: form.text("type"),
            start,
            minutes: form.text("minutes").parse().map_err(|_| "the length is not a number of minutes")?,
            status: STATUSES[2],
        };
        booking::schedule(&hospital, organization, "hyperspace", &new)
    });
    match made {
        Ok(appointment) => Redirect::to(&view::address(&appointment.practitioner_id, &appointment.id)).into_response(),
        Err(text) => refuse(text),
    }
}

fn refuse(text: &str) -> Response {
    pages::refusal(StatusCode::BAD_REQUEST, PRODUCT, "That did not work", text)
}
