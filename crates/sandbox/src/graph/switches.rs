//! Switches under `{graph}/_sandbox/`, for tests and the demo; nothing here needs a token.
//!
//! | call | does |
//! |---|---|
//! | `GET /meetings` | every meeting: id, organizer, externalId, thread, joinWebUrl, virtualAppointmentUrl, times |
//! | `GET /subscriptions` | every subscription: id, thread, expires, paused |
//! | `POST /expire-subscriptions` | ends all subscriptions silently, as if their time were up |
//! | `POST /lifecycle {"event":"reauthorizationRequired\|subscriptionRemoved\|missed","thread"?,"pause"?}` | sends a lifecycle notification; `pause` rests delivery until renewed or reauthorized, `subscriptionRemoved` really removes |
//! | `POST /forge {"mode":NAME,"thread"?,"eventType"?}` | sends one more notification, spoilt as `spoil.rs` names it, claiming that the call ended (or `eventType`) |
//! | `POST /notify-faults {"mode":NAME,"times"?}` | the next genuine notification is spoilt instead; same as fault target `graph.notify.NAME` |
//! | `POST /access-policy {"oid":GUID}` | grants the application access policy for one more organizer |

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::delivery::{Line, Parcel};
use super::spoil;
use crate::core::{Fault, FaultMode, Shared, lock};
use crate::teams::links;

/// The switches' routes.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/meetings", get(meetings))
        .route("/subscriptions", get(subscriptions))
        .route("/expire-subscriptions", post(expire))
        .route("/lifecycle", post(lifecycle))
        .route("/forge", post(forge))
        .route("/notify-faults", post(notify_faults))
        .route("/access-policy", post(access_policy))
}

async fn meetings(State(hospital): State<Shared>) -> Json<Value> {
    let teams = &hospital.addresses().teams;
    let all: Vec<Value> = lock(&hospital.graph.meetings)
        .iter()
        .map(|it| {
            json!({
                "id": it.id, "organizer": it.organizer.oid, "externalId": it.external_id, "thread": it.thread,
                "madeBy": it.made_by, "joinWebUrl": it.join_web_url, "startDateTime": it.start, "endDateTime": it.end,
                "virtualAppointmentUrl": links::virtual_appointment_url(teams, &it.organizer.tenant_id, &it.thread),
            })
        })
        .collect();
    Json(json!({"meetings": all}))
}

async fn subscriptions(State(hospital): State<Shared>) -> Json<Value> {
    let lines = lock(&hospital.graph.subscriptions);
    let all: Vec<Value> = lines
        .values()
        .map(|line| {
            let it = &line.subscription;
            json!({
                "id": it.id, "thread": it.thread, "expires": it.asked.expires.to_string(), "paused": it.paused,
                "undelivered": line.undelivered(),
            })
        })
        .collect();
    Json(json!({"subscriptions": all}))
}

async fn expire(State(hospital): State<Shared>) -> Json<Value> {
    let ended = std::mem::take(&mut *lock(&hospital.graph.subscriptions));
    for (id, line) in &ended {
        line.put(Parcel::Renewed);
        hospital.log("graph", "subscription.expired", json!({"subscription": id}));
    }
    Json(json!({"expired": ended.len()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Lifecycle {
    event: String,
    thread: Option<String>,
    #[serde(default)]
    pause: bool,
}

async fn lifecycle(State(hospital): State<Shared>, Json(asked): Json<Lifecycle>) -> Response {
    if !["reauthorizationRequired", "subscriptionRemoved", "missed"].contains(&asked.event.as_str()) {
        return refused("event is reauthorizationRequired, subscriptionRemoved or missed");
    }
    let mut lines = lock(&hospital.graph.subscriptions);
    let mut told = 0;
    for line in lines.values_mut().filter(|it| on(it, asked.thread.as_deref())) {
        line.subscription.paused |= asked.pause;
        line.put(Parcel::Lifecycle(asked.event.clone()));
        told += 1;
    }
    Json(json!({"told": told})).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Forge {
    mode: String,
    thread: Option<String>,
    event_type: Option<String>,
}

async fn forge(State(hospital): State<Shared>, Json(asked): Json<Forge>) -> Response {
    let Some(wrong) = spoil::named(&asked.mode) else { return refused_mode() };
    let event = json!({
        "eventType": asked.event_type.as_deref().unwrap_or("callEnded"),
        "eventDateTime": hospital.clock.now().to_string(),
    });
    let lines = lock(&hospital.graph.subscriptions);
    let mut told = 0;
    for line in lines.values().filter(|it| on(it, asked.thread.as_deref())) {
        line.put(Parcel::Forged(wrong, event.clone()));
        told += 1;
    }
    Json(json!({"told": told})).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NotifyFault {
    mode: String,
    times: Option<u32>,
}

async fn notify_faults(State(hospital): State<Shared>, Json(asked): Json<NotifyFault>) -> Response {
    if spoil::named(&asked.mode).is_none() {
        return refused_mode();
    }
    hospital.faults.put(Fault {
        target: format!("graph.notify.{}", asked.mode),
        mode: FaultMode::Refuse,
        status: None,
        retry_after: None,
        delay_ms: None,
        times: asked.times.unwrap_or(1),
        percent: None,
        seed: None,
        matching: None,
    });
    StatusCode::NO_CONTENT.into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    oid: String,
}

async fn access_policy(State(hospital): State<Shared>, Json(asked): Json<Grant>) -> Response {
    if hospital.person(&asked.oid).is_none() {
        return refused("there is no such person");
    }
    lock(&hospital.graph.granted).insert(asked.oid);
    StatusCode::NO_CONTENT.into_response()
}

fn on(line: &Line, thread: Option<&str>) -> bool {
    thread.is_none_or(|it| it == line.subscription.thread)
}

fn refused_mode() -> Response {
    let names: Vec<&str> = spoil::ALL.iter().map(|(name, _)| *name).collect();
    refused(&format!("mode is one of: {}", names.join(", ")))
}

fn refused(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": why}))).into_response()
}
