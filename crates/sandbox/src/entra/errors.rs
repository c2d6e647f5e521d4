//! Entra's refusals: OAuth errors as JSON with their AADSTS number, as a redirect, or as a page.
//! Reference: Microsoft Entra authentication and authorization error codes.

use crate::{core::Hospital, pages};
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use url::Url;

/// One refusal.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// The AADSTS number.
    pub(crate) number: u32,
    /// The OAuth error.
    pub(crate) error: &'static str,
    /// What Entra says.
    pub(crate) text: String,
}

impl Refusal {
    pub(crate) fn new(number: u32, error: &'static str, text: impl Into<String>) -> Self {
        Self { number, error, text: text.into() }
    }

    /// AADSTS900144.
    pub(crate) fn missing(parameter: &str) -> Self {
        let text = format!("The request body must contain the following parameter: '{parameter}'.");
        Self::new(900_144, "invalid_request", text)
    }

    /// AADSTS90002.
    pub(crate) fn no_tenant() -> Self {
        Self::new(90_002, "invalid_request", "Tenant not found. Check to make sure you have the correct tenant ID.")
    }

    /// AADSTS700016.
    pub(crate) fn no_application() -> Self {
        Self::new(700_016, "unauthorized_client", "Application with this identifier was not found in the directory.")
    }

    fn described(&self) -> String {
        format!("AADSTS{}: {}", self.number, self.text)
    }

    /// As the token endpoint answers.
    pub(crate) fn json(&self, hospital: &Hospital) -> Response {
        let status = if self.error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        hospital.log("entra", "token.refused", json!({ "aadsts": self.number, "error": self.error }));
        let body = json!({
            "error": self.error, "error_description": self.described(), "error_codes": [self.number],
            "timestamp": hospital.clock.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            "trace_id": hospital.random.guid(), "correlation_id": hospital.random.guid(),
        });
        let headers = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
        (status, headers, axum::Json(body)).into_response()
    }

    /// As the authorize endpoint answers once it trusts the redirect URI.
    pub(crate) fn redirect(&self, hospital: &Hospital, redirect_uri: &Url, state: Option<&str>) -> Response {
        hospital.log("entra", "authorize.refused", json!({ "aadsts": self.number, "error": self.error }));
        let mut url = redirect_uri.clone();
        url.query_pairs_mut().append_pair("error", self.error).append_pair("error_description", &self.described());
        if let Some(state) = state {
            url.query_pairs_mut().append_pair("state", state);
        }
        found(&url)
    }

    /// As the authorize endpoint answers when it must not redirect.
    pub(crate) fn page(&self, hospital: &Hospital) -> Response {
        hospital.log("entra", "authorize.refused", json!({ "aadsts": self.number, "error": self.error }));
        pages::refusal(
            StatusCode::BAD_REQUEST,
            "Microsoft sign-in",
            "Sorry, but we're having trouble signing you in.",
            &self.described(),
        )
    }
}

/// 302, as Entra redirects.
pub(crate) fn found(url: &Url) -> Response {
    let headers = [(header::LOCATION, url.as_str()), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::FOUND, headers).into_response()
}
