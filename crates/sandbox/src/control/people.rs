//! What a registrar changes about somebody over the control API.

use super::refuse;
use crate::core::Shared;
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

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
