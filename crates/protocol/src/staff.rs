//! What the staff page is told: times, roles and states of the visits of the departments somebody may see. No patient's
//! name; a clinician's only where the organization's policy shows it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::message::MessageView;
use crate::visit::{ParticipantView, StageView};

/// From when a wait is long, in seconds. Always shown with a word and a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WaitThresholds {
    /// Amber.
    pub long_seconds: u32,
    /// Red.
    pub too_long_seconds: u32,
}

impl Default for WaitThresholds {
    fn default() -> Self {
        Self { long_seconds: 300, too_long_seconds: 720 }
    }
}

/// `GET /staff/api/me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct StaffMe {
    /// The organization's display name.
    pub organization: String,
    /// Who is signed in, for the screen only.
    pub display_name: String,
    /// The departments they may see; `null` for all of them.
    pub departments: Option<Vec<Department>>,
    /// They may mark roomed, say things and take help requests on.
    pub may_act: bool,
    /// From when a wait is long.
    pub waiting: WaitThresholds,
}

/// A department.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
pub struct Department {
    /// The EHR's id of it, as configured.
    pub id: String,
    /// Its name, as configured.
    pub name: String,
}

/// Why a visit stands on top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// Nothing special.
    None,
    /// Somebody waits, and no clinician of the visit has linked Roomed.
    Unlinked,
    /// Somebody waits, and nobody has answered the alert.
    Unanswered,
    /// Somebody asked for help.
    Help,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

/// One visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct StaffRow {
    /// The visit, opaque.
    pub id: String,
    /// How far it is.
    pub stage: StageView,
    /// Planned start, RFC 3339.
    pub start: String,
    /// Planned end, RFC 3339.
    pub end: String,
    /// The clinicians, by name where policy shows it and the directory says it; else empty.
    pub clinicians: Vec<String>,
    /// Where it belongs; missing while the EHR has not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub department: Option<Department>,
    /// Why it stands on top.
    pub urgency: Urgency,
    /// When the patient was ready, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub arrived_at: Option<String>,
    /// When staff roomed them, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub roomed_at: Option<String>,
    /// The clinician runs late: expected then, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub late_until: Option<String>,
    /// Over for us, but somebody is still inside.
    pub closing: bool,
    /// The EHR says that the appointment is cancelled, and the visit goes on for whoever is in the meeting or on the way
    /// there: since then, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub called_off_at: Option<String>,
    /// Everybody.
    pub participants: Vec<ParticipantView>,
    /// Oldest first.
    pub messages: Vec<MessageView>,
}

/// `GET /staff/api/visits`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct StaffView {
    /// The relay's clock, RFC 3339.
    pub now: String,
    /// What wants somebody first, then by time.
    pub rows: Vec<StaffRow>,
}

/// `POST /staff/api/late`: one visit, or all open ones of a clinician.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct LateRequest {
    /// The visits, at most 200.
    pub visits: Vec<String>,
    /// Minutes, 1 to 240.
    pub minutes: u16,
}
