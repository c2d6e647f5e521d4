//! Who is calling: the clinician's Microsoft access token, validated for the one tenant the organization is
//! (v2.0 tokens; reference/microsoft.md 2.2). Leaves out sign-in itself, which is the companion's, and what a
//! clinician may do.

pub(crate) mod fetch;
pub(crate) mod jwt;
pub(crate) mod keys;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub(crate) mod web;

use std::collections::HashMap;
use std::sync::Arc;

use roomed_protocol::ProblemCode;
use uuid::Uuid;

pub use self::jwt::TokenFault;
pub use self::keys::{KeysAt, SigningKeys};
pub use self::web::SignedIn;
use crate::clock::Clock;
use crate::config::Organization;

/// Consumer accounts' tenant: never a hospital's.
const CONSUMERS: Uuid = Uuid::from_u128(0x9188040d_6c67_4c5b_b112_36a304b66dad);

/// What one organization's tenant must say about its people.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// The organization's key in our configuration.
    pub organization: String,
    /// Tenant id.
    pub tid: Uuid,
    /// Entra authority = `iss`: `https://login.microsoftonline.com/{tid}/v2.0`.
    pub authority: String,
    /// The relay's client id = `aud`.
    pub audience: String,
    /// Client ids that may call for a person (`azp`): the companion's.
    pub clients: Vec<String>,
    /// The scope in `scp`: `access_as_user`.
    pub scope: String,
}

impl Tenant {
    /// From the configuration; the error says that `tid` is no GUID.
    pub fn of(organization: &Organization) -> Result<Self, uuid::Error> {
        let scope = &organization.entra.scope;
        Ok(Self {
            organization: organization.key.clone(),
            tid: Uuid::try_parse(&organization.tid)?,
            authority: organization.entra.authority.clone(),
            audience: organization.entra.relay_client_id.clone(),
            clients: vec![organization.entra.companion_client_id.clone()],
            // The client asks for `api://{relay}/access_as_user`, the token says `access_as_user`
            scope: scope.rsplit('/').next().unwrap_or(scope).to_owned(),
        })
    }
}

/// A proven clinician. The key is (`tid`, `oid`); the name is mutable and for showing only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clinician {
    /// The organization's key in our configuration.
    pub organization: String,
    /// Tenant id, lower-case GUID.
    pub tid: String,
    /// Entra object id, lower-case GUID; Graph's user id.
    pub oid: String,
    /// `name`, as it is today; empty when Entra sends none.
    pub display_name: String,
    /// `preferred_username`: mutable as well, and for their own eyes only.
    pub sign_in_name: Option<String>,
}

impl Clinician {
    /// What they themselves know this account by; empty when Entra says nothing of it.
    pub fn called(&self) -> &str {
        [Some(self.display_name.as_str()), self.sign_in_name.as_deref()]
            .into_iter()
            .flatten()
            .map(str::trim)
            .find(|name| !name.is_empty())
            .unwrap_or_default()
    }
}

/// Why nobody is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// The token is of a tenant no organization here has: sign in with the hospital's account.
    #[error("the account is of another organization's tenant")]
    WrongTenant,
    /// The token does not hold up.
    #[error("the token is refused: {0}")]
    Refused(TokenFault),
    /// Entra's keys cannot be read: nobody's fault, try again.
    #[error("the tenant's signing keys cannot be read")]
    Unreachable,
}

impl Unproven {
    /// The problem told to the caller; 401, except `Unreachable` (503).
    pub fn code(self) -> ProblemCode {
        match self {
            Self::WrongTenant => ProblemCode::WrongTenant,
            Self::Refused(_) => ProblemCode::TokenRefused,
            Self::Unreachable => ProblemCode::Internal,
        }
    }
}

impl From<TokenFault> for Unproven {
    fn from(fault: TokenFault) -> Self {
        match fault {
            TokenFault::KeysUnreachable => Self::Unreachable,
            TokenFault::Tenant => Self::WrongTenant,
            other => Self::Refused(other),
        }
    }
}

/// The relay's knowledge of its organizations' tenants, with their keys.
pub struct Identity {
    tenants: HashMap<Uuid, (Tenant, SigningKeys)>,
    clock: Arc<dyn Clock>,
}

impl Identity {
    /// `http` must follow no redirects. One organization per tenant: of two with the same `tid` the last wins.
    pub fn new(tenants: impl IntoIterator<Item = Tenant>, http: &reqwest::Client, clock: Arc<dyn Clock>) -> Self {
        let tenants = tenants.into_iter().filter(|it| it.tid != CONSUMERS).map(|tenant| {
            let at = KeysAt::Authority(tenant.authority.clone());
            let keys = SigningKeys::new(http.clone(), at, Arc::clone(&clock));
            (tenant.tid, (tenant, keys))
        });
        Self { tenants: tenants.collect(), clock }
    }

    /// Validates a Bearer token (without the word `Bearer`).
    pub async fn clinician(&self, token: &str) -> Result<Clinician, Unproven> {
        // Unproven, and used only to choose whose keys must prove it
        let claimed = jwt::peek(token, 1).ok_or(Unproven::Refused(TokenFault::Malformed))?;
        let claimed = guid(claimed.get("tid").and_then(|it| it.as_str()))?;
        let (tenant, keys) = self.tenants.get(&claimed).ok_or(Unproven::WrongTenant)?;

        let tid = tenant.tid.to_string();
        let expected = jwt::Expected { iss: &tenant.authority, aud: &tenant.audience, tid: &tid };
        let claims = jwt::verify(token, keys, &expected, self.clock.now()).await?;
        if guid(claims.tid.as_deref())? != tenant.tid {
            return Err(Unproven::WrongTenant);
        }
        if claims.ver.as_deref() != Some("2.0") {
            return Err(TokenFault::Version.into());
        }
        if !claims.azp.as_ref().is_some_and(|azp| tenant.clients.contains(azp)) {
            return Err(TokenFault::Application.into());
        }
        // App-only tokens have roles and no scp: an application is no clinician
        if !claims.scp.as_deref().unwrap_or_default().split(' ').any(|it| it == tenant.scope) {
            return Err(TokenFault::Scope.into());
        }
        let oid = guid(claims.oid.as_deref())?.to_string();
        Ok(Clinician {
            organization: tenant.organization.clone(),
            tid,
            oid,
            display_name: claims.name.unwrap_or_default(),
            sign_in_name: claims.preferred_username,
        })
    }
}

fn guid(text: Option<&str>) -> Result<Uuid, Unproven> {
    text.and_then(|it| Uuid::try_parse(it).ok()).ok_or(Unproven::Refused(TokenFault::Malformed))
}
