//! The authorize endpoint (SMART App Launch 2.2), whoever's EHR it is. A launch token is bound to whoever pressed the
//! button; a standalone launch is a patient's whose browser has signed in at the portal. So no page is shown: at once a 302
//! with the code, or a refusal. A refusal goes to the redirect URI only once that is known to be the app's own. Left out: a
//! page to sign in at, and a standalone launch of clinicians.

use super::{
    clients::{Audience, Clients, redirect_uris},
    grants::{Code, Grants, Launch, Launcher},
};
use crate::{
    core::{Ehr, Hospital, Strike, cut},
    pages,
    web::{self, Parameters},
};
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use url::Url;

/// The EHR at one hospital that is asked.
pub(crate) struct Door<'a> {
    pub(crate) ehr: Ehr,
    /// Its name on the page of a refusal.
    pub(crate) product: &'static str,
    /// Organization key.
    pub(crate) organization: &'static str,
    /// FHIR base: what `aud` must say.
    pub(crate) base: String,
    pub(crate) clients: &'a Clients,
    pub(crate) grants: &'a Grants,
    /// What is granted of the scopes that were asked for; `None` if one of them is not for such an app.
    pub(crate) scopes: fn(&str, Audience) -> Option<Vec<String>>,
    /// Who has signed in at the portal with the browser that asks, by FHIR id.
    pub(crate) signed_in: Option<String>,
}

/// Answers a request, given as a query or as a form.
pub(crate) async fn authorize(hospital: &Hospital, door: &Door<'_>, encoded: &str) -> Response {
    let word = door.ehr.word();
    let target = format!("{word}.authorize");
    let cut_after = match hospital.faults.strike(&[&target, word], &hospital.clock).await {
        Strike::Answer(response) => return response,
        Strike::Refused => return page(hospital, door, "This app is not enabled at this organization."),
        Strike::CutAfter => true,
        Strike::Go => false,
    };
    let parameters = Parameters::parse(encoded);
    let Some((client_id, audience)) = parameters.one("client_id").and_then(|id| Some((id, door.clients.audience(id)?)))
    else {
        return page(hospital, door, "The client_id is not that of an app that signs people in here.");
    };
    let redirect_text = parameters.text("redirect_uri");
    let registered = redirect_uris(hospital, door.clients, client_id).iter().any(|it| it == redirect_text);
    let Some(redirect_uri) = Url::parse(redirect_text).ok().filter(|_| registered) else {
        return page(hospital, door, "The redirect_uri is not registered for this app.");
    };
    let state = parameters.one("state");
    let mut target = redirect_uri;
    match grant(hospital, door, audience, client_id, &parameters) {
        Ok(code) => {
            target.query_pairs_mut().append_pair("code", &code);
        }
        Err((error, text)) => {
            let detail = json!({ "organization": door.organization, "error": error, "reason": text });
            hospital.log(word, "authorize.refused", detail);
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
    door: &Door<'_>,
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
    if parameters.text("aud") != door.base {
        return Err(("invalid_request", "aud must be the FHIR base address of this server"));
    }
    if parameters.text("code_challenge_method") != "S256" || !web::is_challenge(parameters.text("code_challenge")) {
        return Err(("invalid_request", "a code_challenge with method S256 is required"));
    }
    let granted = (door.scopes)(parameters.text("scope"), audience)
        .ok_or(("invalid_scope", "system scopes are not for this app"))?;
    let launch = match (parameters.one("launch"), &door.signed_in) {
        (None, Some(patient)) if audience == Audience::Patient => standalone(door, patient, &granted)?,
        (token, _) => launched(hospital, door, audience, token, &granted)?,
    };
    let who = match &launch.launcher {
        Launcher::Clinician { oid } => hospital.person(oid).and_then(|(_, it)| it.emp_user.clone()).unwrap_or_default(),
        Launcher::Patient { .. } => "patient".to_owned(),
        Launcher::Proxy { .. } => "proxy".to_owned(),
    };
    hospital.log(door.ehr.word(), "authorize", json!({ "organization": door.organization, "by": who }));
    let code = Code {
        launch,
        client_id: client_id.to_owned(),
        redirect_uri: parameters.text("redirect_uri").to_owned(),
        challenge: parameters.text("code_challenge").to_owned(),
        scopes: granted,
        nonce: parameters.one("nonce").map(str::to_owned),
    };
    Ok(door.grants.code(hospital, code))
}

fn launched(
    hospital: &Hospital,
    door: &Door<'_>,
    audience: Audience,
    token: Option<&str>,
    granted: &[String],
) -> Result<Launch, (&'static str, &'static str)> {
    if !granted.iter().any(|it| it == "launch") {
        return Err(("invalid_scope", "scope must contain launch"));
    }
    let token = token.ok_or(("invalid_request", "launch is required"))?;
    let launch = door.grants.take_launch(token, door.organization, audience, hospital.clock.now());
    launch.ok_or(("invalid_request", "launch is unknown, expired, used or of another app"))
}

/// The patient is whoever has signed in.
fn standalone(door: &Door<'_>, patient: &str, granted: &[String]) -> Result<Launch, (&'static str, &'static str)> {
    if !granted.iter().any(|it| it == "launch/patient") {
        return Err(("invalid_scope", "scope must contain launch/patient"));
    }
    Ok(Launch {
        organization: door.organization,
        launcher: Launcher::Patient { patient_id: patient.to_owned() },
        patient_id: Some(patient.to_owned()),
        encounter_id: None,
    })
}

fn page(hospital: &Hospital, door: &Door<'_>, text: &str) -> Response {
    hospital.log(door.ehr.word(), "authorize.refused", json!({ "reason": text }));
    pages::refusal(StatusCode::BAD_REQUEST, door.product, "OAuth2 Error", text)
}
