//! The keychain as the rest of the companion uses it: asynchronous, one call at a time, with a time limit.
//! Entries are named by (`tid`, `oid`); a pointer says who signed in last with this relay and organization.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use roomed_protocol::SignInView;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::{SecretError, SecretStore, chunks};
use crate::clock::{Clock, within};

/// How long a call may take before the clinician is told that we wait for the keychain.
pub(crate) const LIMIT: Duration = Duration::from_secs(4);

/// A kept sign-in.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) tid: String,
    pub(crate) oid: String,
    /// Where it was signed in, so that the next start does not depend on the relay for it.
    pub(crate) at: SignInView,
    pub(crate) refresh_token: SecretString,
}

#[derive(Serialize, Deserialize)]
struct Pointer {
    tid: String,
    oid: String,
    at: SignInView,
}

/// Why the keychain did not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VaultError {
    /// It has not answered in time and may be showing a prompt. The call goes on.
    Waiting,
    /// It said no.
    Store(SecretError),
}

pub(crate) struct Vault {
    store: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    /// Which relay and organization.
    place: String,
    /// Held by the running call, even when nobody waits for it any more: two prompts at once help nobody.
    turn: Arc<Mutex<()>>,
}

impl Vault {
    pub(crate) fn new(
        store: Arc<dyn SecretStore>,
        clock: Arc<dyn Clock>,
        relay: &url::Url,
        organization: &str,
    ) -> Self {
        let port = relay.port().map(|p| format!(":{p}")).unwrap_or_default();
        let place = format!("{}{port}/{organization}", relay.host_str().unwrap_or_default());
        Self { store, clock, place, turn: Arc::default() }
    }

    /// Starts reading the last sign-in. The task goes on for as long as the keychain takes.
    pub(crate) fn load(&self) -> JoinHandle<Result<Option<Stored>, SecretError>> {
        let (pointer, place) = (self.pointer(), self.place.clone());
        self.call(move |store| {
            let Some(bytes) = store.get(&pointer)? else { return Ok(None) };
            let Ok(Pointer { tid, oid, at }) = serde_json::from_slice(&bytes) else { return Ok(None) };
            let Some(secret) = chunks::load(store, &entry(&place, &tid, &oid))? else { return Ok(None) };
            let Ok(token) = std::str::from_utf8(&secret) else { return Ok(None) };
            Ok(Some(Stored { refresh_token: token.to_owned().into(), at, tid, oid }))
        })
    }

    /// Keeps a sign-in.
    pub(crate) async fn save(&self, stored: Stored) -> Result<(), VaultError> {
        let (pointer, place) = (self.pointer(), self.place.clone());
        let task = self.call(move |store| {
            chunks::save(
                store,
                &entry(&place, &stored.tid, &stored.oid),
                stored.refresh_token.expose_secret().as_bytes(),
            )?;
            let content = serde_json::to_vec(&Pointer { tid: stored.tid, oid: stored.oid, at: stored.at })
                .expect("a pointer of strings is JSON");
            store.set(&pointer, &content)
        });
        limited(self.clock.clone(), task).await
    }

    /// Forgets the last sign-in. The call is begun at once, and goes on if nobody waits for it.
    pub(crate) fn erase(&self) -> impl Future<Output = Result<(), VaultError>> + use<> {
        let (pointer, place) = (self.pointer(), self.place.clone());
        let task = self.call(move |store| {
            if let Some(bytes) = store.get(&pointer)?
                && let Ok(Pointer { tid, oid, .. }) = serde_json::from_slice(&bytes)
            {
                chunks::erase(store, &entry(&place, &tid, &oid))?;
            }
            store.delete(&pointer)
        });
        limited(self.clock.clone(), task)
    }

    fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn SecretStore) -> Result<T, SecretError> + Send + 'static,
    ) -> JoinHandle<Result<T, SecretError>> {
        let (store, turn) = (self.store.clone(), self.turn.clone());
        tokio::spawn(async move {
            let guard = turn.lock_owned().await;
            let call = tokio::task::spawn_blocking(move || {
                let outcome = work(&*store);
                drop(guard);
                outcome
            });
            call.await.unwrap_or(Err(SecretError::Missing))
        })
    }

    fn pointer(&self) -> String {
        format!("{}/account", self.place)
    }
}

async fn limited<T>(clock: Arc<dyn Clock>, task: JoinHandle<Result<T, SecretError>>) -> Result<T, VaultError> {
    match within(&*clock, LIMIT, task).await {
        None => Err(VaultError::Waiting),
        Some(Ok(outcome)) => outcome.map_err(VaultError::Store),
        // The blocking call panicked inside the operating system's binding: as good as no keychain.
        Some(Err(_)) => Err(VaultError::Store(SecretError::Missing)),
    }
}

fn entry(place: &str, tid: &str, oid: &str) -> String {
    format!("{place}/{tid}/{oid}")
}
