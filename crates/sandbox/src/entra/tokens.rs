//! The tokens Entra signs, and the check its resources make: app-only tokens for Graph, v2 access and id tokens
//! for the relay's API, and the `validationTokens` of rich change notifications. Claims as in Entra's claims reference.

use super::apps::{API_PERMISSION, App, CALL_ROLES, GRANTED_ROLES};
use crate::{
    core::{
        Hospital, JwtRefused, Person,
        switches::{ACCOUNT_NAMES, CONSENT, REMOVAL},
    },
    web,
};
use axum::http::HeaderMap;
use serde_json::{Value, json};

/// The app that sends Graph's change notifications; receivers must check `appid` against it.
pub const NOTIFICATION_APP_ID: &str = "0bf30f3b-4a52-48df-9a82-234910c4a086";
/// The audience of Graph tokens.
pub const GRAPH: &str = "https://graph.microsoft.com";

/// Whom a Graph request is from.
#[derive(Clone, Debug)]
pub struct AppCaller {
    /// The tenant the token was issued for.
    pub tid: String,
    /// The calling application.
    pub app_id: String,
    /// Its application permissions.
    pub roles: Vec<String>,
}

/// Why a bearer token does not open Graph. Graph says 401 to the first three and 403 to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BearerRefused {
    /// No `Authorization: Bearer`.
    #[error("Access token is empty.")]
    Missing,
    /// Not ours, or past its lifetime.
    #[error("Access token validation failure. Invalid or expired token.")]
    Invalid,
    /// A token for another resource.
    #[error("Access token validation failure. Invalid audience.")]
    Audience,
    /// None of the wanted application permissions.
    #[error("Missing application permission.")]
    Role,
}

/// Checks an app-only Graph token of the request: ours, alive, for Graph, with one of `any_of` among its roles.
pub fn verify_app_token(hospital: &Hospital, headers: &HeaderMap, any_of: &[&str]) -> Result<AppCaller, BearerRefused> {
    let token = web::bearer(headers).ok_or(BearerRefused::Missing)?;
    let claims =
        hospital.entra.key.verify(token, hospital.clock.unix()).map_err(|_: JwtRefused| BearerRefused::Invalid)?;
    if claims["aud"] != GRAPH {
        return Err(BearerRefused::Audience);
    }
    let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
    let roles: Vec<String> =
        claims["roles"].as_array().into_iter().flatten().filter_map(|it| it.as_str().map(str::to_owned)).collect();
    if !roles.iter().any(|it| any_of.contains(&it.as_str())) {
        return Err(BearerRefused::Role);
    }
    Ok(AppCaller { tid: text("tid"), app_id: text("appid"), roles })
}

/// The JWT that proves to `app_id` in tenant `tid` that a change notification is Graph's: v1.0, one hour.
pub fn sign_validation_token(hospital: &Hospital, tid: &str, app_id: &str) -> String {
    sign_validation_token_as(hospital, tid, app_id, NOTIFICATION_APP_ID)
}

/// The same with another sending application, to see whether a receiver checks `appid`.
pub fn sign_validation_token_as(hospital: &Hospital, tid: &str, app_id: &str, sender: &str) -> String {
    let now = hospital.clock.unix();
    let token = hospital.entra.key.sign(&json!({
        "aud": app_id, "iss": format!("https://sts.windows.net/{tid}/"), "iat": now - 5, "nbf": now - 5, "exp": now + 3600,
        "aio": hospital.random.token(24), "appid": sender, "appidacr": "2", "idp": format!("https://sts.windows.net/{tid}/"),
        "oid": hospital.random.guid(), "rh": hospital.random.token(16), "sub": hospital.random.guid(), "tid": tid,
        "uti": hospital.random.token(22), "ver": "1.0",
    }));
    hospital.canaries.secret("graph.validation_token", &token);
    token
}

/// The v2 issuer of a tenant.
pub(crate) fn issuer(hospital: &Hospital, tid: &str) -> String {
    format!("{}/{tid}/v2.0", hospital.addresses().entra)
}

/// An app-only token for Graph: v1 format, as Graph's tokens are.
pub(crate) fn app_only(hospital: &Hospital, tid: &str, app_id: &str, lifetime: i64) -> String {
    let now = hospital.clock.unix();
    let consent = hospital.tenant(tid).map_or("all", |it| hospital.switches.of(&CONSENT, it.key));
    let without = match consent {
        "no-writing" => "OnlineMeetings.ReadWrite.All",
        "no-attendance" => "OnlineMeetingArtifact.Read.All",
        "no-patient-links" => "VirtualAppointment.ReadWrite.All",
        _ => "",
    };
    let mut roles: Vec<&str> = GRANTED_ROLES.into_iter().filter(|it| *it != without).collect();
    if hospital.tenant(tid).is_some_and(|it| !hospital.switches.is(&REMOVAL, it.key, "none")) {
        roles.extend(CALL_ROLES);
    }
    let token = hospital.entra.key.sign(&json!({
        "aud": GRAPH, "iss": format!("https://sts.windows.net/{tid}/"), "iat": now - 5, "nbf": now - 5, "exp": now + lifetime,
        "app_displayname": "Roomed relay", "appid": app_id, "appidacr": "1", "idtyp": "app",
        "oid": hospital.random.stable_guid(&format!("service principal {tid} {app_id}")), "roles": roles,
        "tid": tid, "uti": hospital.random.token(22), "ver": "1.0",
    }));
    hospital.canaries.secret("entra.access_token", &token);
    token
}

/// A person's v2 access token for the relay's API, asked for by `app`. Whoever has app roles at the relay carries them.
pub(crate) fn access(hospital: &Hospital, app: App, tid: &str, person: &Person, lifetime: i64) -> String {
    let now = hospital.clock.unix();
    let apps = &hospital.entra.apps;
    let mut claims = json!({
        "aud": apps.relay_client_id, "iss": issuer(hospital, tid), "iat": now - 5, "nbf": now - 5, "exp": now + lifetime,
        "aio": hospital.random.token(24), "azp": apps.client_id(app), "azpacr": "0", "name": person.name,
        "oid": person.oid, "preferred_username": person.upn, "rh": hospital.random.token(16), "scp": API_PERMISSION,
        "sub": subject(hospital, person, &apps.relay_client_id), "tid": tid, "uti": hospital.random.token(22), "ver": "2.0",
    });
    add_roles(hospital, person, &mut claims);
    leave_out_names(hospital, tid, &mut claims);
    let token = hospital.entra.key.sign(&claims);
    hospital.canaries.secret("entra.access_token", &token);
    token
}

/// What a web page gets that asks for no resource: a token for Graph's userinfo, which this sandbox does not have.
pub(crate) fn for_nothing(hospital: &Hospital) -> String {
    let token = hospital.random.token(400);
    hospital.canaries.secret("entra.access_token", &token);
    token
}

/// A person's v2 id_token for `app`. App roles are the relay's, so only its own id_token has them.
pub(crate) fn id(hospital: &Hospital, app: App, tid: &str, person: &Person, nonce: Option<&str>) -> String {
    let now = hospital.clock.unix();
    let client = hospital.entra.apps.client_id(app);
    let mut claims = json!({
        "aud": client, "iss": issuer(hospital, tid), "iat": now - 5, "nbf": now - 5, "exp": now + 3600,
        "name": person.name, "oid": person.oid, "preferred_username": person.upn, "rh": hospital.random.token(16),
        "sub": subject(hospital, person, client), "tid": tid, "uti": hospital.random.token(22), "ver": "2.0",
    });
    if let Some(nonce) = nonce {
        claims["nonce"] = Value::from(nonce);
    }
    if app == App::Relay {
        add_roles(hospital, person, &mut claims);
    }
    leave_out_names(hospital, tid, &mut claims);
    let token = hospital.entra.key.sign(&claims);
    hospital.canaries.secret("entra.id_token", &token);
    token
}

/// Takes out what this tenant's accounts do not say of themselves.
fn leave_out_names(hospital: &Hospital, tid: &str, claims: &mut Value) {
    let without: &[&str] = match hospital.tenant(tid).map(|it| hospital.switches.of(&ACCOUNT_NAMES, it.key)) {
        Some("sign-in-name") => &["name"],
        Some("neither") => &["name", "preferred_username"],
        _ => &[],
    };
    if let Some(claims) = claims.as_object_mut() {
        claims.retain(|claim, _| !without.contains(&claim.as_str()));
    }
}

/// `roles`, if there are any; Entra leaves an empty claim out.
fn add_roles(hospital: &Hospital, person: &Person, claims: &mut Value) {
    let roles = super::roles::of(hospital, &person.oid);
    if !roles.is_empty() {
        claims["roles"] = Value::from(roles);
    }
}

/// `sub` is pairwise: another value for every application.
fn subject(hospital: &Hospital, person: &Person, client: &str) -> String {
    let label = format!("sub {} {client}", person.oid);
    format!("{}{}", hospital.random.stable_token(&label, 32), hospital.random.stable_token(&format!("{label} 2"), 11))
}
