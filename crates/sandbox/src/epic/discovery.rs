//! What Epic says about itself: smart-configuration, CapabilityStatement and signing keys.
//! The first two are Epic's own files with the addresses rewritten; not a word more is advertised.

use super::{instance, interconnect, outcome::FHIR_JSON};
use crate::core::{Shared, outage};
use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// Where Epic publishes the keys that sign id_tokens.
pub(super) const KEYS_ROUTE: &str = "/{instance}/api/epic/2019/Security/Open/PublicKeys/530027/OIDC";
const EPIC: &str = "https://fhir.epic.com/interconnect-fhir-oauth";

/// `GET {iss}/.well-known/smart-configuration`: JSON, whatever `Accept` says.
pub(super) async fn smart_configuration(State(hospital): State<Shared>, Path(segment): Path<String>) -> Response {
    if let Some(answer) = outage(&hospital, "epic").await {
        return answer;
    }
    let Some(organization) = instance(&hospital, &segment) else { return StatusCode::NOT_FOUND.into_response() };
    let text = include_str!("../../data/epic-fhir-r4-smart-configuration.json");
    let text = text.replace(EPIC, &interconnect(&hospital, organization));
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()
}

/// `GET {iss}/metadata`: open to everybody.
pub(super) async fn metadata(State(hospital): State<Shared>, Path(segment): Path<String>) -> Response {
    if let Some(answer) = outage(&hospital, "epic").await {
        return answer;
    }
    let Some(organization) = instance(&hospital, &segment) else { return StatusCode::NOT_FOUND.into_response() };
    let text = include_str!("../../data/epic-fhir-r4-capabilitystatement.json");
    let text = text.replace(EPIC, &interconnect(&hospital, organization));
    ([(header::CONTENT_TYPE, FHIR_JSON)], text).into_response()
}

/// `GET .../DSTU2/metadata`: the other address Epic has, which says what it is and no more is served of.
pub(super) async fn conformance(State(hospital): State<Shared>, Path(segment): Path<String>) -> Response {
    if let Some(answer) = outage(&hospital, "epic").await {
        return answer;
    }
    if instance(&hospital, &segment).is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let body = json!({
        "resourceType": "Conformance", "status": "active", "kind": "instance", "fhirVersion": "1.0.2",
        "acceptUnknown": "no", "format": ["xml", "json"], "rest": [{ "mode": "server" }],
    });
    ([(header::CONTENT_TYPE, "application/json+fhir")], axum::Json(body)).into_response()
}

/// The JWKS behind `jwks_uri`.
pub(super) async fn keys(State(hospital): State<Shared>, Path(segment): Path<String>) -> Response {
    if instance(&hospital, &segment).is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    axum::Json(json!({ "keys": [hospital.epic.key.jwk()] })).into_response()
}
