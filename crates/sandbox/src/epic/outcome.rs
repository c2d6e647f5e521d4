//! How Epic says no over FHIR: an OperationOutcome whose `details.coding[].code` is Epic's own number.
//! Numbers from Epic's published error list; texts are ours.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// The media type of every FHIR answer.
pub(super) const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";
const SYSTEM: &str = "urn:oid:1.2.840.114350.1.13.0.1.7.2.657369";

/// One refusal.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) status: StatusCode,
    code: &'static str,
    epic: u32,
    text: String,
}

impl Outcome {
    pub(super) fn new(status: StatusCode, code: &'static str, epic: u32, text: impl Into<String>) -> Self {
        Self { status, code, epic, text: text.into() }
    }

    /// 401: no token, or not a living one of this server.
    pub(super) fn no_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "login", 4118, "A valid access token is required.")
    }

    /// 403: the token does not open this.
    pub(super) fn not_authorized() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", 4118, "User not authorized for request.")
    }

    /// 404: no such resource.
    pub(super) fn bad_id() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            4102,
            "The read resource request contained an invalid resource ID.",
        )
    }

    /// 404: no such type on this server.
    pub(super) fn no_type() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-supported", 40000, "The resource type is not supported.")
    }

    /// 405: this server does not do that to this type.
    pub(super) fn not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "not-supported",
            59159,
            "The interaction is not supported for this resource.",
        )
    }

    /// 400: a parameter is not understood.
    pub(super) fn parameter(name: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid",
            59111,
            format!("An element value is invalid or not supported: {name}"),
        )
    }

    /// 400: a body or a search lacks something.
    pub(super) fn required(text: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "required", 59108, text)
    }

    /// The issue alone, as it stands in a search Bundle that found nothing.
    pub(super) fn nothing_found() -> Value {
        resource("warning", "processing", 4101, "Resource request returns no results.")
    }
}

fn resource(severity: &str, code: &str, epic: u32, text: &str) -> Value {
    json!({
        "resourceType": "OperationOutcome",
        "issue": [{
            "severity": severity, "code": code, "diagnostics": text,
            "details": { "coding": [{ "system": SYSTEM, "code": epic.to_string(), "display": text }], "text": text },
        }],
    })
}

impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        let body = resource("fatal", self.code, self.epic, &self.text);
        let mut response = (self.status, [(header::CONTENT_TYPE, FHIR_JSON)], body.to_string()).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
        }
        response
    }
}
