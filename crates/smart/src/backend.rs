//! SMART Backend Services: `client_credentials` with `private_key_jwt` (backend-services; client-confidential-asymmetric).
//! One value per (EHR connection, scope). The access token is kept in memory until shortly before it ends.

use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;
use serde::Serialize;
use url::Url;

use crate::keys::{SigningKey, jti};
use crate::token;
use crate::{Error, Random, UrlPolicy};

/// Seconds an assertion lives; SMART allows at most 300.
const ASSERTION_SECONDS: i64 = 240;
/// Seconds before its end at which a token is no longer used.
const MARGIN: i64 = 30;
/// Seconds taken for granted if the server does not say (SMART: SHOULD NOT exceed 300).
const DEFAULT_LIFE: u64 = 300;

/// A registered backend client at one EHR.
pub struct BackendClient {
    client_id: String,
    token_endpoint: Url,
    scope: String,
    policy: UrlPolicy,
    key: Arc<SigningKey>,
    jku: Option<String>,
    random: Arc<dyn Random>,
    kept: Mutex<Option<Kept>>,
}

/// A token, the second it ends, and what it opens.
struct Kept {
    token: SecretString,
    until: i64,
    scope: String,
}

impl std::fmt::Debug for BackendClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackendClient").field("key", &self.key).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
}

impl BackendClient {
    /// `scope` is space-separated, e.g. `system/Appointment.read`.
    pub fn new(
        client_id: impl Into<String>,
        token_endpoint: Url,
        scope: impl Into<String>,
        key: Arc<SigningKey>,
        random: Arc<dyn Random>,
        policy: UrlPolicy,
    ) -> Self {
        Self {
            client_id: client_id.into(),
            token_endpoint,
            scope: scope.into(),
            policy,
            key,
            jku: None,
            random,
            kept: Mutex::new(None),
        }
    }

    /// Names the published key set in every assertion's `jku`, for a server that wants it.
    #[must_use]
    pub fn with_jku(mut self, jku: impl Into<String>) -> Self {
        self.jku = Some(jku.into());
        self
    }

    /// An access token that is good for at least half a minute after `now` (Unix seconds).
    ///
    /// # Errors
    /// [`Error::Refused`] with the OAuth `error` (`invalid_client` for an unregistered key or a replayed `jti`).
    pub async fn access_token(&self, client: &reqwest::Client, now: i64) -> Result<SecretString, Error> {
        if let Some(kept) = &*self.kept.lock().unwrap_or_else(PoisonError::into_inner)
            && now < kept.until - MARGIN
        {
            return Ok(kept.token.clone());
        }
        let assertion = self.assertion(now)?;
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", &self.scope),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ];
        let granted = token::request(client, &self.token_endpoint, self.policy, &form).await?;
        let life = i64::try_from(granted.expires_in.unwrap_or(DEFAULT_LIFE)).unwrap_or(0);
        let (token, until) = (granted.access_token.clone(), now.saturating_add(life));
        let kept = Kept { token, until, scope: granted.scope };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(granted.access_token)
    }

    /// Forgets the kept token: the EHR answered 401 to it.
    pub fn forget(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether the last token opens each of `letters` (`c`, `r`, `u`, `d`, `s`) on a resource type. A server that does not
    /// say what it granted has granted what was asked (RFC 6749, 5.1).
    pub fn may(&self, kind: &str, letters: &str) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let granted = kept.as_ref().map(|it| it.scope.as_str()).filter(|it| !it.trim().is_empty());
        let scopes: Vec<&str> = granted.unwrap_or(&self.scope).split_whitespace().collect();
        letters.chars().all(|letter| scopes.iter().any(|scope| opens(scope, kind, letter)))
    }

    fn assertion(&self, now: i64) -> Result<String, Error> {
        self.key.sign_with_jku(
            &Assertion {
                iss: &self.client_id,
                sub: &self.client_id,
                aud: self.token_endpoint.as_str(),
                iat: now,
                // Epic refuses an assertion from its own future, so a clock a little ahead must not matter.
                nbf: now - 5,
                exp: now + ASSERTION_SECONDS,
                jti: jti(&*self.random),
            },
            self.jku.as_deref(),
        )
    }
}

/// One scope of v1 or v2 (SMART App Launch 2.2, scopes). A finer-grained one opens only a part, so it opens nothing here.
fn opens(scope: &str, kind: &str, letter: char) -> bool {
    let Some((of, permission)) = scope.strip_prefix("system/").and_then(|it| it.split_once('.')) else { return false };
    let letters = match permission {
        "read" => "rs",
        "write" => "cud",
        "*" => "cruds",
        other => other,
    };
    (of == kind || of == "*") && !letters.contains('?') && letters.contains(letter)
}

#[cfg(test)]
mod tests {
    use super::opens;

    #[test]
    fn scopes_of_both_versions_open_what_they_say() {
        for (scope, letter, wanted) in [
            ("system/Location.write", 'u', true),
            ("system/Location.write", 'r', false),
            ("system/Location.read", 's', true),
            ("system/Location.cu", 'c', true),
            ("system/*.*", 'd', true),
            ("system/Patient.write", 'u', false),
            ("user/Location.write", 'u', false),
            ("system/Location.cu?status=active", 'u', false),
            ("openid", 'r', false),
        ] {
            assert_eq!(opens(scope, "Location", letter), wanted, "{scope} {letter}");
        }
    }
}
