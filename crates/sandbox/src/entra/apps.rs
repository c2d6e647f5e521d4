//! The two application registrations: the companion (public, native) and the relay (confidential; an API, a web page people
//! sign in to, and a client of Graph). Both are multi-tenant: the same client ids in both tenants, consented to by both
//! administrators.

use crate::core::{Hospital, Random};
use url::Url;

/// The Graph application permissions an administrator has granted to the relay.
pub(crate) const GRANTED_ROLES: [&str; 4] = [
    "OnlineMeetings.ReadWrite.All",
    "OnlineMeetings.Read.All",
    "VirtualAppointment.ReadWrite.All",
    "OnlineMeetingArtifact.Read.All",
];

/// Those of the calls API, where an administrator has granted them too (switch `removal`).
pub(crate) const CALL_ROLES: [&str; 2] = ["Calls.JoinGroupCall.All", "Calls.Initiate.All"];

/// The delegated permission the relay's API exposes.
pub(crate) const API_PERMISSION: &str = "access_as_user";

/// Those that sign people in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum App {
    /// Platform *Mobile and desktop applications*.
    Companion,
    /// Platform *Web*.
    Relay,
}

impl App {
    /// The redirect address, if it is registered for this application.
    pub(crate) fn redirect_uri(self, hospital: &Hospital, text: &str) -> Option<Url> {
        let url = Url::parse(text).ok()?;
        match self {
            Self::Companion => is_loopback(&url).then_some(url),
            // Character by character. Entra takes https only, or http on localhost.
            Self::Relay => web_redirect_uris(hospital).iter().any(|it| it == text).then_some(url),
        }
    }
}

/// `http://localhost` and `http://127.0.0.1` at any port, with exactly the registered paths `/` and `/callback`.
fn is_loopback(url: &Url) -> bool {
    let host = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
    let path = matches!(url.path(), "/" | "/callback");
    let bare =
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    url.scheme() == "http" && host && path && bare
}

/// Where the relay's web page may be sent back to: none until a relay is registered.
fn web_redirect_uris(hospital: &Hospital) -> Vec<String> {
    let Some(base) = hospital.relay_base() else { return Vec::new() };
    let own = hospital.organizations.iter().map(|it| format!("{base}/o/{}/sign-in/callback", it.key));
    own.chain(std::iter::once(format!("{base}/sign-in/callback"))).collect()
}

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

    /// The application with this client id.
    pub(crate) fn named(&self, client_id: &str) -> Option<App> {
        if client_id == self.companion_client_id {
            Some(App::Companion)
        } else if client_id == self.relay_client_id {
            Some(App::Relay)
        } else {
            None
        }
    }

    /// The client id of an application.
    pub(crate) fn client_id(&self, app: App) -> &str {
        match app {
            App::Companion => &self.companion_client_id,
            App::Relay => &self.relay_client_id,
        }
    }

    /// The scope a companion asks for.
    pub fn api_scope(&self) -> String {
        format!("api://{}/{API_PERMISSION}", self.relay_client_id)
    }
}
