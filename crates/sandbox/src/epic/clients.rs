//! The applications registered with Epic and where they may be sent back to. Ids are the vendor's, valid at every
//! hospital that has enabled the app; redirect URIs are fixed strings, compared character by character.

use crate::core::{Hospital, Random};

/// Client ids.
pub struct Clients {
    /// Clinician-facing, public, EHR launch.
    pub companion: String,
    /// Patient-facing, public, launched from MyChart.
    pub patient: String,
    /// Backend Services, and the `Epic-Client-ID` of the connection-status service.
    pub backend: String,
}

/// The kinds of app that come to the authorize endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Launched from Hyperspace.
    Clinician,
    /// Launched from MyChart.
    Patient,
}

impl Clients {
    pub(crate) fn new(random: &Random) -> Self {
        Self {
            companion: random.stable_guid("epic companion client"),
            patient: random.stable_guid("epic patient client"),
            backend: random.stable_guid("epic backend client"),
        }
    }

    /// Which kind of interactive app a client id is, if one.
    pub(crate) fn audience(&self, client_id: &str) -> Option<Audience> {
        if client_id == self.companion {
            Some(Audience::Clinician)
        } else if client_id == self.patient {
            Some(Audience::Patient)
        } else {
            None
        }
    }
}

/// The redirect URIs on record for an app; none until a relay is registered.
pub(crate) fn redirect_uris(hospital: &Hospital, audience: Audience) -> Vec<String> {
    let Some(base) = hospital.relay_base() else { return Vec::new() };
    match audience {
        Audience::Clinician => vec![format!("{base}/oauth/callback")],
        Audience::Patient => {
            hospital.organizations.iter().map(|it| format!("{base}/o/{}/patient/callback", it.key)).collect()
        }
    }
}
