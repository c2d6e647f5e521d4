//! A clinician's launch that runs in the browser, where no companion is: the relay is the SMART client, with a client id of
//! its own at this EHR. Code, verifier and EHR token are here for the checks only and are dropped with the request.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use roomed_protocol::ProblemCode;
use roomed_smart::launch::{AuthorizeRequest, authorize_url, exchange_code};
use roomed_smart::pkce::{self, Pkce};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::sign_in::{self, Then, put, take};
use super::{WebCaller, page, visit};
use crate::config::{EhrConfig, Organization};
use crate::ehr::Together;
use crate::http::first_link;
use crate::http::html;
use crate::http::patient_launch::{Fresh, Kept};
use crate::http::problem::{Answer, Refusal};
use crate::http::proof::{self, Claim, Refused};
use crate::keys::one_time;
use crate::query::Query;
use crate::relay::Relay;
use crate::store::{NonceBinding, OneTime, OneTimeKind};

/// What is asked for: who the clinician is, and whose chart is open. Nothing of the chart.
const SCOPE: &str = "launch openid fhirUser";

/// A launch as the EHR opened it, kept sealed under the handle that the launch page shows.
#[derive(Serialize, Deserialize)]
pub(in crate::http) struct Launch {
    pub(in crate::http) iss: String,
    pub(in crate::http) launch: String,
    #[serde(flatten)]
    pub(in crate::http) about: About,
}

/// What the record's context tokens say.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::http) struct About {
    pub(in crate::http) session_id: Option<String>,
    pub(in crate::http) department: Option<String>,
}

/// Kept sealed under `state` while the browser is at the EHR.
#[derive(Serialize, Deserialize)]
struct Pending {
    iss: String,
    about: About,
    nonce: String,
    /// What the PKCE verifier is made from.
    seed: [u8; 32],
    /// The session that began: an answer brought by another browser is somebody else's launch.
    session: String,
}

/// A launch that is proven but for a word of its clinician's: that they cover for a colleague, or that they are the person
/// in the chart.
#[derive(Serialize, Deserialize)]
struct Asking {
    iss: String,
    practitioner: String,
    /// FHIR id of the appointment.
    appointment: String,
    about: About,
    patient: Option<String>,
    session: String,
    /// They have said that they cover.
    covering: bool,
}

/// Keeps a launch for a browser that goes on by itself. `None`: this EHR has no client for that.
pub(in crate::http) async fn keep(
    relay: &Relay,
    organization: &str,
    ehr: &EhrConfig,
    launch: Launch,
) -> Answer<Option<String>> {
    if ehr.browser_client_id.is_none() {
        return Ok(None);
    }
    let handle = relay.random.token();
    put(relay, organization, OneTimeKind::BrowserHandle, &handle, &launch).await?;
    Ok(Some(path(organization, &handle)))
}

/// Where a kept launch goes on.
pub(super) fn path(organization: &str, handle: &str) -> String {
    format!("/o/{organization}/launch/browser?handle={handle}")
}

/// `GET /o/{organization}/launch/browser`.
pub(in crate::http) async fn begin(
    State(relay): State<Arc<Relay>>,
    Path(key): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    page::answer(go_on(&relay, &key, &headers, query.as_deref().unwrap_or_default()).await)
}

async fn go_on(relay: &Relay, key: &str, headers: &HeaderMap, query: &str) -> Answer<Response> {
    let query = Query::parse(query)?;
    let handle = query.required("handle")?;
    let organization = relay.organization(key).ok_or(Refusal(ProblemCode::UnknownIss))?;
    let hash = one_time::hash(handle);
    let there = relay.store.peek_once(OneTimeKind::BrowserHandle, &hash, relay.clock.now()).await?;
    if there.is_none_or(|it| it.organization != key) {
        return Err(Refusal(ProblemCode::HandleUnknown));
    }
    let Some(caller) = WebCaller::at(relay, headers, key).await? else {
        return sign_in::begin_for(relay, key, headers, Then::Launch(handle.to_owned())).await;
    };
    let (_, launch): (_, Launch) = take(relay, OneTimeKind::BrowserHandle, handle).await?;
    let (ehr, client) = browser_client(organization, &launch.iss)?;
    let configuration = relay.smart_configuration(ehr).await?;
    let endpoint = configuration.authorization_endpoint.ok_or(Refusal(ProblemCode::EhrRefused))?;
    let nonce = nonce(relay, &caller, ehr).await?;
    let mut seed = [0; 32];
    relay.random.fill(&mut seed);
    let state = pkce::State::new(&Fresh(&*relay.random));
    let Launch { iss, launch, about } = launch;
    let pending = Pending { iss: iss.clone(), about, nonce, seed, session: caller.session };
    put(relay, key, OneTimeKind::BrowserLaunch, state.expose(), &pending).await?;
    let request = AuthorizeRequest {
        client_id: client,
        redirect_uri: &redirect_uri(relay, key),
        launch: Some(&launch),
        scope: SCOPE,
        aud: &iss,
        nonce: &pending.nonce,
        state: &state,
        pkce: &Pkce::new(&Kept(seed)),
    };
    Ok(page::on_to(authorize_url(&endpoint, &request).as_str()))
}

/// The same nonce as the companion's: bound to this clinician and this EHR, good once.
async fn nonce(relay: &Relay, caller: &WebCaller, ehr: &EhrConfig) -> Answer<String> {
    let who = &caller.clinician;
    let binding = NonceBinding { tid: who.tid.clone(), oid: who.oid.clone(), iss: ehr.iss.clone() };
    let nonce = relay.random.token();
    let (now, seconds) = (relay.clock.now(), i64::from(relay.config.launch.one_time_seconds));
    let value = OneTime {
        kind: OneTimeKind::Nonce,
        hash: one_time::hash(&nonce),
        organization: who.organization.clone(),
        payload: serde_json::to_vec(&binding).map_err(|_| Refusal(ProblemCode::Internal))?,
        expires_at: now.saturating_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(now),
    };
    relay.store.put_once(value).await?;
    Ok(nonce)
}

/// `GET /o/{organization}/launch/callback`.
pub(in crate::http) async fn callback(
    State(relay): State<Arc<Relay>>,
    Path(key): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    match finish(&relay, &key, &headers, query.as_deref().unwrap_or_default()).await {
        Ok(response) => response,
        Err(refusal) if refusal.0 == ProblemCode::WrongPerson => page::wrong_person(&key, refusal),
        Err(refusal) => html::refusal(refusal),
    }
}

async fn finish(relay: &Relay, key: &str, headers: &HeaderMap, query: &str) -> Answer<Response> {
    let query = Query::parse(query)?;
    let state = query.required("state")?;
    let organization = relay.organization(key).ok_or(Refusal(ProblemCode::UnknownIss))?;
    let (kept_for, pending): (_, Pending) = take(relay, OneTimeKind::BrowserLaunch, state).await?;
    let caller = WebCaller::at(relay, headers, key).await?.filter(|it| it.session == pending.session);
    let caller = caller.filter(|_| kept_for == key).ok_or(Refusal(ProblemCode::HandleUnknown))?;
    let code = query.required("code").map_err(|_| Refusal(ProblemCode::LaunchRefused))?;
    let (ehr, client) = browser_client(organization, &pending.iss)?;
    let configuration = relay.smart_configuration(ehr).await?;
    let (redirect, pkce) = (redirect_uri(relay, key), Pkce::new(&Kept(pending.seed)));
    let token =
        exchange_code(&relay.ehr_http, &configuration.token_endpoint, relay.policy, client, &redirect, code, &pkce);
    let token = token.await.map_err(|error| {
        tracing::info!(%error, "a clinician's launch in the browser was refused");
        Refusal(ProblemCode::LaunchRefused)
    })?;
    let id_token = token.id_token.as_ref().ok_or(Refusal(ProblemCode::IdTokenRefused))?.expose_secret();
    if one_time::claimed_nonce(id_token).as_deref() != Some(pending.nonce.as_str()) {
        return Err(Refusal(ProblemCode::NonceRefused));
    }
    let as_caller = caller.caller();
    let (practitioner, nonce) = proof::who_launched(relay, &as_caller, ehr, client, id_token).await?;
    // Used up at once: state and code are, so nothing could be said with it again.
    let used = relay.store.take_once(OneTimeKind::Nonce, &nonce, relay.clock.now()).await?;
    used.ok_or(Refusal(ProblemCode::NonceRefused))?;
    let may_link = proof::same_person(relay, &as_caller, ehr, &practitioner).await?;
    let connection = &**relay.ehr(key, &ehr.iss)?;
    let scheduled = match (&pending.about.session_id, &token.encounter) {
        (Some(session), _) => Together::of_token(connection, session).await?,
        (None, Some(encounter)) => Some(proof::of_encounter(connection, encounter).await?),
        (None, None) => return Err(Refusal(ProblemCode::LaunchWithoutAppointment)),
    };
    let scheduled = scheduled.ok_or(Refusal(ProblemCode::AppointmentNotFound))?;
    let asking = Asking {
        iss: pending.iss,
        practitioner,
        appointment: scheduled.first().id.clone(),
        about: pending.about,
        patient: token.patient,
        session: caller.session.clone(),
        covering: false,
    };
    enter(relay, organization, ehr, &caller, &scheduled, asking, may_link).await
}

/// What the button *I am covering* sends.
#[derive(Deserialize)]
pub(in crate::http) struct Pressed {
    launch: String,
}

/// What the buttons of "is this you in both?" send.
#[derive(Deserialize)]
pub(in crate::http) struct Said {
    launch: String,
    me: SameOrNot,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SameOrNot {
    Yes,
    No,
}

/// `POST /o/{organization}/launch/covering`.
pub(in crate::http) async fn covering(
    State(relay): State<Arc<Relay>>,
    Path(key): Path<String>,
    headers: HeaderMap,
    pressed: Result<Form<Pressed>, FormRejection>,
) -> Response {
    page::answer(cover(&relay, &key, &headers, pressed).await)
}

async fn cover(
    relay: &Relay,
    key: &str,
    headers: &HeaderMap,
    pressed: Result<Form<Pressed>, FormRejection>,
) -> Answer<Response> {
    let caller = WebCaller::acting(relay, headers, key).await?;
    let Form(Pressed { launch }) = pressed.map_err(|_| Refusal(ProblemCode::BadRequest))?;
    let asking = asked(relay, key, &caller, OneTimeKind::BrowserCovering, &launch).await?;
    answered(relay, key, &caller, Asking { covering: true, ..asking }, false).await
}

/// `POST /o/{organization}/launch/first-link`.
pub(in crate::http) async fn same_person(
    State(relay): State<Arc<Relay>>,
    Path(key): Path<String>,
    headers: HeaderMap,
    said: Result<Form<Said>, FormRejection>,
) -> Response {
    match is_same_person(&relay, &key, &headers, said).await {
        Err(refusal) if refusal.0 == ProblemCode::WrongPerson => page::wrong_person(&key, refusal),
        answer => page::answer(answer),
    }
}

async fn is_same_person(
    relay: &Relay,
    key: &str,
    headers: &HeaderMap,
    said: Result<Form<Said>, FormRejection>,
) -> Answer<Response> {
    let caller = WebCaller::acting(relay, headers, key).await?;
    let Form(Said { launch, me }) = said.map_err(|_| Refusal(ProblemCode::BadRequest))?;
    let asking = asked(relay, key, &caller, OneTimeKind::BrowserFirstLink, &launch).await?;
    if me == SameOrNot::No {
        return sign_in::not_mine(relay, key, headers).await;
    }
    answered(relay, key, &caller, asking, true).await
}

/// What this browser, and no other, was asked. Once.
async fn asked(relay: &Relay, key: &str, caller: &WebCaller, kind: OneTimeKind, launch: &str) -> Answer<Asking> {
    let (kept_for, asking): (_, Asking) = take(relay, kind, launch).await?;
    if kept_for != key || asking.session != caller.session {
        return Err(Refusal(ProblemCode::HandleUnknown));
    }
    Ok(asking)
}

/// Goes on with what is known now: it was asked about minutes ago.
async fn answered(relay: &Relay, key: &str, caller: &WebCaller, asking: Asking, is_both: bool) -> Answer<Response> {
    let organization = relay.organization(key).ok_or(Refusal(ProblemCode::UnknownIss))?;
    let (ehr, _) = browser_client(organization, &asking.iss)?;
    let linked = proof::same_person(relay, &caller.caller(), ehr, &asking.practitioner).await?;
    let connection = &**relay.ehr(key, &ehr.iss)?;
    let facts = connection.appointment(&asking.appointment).await?;
    let scheduled = Together::around(connection, facts.ok_or(Refusal(ProblemCode::AppointmentNotFound))?).await?;
    enter(relay, organization, ehr, caller, &scheduled, asking, linked || is_both).await
}

async fn enter(
    relay: &Relay,
    organization: &Organization,
    ehr: &EhrConfig,
    caller: &WebCaller,
    scheduled: &Together,
    asking: Asking,
    may_link: bool,
) -> Answer<Response> {
    let claim = Claim {
        practitioner: asking.practitioner.clone(),
        scheduled,
        department: asking.about.department.clone(),
        chart_of: asking.patient.as_deref(),
        covering: asking.covering,
        may_link,
    };
    match proof::begin(relay, &caller.caller(), organization, ehr, claim, Vec::new()).await {
        Ok(opened) => {
            let to = visit::path(&organization.key, &opened.stored.row.id);
            Ok(Redirect::to(&to).into_response())
        }
        Err(Refused { refusal: Refusal(ProblemCode::CoveringNeeded), .. }) => {
            let secret = relay.random.token();
            put(relay, &organization.key, OneTimeKind::BrowserCovering, &secret, &asking).await?;
            Ok(page::covering(&organization.key, &secret))
        }
        Err(Refused { refusal: Refusal(ProblemCode::FirstLink), .. }) => {
            let secret = relay.random.token();
            put(relay, &organization.key, OneTimeKind::BrowserFirstLink, &secret, &asking).await?;
            let ehr_user = first_link::ehr_user(relay, &organization.key, &ehr.iss, &asking.practitioner).await;
            Ok(page::first_link(&organization.key, &secret, caller.clinician.called(), ehr_user.as_deref()))
        }
        Err(refused) => Err(refused.refusal),
    }
}

fn browser_client<'a>(organization: &'a Organization, iss: &str) -> Answer<(&'a EhrConfig, &'a str)> {
    let ehr = organization.ehr(iss).ok_or(Refusal(ProblemCode::UnknownIss))?;
    let client = ehr.browser_client_id.as_deref().ok_or(Refusal(ProblemCode::UnknownIss))?;
    Ok((ehr, client))
}

fn redirect_uri(relay: &Relay, key: &str) -> String {
    format!("{}/o/{key}/launch/callback", relay.config.public_url)
}
