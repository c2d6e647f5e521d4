//! The authorization server of an EHR beside Epic (Oracle Health, generic R4): authorize, token, keys, and what its
//! smart-configuration says. Codes for the two public apps, `private_key_jwt` for Backend Services; no refresh token, no
//! introspection. `invalid_client` is a 401, as RFC 6749 5.2 allows.

use super::{Refused, assertion, authorize, redeem, scopes};
use crate::{
    core::{Aim, Hospital, Refusal, Shared, under},
    fhir::{Server, Site, launch},
    web::Parameters,
};
use axum::{
    Json, Router,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

/// Which server of the hospital.
pub(crate) type Which = fn(&Hospital) -> &Server;

/// The routes under a site's authority, `at`.
pub(crate) fn router(at: &str, which: Which) -> Router<Shared> {
    let authorize = async move |State(hospital): State<Shared>,
                                Path(site): Path<String>,
                                RawQuery(query): RawQuery,
                                headers: HeaderMap| {
        let server = which(&hospital);
        let Some(site) = server.site(&site) else { return StatusCode::NOT_FOUND.into_response() };
        let door = launch::door(&hospital, server, site, &headers);
        authorize::authorize(&hospital, &door, &query.unwrap_or_default()).await
    };
    let token = async move |State(hospital): State<Shared>, Path(site): Path<String>, headers, body| {
        token(&hospital, which, &site, headers, body).await
    };
    let keys = async move |State(hospital): State<Shared>, Path(site): Path<String>| {
        let server = which(&hospital);
        match server.site(&site) {
            Some(_) => Json(json!({ "keys": [server.key.jwk()] })).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    };
    Router::new()
        .route(&format!("{at}/authorize"), get(authorize))
        .route(&format!("{at}/token"), post(token))
        .route(&format!("{at}/keys"), get(keys))
}

/// A token request at the site whose path begins with `segment`.
async fn token(hospital: &Shared, which: Which, segment: &str, headers: HeaderMap, body: String) -> Response {
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
    match form.text("grant_type") {
        "client_credentials" => backend(hospital, server, site, &form).await,
        "authorization_code" => {
            let code = redeem::code(hospital, site.organization, (&server.clients, &server.grants), headers, &form)?;
            launch::granted(hospital, server, site, &code, form.one("code"))
        }
        _ => Err(Refused::new("unsupported_grant_type", "no such grant for these apps")),
    }
}

async fn backend(hospital: &Hospital, server: &Server, site: &Site, form: &Parameters) -> Result<Value, Refused> {
    let endpoint = server.token_endpoint(hospital, site);
    let expected = assertion::Expected { client_id: &server.clients.backend, token_endpoint: &endpoint };
    assertion::check(hospital, form, &expected, &server.grants.seen).await?;
    let granted = scopes::granted(form.text("scope"), server.registered);
    if granted.is_empty() {
        return Err(Refused::new("invalid_scope", "none of the scopes is registered"));
    }
    let scope = granted.join(" ");
    hospital.log(server.ehr.word(), "token.issued", json!({ "organization": site.organization, "scope": scope }));
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
    let authority = (server.authority)(hospital, site);
    let mut scopes = scopes::all(server.registered);
    scopes.extend(launch::SCOPES.map(str::to_owned));
    let body = json!({
        "issuer": authority,
        "jwks_uri": format!("{authority}/keys"),
        "authorization_endpoint": format!("{authority}/authorize"),
        "token_endpoint": server.token_endpoint(hospital, site),
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "capabilities": [
            "launch-ehr", "launch-standalone", "context-standalone-patient", "client-public", "client-confidential-asymmetric", "sso-openid-connect", "context-ehr-patient",
            "context-ehr-encounter", "permission-v1", "permission-v2",
        ],
    });
    ([(header::CACHE_CONTROL, "max-age=300")], Json(body)).into_response()
}
