//! Communication.create, the one FHIR write the registered apps have. No conditional create: what is sent twice is there twice.

use super::{
    gate::{Caller, Reach},
    resources,
};
use crate::{
    core::{Effect, Ehr, Hospital, Written, lock},
    epic::{fhir_base, outcome::Outcome},
};
use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::sync::Mutex;

/// (organization key, resource)
#[derive(Default)]
pub(in crate::epic) struct Communications(Mutex<Vec<(&'static str, Value)>>);

impl Communications {
    pub(super) fn of(&self, organization: &str) -> Vec<Value> {
        lock(&self.0).iter().filter(|(key, _)| *key == organization).map(|(_, it)| it.clone()).collect()
    }
}

/// R4 `EventStatus`.
const STATUSES: [&str; 8] =
    ["preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown"];

pub(super) fn create(
    hospital: &Hospital,
    caller: &Caller<'_>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, Outcome> {
    if caller.reach("Communication", 'c') != Reach::Everything {
        return Err(Outcome::not_authorized());
    }
    if headers.contains_key("if-none-exist") {
        let text = "Conditional create is not supported.";
        return Err(Outcome::new(StatusCode::PRECONDITION_FAILED, "not-supported", 59159, text));
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    if !content_type.contains("json") {
        let text = "The body must be application/fhir+json.";
        return Err(Outcome::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-supported", 59111, text));
    }
    let mut resource: Value = serde_json::from_slice(body).map_err(|_| Outcome::parameter("body"))?;
    if resource["resourceType"] != "Communication" {
        return Err(Outcome::parameter("resourceType"));
    }
    if !resource["id"].is_null() {
        return Err(Outcome::parameter("id"));
    }
    let status = resource["status"].as_str().ok_or_else(|| Outcome::required("Communication.status"))?;
    if !STATUSES.contains(&status) {
        return Err(Outcome::parameter("status"));
    }
    let status = status.to_owned();
    let exists = |kind: &'static str, element: &Value| {
        let id = element["reference"].as_str().and_then(|it| it.strip_prefix(kind)).and_then(|it| it.strip_prefix('/'));
        id.is_some_and(|id| resources::all(hospital, caller.organization, kind).iter().any(|it| it["id"] == id))
    };
    if !exists("Patient", &resource["subject"]) {
        return Err(Outcome::required("Communication.subject must be a Patient of this server"));
    }
    if !resource["encounter"].is_null() && !exists("Encounter", &resource["encounter"]) {
        return Err(Outcome::parameter("encounter"));
    }
    let id = crate::core::fhir_id(&hospital.random, &hospital.random.guid());
    resource["id"] = Value::from(id.as_str());
    let effect = Effect::Create(Written {
        resource_type: "Communication",
        id: id.clone(),
        identifiers: crate::fhir::identifiers(&resource),
        version: None,
        status: Some(status),
        links: None,
    });
    {
        let mut all = lock(&hospital.epic.communications.0);
        all.push((caller.organization.key, resource));
        hospital.effects.record(hospital.clock.now(), Ehr::Epic, caller.organization.key, effect);
    }
    hospital.log("epic", "communication.created", json!({ "organization": caller.organization.key, "id": id }));
    let location = format!("{}/Communication/{id}", fhir_base(hospital, caller.organization));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]).into_response())
}
