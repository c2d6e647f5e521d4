//! Reading FHIR as the relay itself: SMART Backend Services with the relay's signing key (SMART App Launch 2.2,
//! "Backend Services"). A token the EHR no longer takes is fetched anew once; that is no attempt.

use std::sync::Arc;

use jiff::SignedDuration;
use roomed_smart::backend::BackendClient;
use roomed_smart::fhir::{FhirClient, Resource};
use roomed_smart::keys::SigningKey;
use roomed_smart::{Error, UrlPolicy, discovery};
use tokio::sync::OnceCell;

use super::EhrError;
use crate::clock::{Clock, Random};

/// What the relay reads. Nothing of the chart is among it.
const SCOPE: &str = "system/Appointment.read system/Encounter.read system/Patient.read system/Practitioner.read";

/// A FHIR server, and our way of being let in.
pub struct Backend {
    client_id: String,
    iss: String,
    jku: String,
    key: Arc<SigningKey>,
    http: reqwest::Client,
    policy: UrlPolicy,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    opened: OnceCell<(BackendClient, FhirClient)>,
}

/// Our random source as SMART's.
struct Source(Arc<dyn Random>);

impl roomed_smart::Random for Source {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

impl Backend {
    /// Contacts nobody yet.
    #[expect(clippy::too_many_arguments, reason = "each is a different thing, named where it is made")]
    pub fn new(
        client_id: String,
        iss: String,
        jku: String,
        key: Arc<SigningKey>,
        http: reqwest::Client,
        policy: UrlPolicy,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { client_id, iss, jku, key, http, policy, clock, random, opened: OnceCell::new() }
    }

    /// Reads one resource; `None` if the EHR has no such.
    pub async fn read<R: Resource>(&self, id: &str) -> Result<Option<R>, EhrError> {
        let (backend, fhir) = self.open().await?;
        let mut fresh = false;
        loop {
            let token = self.token(backend).await?;
            match fhir.read(&token, id).await {
                Err(error) if error.is_unauthorized() && !fresh => {
                    backend.forget();
                    fresh = true;
                }
                Err(Error::NotFound) => return Ok(None),
                other => return other.map(Some).map_err(explain),
            }
        }
    }

    /// Searches; more than `limit` matches is an error.
    pub async fn search<R: Resource>(&self, params: &[(&str, &str)], limit: usize) -> Result<Vec<R>, EhrError> {
        let (backend, fhir) = self.open().await?;
        let mut fresh = false;
        loop {
            let token = self.token(backend).await?;
            match fhir.search(&token, params, limit).await {
                Err(error) if error.is_unauthorized() && !fresh => {
                    backend.forget();
                    fresh = true;
                }
                other => return other.map_err(explain),
            }
        }
    }

    async fn token(&self, backend: &BackendClient) -> Result<secrecy::SecretString, EhrError> {
        backend.access_token(&self.http, self.clock.now().as_second()).await.map_err(explain)
    }

    /// The token endpoint is discovered with the first use, so that an EHR that is down does not keep us from starting.
    async fn open(&self) -> Result<&(BackendClient, FhirClient), EhrError> {
        self.opened
            .get_or_try_init(|| async {
                let configuration = discovery::discover(&self.http, &self.iss, self.policy).await?;
                let random = Arc::new(Source(Arc::clone(&self.random)));
                let (id, key) = (self.client_id.clone(), Arc::clone(&self.key));
                let backend = BackendClient::new(id, configuration.token_endpoint, SCOPE, key, random, self.policy);
                let fhir = FhirClient::new(self.http.clone(), &self.iss, self.policy)?;
                Ok((backend.with_jku(self.jku.clone()), fhir))
            })
            .await
            .map_err(explain)
    }
}

fn explain(error: Error) -> EhrError {
    let reason = error.to_string();
    match error {
        Error::Unreachable(_) => EhrError::Unreachable { reason, retry_after: None },
        Error::Refused { status: 408 | 425 | 429 | 500.., retry_after, .. } => {
            let retry_after = retry_after.and_then(|it| i64::try_from(it).ok()).map(SignedDuration::from_secs);
            EhrError::Unreachable { reason, retry_after }
        }
        Error::Refused { .. } | Error::NotFound | Error::Address(_) | Error::Key(_) => EhrError::Refused(reason),
        Error::TooLarge | Error::Malformed(_) => EhrError::Malformed(reason),
    }
}
