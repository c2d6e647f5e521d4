//! What the visit page is told. The patient's side of the protocol: no role but their own, no EHR id.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::message::MessageView;
use crate::visit::Role;

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
    /// Another device of theirs has the place. Nothing was lost; `POST api/take-over` brings it here.
    AnotherDevice,
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

/// `GET api/visit` and every message of the page's socket.
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
    /// Who they are here.
    #[serde(default = "patient")]
    pub role: Role,
    /// Whom they will see, where the organization's policy shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub clinician: Option<String>,
    /// The clinician runs late: expected then, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub late_until: Option<String>,
    /// What staff have said to them, oldest first.
    #[serde(default)]
    pub messages: Vec<MessageView>,
    /// They asked for help then, and nobody has taken it on; RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub help_since: Option<String>,
    /// Other patients are in this visit: advise a neutral name in the meeting.
    #[serde(default)]
    pub group: bool,
    /// The organization's own words, by language (`en`, `es`, `ar`; `en` where a language is missing).
    #[serde(default)]
    pub texts: BTreeMap<String, PageTexts>,
}

fn patient() -> Role {
    Role::Patient
}

/// The organization's words on the visit page, in one language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PageTexts {
    /// Shown on the first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub notice: Option<String>,
    /// Agreed to by pressing *I'm ready*.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub consent: Option<String>,
}

/// `POST api/probe` with up to 64 KiB: how much of it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ProbeView {
    /// Bytes.
    pub received: u32,
}
