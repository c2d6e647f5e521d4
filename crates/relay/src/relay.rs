//! The relay put together: what every request may use, and the few steps that need more than one part of it.

use std::collections::HashMap;
use std::sync::Arc;

use roomed_protocol::ProblemCode;
use roomed_smart::discovery::{self, SmartConfiguration};
use roomed_smart::id_token::{self, Expected, FhirUser, IdTokenError};
use roomed_smart::jwks::JwksCache;
use roomed_smart::{UrlPolicy, keys::SigningKey};
use roomed_visit::{Command, VisitEvent};
use tokio::sync::{Mutex, Notify, watch};

use crate::arrivals::{Along, ArrivalError, Arrivals};
use crate::clock::{Clock, Random};
use crate::config::{Config, EhrConfig, Organization};
use crate::context_link::ContextLinks;
use crate::doctor::runs::Runs;
use crate::ehr::Ehr;
use crate::http::{Answer, Limits, Refusal};
use crate::hub::Hub;
use crate::identity::Identity;
use crate::keys::Keys;
use crate::meeting::Meetings;
use crate::meeting::graph::{Certificates, LifecycleKind, Receiver};
use crate::names::Names;
use crate::neighbours::Pulse;
use crate::sender::Sender;
use crate::store::{NodeId, Recipient, Store};
use crate::turns::Turns;

/// Everything.
pub struct Relay {
    /// What it was told.
    pub config: Arc<Config>,
    /// What it keeps.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What nobody can guess.
    pub random: Arc<dyn Random>,
    /// What opens sealed rows.
    pub keys: Arc<Keys>,
    /// The one door to a visit.
    pub arrivals: Arc<Arrivals>,
    /// This process among those on its database.
    pub node: NodeId,
    /// How often it says that it is here.
    pub pulse: Pulse,
    /// Live sockets.
    pub hub: Arc<Hub>,
    /// Microsoft tokens.
    pub identity: Identity,
    /// Graph's notifications.
    pub receiver: Receiver,
    /// Meetings, by organization.
    pub meetings: HashMap<String, Arc<dyn Meetings>>,
    /// EHR connections, by organization and `iss`.
    pub ehrs: HashMap<(String, String), Arc<dyn Ehr>>,
    /// Who sends links to people, by organization: only of those that have one.
    pub senders: HashMap<String, Arc<dyn Sender>>,
    /// What Graph seals its notifications for.
    pub certificates: Arc<Certificates>,
    /// What opens encrypted links, by organization and `iss`: only of connections that have them.
    pub context_links: HashMap<(String, String), ContextLinks>,
    /// For Microsoft's endpoints, which operators write: follows no redirects.
    pub http: reqwest::Client,
    /// For the EHRs': the same, and names lead only where they may ([`roomed_smart::Guard`]).
    pub ehr_http: reqwest::Client,
    /// https, or loopback in development.
    pub policy: UrlPolicy,
    /// The EHRs' signing keys, by `jwks_uri`.
    pub ehr_keys: Mutex<HashMap<String, Arc<JwksCache>>>,
    /// One meeting is made at a time per visit: two clinicians who begin at once share it.
    pub making: Turns,
    /// One person is removed at a time per visit, and whoever takes its end back waits for that.
    pub removing: Turns,
    /// Our public keys.
    pub jwks: serde_json::Value,
    /// What clinicians are called, where pages show it.
    pub names: Arc<Names>,
    /// How much one caller may ask.
    pub limits: Limits,
    /// What the doctor found, and where it is looking.
    pub doctor: Arc<Runs>,
    /// Figures.
    pub metrics: metrics_exporter_prometheus::PrometheusHandle,
    /// Rung when a watch wants care before its time.
    pub care: Notify,
    /// True once the relay is stopping.
    pub stopping: watch::Receiver<bool>,
}

impl Relay {
    /// An organization this relay serves.
    pub fn organization(&self, key: &str) -> Option<&Organization> {
        self.config.organization(key)
    }

    /// Whether this person is alerted when nobody else can be.
    pub fn is_delegate(&self, recipient: &Recipient) -> bool {
        self.organization(&recipient.organization).is_some_and(|known| known.is_delegate(&recipient.oid))
    }

    /// The EHR connection of an approved `iss`.
    pub fn ehr(&self, organization: &str, iss: &str) -> Answer<&Arc<dyn Ehr>> {
        let key = (organization.to_owned(), iss.to_owned());
        self.ehrs.get(&key).ok_or(Refusal(ProblemCode::UnknownIss))
    }

    /// The endpoints of an approved EHR.
    pub async fn smart_configuration(&self, ehr: &EhrConfig) -> Answer<SmartConfiguration> {
        discovery::discover(&self.ehr_http, &ehr.iss, self.policy).await.map_err(|error| {
            tracing::warn!(%error, "an EHR's SMART configuration could not be read");
            Refusal(ProblemCode::EhrUnreachable)
        })
    }

    /// Verifies an `id_token` of an approved EHR.
    pub async fn ehr_identity(&self, ehr: &EhrConfig, client_id: &str, token: &str, nonce: &str) -> Answer<FhirUser> {
        let configuration = self.smart_configuration(ehr).await?;
        let (Some(issuer), Some(jwks)) = (configuration.issuer, configuration.jwks_uri) else {
            return Err(Refusal(ProblemCode::EhrRefused));
        };
        let keys = {
            let mut known = self.ehr_keys.lock().await;
            let cache = || Arc::new(JwksCache::new(jwks.clone(), self.policy));
            Arc::clone(known.entry(jwks.to_string()).or_insert_with(cache))
        };
        let now = self.clock.now().as_second();
        let expected = Expected { issuer: &issuer, client_id, nonce, fhir_base: &ehr.iss, now };
        let verified = id_token::verify(&self.ehr_http, &keys, token, &expected).await;
        verified.map(|identity| identity.fhir_user).map_err(|error| {
            tracing::warn!(%error, "an id_token was refused");
            match error {
                IdTokenError::Keys(_) => Refusal(ProblemCode::EhrUnreachable),
                IdTokenError::Nonce => Refusal(ProblemCode::NonceRefused),
                IdTokenError::FhirUser => Refusal(ProblemCode::NotAPractitioner),
                _ => Refusal(ProblemCode::IdTokenRefused),
            }
        })
    }

    /// A companion was handed the arrival: the patient's page may say so.
    pub async fn told(&self, visit: &str, delegate: bool) {
        // A companion that starts anew reads old notices again: they are no news for visits that are over.
        match self.arrivals.load(visit).await {
            Ok(opened) if opened.record.visit.alert_stands() => {}
            _ => return,
        }
        let told = [VisitEvent::Decided(Command::Told { delegate })];
        if let Err(error) = self.arrivals.update(visit, &told, Along::default()).await {
            tracing::warn!(%error, "that a companion was told could not be kept");
        }
    }

    /// Graph says something about our hold on a meeting's events: it is treated as ending now, which is kept, so that
    /// care is taken of it even if the relay stops before it gets there.
    pub async fn watch_needs_care(&self, subscription: &str, kind: LifecycleKind) {
        tracing::info!(?kind, "Graph asks for care of a subscription");
        if let Err(error) = self.store.watch_renewed(subscription, self.clock.now()).await {
            tracing::warn!(%error, "that a subscription needs care could not be kept");
        }
        self.care.notify_one();
    }
}

impl From<ArrivalError> for Refusal {
    fn from(error: ArrivalError) -> Self {
        match error {
            ArrivalError::Unknown => Self(ProblemCode::VisitNotFound),
            ArrivalError::Commit(error) => error.into(),
            ArrivalError::NotTheirTurn => Self(ProblemCode::BadRequest),
            ArrivalError::Key(error) => {
                tracing::error!(%error, "a visit could not be opened");
                Self(ProblemCode::VisitClosed)
            }
            ArrivalError::Unreadable => {
                tracing::error!("a visit's state could not be read");
                Self(ProblemCode::Internal)
            }
        }
    }
}

/// The public half of our keys, as EHRs fetch it.
pub fn public_keys(keys: &[Arc<SigningKey>]) -> serde_json::Value {
    let keys = keys.iter().map(|key| &**key);
    serde_json::to_value(roomed_smart::keys::jwks(keys)).unwrap_or_default()
}
