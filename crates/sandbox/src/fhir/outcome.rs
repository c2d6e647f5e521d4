//! How a FHIR server says no: an OperationOutcome with R4's own issue codes, no vendor numbers.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// The media type of every FHIR answer.
pub(crate) const FHIR_JSON: &str = "application/fhir+json;charset=utf-8";

/// One refusal.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) status: StatusCode,
    code: &'static str,
    text: String,
    expression: Option<String>,
}

impl Outcome {
    pub(crate) fn new(status: StatusCode, code: &'static str, text: impl Into<String>) -> Self {
        Self { status, code, text: text.into(), expression: None }
    }

    /// Says which element it is about.
    pub(crate) fn at(mut self, expression: impl Into<String>) -> Self {
        self.expression = Some(expression.into());
        self
    }

    /// 400: the request itself is wrong.
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", text)
    }

    /// 401: no token, or not a living one of this site.
    pub(crate) fn no_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "login", "A valid access token is required.")
    }

    /// 403: the token's scopes do not open this.
    pub(crate) fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", text)
    }

    /// 404: no such resource.
    pub(crate) fn no_resource() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such resource.")
    }

    /// 404: no such type on this server.
    pub(crate) fn no_type() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-supported", "This server does not have this resource type.")
    }

    /// 405: this server does not do that.
    pub(crate) fn not_allowed(text: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "not-supported", text)
    }

    /// 412: what the request was conditional on does not hold.
    pub(crate) fn precondition(text: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "conflict", text)
    }

    /// 415.
    pub(crate) fn media_type(wanted: &str) -> Self {
        let text = format!("The Content-Type must be {wanted}.");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-supported", text)
    }

    /// 422: understood, and not acceptable.
    pub(crate) fn unprocessable(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, text)
    }

    fn resource(&self) -> Value {
        let mut issue = json!({
            "severity": "error", "code": self.code, "details": { "text": self.text }, "diagnostics": self.text,
        });
        if let Some(expression) = &self.expression {
            issue["expression"] = json!([expression]);
        }
        json!({ "resourceType": "OperationOutcome", "issue": [issue] })
    }
}

impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        let body = self.resource().to_string();
        let mut response = (self.status, [(header::CONTENT_TYPE, FHIR_JSON)], body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let value = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}
