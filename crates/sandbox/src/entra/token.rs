//! The token endpoint: authorization code and refresh for the companion and for the relay's web page, client credentials for
//! the relay.
//! A public client must not present a secret and a confidential one must (AADSTS700025, 7000218).

use super::{
    apps::App,
    discovery::Tenant,
    errors::Refusal,
    grants::{CodeGrant, RefreshGrant},
    tokens,
};
use crate::{
    core::{
        Aim, Hospital, Person, Shared,
        switches::{CLIENT_SECRET, CONSENT},
        under,
    },
    web::{self, Parameters},
};
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

const NINETY_DAYS: i64 = 90 * 24 * 3600;

/// `POST /{tenant}/oauth2/v2.0/token`
pub(super) async fn redeem(
    State(hospital): State<Shared>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let about = body.clone();
    let work = {
        let hospital = hospital.clone();
        async move {
            let no_store = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
            match answer(&hospital, &tenant, &headers, &body) {
                Ok(body) => (no_store, Json(body)).into_response(),
                Err(refusal) => refusal.json(&hospital),
            }
        }
    };
    let no = |_| revoked().json(&hospital);
    under(&hospital, Aim { targets: &["entra.token"], about: &about }, work, no).await
}

fn answer(hospital: &Hospital, tenant: &str, headers: &HeaderMap, body: &str) -> Result<Value, Refusal> {
    let form_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    if !form_type.starts_with("application/x-www-form-urlencoded") {
        return Err(Refusal::new(
            900_561,
            "invalid_request",
            "The endpoint only accepts POST requests with a form body.",
        ));
    }
    let form = Parameters::parse(body);
    let tenant = Tenant::parse(hospital, tenant).ok_or_else(Refusal::no_tenant)?;
    let client = form.one("client_id").ok_or_else(|| Refusal::missing("client_id"))?;
    let apps = &hospital.entra.apps;
    match form.text("grant_type") {
        "authorization_code" | "refresh_token" if apps.named(client) == Some(App::Companion) => {
            if form.one("client_secret").is_some()
                || form.one("client_assertion").is_some()
                || web::basic(headers).is_some()
            {
                let text = "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.";
                return Err(Refusal::new(700_025, "invalid_client", text));
            }
            of_a_person(hospital, App::Companion, &tenant, &form)
        }
        "authorization_code" | "refresh_token" if apps.named(client) == Some(App::Relay) => {
            check_secret(hospital, &form)?;
            of_a_person(hospital, App::Relay, &tenant, &form)
        }
        "client_credentials" if client == apps.relay_client_id => client_credentials(hospital, &tenant, &form),
        "authorization_code" | "refresh_token" | "client_credentials"
            if client == apps.companion_client_id || client == apps.relay_client_id =>
        {
            Err(Refusal::new(700_027, "unauthorized_client", "The application is not configured for this grant."))
        }
        "authorization_code" | "refresh_token" | "client_credentials" => Err(Refusal::no_application()),
        "" => Err(Refusal::missing("grant_type")),
        _ => Err(Refusal::new(70_003, "unsupported_grant_type", "The app requested an unsupported grant type.")),
    }
}

fn of_a_person(hospital: &Hospital, app: App, tenant: &Tenant, form: &Parameters) -> Result<Value, Refusal> {
    match form.text("grant_type") {
        "refresh_token" => refresh(hospital, app, tenant, form),
        _ => code(hospital, app, tenant, form),
    }
}

/// A confidential client proves itself.
fn check_secret(hospital: &Hospital, form: &Parameters) -> Result<(), Refusal> {
    let secret = form.one("client_secret").ok_or_else(|| {
        Refusal::new(
            7_000_218,
            "invalid_client",
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )
    })?;
    if secret == hospital.entra.apps.relay_client_secret {
        if hospital.switches.is(&CLIENT_SECRET, "", "expired") {
            let text = "The provided client secret keys are expired.";
            return Err(Refusal::new(7_000_222, "invalid_client", text));
        }
        return Ok(());
    }
    Err(Refusal::new(7_000_215, "invalid_client", "Invalid client secret provided."))
}

fn code(hospital: &Hospital, app: App, tenant: &Tenant, form: &Parameters) -> Result<Value, Refusal> {
    let code = form.one("code").ok_or_else(|| Refusal::missing("code"))?;
    let verifier = form.one("code_verifier").ok_or_else(|| Refusal::missing("code_verifier"))?;
    let invalid = |number, text: &str| Refusal::new(number, "invalid_grant", text);
    let (grant, used) = hospital
        .entra
        .grants
        .take_code(code)
        .ok_or_else(|| invalid(9_002_313, "Invalid request. Request is malformed or invalid."))?;
    let CodeGrant { app: made_for, oid, tid, redirect_uri, challenge, scopes, nonce, expires } = grant;
    if made_for != app {
        return Err(invalid(70_000, "The provided authorization code was issued to another application."));
    }
    if used {
        return Err(invalid(
            54_005,
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
        ));
    }
    if hospital.clock.now() >= expires {
        return Err(invalid(70_008, "The provided authorization code or refresh token has expired due to inactivity."));
    }
    if !tenant.admits(&tid) {
        return Err(invalid(
            700_005,
            "Provided Authorization Code is intended to use against other tenant, thus rejected.",
        ));
    }
    if form.text("redirect_uri") != redirect_uri {
        return Err(invalid(70_000, "The provided value for the input parameter 'redirect_uri' is not valid."));
    }
    if !web::is_verifier(verifier) || web::s256(verifier) != challenge {
        return Err(invalid(
            501_481,
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        ));
    }
    narrow(form, &scopes)?;
    respond(hospital, "authorization_code", (app, &tid, &oid), scopes, nonce.as_deref())
}

fn refresh(hospital: &Hospital, app: App, tenant: &Tenant, form: &Parameters) -> Result<Value, Refusal> {
    let token = form.one("refresh_token").ok_or_else(|| Refusal::missing("refresh_token"))?;
    let malformed = || Refusal::new(9_002_313, "invalid_grant", "Invalid request. Request is malformed or invalid.");
    let known = hospital.entra.grants.refresh(token).filter(|it| it.app == app && tenant.admits(&it.tid));
    let RefreshGrant { app: _, oid, tid, scopes, expires, revoked: is_revoked } = known.ok_or_else(malformed)?;
    if is_revoked {
        return Err(revoked());
    }
    if hospital.clock.now() >= expires {
        return Err(Refusal::new(700_082, "invalid_grant", "The refresh token has expired due to inactivity."));
    }
    narrow(form, &scopes)?;
    respond(hospital, "refresh_token", (app, &tid, &oid), scopes, None)
}

/// A token request may name no more than was granted.
fn narrow(form: &Parameters, granted: &[String]) -> Result<(), Refusal> {
    match form.text("scope").split_whitespace().find(|it| !granted.iter().any(|had| had == it)) {
        None => Ok(()),
        Some(_) => Err(Refusal::new(
            65_001,
            "invalid_grant",
            "The user or administrator has not consented to use the application with this scope.",
        )),
    }
}

fn respond(
    hospital: &Hospital,
    grant: &str,
    (app, tid, oid): (App, &str, &str),
    scopes: Vec<String>,
    nonce: Option<&str>,
) -> Result<Value, Refusal> {
    let (_, person): (_, &Person) = hospital
        .person(oid)
        .ok_or_else(|| Refusal::new(50_034, "invalid_grant", "The user account does not exist."))?;
    let has = |scope: &str| scopes.iter().any(|it| it == scope);
    let lifetime = lifetime(hospital);
    let api = hospital.entra.apps.api_scope();
    let mut body = json!({ "token_type": "Bearer", "scope": scopes.join(" "), "expires_in": lifetime, "ext_expires_in": lifetime });
    if has(&api) {
        body["access_token"] = Value::from(tokens::access(hospital, app, tid, person, lifetime));
    } else if app == App::Relay {
        body["access_token"] = Value::from(tokens::for_nothing(hospital));
    }
    if has("openid") {
        body["id_token"] = Value::from(tokens::id(hospital, app, tid, person, nonce));
    }
    hospital.log("entra", "token.issued", json!({ "grant": grant, "tid": tid, "oid": oid }));
    if has("offline_access") {
        let expires = hospital.clock.in_seconds(NINETY_DAYS);
        let grant = RefreshGrant { app, oid: oid.to_owned(), tid: tid.to_owned(), scopes, expires, revoked: false };
        body["refresh_token"] = Value::from(hospital.entra.grants.issue_refresh(hospital, grant));
    }
    Ok(body)
}

fn client_credentials(hospital: &Hospital, tenant: &Tenant, form: &Parameters) -> Result<Value, Refusal> {
    let Tenant::One(tid) = tenant else {
        return Err(Refusal::new(53_003, "invalid_request", "Use a tenant-specific endpoint for application tokens."));
    };
    if hospital.tenant(tid).is_some_and(|it| hospital.switches.is(&CONSENT, it.key, "withdrawn")) {
        return Err(Refusal::no_application());
    }
    check_secret(hospital, form)?;
    let apps = &hospital.entra.apps;
    if form.text("scope") != format!("{}/.default", tokens::GRAPH) {
        let text = "The provided value for scope is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier.";
        return Err(Refusal::new(1_002_012, "invalid_scope", text));
    }
    hospital.log(
        "entra",
        "token.issued",
        json!({ "grant": "client_credentials", "tid": tid, "appid": apps.relay_client_id }),
    );
    Ok(json!({
        "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
        "access_token": tokens::app_only(hospital, tid, &apps.relay_client_id, 3599),
    }))
}

/// Access tokens live a random 60 to 90 minutes.
fn lifetime(hospital: &Hospital) -> i64 {
    3600 + i64::try_from(hospital.random.below(1800)).unwrap_or(0)
}

fn revoked() -> Refusal {
    Refusal::new(
        50_173,
        "invalid_grant",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
    )
}
