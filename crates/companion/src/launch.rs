//! The SMART EHR launch of one link, as a public client on the desktop (DESIGN 3; SMART App Launch 2.2).
//! Verifier, EHR token and the patient's name stay here; the relay gets the proof and nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use roomed_protocol::{
    CallbackRegistration, EhrConnection, FirstLink, LaunchProof, LaunchRedirect, MeView, Problem, ProblemCode,
    VisitView,
};
use roomed_smart::fhir::{FhirClient, Patient};
use roomed_smart::launch::{AuthorizeRequest, Callback, authorize_url, exchange_code, read_callback};
use roomed_smart::pkce::{Pkce, State};
use roomed_smart::token::TokenResponse;
use roomed_smart::{UrlPolicy, discovery};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex as AsyncMutex;

use crate::board::Board;
use crate::clock::within;
use crate::epoch::Epoch;
use crate::link::LaunchLink;
use crate::loopback::{Loopback, Page};
use crate::ports::Ports;
use crate::problems;
use crate::relay::{Refusal, Relay};
use crate::view::{LaunchStep, LaunchingView};

/// How long the browser may take: Epic answers at once, other EHRs may ask for a password.
const BROWSER_LIMIT: Duration = Duration::from_secs(180);
/// The one patient of this chart is all that is ever read with it.
const SCOPE: &str = "launch openid fhirUser patient/Patient.read";

/// Asks the clinician what only they can say.
#[async_trait::async_trait]
pub(crate) trait Ask: Send + Sync {
    /// "Covering for a colleague?" `start` is the visit's planned start, if the relay said it.
    async fn covering(&self, start: Option<String>) -> bool;

    /// "Is this you in both?" With `sign_in_again` a yes counts only together with the password. `until`: when what the EHR
    /// has said is no longer good, by the relay's clock; the question does not outlive it.
    async fn same_person(
        &self,
        of: Epoch,
        question: &FirstLink,
        sign_in_again: bool,
        until: Option<Timestamp>,
    ) -> Result<bool, Problem>;
}

pub(crate) struct Launches {
    pub(crate) relay: Arc<Relay>,
    pub(crate) board: Arc<Board>,
    pub(crate) ports: Ports,
    pub(crate) client: reqwest::Client,
    pub(crate) policy: UrlPolicy,
    /// Who launched from each EHR (`iss`) and was proven to be the person who is signed in. Ends with the sign-in.
    pub(crate) users: Mutex<HashMap<String, String>>,
    /// Held from the question who they are until its answer is proven: several launches at once ask it once.
    pub(crate) linking: AsyncMutex<()>,
}

/// How a launch ended that was not refused.
pub(crate) enum Outcome {
    Proven(Box<Proven>),
    /// The clinician does not cover.
    NotCovering,
    /// Whoever launched is not who is signed in to Microsoft.
    NotTheSame,
}

/// The patient banner as the EHR has it.
pub(crate) struct Banner {
    pub(crate) name: String,
    pub(crate) birth_date: Option<String>,
}

/// A proven launch.
pub(crate) struct Proven {
    pub(crate) visit: VisitView,
    /// The EHR's own token and patient, to ask for the banner.
    chart: Option<(String, SecretString, String)>,
}

impl Launches {
    /// Runs a launch. `sign_in_again`: a first link needs a sign-in that is newer than the one there is.
    pub(crate) async fn run(
        &self,
        of: Epoch,
        link: LaunchLink,
        me: &MeView,
        ask: &dyn Ask,
        sign_in_again: bool,
    ) -> Result<Outcome, Problem> {
        // Before anything is sent anywhere: the link's own word for where to go counts for nothing.
        let connection = me.ehr_connections.iter().find(|c| c.iss == link.iss).ok_or_else(problems::unknown_iss)?;
        self.step(LaunchStep::AskingEhr);
        let nonce = self.relay.nonce(&link.iss).await.map_err(|r| r.problem)?;
        // One that cannot be read is over.
        let until = nonce.expires_at.parse().ok();
        let token = self.ask_ehr(&link, connection, me, nonce.nonce).await?;
        self.step(LaunchStep::Proving);
        let id_token = token.id_token.as_ref().ok_or_else(problems::no_id_token)?;
        let user = ehr_user(id_token.expose_secret());
        let before = self.proven_from(&link.iss);
        if before.is_some() && user.is_some() && before != user {
            return Err(problems::wrong_person());
        }
        let mut proof = LaunchProof {
            iss: link.iss.clone(),
            id_token: id_token.expose_secret().to_owned(),
            handle: link.handle.clone(),
            patient: token.patient.clone(),
            encounter: token.encounter.clone(),
            covering: false,
            first_link: None,
        };
        let mut one_at_a_time = None;
        let visit = loop {
            let Refusal { problem, start, first_link } = match self.relay.launch(&proof).await {
                Ok(visit) => break visit,
                Err(refusal) => refusal,
            };
            match (problem.code, first_link) {
                (ProblemCode::CoveringNeeded, _) if !proof.covering => {
                    if !ask.covering(start).await {
                        return Ok(Outcome::NotCovering);
                    }
                    proof.covering = true;
                }
                (ProblemCode::FirstLink, Some(question)) if proof.first_link.is_none() => {
                    one_at_a_time = Some(self.linking.lock().await);
                    // Answered meanwhile for another launch of theirs. One that was proven before and is asked about once
                    // more has been taken back since, and it takes a person to say it again.
                    let meanwhile = self.proven_from(&link.iss).filter(|_| before.is_none());
                    if meanwhile.is_some() && meanwhile != user {
                        return Err(problems::wrong_person());
                    }
                    if meanwhile.is_none() && !ask.same_person(of, &question, sign_in_again, until).await? {
                        return Ok(Outcome::NotTheSame);
                    }
                    proof.first_link = Some(question.word);
                }
                _ => return Err(problem),
            }
        };
        if let Some(user) = user {
            let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
            // An answer to whoever was signed in before says nothing of whoever is now.
            let _ = self.board.epochs.during(of, || users.insert(link.iss.clone(), user));
        }
        drop(one_at_a_time);
        let chart = token.patient.map(|patient| (link.iss, token.access_token, patient));
        Ok(Outcome::Proven(Box::new(Proven { visit, chart })))
    }

    fn proven_from(&self, iss: &str) -> Option<String> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner).get(iss).cloned()
    }

    /// The next to sign in is somebody else.
    pub(crate) fn forget(&self) {
        self.users.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The banner, with the clinician's own EHR token, which is dropped afterwards.
    pub(crate) async fn banner(&self, proven: Proven) -> Option<Banner> {
        let (iss, token, patient) = proven.chart?;
        let fhir = FhirClient::new(self.client.clone(), &iss, self.policy).ok()?;
        match fhir.read::<Patient>(&token, &patient).await {
            Ok(patient) => Some(Banner { name: patient.display_name()?, birth_date: patient.birth_date }),
            Err(error) => {
                tracing::warn!(%error, "no patient banner");
                None
            }
        }
    }

    async fn ask_ehr(
        &self,
        link: &LaunchLink,
        at: &EhrConnection,
        me: &MeView,
        nonce: String,
    ) -> Result<TokenResponse, Problem> {
        let configuration = discovery::discover(&self.client, &link.iss, self.policy).await.map_err(|e| {
            match problems::from_ehr(&e) {
                // Nothing has been launched yet, so this is no launch refused but an EHR that is set up otherwise.
                p if p.code == ProblemCode::LaunchRefused => problems::from_ehr(&roomed_smart::Error::NotFound),
                p => p,
            }
        })?;
        let endpoint = configuration
            .authorization_endpoint
            .ok_or_else(|| problems::from_ehr(&roomed_smart::Error::Malformed("no authorization endpoint")))?;
        let loopback = Loopback::bind(self.ports.clock.clone()).await.map_err(|_| problems::internal())?;
        let (state, pkce) = (State::new(&*self.ports.random), Pkce::new(&*self.ports.random));
        let redirect_uri = match at.redirect {
            LaunchRedirect::Loopback => loopback.redirect_uri("127.0.0.1"),
            LaunchRedirect::Relay => {
                let registration = CallbackRegistration { state_sha256: state.sha256_hex(), port: loopback.port() };
                self.relay.register_callback(&registration).await.map_err(|r| r.problem)?;
                me.callback_url.clone()
            }
        };
        let address = authorize_url(
            &endpoint,
            &AuthorizeRequest {
                client_id: &at.client_id,
                redirect_uri: &redirect_uri,
                launch: Some(&link.launch),
                scope: SCOPE,
                aud: &link.iss,
                nonce: &nonce,
                state: &state,
                pkce: &pkce,
            },
        );
        let opener = self.ports.opener.clone();
        let opened = tokio::task::spawn_blocking(move || opener.open(address.as_str())).await;
        opened.ok().and_then(Result::ok).ok_or_else(problems::browser_missing)?;
        let redirected = loopback.wait(move |query| {
            let callback = read_callback(query, &state)?;
            let page = if matches!(callback, Callback::Code(_)) { Page::Done } else { Page::Refused };
            Some((callback, page))
        });
        let code = match within(&*self.ports.clock, BROWSER_LIMIT, redirected).await {
            Some(Callback::Code(code)) => code,
            Some(Callback::Refused(error)) => {
                tracing::warn!(error, "the EHR refused the authorization request");
                return Err(problems::launch_refused());
            }
            None => return Err(problems::launch_refused()),
        };
        exchange_code(
            &self.client,
            &configuration.token_endpoint,
            self.policy,
            &at.client_id,
            &redirect_uri,
            &code,
            &pkce,
        )
        .await
        .map_err(|e| problems::from_ehr(&e))
    }

    fn step(&self, step: LaunchStep) {
        self.board.change(|s| s.launching = Some(LaunchingView { step }));
    }
}

/// Who launched, in the EHR's own words. Only told apart from each other here: what is believed of it, the relay proves.
fn ehr_user(id_token: &str) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    let user = ["fhirUser", "profile", "sub"].iter().find_map(|name| claims.get(name)?.as_str());
    user.map(str::to_owned)
}
