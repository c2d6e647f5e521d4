//! The patient's way in: a SMART launch that runs at the relay (code + PKCE). From the portal it is an EHR launch; from a
//! link of ours on an appointment, which any browser opens, a standalone one, where the patient signs in at the EHR. The
//! EHR's token is used for the checks and dropped; what stays in the browser is a cookie that means nothing elsewhere.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::SignedDuration;
use roomed_protocol::ProblemCode;
use roomed_smart::launch::{AuthorizeRequest, authorize_url, exchange_code};
use roomed_smart::pkce::{self, Pkce};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::entering::{Entrant, enter, on_to_page, see_other, set_cookie};
use super::language::Language;
use super::problem::{Answer, Refusal};
use super::visit_page::cookie;
use super::{encrypted_link, patient_page};
use crate::ehr::Together;
use crate::keys::one_time;
use crate::query::Query;
use crate::relay::Relay;
use crate::store::{OneTime, OneTimeKind};
use crate::trust;

/// What is asked for: who the patient is, and nothing of their chart.
const SCOPE: &str = "launch openid fhirUser";

/// The same where nobody launched (SMART App Launch 2.2, 3.1: standalone).
const STANDALONE: &str = "launch/patient openid fhirUser";

/// Kept sealed under `state` while the patient's browser is at the EHR.
#[derive(Serialize, Deserialize)]
struct Pending {
    iss: String,
    session_id: String,
    nonce: String,
    /// What the PKCE verifier is made from.
    seed: [u8; 32],
    /// Hash of the cookie of the browser that began: an answer brought by another browser is somebody else's visit.
    browser: String,
}

/// Ties a launch to the browser that began it (RFC 6749, 10.12).
const LAUNCH_COOKIE: &str = "roomed-launch";

/// Gives back the bytes a verifier was made from.
pub(super) struct Kept(pub(super) [u8; 32]);

impl roomed_smart::Random for Kept {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0[..bytes.len()]);
    }
}

/// Our random source as SMART's.
pub(super) struct Fresh<'a>(pub(super) &'a dyn crate::clock::Random);

impl roomed_smart::Random for Fresh<'_> {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

/// `GET /o/{organization}/patient`.
pub(super) async fn launch(
    State(relay): State<Arc<Relay>>,
    Path(organization): Path<String>,
    language: Language,
    RawQuery(query): RawQuery,
) -> Response {
    let query = match Query::parse(query.as_deref().unwrap_or_default()) {
        Ok(query) => query,
        Err(refusal) => return patient_page::refusal(refusal, language),
    };
    // SMART names its EHR; the older link is one encrypted parameter.
    if query.get("iss").is_none()
        && let Some(answer) = encrypted_link::open(&relay, &organization, &query, language).await
    {
        return answer;
    }
    match begin(&relay, &organization, &query).await {
        Ok((to, cookie)) => see_other(&to, &cookie),
        Err(refusal) => patient_page::refusal(refusal, language),
    }
}

/// Answers with the EHR's address and the cookie.
async fn begin(relay: &Relay, key: &str, query: &Query) -> Answer<(String, String)> {
    let organization = relay.organization(key).ok_or(Refusal(ProblemCode::UnknownIss))?;
    let iss = query.required("iss")?;
    let ehr = organization.ehr(iss).ok_or(Refusal(ProblemCode::UnknownIss))?;
    let launch = match query.get("launch") {
        None if crate::ehr::links_stand_on_appointments(ehr) => None,
        _ => Some(query.required("launch")?),
    };
    let session_id = query.required("sessionId").map_err(|_| Refusal(ProblemCode::LaunchWithoutAppointment))?;
    let configuration = relay.smart_configuration(ehr).await?;
    let endpoint = configuration.authorization_endpoint.ok_or(Refusal(ProblemCode::EhrRefused))?;
    let mut seed = [0; 32];
    relay.random.fill(&mut seed);
    let browser = relay.random.token();
    let pending = Pending {
        iss: iss.to_owned(),
        session_id: session_id.to_owned(),
        nonce: relay.random.token(),
        seed,
        browser: one_time::hash(&browser),
    };
    let state = pkce::State::new(&Fresh(&*relay.random));
    let plain = serde_json::to_vec(&pending).map_err(|_| Refusal(ProblemCode::Internal))?;
    let value = OneTime {
        kind: OneTimeKind::PatientLaunch,
        hash: one_time::hash(state.expose()),
        organization: key.to_owned(),
        payload: one_time::seal(state.expose(), &plain),
        expires_at: later(relay, i64::from(relay.config.launch.one_time_seconds)),
    };
    relay.store.put_once(value).await?;
    let request = AuthorizeRequest {
        client_id: &ehr.patient_client_id,
        redirect_uri: &redirect_uri(relay, key),
        launch,
        scope: if launch.is_some() { SCOPE } else { STANDALONE },
        aud: iss,
        nonce: &pending.nonce,
        state: &state,
        pkce: &Pkce::new(&Kept(seed)),
    };
    let seconds = relay.config.launch.one_time_seconds;
    let cookie = set_cookie(relay, LAUNCH_COOKIE, &browser, &format!("/o/{key}/patient"), i64::from(seconds));
    Ok((authorize_url(&endpoint, &request).into(), cookie))
}

/// `GET /o/{organization}/patient/callback`.
pub(super) async fn callback(
    State(relay): State<Arc<Relay>>,
    Path(organization): Path<String>,
    language: Language,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let browser = cookie(&headers, LAUNCH_COOKIE).unwrap_or_default();
    match finish(&relay, &organization, query.as_deref().unwrap_or_default(), browser).await {
        Ok(secret) => on_to_page(&relay, &secret),
        Err(refusal) => patient_page::refusal(refusal, language),
    }
}

async fn finish(relay: &Relay, key: &str, query: &str, browser: &str) -> Answer<String> {
    let query = Query::parse(query)?;
    let organization = relay.organization(key).ok_or(Refusal(ProblemCode::UnknownIss))?;
    let state = query.required("state")?;
    let kept = relay.store.take_once(OneTimeKind::PatientLaunch, &one_time::hash(state), relay.clock.now()).await?;
    let kept = kept.filter(|value| value.organization == key).and_then(|value| one_time::open(state, &value.payload));
    let pending: Pending =
        kept.and_then(|plain| serde_json::from_slice(&plain).ok()).ok_or(Refusal(ProblemCode::HandleUnknown))?;
    if !bool::from(one_time::hash(browser).as_bytes().ct_eq(pending.browser.as_bytes())) {
        return Err(Refusal(ProblemCode::HandleUnknown));
    }
    let ehr = organization.ehr(&pending.iss).ok_or(Refusal(ProblemCode::UnknownIss))?;
    let code = query.required("code").map_err(|_| Refusal(ProblemCode::LaunchRefused))?;
    let configuration = relay.smart_configuration(ehr).await?;
    let verifier = Pkce::new(&Kept(pending.seed));
    let redirect = redirect_uri(relay, key);
    let client = &ehr.patient_client_id;
    let token =
        exchange_code(&relay.ehr_http, &configuration.token_endpoint, relay.policy, client, &redirect, code, &verifier)
            .await
            .map_err(|error| {
                tracing::info!(%error, "a patient's launch was refused");
                Refusal(ProblemCode::LaunchRefused)
            })?;
    let id_token = token.id_token.as_ref().ok_or(Refusal(ProblemCode::IdTokenRefused))?;
    let user = relay.ehr_identity(ehr, client, id_token.expose_secret(), &pending.nonce).await?;
    if !matches!(user.resource_type.as_str(), "Patient" | "RelatedPerson") {
        return Err(Refusal(ProblemCode::IdTokenRefused));
    }
    // A proxy signs in as themselves and carries the patient in the context; both lead to the patient's own visit.
    let patient = token.patient.ok_or(Refusal(ProblemCode::WrongPatient))?;
    let entrant = match user.resource_type.as_str() {
        "Patient" if user.id == patient => Entrant::Patient,
        // A proxy who is a patient here too: only where the analyst has said that this EHR shows proxies so.
        "Patient" if !ehr.proxies_as_patients => return Err(Refusal(ProblemCode::WrongPatient)),
        kind => Entrant::Proxy(format!("{kind}/{}", user.id)),
    };
    let scheduled = Together::of_token(&**relay.ehr(key, &ehr.iss)?, &pending.session_id).await?;
    let scheduled = scheduled.ok_or(Refusal(ProblemCode::AppointmentNotFound))?;
    let own = trust::patient(&scheduled, &patient).map_err(Refusal)?;
    enter(relay, organization, ehr, &scheduled, own, entrant).await
}

fn redirect_uri(relay: &Relay, key: &str) -> String {
    format!("{}/o/{key}/patient/callback", relay.config.public_url)
}

fn later(relay: &Relay, seconds: i64) -> jiff::Timestamp {
    let now = relay.clock.now();
    now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now)
}
