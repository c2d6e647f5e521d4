//! The relay's app-only token for Graph: client credentials (reference/microsoft.md 2.4), cached until shortly
//! before its end. The token is opaque to us.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::client::{Failure, retry_after};
use crate::clock::Clock;
use crate::identity::fetch::limited_body;
use crate::meeting::RefusalReason;

/// Tokens are replaced this long before they end, or at half their life if they are shorter.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

/// The relay's registration in one tenant.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// `{authority}/oauth2/v2.0/token`.
    pub token_endpoint: String,
    /// The relay's client id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// `https://graph.microsoft.com/.default`, or the national cloud's.
    pub scope: String,
}

struct Held {
    token: Arc<SecretString>,
    until: Timestamp,
}

/// The cache.
pub(crate) struct AppToken {
    http: reqwest::Client,
    credentials: Credentials,
    clock: Arc<dyn Clock>,
    held: Mutex<Option<Held>>,
}

/// A token, and for how many seconds it is good.
#[derive(Deserialize)]
pub(crate) struct Granted {
    access_token: SecretString,
    expires_in: u32,
}

/// Why there is no token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoToken {
    /// Entra does not answer, or not now.
    Busy {
        /// What it asks for.
        wait: Option<Duration>,
    },
    /// It refuses the client.
    Denied {
        /// HTTP status.
        status: u16,
        /// The number of `AADSTS...`, where it gives one.
        aadsts: Option<u32>,
    },
    /// It says yes in a form we do not know.
    Answer {
        /// HTTP status.
        status: u16,
    },
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Denied {
    error: String,
    error_codes: Vec<u32>,
}

impl AppToken {
    pub(crate) fn new(http: reqwest::Client, credentials: Credentials, clock: Arc<dyn Clock>) -> Self {
        Self { http, credentials, clock, held: Mutex::new(None) }
    }

    /// A token that is good for a while. Callers at the same time share one request.
    pub(crate) async fn get(&self, timeout: Duration) -> Result<Arc<SecretString>, Failure> {
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        if let Some(it) = held.as_ref().filter(|it| now < it.until) {
            return Ok(Arc::clone(&it.token));
        }
        let granted = self.ask(timeout).await?;
        let life = SignedDuration::from_secs(i64::from(granted.expires_in));
        let good_for = (life - EARLY).max(life / 2);
        let token = Arc::new(granted.access_token);
        let until = now.checked_add(good_for).unwrap_or(now);
        *held = Some(Held { token: Arc::clone(&token), until });
        Ok(token)
    }

    /// Graph refused this token: the next call asks anew.
    pub(crate) async fn forget(&self, token: &Arc<SecretString>) {
        let mut held = self.held.lock().await;
        if held.as_ref().is_some_and(|it| Arc::ptr_eq(&it.token, token)) {
            *held = None;
        }
    }

    /// The next call asks anew, whatever the token.
    pub(crate) async fn forget_any(&self) {
        *self.held.lock().await = None;
    }

    async fn ask(&self, timeout: Duration) -> Result<Granted, Failure> {
        ask(&self.http, &self.credentials, timeout).await.map_err(|no| match no {
            NoToken::Busy { wait } => Failure::Busy { wait },
            NoToken::Answer { status } => Failure::refused(status, RefusalReason::Answer),
            NoToken::Denied { status, .. } => {
                tracing::warn!(status, "Entra refuses the relay's client credentials");
                Failure::refused(status, RefusalReason::ClientCredentials)
            }
        })
    }
}

/// Asks for a token, once.
pub(crate) async fn ask(
    http: &reqwest::Client,
    credentials: &Credentials,
    timeout: Duration,
) -> Result<Granted, NoToken> {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", credentials.client_id.as_str()),
        ("client_secret", credentials.client_secret.expose_secret()),
        ("scope", credentials.scope.as_str()),
    ];
    let sent = http.post(&credentials.token_endpoint).form(&form).timeout(timeout).send().await;
    // A token request changes nothing, so an unknown outcome is simply none
    let response = sent.map_err(|_| NoToken::Busy { wait: None })?;
    let status = response.status();
    let wait = retry_after(response.headers());
    if status.is_server_error() || status.as_u16() == 429 {
        return Err(NoToken::Busy { wait });
    }
    let body = limited_body(response, 256 * 1024).await.map_err(|_| NoToken::Busy { wait: None })?;
    let status_code = status.as_u16();
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(|_| NoToken::Answer { status: status_code });
    }
    // `error` is one of OAuth's words; the description may hold ids and is not looked at
    let denied = serde_json::from_slice::<Denied>(&body).unwrap_or_default();
    if denied.error == "temporarily_unavailable" {
        return Err(NoToken::Busy { wait });
    }
    Err(NoToken::Denied { status: status_code, aadsts: denied.error_codes.first().copied() })
}
