//! Talking FHIR as the relay itself: SMART Backend Services with the relay's signing key (SMART App Launch 2.2,
//! "Backend Services"). A token the EHR no longer takes is fetched anew once; that is no attempt. What an answer means is
//! `answer.rs`.

use std::sync::Arc;

use roomed_smart::backend::BackendClient;
use roomed_smart::fhir::{Change, Changed, FhirClient, Resource, Version};
use roomed_smart::keys::SigningKey;
use roomed_smart::{Error, UrlPolicy, discovery};
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::Gate;
use super::requests;
use crate::clock::{Clock, Random};

/// A FHIR server, and our way of being let in.
pub struct Backend {
    client_id: String,
    iss: String,
    jku: String,
    scope: String,
    key: Arc<SigningKey>,
    http: reqwest::Client,
    policy: UrlPolicy,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    opened: OnceCell<(BackendClient, FhirClient)>,
}

/// Why a change was not made, and how far it came.
#[derive(Debug)]
pub(super) enum Failure {
    /// The change was not sent.
    Before(Error),
    /// The lease was lost before it could be sent.
    Stopped,
    /// It was sent.
    After(Error),
}

/// Our random source as SMART's.
struct Source(Arc<dyn Random>);

impl roomed_smart::Random for Source {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

impl Backend {
    /// Contacts nobody yet. `scope` is what this vendor's file needs, and no more.
    #[expect(clippy::too_many_arguments, reason = "each is a different thing, named where it is made")]
    pub fn new(
        client_id: String,
        iss: String,
        jku: String,
        scope: String,
        key: Arc<SigningKey>,
        http: reqwest::Client,
        policy: UrlPolicy,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { client_id, iss, jku, scope, key, http, policy, clock, random, opened: OnceCell::new() }
    }

    /// Reads one resource; `None` if the EHR has no such.
    pub(super) async fn read<R: Resource>(&self, id: &str) -> Result<Option<R>, Error> {
        let read = self.read_versioned(R::TYPE, id).await?;
        let typed = |(value, _)| serde_json::from_value(value).map_err(|_| Error::Malformed("unexpected JSON"));
        read.map(typed).transpose()
    }

    /// Reads one resource as it came, with its version if the EHR keeps any; `None` if it has no such.
    pub(super) async fn read_versioned(&self, kind: &str, id: &str) -> Result<Option<(Value, Option<Version>)>, Error> {
        let (backend, fhir) = self.open().await?;
        let mut token = self.token(backend).await?;
        let mut read = fhir.read_versioned(&token, kind, id).await;
        if self.renew(&read, backend, &mut token).await? {
            read = fhir.read_versioned(&token, kind, id).await;
        }
        match read {
            Err(Error::NotFound) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Searches; more than `limit` matches is an error.
    pub(super) async fn search<R: Resource>(&self, params: &[(&str, &str)], limit: usize) -> Result<Vec<R>, Error> {
        let found = self.search_json(R::TYPE, params, limit).await?.into_iter();
        found.map(|it| serde_json::from_value(it).map_err(|_| Error::Malformed("unexpected JSON"))).collect()
    }

    /// Searches, and takes what is found as it came.
    pub(super) async fn search_json(
        &self,
        kind: &str,
        params: &[(&str, &str)],
        limit: usize,
    ) -> Result<Vec<Value>, Error> {
        let (backend, fhir) = self.open().await?;
        let mut token = self.token(backend).await?;
        let mut found = fhir.search_json(&token, kind, params, limit).await;
        if self.renew(&found, backend, &mut token).await? {
            found = fhir.search_json(&token, kind, params, limit).await;
        }
        found
    }

    /// The CapabilityStatement.
    pub(super) async fn capabilities(&self) -> Result<Value, Error> {
        let (backend, fhir) = self.open().await?;
        let mut token = self.token(backend).await?;
        let mut read = fhir.capabilities(&token).await;
        if self.renew(&read, backend, &mut token).await? {
            read = fhir.capabilities(&token).await;
        }
        read
    }

    /// Whether our scopes open each of `letters` (`c`, `r`, `u`, `d`, `s`) on a resource type.
    pub(super) async fn may(&self, kind: &str, letters: &str) -> Result<bool, Error> {
        let (backend, _) = self.open().await?;
        self.token(backend).await?;
        Ok(backend.may(kind, letters))
    }

    /// Sends a change, once. `gate` is asked right before it leaves: a setter needs none.
    pub(super) async fn change(&self, change: &Change, gate: Option<&dyn Gate>) -> Result<Changed, Failure> {
        let (backend, fhir) = self.open().await.map_err(Failure::Before)?;
        let mut token = self.token(backend).await.map_err(Failure::Before)?;
        pass(gate).await?;
        let mut changed = fhir.change(&token, change).await;
        // Refused for its token, so nothing was done.
        if self.renew(&changed, backend, &mut token).await.map_err(Failure::Before)? {
            pass(gate).await?;
            changed = fhir.change(&token, change).await;
        }
        changed.map_err(Failure::After)
    }

    /// After a 401 a new token, and true: try once more.
    async fn renew<T>(
        &self,
        answer: &Result<T, Error>,
        backend: &BackendClient,
        token: &mut SecretString,
    ) -> Result<bool, Error> {
        if !answer.as_ref().is_err_and(Error::is_unauthorized) {
            return Ok(false);
        }
        backend.forget();
        *token = self.token(backend).await?;
        Ok(true)
    }

    async fn token(&self, backend: &BackendClient) -> Result<SecretString, Error> {
        backend.access_token(&self.http, self.clock.now().as_second()).await.map_err(not_let_in)
    }

    /// The token endpoint is discovered with the first use, so that an EHR that is down does not keep us from starting.
    async fn open(&self) -> Result<&(BackendClient, FhirClient), Error> {
        self.opened
            .get_or_try_init(|| async {
                let configuration =
                    discovery::discover(&self.http, &self.iss, self.policy).await.map_err(not_let_in)?;
                let random = Arc::new(Source(Arc::clone(&self.random)));
                let (id, key) = (self.client_id.clone(), Arc::clone(&self.key));
                let (endpoint, scope) = (configuration.token_endpoint, self.scope.clone());
                let backend = BackendClient::new(id, endpoint, scope, key, random, self.policy);
                let fhir = FhirClient::new(self.http.clone(), &self.iss, self.policy)?.telling(requests::left);
                Ok((backend.with_jku(self.jku.clone()), fhir))
            })
            .await
    }
}

/// A client or key the token endpoint does not know is being registered or changed, as with a 401; and an address where
/// the EHR ought to describe itself and does not is one that is down. Their own 400 or 404 would read as if there were
/// something wrong with what we say.
fn not_let_in(error: Error) -> Error {
    match error {
        Error::Refused { status: 400..=404, code, retry_after } => Error::Refused { status: 401, code, retry_after },
        other => other,
    }
}

async fn pass(gate: Option<&dyn Gate>) -> Result<(), Failure> {
    match gate {
        Some(gate) if !gate.may_send().await => Err(Failure::Stopped),
        _ => Ok(()),
    }
}
