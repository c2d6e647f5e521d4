//! What Oracle Health says about itself: smart-configuration and a CapabilityStatement of exactly what is served.

use super::{resources, search};
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
    if let Some(answer) = outage(&hospital, "oracle").await {
        return answer;
    }
    let server = &hospital.oracle.server;
    match server.site(&site) {
        Some(site) => endpoint::configuration(&hospital, server, site),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `GET {iss}/metadata`: open to everybody.
pub(super) async fn metadata(State(hospital): State<Shared>, Path(site): Path<String>) -> Response {
    if let Some(answer) = outage(&hospital, "oracle").await {
        return answer;
    }
    let server = &hospital.oracle.server;
    let Some(site) = server.site(&site) else { return StatusCode::NOT_FOUND.into_response() };
    let resource = |kind: &&str| {
        let mut interactions = vec!["read", "search-type"];
        if *kind == "Appointment" {
            interactions.push("patch");
        }
        let parameters = search::table(&hospital, kind);
        let parameters = parameters.iter().map(|it| json!({ "name": it.name, "type": it.kind() }));
        json!({
            "type": kind, "interaction": interactions.iter().map(|it| json!({ "code": it })).collect::<Vec<_>>(),
            "versioning": "versioned", "readHistory": false, "updateCreate": false, "conditionalCreate": false,
            "conditionalUpdate": false, "conditionalDelete": "not-supported",
            "searchParam": parameters.collect::<Vec<Value>>(),
        })
    };
    let body = json!({
        "resourceType": "CapabilityStatement", "status": "active", "date": instant(hospital.clock.origin()),
        "kind": "instance", "fhirVersion": "4.0.1", "format": ["json"], "patchFormat": ["application/json-patch+json"],
        "software": { "name": "Stand-in for Oracle Health Millennium" },
        "implementation": {
            "description": "Stand-in, no real patients", "url": (server.base)(&hospital, site),
        },
        "rest": [{
            "mode": "server",
            "security": { "service": [{ "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR",
            }] }] },
            "resource": resources::HELD.iter().map(resource).collect::<Vec<_>>(),
        }],
    });
    answer(StatusCode::OK, &body)
}
