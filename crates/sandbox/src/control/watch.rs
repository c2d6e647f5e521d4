//! What can be watched: the journal and the mail with long poll, accepted write-backs, and the values that must not leak.

use crate::core::Shared;
use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

const LONGEST_WAIT_MS: u64 = 60_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    #[serde(default)]
    after: u64,
    #[serde(default)]
    wait_ms: u64,
}

/// `GET /journal?after=N&wait_ms=M`: at once if there is something newer than N, else as soon as there is.
pub(super) async fn journal(State(hospital): State<Shared>, Query(since): Query<Since>) -> Json<Value> {
    let patience = Duration::from_millis(since.wait_ms.min(LONGEST_WAIT_MS));
    Json(json!({ "entries": hospital.journal.wait_after(since.after, patience).await }))
}

/// `GET /mail?after=N&wait_ms=M`: letters in order of arrival, as soon as there is one newer than N; and where the mail relay
/// is, and who may submit where that is demanded (switch `mail_sign_in`).
pub(super) async fn mail(State(hospital): State<Shared>, Query(since): Query<Since>) -> Json<Value> {
    let patience = Duration::from_millis(since.wait_ms.min(LONGEST_WAIT_MS));
    let mail = &hospital.mail;
    Json(json!({
        "address": hospital.addresses().mail, "user": mail.user, "password": mail.password,
        "authority": mail.authority(),
        "mail": mail.wait_after(since.after, patience).await,
    }))
}

/// `GET /write-backs`: the accepted ones, in time order, as a bare array.
pub(super) async fn write_backs(State(hospital): State<Shared>) -> Json<Value> {
    Json(json!(hospital.epic.chart.write_backs()))
}

/// `GET /canaries`
pub(super) async fn canaries(State(hospital): State<Shared>) -> Json<Value> {
    Json(json!({ "canaries": hospital.canaries.all() }))
}

/// `GET /asked`: addresses of requests to Graph, and referers.
pub(crate) async fn asked(State(hospital): State<Shared>) -> Json<Value> {
    Json(json!(hospital.asked.all()))
}
