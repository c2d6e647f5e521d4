//! The applications registered with an EHR and where they may be sent back to. Ids are the vendor's, valid at every
//! hospital that has enabled the app; redirect URIs are fixed strings, compared character by character.

use crate::core::{Ehr, Hospital, Random};

/// Client ids.
pub struct Clients {
    /// Clinician-facing, public, launched from the chart.
    pub companion: String,
    /// Clinician-facing, public, for launches that run in the browser: its code goes to the relay.
    pub browser: String,
    /// Patient-facing, public, launched from the portal.
    pub patient: String,
    /// Backend Services; at Epic also the `Epic-Client-ID` of the connection-status service.
    pub backend: String,
}

/// The kinds of app that come to the authorize endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Launched from the chart: at Epic, Hyperspace.
    Clinician,
    /// Launched from the portal: at Epic, MyChart.
    Patient,
}

impl Clients {
    pub(crate) fn new(ehr: Ehr, random: &Random) -> Self {
        let client = |what: &str| random.stable_guid(&format!("{} {what} client", ehr.word()));
        Self {
            companion: client("companion"),
            browser: client("browser"),
            patient: client("patient"),
            backend: client("backend"),
        }
    }

    /// Which kind of interactive app a client id is, if one.
    pub(crate) fn audience(&self, client_id: &str) -> Option<Audience> {
        if client_id == self.companion || client_id == self.browser {
            Some(Audience::Clinician)
        } else if client_id == self.patient {
            Some(Audience::Patient)
        } else {
            None
        }
    }
}

/// The redirect URIs on record for an app; none until a relay is registered.
pub(crate) fn redirect_uris(hospital: &Hospital, clients: &Clients, client_id: &str) -> Vec<String> {
    let Some(base) = hospital.relay_base() else { return Vec::new() };
    if client_id == clients.companion {
        return vec![format!("{base}/oauth/callback")];
    }
    let page = if client_id == clients.browser { "launch" } else { "patient" };
    hospital.organizations.iter().map(|it| format!("{base}/o/{}/{page}/callback", it.key)).collect()
}
