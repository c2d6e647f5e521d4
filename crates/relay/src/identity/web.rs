//! Sign-in with a browser: the tenant's endpoints, the code for an `id_token`, and what that says (OpenID Connect Core,
//! 3.1.3; Entra v2.0). The relay is a confidential client with PKCE. It asks for no refresh token and drops the access
//! token: whoever wants to know later asks Entra anew, which answers without a page while the person is signed in there.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde::Deserialize;
use url::Url;

use super::fetch::{self, FetchFailed, limited_body};
use super::jwt::{self, TokenFault};
use super::{Clinician, Identity, Unproven, guid};
use crate::config::EntraConfig;

/// What is asked for: who it is, and nothing they have.
pub(crate) const SCOPE: &str = "openid profile";

/// Entra's largest token responses stay below this.
const MAX_BYTES: usize = 256 * 1024;
const TIMEOUT: Duration = Duration::from_secs(10);

/// Most app roles of one person, and the longest name of one.
const MOST_ROLES: usize = 64;
const LONGEST_ROLE: usize = 120;

/// Where a tenant signs people in.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Endpoints {
    issuer: String,
    pub(crate) authorization_endpoint: Url,
    token_endpoint: Url,
    pub(crate) end_session_endpoint: Option<Url>,
}

impl Endpoints {
    /// Reads them. All are the authority's own: a document that somebody altered must not choose who gets the secret.
    pub(crate) async fn of(http: &reqwest::Client, authority: &str) -> Result<Self, FetchFailed> {
        let base = authority.trim_end_matches('/');
        let url = Url::parse(&format!("{base}/.well-known/openid-configuration")).map_err(|_| FetchFailed)?;
        let origin = url.origin();
        let found: Self = fetch::json(http, url).await?;
        let all =
            [Some(&found.authorization_endpoint), Some(&found.token_endpoint), found.end_session_endpoint.as_ref()];
        let own = all.into_iter().flatten().all(|it| it.origin() == origin);
        if found.issuer == authority && own { Ok(found) } else { Err(FetchFailed) }
    }
}

/// What came back with the browser, and what we kept for it.
pub(crate) struct Redeem<'a> {
    pub(crate) code: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) verifier: &'a str,
}

#[derive(Deserialize)]
struct Granted {
    id_token: String,
}

/// Exchanges the code. The answer is not yet believed.
///
/// # Errors
/// [`Unproven::Refused`] where Entra refuses the code, [`Unproven::Unreachable`] where it does not answer.
pub(crate) async fn redeem(
    http: &reqwest::Client,
    endpoints: &Endpoints,
    entra: &EntraConfig,
    redeem: &Redeem<'_>,
) -> Result<String, Unproven> {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &entra.relay_client_id),
        ("client_secret", entra.relay_client_secret.expose_secret()),
        ("code", redeem.code),
        ("redirect_uri", redeem.redirect_uri),
        ("code_verifier", redeem.verifier),
        ("scope", SCOPE),
    ];
    let answer = http.post(endpoints.token_endpoint.clone()).form(&form).timeout(TIMEOUT).send().await;
    let answer = answer.map_err(|_| Unproven::Unreachable)?;
    if answer.status().is_server_error() {
        return Err(Unproven::Unreachable);
    }
    if !answer.status().is_success() {
        return Err(Unproven::Refused(TokenFault::Code));
    }
    let body = limited_body(answer, MAX_BYTES).await.map_err(|_| Unproven::Unreachable)?;
    let granted: Granted = serde_json::from_slice(&body).map_err(|_| Unproven::Refused(TokenFault::Malformed))?;
    Ok(granted.id_token)
}

/// Somebody who has proven who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub clinician: Clinician,
    /// Their app roles in the relay's registration.
    pub roles: Vec<String>,
}

impl Identity {
    /// Validates the `id_token` of a sign-in at an organization's own tenant.
    ///
    /// # Errors
    /// One reason; see [`Unproven`].
    pub async fn signed_in(&self, organization: &str, id_token: &str, nonce: &str) -> Result<SignedIn, Unproven> {
        let found = self.tenants.values().find(|(tenant, _)| tenant.organization == organization);
        let (tenant, keys) = found.ok_or(Unproven::WrongTenant)?;
        let tid = tenant.tid.to_string();
        let expected = jwt::Expected { iss: &tenant.authority, aud: &tenant.audience, tid: &tid };
        let claims = jwt::verify(id_token, keys, &expected, self.clock.now()).await?;
        if guid(claims.tid.as_deref())? != tenant.tid {
            return Err(Unproven::WrongTenant);
        }
        if claims.ver.as_deref() != Some("2.0") {
            return Err(TokenFault::Version.into());
        }
        if claims.nonce.as_deref() != Some(nonce) {
            return Err(TokenFault::Nonce.into());
        }
        // An access token for our API has the same audience, and a client that asked for it.
        if claims.scp.is_some() || claims.azp.as_ref().is_some_and(|azp| *azp != tenant.audience) {
            return Err(TokenFault::Application.into());
        }
        let oid = guid(claims.oid.as_deref())?.to_string();
        let usable =
            |role: &String| !role.is_empty() && role.len() <= LONGEST_ROLE && !role.chars().any(char::is_control);
        let roles = claims.roles.into_iter().filter(usable).take(MOST_ROLES).collect();
        let organization = tenant.organization.clone();
        let (display_name, sign_in_name) = (claims.name.unwrap_or_default(), claims.preferred_username);
        let clinician = Clinician { organization, tid, oid, display_name, sign_in_name };
        Ok(SignedIn { clinician, roles })
    }
}
