//! The identity provider and the EHR's authorization server of the small world: strict where the companion must be right
//! (PKCE, redirect, one-time codes, rotation), with switches for what goes wrong.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use roomed_smart::keys::jwks;
use serde_json::{Value, json};

use crate::world::World;

type Fields = HashMap<String, String>;

/// An authorization request that got a code.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    challenge: String,
    redirect_uri: String,
    nonce: String,
    pub(crate) launch: Option<String>,
}

pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/idp/.well-known/openid-configuration", get(openid))
        .route("/idp/keys", get(async |State(w): State<Arc<World>>| Json(jwks([&w.key]))))
        .route("/idp/authorize", get(authorize))
        .route("/idp/token", post(idp_token))
        .route("/ehr/R4/.well-known/smart-configuration", get(smart))
        .route("/ehr/authorize", get(authorize))
        .route("/ehr/token", post(ehr_token))
        .route("/ehr/R4/Patient/{id}", get(patient))
}

async fn openid(State(world): State<Arc<World>>) -> Json<Value> {
    let base = format!("{}/idp", world.base);
    Json(
        json!({"issuer": base, "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
        "jwks_uri": format!("{base}/keys"), "response_types_supported": ["code"], "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES384"]}),
    )
}

async fn smart(State(world): State<Arc<World>>) -> Response {
    world.state.lock().unwrap().ehr_asked += 1;
    if let Some(status) = world.state.lock().unwrap().ehr_status {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    let base = format!("{}/ehr", world.base);
    Json(json!({"issuer": format!("{base}/oauth2"), "jwks_uri": format!("{base}/keys"),
        "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
        "code_challenge_methods_supported": ["S256"], "capabilities": ["launch-ehr", "client-public"]}))
    .into_response()
}

async fn authorize(State(world): State<Arc<World>>, Query(q): Query<Fields>) -> Response {
    let get = |name: &str| q.get(name).cloned().unwrap_or_default();
    assert_eq!(get("response_type"), "code");
    assert_eq!(get("code_challenge_method"), "S256");
    assert!(get("state").len() >= 22);
    let mut state = world.state.lock().unwrap();
    state.prompts.push(get("prompt"));
    let separator = if get("redirect_uri").contains('?') { '&' } else { '?' };
    let back = format!("{}{separator}state={}", get("redirect_uri"), get("state"));
    if state.nobody_answers {
        return StatusCode::NO_CONTENT.into_response();
    }
    if let Some(error) = &state.authorize_error {
        return Redirect::to(&format!("{back}&error={error}")).into_response();
    }
    state.counter += 1;
    let code = format!("code-{}", state.counter);
    let pending = Pending {
        challenge: get("code_challenge"),
        redirect_uri: get("redirect_uri"),
        nonce: get("nonce"),
        launch: q.get("launch").cloned(),
    };
    state.codes.insert(code.clone(), pending);
    Redirect::to(&format!("{back}&code={code}")).into_response()
}

fn refuse(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response()
}

/// A code is good once, for its redirect and its verifier.
fn redeem(world: &World, form: &Fields) -> Option<Pending> {
    let pending = world.state.lock().unwrap().codes.remove(form.get("code")?)?;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, form.get("code_verifier")?.as_bytes());
    let fits =
        pending.challenge == URL_SAFE_NO_PAD.encode(digest) && form.get("redirect_uri") == Some(&pending.redirect_uri);
    fits.then_some(pending)
}

async fn idp_token(State(world): State<Arc<World>>, Form(form): Form<Fields>) -> Response {
    let refreshing = form["grant_type"] == "refresh_token";
    assert!(!refreshing || form["scope"].contains("api://relay/access_as_user"));
    let nonce = match form["grant_type"].as_str() {
        "authorization_code" => match redeem(&world, &form) {
            Some(pending) => Some(pending.nonce),
            None => return refuse("invalid_grant"),
        },
        _ => {
            let mut state = world.state.lock().unwrap();
            state.refreshes += 1;
            if let Some(error) = &state.refresh_error {
                return refuse(error);
            }
            // Stricter than Entra: a refresh token is good once, so a second refresh at the same time would be seen.
            if state.refresh_token.as_ref() != form.get("refresh_token") {
                return refuse("invalid_grant");
            }
            None
        }
    };
    let mut state = world.state.lock().unwrap();
    state.counter += 1;
    let n = state.counter;
    // As long as Entra's: longer than an entry of Windows's keychain.
    state.refresh_token = Some(format!("refresh-{n}-{}", "r".repeat(3_000)));
    state.access_token = format!("access-{n}");
    let now = jiff_now(&world);
    let oid = state.account.clone().unwrap_or("object-1".into());
    let claims = json!({"iss": format!("{}/idp", world.base), "aud": "companion", "sub": "s", "tid": "tenant-1", "oid": oid,
        "exp": now + 3_600, "iat": now, "nonce": nonce});
    Json(json!({"access_token": state.access_token, "token_type": "Bearer", "expires_in": 3_599,
        "refresh_token": state.refresh_token, "id_token": world.key.sign(&claims).unwrap()}))
    .into_response()
}

async fn ehr_token(State(world): State<Arc<World>>, Form(form): Form<Fields>) -> Response {
    if let Some(error) = &world.state.lock().unwrap().ehr_token_error {
        return refuse(error);
    }
    let Some(pending) = redeem(&world, &form) else { return refuse("invalid_grant") };
    assert_eq!(form["client_id"], "ehr-companion");
    let user = world.state.lock().unwrap().ehr_user.clone().unwrap_or("Practitioner/e1".into());
    let claims = json!({"iss": format!("{}/ehr/oauth2", world.base), "aud": "ehr-companion", "nonce": pending.nonce,
        "fhirUser": user, "launch": pending.launch});
    let mut answer = json!({"access_token": "ehr-access", "token_type": "Bearer", "expires_in": 300,
        "scope": "launch openid fhirUser", "patient": "p1", "encounter": "enc1", "need_patient_banner": true});
    if !world.state.lock().unwrap().no_id_token {
        answer["id_token"] = json!(world.key.sign(&claims).unwrap());
    }
    Json(answer).into_response()
}

async fn patient(Path(id): Path<String>, headers: HeaderMap) -> Response {
    if headers["authorization"] != "Bearer ehr-access" || id != "p1" {
        return StatusCode::NOT_FOUND.into_response();
    }
    Json(json!({"resourceType": "Patient", "id": "p1", "birthDate": "1961-04-02", "name": [{"use": "official",
        "given": ["Canary"], "family": "Patientname"}]}))
    .into_response()
}

fn jiff_now(world: &World) -> i64 {
    use roomed_companion::clock::Clock;
    world.clock.now().as_second()
}
