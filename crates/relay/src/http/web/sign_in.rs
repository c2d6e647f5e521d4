//! Signing in with a browser: authorization code with PKCE, `state` and `nonce` at the organization's own tenant. Single
//! sign-on does the rest: whoever is signed in to Microsoft sees no page at all.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use roomed_protocol::ProblemCode;
use roomed_smart::pkce::{self, Pkce};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use url::Url;

use super::session::{self, WebCaller};
use super::{launch, page};
use crate::config::Organization;
use crate::http::entering::{see_other, set_cookie};
use crate::http::html;
use crate::http::patient_launch::{Fresh, Kept};
use crate::http::problem::{Answer, Refusal};
use crate::http::visit_page::cookie;
use crate::identity::web::{self, Endpoints, Redeem};
use crate::keys::one_time;
use crate::query::Query;
use crate::relay::Relay;
use crate::store::{OneTime, OneTimeKind};

/// Ties a sign-in to the browser that began it (RFC 6749, 10.12).
const COOKIE: &str = "roomed-sign-in";

/// Somebody has said that the account that Microsoft knows in this browser is not theirs: the next sign-in asks which.
const CHOOSE: &str = "roomed-choose";
/// For as long as a shift may last.
const CHOOSE_SECONDS: i64 = 12 * 60 * 60;

/// What somebody signs in for. Never an address: nobody can be sent elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Then {
    /// To see that they are signed in.
    Home,
    /// To go on with a launch, by its handle.
    Launch(String),
    /// To see a visit.
    Visit(String),
    /// To the staff page.
    Staff,
    /// To the portal.
    Portal,
}

impl Then {
    fn path(&self, organization: &str) -> String {
        match self {
            Self::Home => format!("/o/{organization}/signed-in"),
            Self::Staff => format!("/staff/?o={organization}"),
            Self::Portal => format!("/portal/?o={organization}"),
            Self::Launch(handle) => launch::path(organization, handle),
            Self::Visit(visit) => super::visit::path(organization, visit),
        }
    }
}

/// Kept sealed under `state` while the browser is at Entra.
#[derive(Serialize, Deserialize)]
struct Pending {
    nonce: String,
    /// What the PKCE verifier is made from.
    seed: [u8; 32],
    /// Hash of the cookie of the browser that began.
    browser: String,
    then: Then,
}

/// `GET /o/{organization}/sign-in`. With `as=other` somebody else can be chosen; with `to=staff` the staff page
/// comes next, with `to=portal` the portal.
pub(in crate::http) async fn begin(
    State(relay): State<Arc<Relay>>,
    Path(key): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let says = |name: &str, value: &str| query.as_ref().is_ok_and(|it| it.get(name) == Some(value));
    let then = match (says("to", "staff"), says("to", "portal")) {
        (true, _) => Then::Staff,
        (_, true) => Then::Portal,
        _ => Then::Home,
    };
    page::answer(to_entra(&relay, &key, then, says("as", "other") || chooses(&headers)).await)
}

/// Sends the browser to Entra, for whatever it was that somebody must be signed in for.
pub(super) async fn begin_for(relay: &Relay, key: &str, headers: &HeaderMap, then: Then) -> Answer<Response> {
    to_entra(relay, key, then, chooses(headers)).await
}

fn chooses(headers: &HeaderMap) -> bool {
    cookie(headers, CHOOSE).is_some_and(|it| !it.is_empty())
}

async fn to_entra(relay: &Relay, key: &str, then: Then, other: bool) -> Answer<Response> {
    let organization = relay.organization(key).ok_or(Refusal(ProblemCode::UnknownIss))?;
    let endpoints = endpoints(relay, organization).await?;
    let mut seed = [0; 32];
    relay.random.fill(&mut seed);
    let (browser, nonce) = (relay.random.token(), relay.random.token());
    let state = pkce::State::new(&Fresh(&*relay.random));
    let pending = Pending { nonce, seed, browser: one_time::hash(&browser), then };
    put(relay, key, OneTimeKind::WebSignIn, state.expose(), &pending).await?;
    let mut to = endpoints.authorization_endpoint;
    {
        let mut query = to.query_pairs_mut();
        query.append_pair("response_type", "code").append_pair("response_mode", "query");
        query.append_pair("client_id", &organization.entra.relay_client_id);
        query.append_pair("redirect_uri", &redirect_uri(relay)).append_pair("scope", web::SCOPE);
        query.append_pair("state", state.expose()).append_pair("nonce", &pending.nonce);
        query.append_pair("code_challenge", Pkce::new(&Kept(seed)).challenge());
        query.append_pair("code_challenge_method", "S256");
        if other {
            query.append_pair("prompt", "select_account");
        }
    }
    let seconds = i64::from(relay.config.launch.one_time_seconds);
    Ok(see_other(to.as_str(), &set_cookie(relay, COOKIE, &browser, "/sign-in/", seconds)))
}

/// `GET /sign-in/callback`.
pub(in crate::http) async fn callback(
    State(relay): State<Arc<Relay>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    page::answer(finish(&relay, &headers, query.as_deref().unwrap_or_default()).await)
}

async fn finish(relay: &Relay, headers: &HeaderMap, query: &str) -> Answer<Response> {
    let query = Query::parse(query)?;
    let state = query.required("state")?;
    let (key, pending): (String, Pending) = take(relay, OneTimeKind::WebSignIn, state).await?;
    let browser = one_time::hash(cookie(headers, COOKIE).unwrap_or_default());
    if !bool::from(browser.as_bytes().ct_eq(pending.browser.as_bytes())) {
        return Err(Refusal(ProblemCode::HandleUnknown));
    }
    let organization = relay.organization(&key).ok_or(Refusal(ProblemCode::UnknownIss))?;
    let code = query.required("code").map_err(|_| Refusal(ProblemCode::NotSignedIn))?;
    let pkce = Pkce::new(&Kept(pending.seed));
    let kept = Redeem { code, redirect_uri: &redirect_uri(relay), verifier: pkce.verifier().expose_secret() };
    let endpoints = endpoints(relay, organization).await?;
    let id_token = web::redeem(&relay.http, &endpoints, &organization.entra, &kept).await?;
    let signed_in = relay.identity.signed_in(&key, &id_token, &pending.nonce).await?;
    // Whoever was signed in before is not any more; the cookie is new at every sign-in.
    if let Some(before) = WebCaller::of(relay, headers).await? {
        relay.store.end_web_session(&before.session).await?;
    }
    let session = session::open(relay, signed_in).await?;
    let mut response = see_other(&pending.then.path(&key), &session);
    let used = [(COOKIE, "/sign-in/", true), (CHOOSE, "/", chooses(headers))];
    for (name, path, _) in used.into_iter().filter(|it| it.2) {
        if let Ok(used) = HeaderValue::from_str(&set_cookie(relay, name, "", path, 0)) {
            response.headers_mut().append(header::SET_COOKIE, used);
        }
    }
    Ok(response)
}

/// `POST /o/{organization}/sign-out`.
pub(in crate::http) async fn out(
    State(relay): State<Arc<Relay>>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Response {
    page::answer(sign_out(&relay, &key, &headers, page::signed_out).await)
}

/// Ends the session of somebody whose account it is not.
pub(super) async fn not_mine(relay: &Relay, key: &str, headers: &HeaderMap) -> Answer<Response> {
    let mut response = sign_out(relay, key, headers, page::nothing_linked).await?;
    if let Ok(choose) = HeaderValue::from_str(&set_cookie(relay, CHOOSE, "1", "/", CHOOSE_SECONDS)) {
        response.headers_mut().append(header::SET_COOKIE, choose);
    }
    Ok(response)
}

/// Ends the browser's session, which must be acting from a page of ours.
async fn sign_out(
    relay: &Relay,
    key: &str,
    headers: &HeaderMap,
    page: fn(&str, Option<&Url>) -> Response,
) -> Answer<Response> {
    let caller = WebCaller::acting(relay, headers, key).await?;
    relay.store.end_web_session(&caller.session).await?;
    let organization = relay.organization(key).ok_or(Refusal(ProblemCode::UnknownIss))?;
    // Roomed's sign-out stands, whether or not Entra says where its own is.
    let at_entra = endpoints(relay, organization).await.ok().and_then(|it| it.end_session_endpoint);
    let mut response = page(key, at_entra.as_ref());
    if let Ok(cookie) = HeaderValue::from_str(&session::no_cookie(relay)) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// `GET /o/{organization}/signed-in`.
pub(in crate::http) async fn home(
    State(relay): State<Arc<Relay>>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Response {
    match WebCaller::at(&relay, &headers, &key).await {
        Ok(Some(caller)) => page::home(&key, &caller),
        Ok(None) => page::answer(begin_for(&relay, &key, &headers, Then::Home).await),
        Err(refusal) => html::refusal(refusal),
    }
}

async fn endpoints(relay: &Relay, organization: &Organization) -> Answer<Endpoints> {
    Endpoints::of(&relay.http, &organization.entra.authority).await.map_err(|_| {
        tracing::warn!("a tenant's sign-in endpoints could not be read");
        Refusal(ProblemCode::Internal)
    })
}

/// The same for every organization, so that one is on record at Entra.
fn redirect_uri(relay: &Relay) -> String {
    format!("{}/sign-in/callback", relay.config.public_url)
}

/// Keeps something sealed under a secret of its own.
pub(in crate::http) async fn put<T: Serialize>(
    relay: &Relay,
    organization: &str,
    kind: OneTimeKind,
    secret: &str,
    value: &T,
) -> Answer<()> {
    let plain = serde_json::to_vec(value).map_err(|_| Refusal(ProblemCode::Internal))?;
    let now = relay.clock.now();
    let lifetime = jiff::SignedDuration::from_secs(i64::from(relay.config.launch.one_time_seconds));
    let value = OneTime {
        kind,
        hash: one_time::hash(secret),
        organization: organization.to_owned(),
        payload: one_time::seal(secret, &plain),
        expires_at: now.saturating_add(lifetime).unwrap_or(now),
    };
    relay.store.put_once(value).await?;
    Ok(())
}

/// Takes it: once, with the organization it was kept for.
pub(super) async fn take<T: for<'a> Deserialize<'a>>(
    relay: &Relay,
    kind: OneTimeKind,
    secret: &str,
) -> Answer<(String, T)> {
    let kept = relay.store.take_once(kind, &one_time::hash(secret), relay.clock.now()).await?;
    let kept = kept.and_then(|it| Some((it.organization.clone(), one_time::open(secret, &it.payload)?)));
    let read = kept.and_then(|(organization, plain)| Some((organization, serde_json::from_slice(&plain).ok()?)));
    read.ok_or(Refusal(ProblemCode::HandleUnknown))
}
