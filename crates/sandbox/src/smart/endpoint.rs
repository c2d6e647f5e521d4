//! The token endpoint and the smart-configuration of an EHR that has Backend Services only (Oracle Health, generic R4).
//! One grant, one way to authenticate; no refresh token, no introspection. `invalid_client` is a 401, as RFC 6749 5.2 allows.

use super::{Refused, assertion, scopes};
use crate::{
    core::{Aim, Hospital, Refusal, Shared, under},
    fhir::{Server, Site},
    web::Parameters,
};
use axum::{
    Json,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// Which server of the hospital.
pub(crate) type Which = fn(&Hospital) -> &Server;

/// A token request at the site whose path begins with `segment`.
pub(crate) async fn token(
    hospital: &Shared,
    which: Which,
    segment: &str,
    headers: HeaderMap,
    body: String,
) -> Response {
    let server = which(hospital);
    let Some(site) = server.site(segment) else { return StatusCode::NOT_FOUND.into_response() };
    let organization = site.organization;
    let word = server.ehr.word();
    let name = format!("{word}.token");
    let about = body.clone();
    let work = {
        let hospital = hospital.clone();
        async move {
            match grant(&hospital, which, organization, &headers, &body).await {
                Ok(body) => no_store(StatusCode::OK, body),
                Err(refused) => refuse(&hospital, word, organization, &refused),
            }
        }
    };
    let no = |_: Refusal| refuse(hospital, word, organization, &Refused::new("invalid_client", "a fault switch"));
    under(hospital, Aim { targets: &[&name, word], about: &about }, work, no).await
}

async fn grant(
    hospital: &Hospital,
    which: Which,
    organization: &str,
    headers: &HeaderMap,
    body: &str,
) -> Result<Value, Refused> {
    let server = which(hospital);
    let site = server.of(organization).ok_or(Refused::new("invalid_request", "no such site"))?;
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    if !content_type.starts_with("application/x-www-form-urlencoded") {
        return Err(Refused::new("invalid_request", "the body is not a form"));
    }
    let form = Parameters::parse(body);
    if form.text("grant_type") != "client_credentials" {
        return Err(Refused::new("unsupported_grant_type", "only client_credentials"));
    }
    let endpoint = (server.token_endpoint)(hospital, site);
    let expected = assertion::Expected { client_id: &server.client, token_endpoint: &endpoint };
    assertion::check(hospital, &form, &expected, &server.seen).await?;
    let granted = scopes::granted(form.text("scope"), server.registered);
    if granted.is_empty() {
        return Err(Refused::new("invalid_scope", "none of the scopes is registered"));
    }
    let scope = granted.join(" ");
    hospital.log(server.ehr.word(), "token.issued", json!({ "organization": organization, "scope": scope }));
    let token = server.tokens.mint(hospital, server.ehr, site.organization, granted);
    Ok(json!({
        "access_token": token, "token_type": "Bearer", "expires_in": super::tokens::ACCESS_SECONDS, "scope": scope,
    }))
}

fn refuse(hospital: &Hospital, word: &str, organization: &str, refused: &Refused) -> Response {
    let detail = json!({ "organization": organization, "error": refused.error, "reason": refused.reason });
    hospital.log(word, "token.refused", detail);
    let status = if refused.error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    no_store(status, json!({ "error": refused.error }))
}

fn no_store(status: StatusCode, body: Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(body)).into_response()
}

/// `.well-known/smart-configuration`: JSON, whatever `Accept` says, open to everybody.
pub(crate) fn configuration(hospital: &Hospital, server: &Server, site: &Site) -> Response {
    let body = json!({
        "token_endpoint": (server.token_endpoint)(hospital, site),
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": scopes::all(server.registered),
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    });
    ([(header::CACHE_CONTROL, "max-age=300")], Json(body)).into_response()
}
