//! The switch `context_links` at `as-told`: a hospital's MyChart begins visits by encrypted links, made as a test says.

use super::{refuse, switches::throw};
use crate::{
    core::{Shared, switches::CONTEXT_LINKS},
    epic::LinkProfile,
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

/// `PUT /context-links/{organization}`
pub(super) async fn set(
    State(hospital): State<Shared>,
    Path(organization): Path<String>,
    Json(profile): Json<LinkProfile>,
) -> Response {
    if let Err(text) = profile.check() {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, text);
    }
    change(&hospital, &organization, Some(profile))
}

/// `DELETE /context-links/{organization}`: SMART again, as at the start.
pub(super) async fn unset(State(hospital): State<Shared>, Path(organization): Path<String>) -> Response {
    change(&hospital, &organization, None)
}

fn change(hospital: &Shared, key: &str, profile: Option<LinkProfile>) -> Response {
    let Some(organization) = hospital.organization(key) else {
        return refuse(StatusCode::NOT_FOUND, "the organizations are northside and harbor");
    };
    hospital.log("control", "context_links", json!({ "organization": key, "on": profile.is_some() }));
    let stands = if profile.is_some() { "as-told" } else { "smart" };
    hospital.epic.links.set(organization, profile);
    if let Err(why) = throw(hospital, CONTEXT_LINKS.name, stands, Some(key)) {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, &why.to_string());
    }
    StatusCode::NO_CONTENT.into_response()
}
