//! `.well-known/smart-configuration` (SMART App Launch 2.2, conformance). Only what a launch or a backend service needs.

use serde::Deserialize;
use url::Url;

use crate::http::{self, UrlPolicy};
use crate::{Error, http::oauth_code};

const LIMIT: usize = 512 * 1024;

/// What the EHR says of its authorization server. All endpoints have passed the address policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmartConfiguration {
    /// `iss` of its `id_token`s; required with `sso-openid-connect`.
    pub issuer: Option<String>,
    /// Where its keys are; required with `sso-openid-connect`.
    pub jwks_uri: Option<Url>,
    /// Absent at a server that does backend services only.
    pub authorization_endpoint: Option<Url>,
    /// Always there.
    pub token_endpoint: Url,
    /// For instance `launch-ehr`, `client-public`, `permission-v2`.
    pub capabilities: Vec<String>,
    /// For instance `private_key_jwt`.
    pub token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Deserialize)]
struct Wire {
    issuer: Option<String>,
    jwks_uri: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: String,
    #[serde(default)]
    capabilities: Vec<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
}

/// Asks the EHR at FHIR base `iss`.
///
/// # Errors
/// [`Error::Address`] if `iss` or an endpoint breaks the policy; [`Error::Malformed`] for a server without PKCE S256,
/// which SMART 2.2 requires of every server; otherwise as the transport has it.
pub async fn discover(client: &reqwest::Client, iss: &str, policy: UrlPolicy) -> Result<SmartConfiguration, Error> {
    let base = policy.parse(iss)?;
    let mut address = base.clone();
    address
        .path_segments_mut()
        .map_err(|()| Error::Address("it has no path"))?
        .pop_if_empty()
        .extend([".well-known", "smart-configuration"]);
    address.set_query(None);
    let request = client.get(address).header("accept", "application/json");
    let wire: Wire = http::send(request, LIMIT).await?.json(oauth_code)?;
    if !wire.code_challenge_methods_supported.is_empty()
        && !wire.code_challenge_methods_supported.iter().any(|m| m == "S256")
    {
        return Err(Error::Malformed("no PKCE S256"));
    }
    // Endpoints are absolute; a relative one is resolved against the FHIR base (SMART 2.2, 3.1 as quoted in ehr.md).
    let mut directory = base.clone();
    if !directory.path().ends_with('/') {
        directory.set_path(&format!("{}/", base.path()));
    }
    let endpoint = |text: String| -> Result<Url, Error> {
        let url = directory.join(&text).map_err(|_| Error::Malformed("an endpoint is not a URL"))?;
        policy.check(&url)?;
        Ok(url)
    };
    Ok(SmartConfiguration {
        issuer: wire.issuer,
        jwks_uri: wire.jwks_uri.map(endpoint).transpose()?,
        authorization_endpoint: wire.authorization_endpoint.map(endpoint).transpose()?,
        token_endpoint: endpoint(wire.token_endpoint)?,
        capabilities: wire.capabilities,
        token_endpoint_auth_methods_supported: wire.token_endpoint_auth_methods_supported,
    })
}
