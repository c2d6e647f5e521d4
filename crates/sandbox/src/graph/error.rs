//! Graph's error JSON: one constructor per kind of refusal, so that handlers say only what was wrong.
//! Codes and sentences follow what Graph answers for onlineMeetings and subscriptions; leaves out localisation.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A refusal in Graph's own shape: HTTP status, `code`, `message`, and `Retry-After` for throttling.
#[derive(Debug, Clone)]
pub(crate) struct GraphError {
    /// HTTP status of the answer.
    pub(crate) status: StatusCode,
    /// `error.code`.
    pub(crate) code: &'static str,
    /// `error.message`; never holds a token or a certificate.
    pub(crate) message: String,
    /// Seconds for the `Retry-After` header, where Graph throttles.
    pub(crate) retry_after: Option<u64>,
    /// `request-id` and `innerError.request-id`; filled in on the way out.
    pub(crate) request_id: String,
    /// `innerError.date`; filled in on the way out.
    pub(crate) date: String,
}

impl GraphError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after: None,
            request_id: String::new(),
            date: String::new(),
        }
    }

    /// 400: the request does not parse or breaks the schema.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// 400: a subscription that breaks a rule, or whose endpoint failed the handshake.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ValidationError", message)
    }

    /// 401: no token, or one that is not for Graph.
    pub(crate) fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", message)
    }

    /// 403: the token is good but may not do this.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
    }

    /// 403 as Graph words it when none of the accepted application permissions is in `roles`.
    pub(crate) fn missing_role(accepted: &[&str]) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Authorization_RequestDenied",
            format!(
                "Insufficient privileges to complete the operation. Application permission required: {}.",
                accepted.join(" or ")
            ),
        )
    }

    /// 404: no such meeting, subscription or user.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    /// Whatever status a fault switch asks for, with Graph's code for it.
    pub(crate) fn injected(status: u16, retry_after: Option<u64>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let (code, message) = match status.as_u16() {
            429 => ("TooManyRequests", "Too many requests. Retry after the time in the Retry-After header."),
            401 => ("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."),
            403 => ("Forbidden", "The request is not permitted."),
            404 => ("NotFound", "The resource could not be found."),
            500 => ("InternalServerError", "An internal server error occurred."),
            504 => ("GatewayTimeout", "The upstream did not answer in time."),
            _ => ("ServiceUnavailable", "The service is temporarily unavailable."),
        };
        Self { retry_after, ..Self::new(status, code, message) }
    }

    /// The same error carrying the ids that Graph puts on every answer.
    #[must_use]
    pub(crate) fn stamped(mut self, request_id: String, date: String) -> Self {
        self.request_id = request_id;
        self.date = date;
        self
    }
}

impl IntoResponse for GraphError {
    fn into_response(self) -> Response {
        let body = json!({ "error": {
            "code": self.code,
            "message": self.message,
            "innerError": {
                "date": self.date,
                "request-id": self.request_id,
                "client-request-id": self.request_id,
            }
        }});
        let mut response = (self.status, Json(body)).into_response();
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            response.headers_mut().insert(HeaderName::from_static("request-id"), id);
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"\""));
        }
        response
    }
}
