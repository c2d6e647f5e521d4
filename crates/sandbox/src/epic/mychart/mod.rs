//! The MyChart pages: sign-in, upcoming visits as cards, scheduling a "Microsoft virtual visit", *Begin virtual visit*.

mod view;

use super::{
    booking::{self, NewAppointment},
    chart::VIRTUAL,
    launch, local_time, sessions,
};
use crate::{core::Shared, pages, web::Parameters};
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

const PRODUCT: &str = "MyChart";
const HOME: &str = "/mychart/";
/// How long a visit that a patient schedules takes.
const MINUTES: u32 = 20;

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/mychart", get(async || Redirect::permanent(HOME)))
        .route(HOME, get(home))
        .route("/mychart/sign-in", post(sign_in))
        .route("/mychart/sign-out", post(sign_out))
        .route("/mychart/appointments", post(schedule))
        .route("/mychart/appointments/{id}/begin", post(begin))
        .route("/mychart.css", get(async || pages::style(include_str!("../../../pages/mychart.css"))))
        .route("/mychart.js", get(async || pages::script(include_str!("../../../pages/mychart.js"))))
}

async fn home(State(hospital): State<Shared>, headers: HeaderMap) -> Response {
    match sessions::portal(&hospital, &headers) {
        Some((organization, user)) => view::visits(&hospital, organization, &user),
        None => view::sign_in(&hospital),
    }
}

async fn sign_in(State(hospital): State<Shared>, body: String) -> Response {
    let form = Parameters::parse(&body);
    let user = form.text("mychart_user");
    if hospital.organizations.iter().all(|it| it.portal_user(user).is_none()) {
        return refuse(StatusCode::FORBIDDEN, "We do not know this account.");
    }
    let cookie = sessions::sign_in_patient(&hospital, user);
    hospital.log("mychart", "signed.in", serde_json::json!({}));
    ([(header::SET_COOKIE, cookie)], Redirect::to(HOME)).into_response()
}

async fn sign_out() -> Response {
    ([(header::SET_COOKIE, sessions::sign_out_patient())], Redirect::to(HOME)).into_response()
}

async fn schedule(State(hospital): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let Some((organization, user)) = sessions::portal(&hospital, &headers) else {
        return Redirect::to(HOME).into_response();
    };
    let Some(patient) = user.own else {
        return refuse(StatusCode::FORBIDDEN, "Only patients can schedule visits here.");
    };
    let form = Parameters::parse(&body);
    let made = local_time::start(&form).and_then(|start| {
        let new = NewAppointment {
            patient_id: Some(&patient.patient_id),
            practitioner_id: form.text("practitioner"),
            more_practitioners: &[],
            department: None,
            kind: VIRTUAL,
            start,
            minutes: MINUTES,
            status: "booked",
        };
        booking::schedule(&hospital, organization, "mychart", &new)
    });
    match made {
        Ok(appointment) => Redirect::to(&format!("{HOME}#visit-{}", appointment.id)).into_response(),
        Err(text) => refuse(StatusCode::BAD_REQUEST, text),
    }
}

async fn begin(State(hospital): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let Some((organization, user)) = sessions::portal(&hospital, &headers) else {
        return Redirect::to(HOME).into_response();
    };
    let appointment = hospital.epic.chart.appointment(&id);
    let found = appointment.and_then(|it| Some((launch::portal(&hospital, organization, &user, &it)?, it)));
    let Some((who, appointment)) = found else {
        hospital.log("mychart", "launch.refused", serde_json::json!({ "reason": "not theirs to begin" }));
        return refuse(StatusCode::NOT_FOUND, "We cannot find this visit among yours.");
    };
    match launch::patient(&hospital, organization, who, &appointment) {
        Some(url) => ([(header::REFERRER_POLICY, "no-referrer")], Redirect::to(&url)).into_response(),
        None => launch::no_relay(PRODUCT),
    }
}

fn refuse(status: StatusCode, text: &str) -> Response {
    pages::refusal(status, PRODUCT, "That did not work", text)
}
