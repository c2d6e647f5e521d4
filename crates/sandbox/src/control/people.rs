//! What a registrar, or a tenant's administrator, changes about somebody over the control API.

use super::refuse;
use crate::core::Shared;
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// Whether Epic has given the patient the identifier that the connection-status service knows them by.
    identified: bool,
}

/// `PATCH /patients/{id}`: a patient of Epic's, by FHIR id.
pub(super) async fn change(
    State(hospital): State<Shared>,
    Path(id): Path<String>,
    Json(change): Json<Change>,
) -> Response {
    if hospital.organizations.iter().all(|it| it.patient(&id).is_none()) {
        return refuse(StatusCode::NOT_FOUND, "no such patient");
    }
    hospital.log("control", "patient.changed", json!({ "identified": change.identified }));
    hospital.epic.identify(&id, change.identified);
    StatusCode::NO_CONTENT.into_response()
}

/// App roles at the relay.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppRoles {
    roles: Vec<String>,
}

/// `GET /people/{oid}/app-roles`
pub(super) async fn app_roles(State(hospital): State<Shared>, Path(oid): Path<String>) -> Json<Value> {
    Json(json!({ "roles": crate::entra::roles::of(&hospital, &oid) }))
}

/// `PUT /people/{oid}/app-roles {"roles":[..]}`: exactly these from the next token on.
pub(super) async fn assign_app_roles(
    State(hospital): State<Shared>,
    Path(oid): Path<String>,
    Json(it): Json<AppRoles>,
) -> Response {
    if hospital.person(&oid).is_none() {
        return refuse(StatusCode::NOT_FOUND, "no account has this oid");
    }
    match crate::entra::roles::assign(&hospital, &oid, &it.roles) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(text) => refuse(StatusCode::UNPROCESSABLE_ENTITY, text),
    }
}
