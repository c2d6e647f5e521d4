//! The SMART authorize endpoint for launches from Hyperspace and MyChart (SMART App Launch 2.2, EHR launch).
//! The launch token is bound to whoever pressed the button, so no page is shown: at once a 302 with the code, or a refusal.
//! A refusal goes to the redirect URI only once that is known to be the app's own.

use super::{
    clients::{Audience, redirect_uris},
    fhir_base,
    grants::{Code, Launcher},
    instance, scopes,
};
use crate::{
    core::{Hospital, Organization, Shared, Strike, cut},
    pages,
    web::{self, Parameters},
};
use axum::{
    extract::{Path, RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use url::Url;

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
    let cut_after = match hospital.faults.strike(&["epic.authorize", "epic"], &hospital.clock).await {
        Strike::Answer(response) => return response,
        Strike::Refused => return page(hospital, "This app is not enabled at this organization."),
        Strike::CutAfter => true,
        Strike::Go => false,
    };
    let parameters = Parameters::parse(encoded);
    let Some((client_id, audience)) =
        parameters.one("client_id").and_then(|id| Some((id, hospital.epic.clients.audience(id)?)))
    else {
        return page(hospital, "The client_id is not that of an app that signs people in here.");
    };
    let redirect_text = parameters.text("redirect_uri");
    let registered = redirect_uris(hospital, audience).iter().any(|it| it == redirect_text);
    let Some(redirect_uri) = Url::parse(redirect_text).ok().filter(|_| registered) else {
        return page(hospital, "The redirect_uri is not registered for this app.");
    };
    let state = parameters.one("state");
    let mut target = redirect_uri;
    match grant(hospital, organization, audience, client_id, &parameters) {
        Ok(code) => {
            target.query_pairs_mut().append_pair("code", &code);
        }
        Err((error, text)) => {
            hospital.log(
                "epic",
                "authorize.refused",
                json!({ "organization": organization.key, "error": error, "reason": text }),
            );
            target.query_pairs_mut().append_pair("error", error).append_pair("error_description", text);
        }
    }
    if let Some(state) = state {
        target.query_pairs_mut().append_pair("state", state);
    }
    if cut_after {
        cut();
    }
    let headers = [(header::LOCATION, target.as_str()), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::FOUND, headers).into_response()
}

fn grant(
    hospital: &Hospital,
    organization: &Organization,
    audience: Audience,
    client_id: &str,
    parameters: &Parameters,
) -> Result<String, (&'static str, &'static str)> {
    if parameters.text("response_type") != "code" {
        return Err(("unsupported_response_type", "response_type must be code"));
    }
    if parameters.text("state").is_empty() {
        return Err(("invalid_request", "state is required"));
    }
    if parameters.text("aud") != fhir_base(hospital, organization) {
        return Err(("invalid_request", "aud must be the FHIR base address of this server"));
    }
    if parameters.text("code_challenge_method") != "S256" || !web::is_challenge(parameters.text("code_challenge")) {
        return Err(("invalid_request", "a code_challenge with method S256 is required"));
    }
    let granted = scopes::interactive(parameters.text("scope"), audience)
        .ok_or(("invalid_scope", "system scopes are not for this app"))?;
    if !granted.iter().any(|it| it == "launch") {
        return Err(("invalid_scope", "scope must contain launch"));
    }
    let token = parameters.one("launch").ok_or(("invalid_request", "launch is required"))?;
    let launch = hospital
        .epic
        .grants
        .take_launch(token, organization.key, audience, hospital.clock.now())
        .ok_or(("invalid_request", "launch is unknown, expired, used or of another app"))?;
    let who = match &launch.launcher {
        Launcher::Clinician { oid } => hospital.person(oid).and_then(|(_, it)| it.emp_user.clone()).unwrap_or_default(),
        Launcher::Patient { .. } => "patient".to_owned(),
    };
    hospital.log("epic", "authorize", json!({ "organization": organization.key, "by": who }));
    let code = Code {
        launch,
        client_id: client_id.to_owned(),
        redirect_uri: parameters.text("redirect_uri").to_owned(),
        challenge: parameters.text("code_challenge").to_owned(),
        scopes: granted,
        nonce: parameters.one("nonce").map(str::to_owned),
    };
    Ok(hospital.epic.grants.code(hospital, code))
}

fn page(hospital: &Hospital, text: &str) -> Response {
    hospital.log("epic", "authorize.refused", json!({ "reason": text }));
    pages::refusal(StatusCode::BAD_REQUEST, "Epic", "OAuth2 Error", text)
}
