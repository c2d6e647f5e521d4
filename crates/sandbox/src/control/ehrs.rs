//! How the EHRs behave and what they have taken in: switches of the generic server and of Oracle Health, the record of
//! effects in order, and what stands after them.

use super::refuse;
use crate::{
    core::{Ehr, Shared},
    oracle::Behaviour,
    r4::Capabilities,
};
use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

const USUAL: usize = 1000;
const MOST: usize = 10_000;
const LONGEST_WAIT_MS: u64 = 60_000;

/// `GET /r4/capabilities`
pub(super) async fn capabilities(State(hospital): State<Shared>) -> Json<Capabilities> {
    Json(hospital.r4.capabilities())
}

/// `PUT /r4/capabilities`: what is left out is as a good server has it.
pub(super) async fn set_capabilities(State(hospital): State<Shared>, Json(it): Json<Capabilities>) -> StatusCode {
    hospital.log("control", "r4.capabilities", json!(it));
    hospital.r4.set_capabilities(it);
    StatusCode::NO_CONTENT
}

/// `GET /r4/resources/{kind}`: everything of a type that stands in the generic server, oldest first, site by site.
pub(super) async fn resources(State(hospital): State<Shared>, Path(kind): Path<String>) -> Response {
    match hospital.r4.resources(&kind) {
        Some(resources) => Json(json!({ "resources": resources })).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "the server holds no such type"),
    }
}

/// `GET /oracle/behaviour`
pub(super) async fn behaviour(State(hospital): State<Shared>) -> Json<Behaviour> {
    Json(hospital.oracle.behaviour())
}

/// `PUT /oracle/behaviour`: what is left out is as the sandbox begins.
pub(super) async fn set_behaviour(State(hospital): State<Shared>, Json(it): Json<Behaviour>) -> Response {
    if ![409, 412].contains(&it.stale) {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "stale is 409 or 412");
    }
    hospital.log("control", "oracle.behaviour", json!(it));
    hospital.oracle.set_behaviour(it);
    StatusCode::NO_CONTENT.into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    #[serde(default)]
    since: u64,
    limit: Option<usize>,
    #[serde(default)]
    wait_ms: u64,
}

/// `GET /effects?since=N&limit=M&wait_ms=W`: those numbered higher than N, oldest first, as soon as there is one; `next` is
/// the `since` of the next page.
pub(super) async fn effects(State(hospital): State<Shared>, Query(asked): Query<Since>) -> Json<Value> {
    let limit = asked.limit.unwrap_or(USUAL).clamp(1, MOST);
    let patience = Duration::from_millis(asked.wait_ms.min(LONGEST_WAIT_MS));
    let (effects, newest) = hospital.effects.wait_since(asked.since, limit, patience).await;
    let next = effects.last().map_or(asked.since, |it| it.seq);
    Json(json!({ "effects": effects, "next": next, "newest": newest, "more": next < newest }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    ehr: Option<Ehr>,
}

/// `GET /standing?ehr=E`: what the EHRs hold now.
pub(super) async fn standing(State(hospital): State<Shared>, Query(which): Query<Which>) -> Json<Value> {
    let mut all = json!({});
    for ehr in [Ehr::Epic, Ehr::Oracle, Ehr::R4] {
        if which.ehr.is_some_and(|it| it != ehr) {
            continue;
        }
        all[ehr.word()] = match ehr {
            Ehr::Epic => json!({
                "connection_statuses": hospital.effects.standing(), "creates": hospital.effects.creates(ehr),
            }),
            Ehr::Oracle => json!({ "appointments": hospital.oracle.standing() }),
            Ehr::R4 => json!({
                "appointments": hospital.r4.standing("Appointment"), "encounters": hospital.r4.standing("Encounter"),
                "creates": hospital.effects.creates(ehr),
            }),
        };
    }
    Json(all)
}
