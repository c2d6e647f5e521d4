//! What the server says about itself, from the switches and the table of types: neither more nor less than it does.

use super::{
    Capabilities,
    kinds::{KINDS, Kind, kind},
};
use crate::{
    core::{Shared, outage},
    fhir::{answer, instant},
    smart::endpoint,
};
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// `GET {iss}/.well-known/smart-configuration`
pub(super) async fn smart_configuration(State(hospital): State<Shared>, Path(site): Path<String>) -> Response {
    if let Some(answer) = outage(&hospital, "r4").await {
        return answer;
    }
    let server = &hospital.r4.server;
    match server.site(&site) {
        Some(site) => endpoint::configuration(&hospital, server, site),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `GET {iss}/metadata`: open to everybody.
pub(super) async fn metadata(State(hospital): State<Shared>, Path(site): Path<String>) -> Response {
    if let Some(answer) = outage(&hospital, "r4").await {
        return answer;
    }
    let server = &hospital.r4.server;
    let Some(site) = server.site(&site) else { return StatusCode::NOT_FOUND.into_response() };
    let capabilities = hospital.r4.capabilities();
    let kinds = KINDS.iter().filter(|it| kind(it.name, capabilities.subscriptions).is_some());
    let mut rest = json!({
        "mode": "server",
        "security": { "service": [{ "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR",
        }] }] },
        "resource": kinds.map(|it| resource(it, &capabilities)).collect::<Vec<Value>>(),
    });
    if capabilities.transaction {
        rest["interaction"] = json!([{ "code": "transaction" }]);
    }
    let body = json!({
        "resourceType": "CapabilityStatement", "status": "active", "date": instant(hospital.clock.origin()),
        "kind": "instance", "fhirVersion": "4.0.1", "format": ["application/fhir+json", "json"],
        "software": { "name": "Stand-in for a generic FHIR R4 server" },
        "implementation": { "description": "Stand-in, no real patients", "url": (server.base)(&hospital, site) },
        "rest": [rest],
    });
    answer(StatusCode::OK, &body)
}

fn resource(kind: &Kind, capabilities: &Capabilities) -> Value {
    let mut interactions = vec!["read", "search-type"];
    interactions.extend(kind.create.then_some("create"));
    interactions.extend(kind.update.then_some("update"));
    interactions.extend(kind.delete.then_some("delete"));
    let params = kind.params.iter().map(|it| json!({ "name": it.name, "type": it.kind() }));
    json!({
        "type": kind.name, "interaction": interactions.iter().map(|it| json!({ "code": it })).collect::<Vec<_>>(),
        "versioning": capabilities.versioning, "readHistory": false,
        "updateCreate": kind.create && kind.update && capabilities.update_create,
        "conditionalCreate": kind.create && capabilities.conditional_create,
        "conditionalRead": "not-supported", "conditionalUpdate": false, "conditionalDelete": "not-supported",
        "searchParam": params.collect::<Vec<Value>>(),
    })
}
