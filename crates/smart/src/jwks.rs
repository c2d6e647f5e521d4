//! An authorization server's public keys, cached. A key id we have not seen makes us ask again, but not often:
//! otherwise anyone who sends forged tokens could make us hammer the EHR.

use std::sync::{Mutex, PoisonError};

use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use serde::Deserialize;
use url::Url;

use crate::Error;
use crate::http::{self, UrlPolicy, oauth_code};

const LIMIT: usize = 512 * 1024;
/// Seconds for which keys are taken as they are.
const FRESH: i64 = 3_600;
/// Seconds between two requests that an unknown key id may cause.
const REFRESH_PAUSE: i64 = 60;

/// The keys behind one `jwks_uri`. Times are Unix seconds, given by the caller.
#[derive(Debug)]
pub struct JwksCache {
    uri: Url,
    policy: UrlPolicy,
    kept: Mutex<Kept>,
    /// Held while the server is asked: whoever comes meanwhile waits for its answer.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Kept {
    keys: Vec<Jwk>,
    fetched: Option<i64>,
    tried: Option<i64>,
}

/// The document, tolerant: a key of a kind we do not know must not spoil the others (RFC 7517, 5).
#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

impl JwksCache {
    /// Nothing is fetched until it is needed.
    pub fn new(uri: Url, policy: UrlPolicy) -> Self {
        Self { uri, policy, kept: Mutex::default(), asking: tokio::sync::Mutex::default() }
    }

    /// The address it asks.
    pub fn uri(&self) -> &Url {
        &self.uri
    }

    /// The key for a token header, or `None` if the server does not have it.
    ///
    /// # Errors
    /// The transport's, only if no usable keys are held.
    pub async fn key(
        &self,
        client: &reqwest::Client,
        kid: Option<&str>,
        algorithm: Algorithm,
        now: i64,
    ) -> Result<Option<Jwk>, Error> {
        let look = || {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = kept.fetched.is_some_and(|at| now.saturating_sub(at) < FRESH);
            let may_ask = kept.tried.is_none_or(|at| now.saturating_sub(at) >= REFRESH_PAUSE || now < at);
            (pick(&kept.keys, kid, algorithm).cloned(), fresh, may_ask)
        };
        if let (Some(key), true, _) = look() {
            return Ok(Some(key));
        }
        // Who waited looks again: keys that are just being fetched are not keys the server does not have.
        let _asking = self.asking.lock().await;
        let (found, fresh, may_ask) = look();
        if (found.is_some() && fresh) || !may_ask {
            return Ok(found);
        }
        match self.fetch(client, now).await {
            Ok(()) => {
                let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(pick(&kept.keys, kid, algorithm).cloned())
            }
            // A server that is down for a moment does not make its keys wrong.
            Err(_) if found.is_some() => Ok(found),
            Err(error) => Err(error),
        }
    }

    async fn fetch(&self, client: &reqwest::Client, now: i64) -> Result<(), Error> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).tried = Some(now);
        self.policy.check(&self.uri)?;
        let request = client.get(self.uri.clone()).header("accept", "application/json");
        let result: Result<Document, Error> = match http::send(request, LIMIT).await {
            Ok(answer) => answer.json(oauth_code),
            Err(error) => Err(error),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(document) => {
                kept.keys = document.keys.into_iter().filter_map(|v| serde_json::from_value(v).ok()).collect();
                kept.fetched = Some(now);
                Ok(())
            }
            Err(error) => {
                // Never reached: the next token may try at once.
                kept.tried = kept.fetched.and(kept.tried);
                Err(error)
            }
        }
    }
}

fn pick<'a>(keys: &'a [Jwk], kid: Option<&str>, algorithm: Algorithm) -> Option<&'a Jwk> {
    let mut fitting = keys.iter().filter(|key| fits(key, algorithm));
    match kid {
        Some(kid) => fitting.find(|key| key.common.key_id.as_deref() == Some(kid)),
        // Without a key id only a server with a single fitting key is unambiguous (OIDC Core, 10.1).
        None => fitting.next().filter(|_| fitting.next().is_none()),
    }
}

fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    if key.common.public_key_use.as_ref().is_some_and(|u| *u != PublicKeyUse::Signature) {
        return false;
    }
    if key.common.key_algorithm.is_some_and(|a| a != KeyAlgorithm::from(algorithm)) {
        return false;
    }
    match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), Algorithm::RS256 | Algorithm::RS384) => true,
        (AlgorithmParameters::EllipticCurve(p), Algorithm::ES256) => p.curve == EllipticCurve::P256,
        (AlgorithmParameters::EllipticCurve(p), Algorithm::ES384) => p.curve == EllipticCurve::P384,
        _ => false,
    }
}
