//! Microsoft Entra ID: two tenants, a native client, a confidential client, v2 tokens (reference: Entra docs, v2.0 endpoints).
//! Left out: consent pages, conditional access, guests, on-behalf-of.

mod apps;
mod authorize;
mod discovery;
mod errors;
mod grants;
pub(crate) mod roles;
pub mod session;
mod token;
pub mod tokens;

pub use apps::Apps;
pub(crate) use authorize::initials;

use crate::{
    core::{Hospital, Random, Shared, SigningKey},
    pages,
};
use axum::routing::{get, post};
use session::Sessions;

/// What Entra remembers.
pub struct State {
    /// Registered applications.
    pub apps: Apps,
    /// Signs everything, also the `validationTokens` of change notifications.
    pub key: SigningKey,
    /// Browsers that are signed in.
    pub sessions: Sessions,
    grants: grants::Grants,
    assigned: roles::Assigned,
}

impl State {
    pub(crate) fn new(random: &Random, canaries: &crate::core::Canaries) -> Self {
        let apps = Apps::new(random);
        canaries.secret("entra.client_secret", &apps.relay_client_secret);
        Self {
            apps,
            key: SigningKey::generate(random.stable_token("entra kid", 27)),
            sessions: Sessions::default(),
            grants: grants::Grants::default(),
            assigned: roles::Assigned::default(),
        }
    }
}

/// Revokes every refresh token of an account, as an administrator can; says how many there were.
pub(crate) fn revoke_sessions(hospital: &Hospital, oid: &str) -> usize {
    let count = hospital.entra.grants.revoke(oid);
    hospital.log("entra", "sessions.revoked", serde_json::json!({ "oid": oid, "refresh_tokens": count }));
    count
}

/// Its routes.
pub(crate) fn router() -> axum::Router<Shared> {
    axum::Router::new()
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(discovery::configuration))
        .route("/{tenant}/discovery/v2.0/keys", get(discovery::keys))
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize::show))
        .route("/{tenant}/pick", post(authorize::pick))
        .route("/{tenant}/oauth2/v2.0/token", post(token::redeem))
        .route("/{tenant}/oauth2/v2.0/logout", get(session::sign_out))
        .merge(pages::assets())
}
