//! The two application registrations: the companion (public, native) and the relay (confidential, with app roles).
//! Both are multi-tenant: the same client ids in both tenants, consented to by both administrators.

use crate::core::Random;

/// The Graph application permissions an administrator has granted to the relay.
pub(crate) const GRANTED_ROLES: [&str; 4] = [
    "OnlineMeetings.ReadWrite.All",
    "OnlineMeetings.Read.All",
    "VirtualAppointment.ReadWrite.All",
    "OnlineMeetingArtifact.Read.All",
];

/// The delegated permission the relay's API exposes.
pub(crate) const API_PERMISSION: &str = "access_as_user";

/// Registered applications.
pub struct Apps {
    /// The desktop companion: no secret, PKCE, loopback redirect.
    pub companion_client_id: String,
    /// The relay: an API for the companion and a client of Graph.
    pub relay_client_id: String,
    /// The relay's client secret.
    pub relay_client_secret: String,
}

impl Apps {
    pub(crate) fn new(random: &Random) -> Self {
        Self {
            companion_client_id: random.stable_guid("entra companion"),
            relay_client_id: random.stable_guid("entra relay"),
            relay_client_secret: format!("S8Q~{}", random.stable_token("entra relay secret", 32)),
        }
    }

    /// The scope a companion asks for.
    pub fn api_scope(&self) -> String {
        format!("api://{}/{API_PERMISSION}", self.relay_client_id)
    }
}
