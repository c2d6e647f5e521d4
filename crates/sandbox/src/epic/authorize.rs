//! Epic's authorize endpoint, by query and by form. What is checked is `smart::authorize`; the scopes are Epic's own. Left out:
//! Epic's standalone launch.

use super::{fhir_base, instance, scopes};
use crate::{
    core::{Ehr, Hospital, Shared},
    smart::authorize::{self, Door},
};
use axum::{
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};

/// `GET /{instance}/oauth2/authorize`
pub(super) async fn by_query(
    State(hospital): State<Shared>,
    Path(segment): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    authorize(&hospital, &segment, &query.unwrap_or_default()).await
}

/// `POST /{instance}/oauth2/authorize` (capability `authorize-post`)
pub(super) async fn by_form(State(hospital): State<Shared>, Path(segment): Path<String>, body: String) -> Response {
    authorize(&hospital, &segment, &body).await
}

async fn authorize(hospital: &Hospital, segment: &str, encoded: &str) -> Response {
    let Some(organization) = instance(hospital, segment) else { return StatusCode::NOT_FOUND.into_response() };
    let door = Door {
        ehr: Ehr::Epic,
        product: "Epic",
        organization: organization.key,
        base: fhir_base(hospital, organization),
        clients: &hospital.epic.clients,
        grants: &hospital.epic.grants,
        scopes: scopes::interactive,
        signed_in: None,
    };
    authorize::authorize(hospital, &door, encoded).await
}
