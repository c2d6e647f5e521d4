//! The named switches over HTTP: list them, throw one. What they are is in `core/switches.rs`.

use super::{acts, refuse};
use crate::core::{
    Hospital, Shared,
    switches::{ALL, NotThrown, Switch},
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// `GET /switches`: and what the control page does once.
pub(super) async fn list(State(hospital): State<Shared>) -> Json<Value> {
    let all: Vec<Value> = ALL.into_iter().map(|it| describe(&hospital, it)).collect();
    let acts: Vec<Value> = acts::ALL.iter().map(|(name, words)| json!({ "name": name, "words": words })).collect();
    Json(json!({ "switches": all, "acts": acts }))
}

fn describe(hospital: &Hospital, it: &Switch) -> Value {
    let values: Vec<Value> = it.values.iter().map(|(value, words)| json!({ "value": value, "words": words })).collect();
    let now: serde_json::Map<String, Value> = hospital
        .organizations
        .iter()
        .map(|organization| (organization.key.to_owned(), Value::from(hospital.switches.of(it, organization.key))))
        .collect();
    json!({
        "name": it.name, "words": it.words, "per_organization": it.per_organization, "values": values, "now": now,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Throw {
    value: String,
    org: Option<String>,
}

/// `PUT /switches/{name}`: without `org` for every organization.
pub(super) async fn put(State(hospital): State<Shared>, Path(name): Path<String>, Json(it): Json<Throw>) -> Response {
    match throw(&hospital, &name, &it.value, it.org.as_deref()) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(NotThrown::Name) => refuse(StatusCode::NOT_FOUND, &NotThrown::Name.to_string()),
        Err(other) => refuse(StatusCode::UNPROCESSABLE_ENTITY, &other.to_string()),
    }
}

/// Throws it and says so in the journal.
pub(super) fn throw(hospital: &Hospital, name: &str, value: &str, org: Option<&str>) -> Result<(), NotThrown> {
    let keys: Vec<&str> = hospital.organizations.iter().map(|it| it.key).collect();
    hospital.switches.throw(name, value, org, &keys)?;
    hospital.log("control", "switch.thrown", json!({ "switch": name, "value": value, "organization": org }));
    Ok(())
}
