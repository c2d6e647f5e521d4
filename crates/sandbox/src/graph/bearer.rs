//! What every Graph call goes through: the app-only token and its `roles`, the fault switch of its target,
//! the application access policy of the organizer, and the ids that Graph stamps on every answer.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::error::GraphError;
use crate::core::{FaultMode, Hospital, Shared, Strike, cut, lock};
use crate::entra::tokens::{AppCaller, BearerRefused, verify_app_token};

/// A call that was let in.
pub(crate) struct Call {
    /// Tenant and application of the token.
    pub(crate) caller: AppCaller,
    cut: bool,
}

impl Call {
    /// Lets the fault `drop_after_apply` cut the connection; every handler calls it once its work is done.
    pub(crate) fn applied(&self) {
        if self.cut {
            cut();
        }
    }
}

/// Checks the token for one of `roles`, then lets the fault on `target` strike.
pub(crate) async fn enter(
    hospital: &Hospital,
    headers: &HeaderMap,
    roles: &[&str],
    target: &str,
) -> Result<Call, GraphError> {
    enter_any(hospital, headers, roles, &[target]).await
}

/// The same with several targets, from narrow to wide.
pub(crate) async fn enter_any(
    hospital: &Hospital,
    headers: &HeaderMap,
    roles: &[&str],
    targets: &[&str],
) -> Result<Call, GraphError> {
    let caller = verify_app_token(hospital, headers, roles).map_err(|why| match why {
        BearerRefused::Role => GraphError::missing_role(roles),
        other => GraphError::unauthenticated(other.to_string()),
    })?;
    let Some(fault) = hospital.faults.take_any(targets, "") else { return Ok(Call { caller, cut: false }) };
    if fault.mode == FaultMode::Status {
        return Err(GraphError::injected(fault.status.unwrap_or(503), fault.retry_after.map(u64::from)));
    }
    match fault.strike(&hospital.clock).await {
        Strike::Refused => Err(GraphError::forbidden("The tenant's policy or licence does not permit this operation.")),
        Strike::CutAfter => Ok(Call { caller, cut: true }),
        _ => Ok(Call { caller, cut: false }),
    }
}

/// The application access policy (G-AAP): granted for each organization's organizer, and for those added by switch.
/// `act` is Graph's own verb: Create, Get, Update, Delete.
pub(crate) fn access_policy(hospital: &Hospital, caller: &AppCaller, oid: &str, act: &str) -> Result<(), GraphError> {
    let Some(organization) = hospital.tenant(&caller.tid) else {
        return Err(GraphError::unauthenticated("The tenant of the token is unknown."));
    };
    if organization.person(oid).is_none() {
        // A user principal name in the path is refused too: app-only calls need the object id (G-CREATE)
        return Err(GraphError::not_found(format!(
            "User not found in tenant: '{oid}'. The user must be given by object id."
        )));
    }
    let refused = hospital.faults.take("graph.access_policy").is_some_and(|it| it.mode == FaultMode::Refuse);
    let granted = organization.organizer.oid == oid || lock(&hospital.graph.granted).contains(oid);
    if refused || !granted {
        let app = &caller.app_id;
        return Err(GraphError::forbidden(format!(
            "App {app} is not authorized to {act} meeting on behalf of user {oid}."
        )));
    }
    Ok(())
}

/// Reads a JSON body; Graph wants an object and says so in its own words.
pub(crate) fn json_body(headers: &HeaderMap, body: &Bytes) -> Result<Value, GraphError> {
    let kind = headers.get("content-type").and_then(|it| it.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        return Err(GraphError::bad_request("Content-Type must be application/json."));
    }
    serde_json::from_slice(body).map_err(|_| GraphError::bad_request("Unable to read JSON request payload."))
}

/// An answer with Graph's headers; errors get their `innerError` filled.
pub(crate) fn finish(hospital: &Hospital, result: Result<Response, GraphError>) -> Response {
    let request_id = hospital.random.guid();
    let mut response = match result {
        Ok(response) => response,
        Err(error) => {
            let (status, code) = (error.status.as_u16(), error.code);
            hospital.log("graph", "request.refused", serde_json::json!({"status": status, "code": code}));
            return error
                .stamped(request_id, hospital.clock.now().strftime("%Y-%m-%dT%H:%M:%S").to_string())
                .into_response();
        }
    };
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(HeaderName::from_static("request-id"), id);
    }
    response
}

/// A JSON answer.
pub(crate) fn answer(status: StatusCode, body: Value) -> Response {
    (status, Json(body)).into_response()
}

/// Paths that Graph does not have.
pub(crate) async fn nowhere(State(hospital): State<Shared>) -> Response {
    finish(&hospital, Err(GraphError::bad_request("Resource not found for the segment.")))
}
