//! The signing keys of one Entra authority, cached. Known keys cost no request; an unknown `kid` may cause one
//! refresh per interval, so that a flood of made-up tokens cannot make the relay hammer Entra.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use url::Url;

use super::fetch;
use crate::clock::Clock;

/// Microsoft asks to look for new keys at least daily.
const FRESH: SignedDuration = SignedDuration::from_hours(24);
/// After this a key nobody could confirm is no longer trusted.
const TRUSTED: SignedDuration = SignedDuration::from_hours(48);
/// Shortest time between two refreshes.
const INTERVAL: SignedDuration = SignedDuration::from_secs(30);
/// The same while there is no key at all: a start-up without Entra must not last half a minute.
const FIRST_INTERVAL: SignedDuration = SignedDuration::from_secs(1);

/// Where the keys are published.
#[derive(Debug, Clone)]
pub enum KeysAt {
    /// Behind `{authority}/.well-known/openid-configuration`, whose `issuer` must be the authority itself
    /// (OpenID Connect Discovery 4.3).
    Authority(String),
    /// At this URL (Graph's validation tokens: the common keys).
    Url(Url),
}

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// Nobody publishes this `kid`, or it may not be looked up again yet.
    Unknown,
    /// Entra does not answer, or answers for somebody else.
    Unreachable,
}

/// One published key; `issuer` is what Entra's common keys carry, with a literal `{tenantid}` for all tenants.
pub(crate) struct SigningKey {
    pub(crate) key: DecodingKey,
    pub(crate) issuer: Option<String>,
}

#[derive(Default)]
struct Held {
    keys: HashMap<String, Arc<SigningKey>>,
    fetched: Option<Timestamp>,
}

/// The cache. Share one per authority.
pub struct SigningKeys {
    http: reqwest::Client,
    at: KeysAt,
    clock: Arc<dyn Clock>,
    held: RwLock<Held>,
    last_attempt: tokio::sync::Mutex<Option<Timestamp>>,
}

impl SigningKeys {
    /// Nothing is fetched before the first token.
    pub fn new(http: reqwest::Client, at: KeysAt, clock: Arc<dyn Clock>) -> Self {
        Self { http, at, clock, held: RwLock::default(), last_attempt: tokio::sync::Mutex::default() }
    }

    /// The key a token names.
    pub(crate) async fn get(&self, kid: &str) -> Result<Arc<SigningKey>, NoKey> {
        if let (Some(key), true) = self.look(kid, FRESH) {
            return Ok(key);
        }
        // One refresh at a time; who waited looks again first
        let mut last = self.last_attempt.lock().await;
        if let (Some(key), true) = self.look(kid, FRESH) {
            return Ok(key);
        }
        let now = self.clock.now();
        let any = self.held.read().expect("no panic happens under this lock").fetched.is_some();
        let interval = if any { INTERVAL } else { FIRST_INTERVAL };
        // A clock set back must not forbid refreshes until it has caught up, hence the absolute value
        let allowed = last.is_none_or(|at| now.duration_since(at).abs() >= interval);
        let mut reached = any;
        if allowed {
            *last = Some(now);
            match self.fetch().await {
                Ok(keys) => {
                    let mut held = self.held.write().expect("no panic happens under this lock");
                    *held = Held { keys, fetched: Some(now) };
                    reached = true;
                }
                Err(_) => {
                    tracing::warn!("signing keys could not be refreshed");
                    reached = false;
                }
            }
        }
        match self.look(kid, TRUSTED) {
            (Some(key), true) => Ok(key),
            (None, _) if reached => Err(NoKey::Unknown),
            _ => Err(NoKey::Unreachable),
        }
    }

    fn look(&self, kid: &str, within: SignedDuration) -> (Option<Arc<SigningKey>>, bool) {
        let held = self.held.read().expect("no panic happens under this lock");
        let young = held.fetched.is_some_and(|at| self.clock.now().duration_since(at) < within);
        (held.keys.get(kid).cloned(), young)
    }

    async fn fetch(&self) -> Result<HashMap<String, Arc<SigningKey>>, fetch::FetchFailed> {
        let url = match &self.at {
            KeysAt::Url(url) => url.clone(),
            KeysAt::Authority(authority) => self.discover(authority).await?,
        };
        let set: Published = fetch::json(&self.http, url).await?;
        let keys: HashMap<_, _> = set.keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() { Err(fetch::FetchFailed) } else { Ok(keys) }
    }

    async fn discover(&self, authority: &str) -> Result<Url, fetch::FetchFailed> {
        let base = authority.trim_end_matches('/');
        let url = Url::parse(&format!("{base}/.well-known/openid-configuration")).map_err(|_| fetch::FetchFailed)?;
        let origin = url.origin();
        let found: Configuration = fetch::json(&self.http, url).await?;
        // Keys of another origin would let whoever can alter one document choose them
        let ours = found.issuer == authority && found.jwks_uri.origin() == origin;
        if ours { Ok(found.jwks_uri) } else { Err(fetch::FetchFailed) }
    }
}

#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: Url,
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct PublishedKey {
    kid: String,
    kty: String,
    n: String,
    e: String,
    #[serde(rename = "use")]
    for_use: Option<String>,
    alg: Option<String>,
    issuer: Option<String>,
}

/// An RSA signing key; anything else in the set is no concern of ours.
fn usable(value: serde_json::Value) -> Option<(String, Arc<SigningKey>)> {
    let key: PublishedKey = serde_json::from_value(value).ok()?;
    let right = key.kty == "RSA" && key.for_use.is_none_or(|it| it == "sig") && key.alg.is_none_or(|it| it == "RS256");
    let decoding = right.then(|| DecodingKey::from_rsa_components(&key.n, &key.e).ok())??;
    Some((key.kid, Arc::new(SigningKey { key: decoding, issuer: key.issuer })))
}
