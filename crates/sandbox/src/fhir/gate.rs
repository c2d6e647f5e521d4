//! The door of a FHIR base beside Epic's: site, `Accept`, bearer token; what its scopes open; refusals by fault switch.

use super::{Outcome, Server, Site};
use crate::{
    core::{Hospital, Refusal},
    smart::scopes,
    web,
};
use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

/// A request with a living token of this site.
pub(crate) struct Caller<'a> {
    /// The site it came to.
    pub(crate) site: &'a Site,
    scopes: Vec<String>,
}

/// Checks site, `Accept` and token.
pub(crate) fn caller<'a>(
    hospital: &'a Hospital,
    server: &'a Server,
    segment: &str,
    headers: &HeaderMap,
) -> Result<Caller<'a>, Outcome> {
    let site = server.site(segment).ok_or_else(Outcome::no_type)?;
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or("*/*");
    if !["json", "*/*", "application/*"].iter().any(|it| accept.contains(it)) {
        let text = "This server answers in application/fhir+json only.";
        return Err(Outcome::new(StatusCode::NOT_ACCEPTABLE, "not-supported", text));
    }
    let token = web::bearer(headers).ok_or_else(Outcome::no_token)?;
    let scopes = server.tokens.opens(token, site.organization, hospital.clock.now()).ok_or_else(Outcome::no_token)?;
    Ok(Caller { site, scopes })
}

impl Caller<'_> {
    /// Refuses what the scopes do not open: each of `letters` (c, r, u, d, s) on `resource`.
    pub(crate) fn may(&self, resource: &str, letters: &str) -> Result<(), Outcome> {
        if letters.chars().all(|it| scopes::allow(&self.scopes, resource, it)) {
            return Ok(());
        }
        Err(Outcome::forbidden(format!("The token's scopes do not allow this on {resource}.")))
    }
}

/// A fault switch says no; a token that is taken back is gone.
pub(crate) fn no(server: &Server, headers: &HeaderMap, refusal: Refusal) -> Response {
    match refusal {
        Refusal::Refused => Outcome::forbidden("This app is not enabled here."),
        Refusal::Poisoned => {
            Outcome::unprocessable("business-rule", "This content is not acceptable and never will be.")
        }
        Refusal::Revoked => {
            if let Some(token) = web::bearer(headers) {
                server.tokens.revoke(token);
            }
            Outcome::no_token()
        }
    }
    .into_response()
}
