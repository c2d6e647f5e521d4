//! Token responses and token errors (RFC 6749, 5; SMART App Launch 2.2, scopes and launch context).

use secrecy::SecretString;
use serde::Deserialize;

use crate::http::{self, oauth_code};
use crate::{Error, UrlPolicy};

const LIMIT: usize = 256 * 1024;

/// A granted token with SMART's launch context. `Debug` shows neither token nor context.
#[derive(Deserialize)]
pub struct TokenResponse {
    /// Bearer.
    pub access_token: SecretString,
    /// Must be `Bearer` in any case.
    pub token_type: String,
    /// Seconds; servers should send it.
    pub expires_in: Option<u64>,
    /// May be narrower than what was asked.
    #[serde(default)]
    pub scope: String,
    /// With `openid`.
    pub id_token: Option<SecretString>,
    /// Replaces the former one.
    pub refresh_token: Option<SecretString>,
    /// FHIR id of the patient in context.
    pub patient: Option<String>,
    /// FHIR id of the encounter in context.
    pub encounter: Option<String>,
    /// The EHR does not show whose chart this is, so the app must.
    #[serde(default)]
    pub need_patient_banner: bool,
}

impl std::fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenResponse").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// Posts a form to a token endpoint.
pub(crate) async fn request(
    client: &reqwest::Client,
    endpoint: &url::Url,
    policy: UrlPolicy,
    form: &[(&str, &str)],
) -> Result<TokenResponse, Error> {
    policy.check(endpoint)?;
    let request = client.post(endpoint.clone()).header("accept", "application/json").form(form);
    let token: TokenResponse = http::send(request, LIMIT).await?.json(oauth_code)?;
    if !token.token_type.eq_ignore_ascii_case("bearer") {
        return Err(Error::Malformed("token_type is not Bearer"));
    }
    Ok(token)
}
