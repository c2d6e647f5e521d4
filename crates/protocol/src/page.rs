//! What the visit page is told. The patient's side of the protocol: no role but their own, no EHR id.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where the patient stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "stage", rename_all = "kebab-case")]
pub enum PageStage {
    /// Before the early-join window: test the devices, come back.
    TooEarly {
        /// From when *I'm ready* works, RFC 3339.
        opens_at: String,
    },
    /// *I'm ready* may be pressed.
    CanBeReady,
    /// Ready and waiting.
    Waiting {
        /// Since when, RFC 3339.
        since: String,
        /// Who has been told, so that the page claims no more than is so.
        told: ToldWhom,
    },
    /// The clinician is there: open the meeting.
    Called {
        /// The patient's link.
        join_url: String,
    },
    /// In the meeting, as far as the roster says.
    InMeeting {
        /// To come back after a mishap.
        join_url: String,
    },
    /// Over.
    Ended,
    /// Called off.
    Cancelled,
}

/// Whose companion has been handed the alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ToldWhom {
    /// Nobody is signed in yet.
    Nobody,
    /// The organization's delegate, because no clinician of the visit could be.
    FrontDesk,
    /// A clinician of the visit.
    Clinician,
}

/// `GET /v/api/visit` and every message of the page's socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PatientView {
    /// The organization's display name.
    pub organization: String,
    /// Planned start, RFC 3339.
    pub start: String,
    /// The relay's clock, RFC 3339.
    pub now: String,
    /// Where they stand.
    #[serde(flatten)]
    pub stage: PageStage,
}
