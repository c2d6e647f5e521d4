//! What a clinician does about the people of a visit: inviting, taking back, assigning. And their day: today's visits
//! without a launch, and a launch that waits on another machine.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::visit::{Role, StageView};

/// How an invitation is to reach its person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SendBy {
    /// The clinician passes it on.
    Hand,
    /// Roomed sends it. The address is sealed until then and erased after.
    Email {
        /// The address, at most 254 characters.
        address: String,
    },
    /// Roomed sends it.
    Sms {
        /// The number with its country's prefix, digits and `+` only.
        number: String,
    },
}

impl std::fmt::Debug for SendBy {
    // An address is somebody's: not for a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Hand => "Hand",
            Self::Email { .. } => "Email { .. }",
            Self::Sms { .. } => "Sms { .. }",
        })
    }
}

/// `POST /api/v1/visits/{id}/invitations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct InviteRequest {
    /// `interpreter`, `family` or `colleague`; `patient` or `proxy` for one of the visit's who cannot come in by the portal.
    pub role: Role,
    /// Whose link is lost: a new link kills the old one. A new guest where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub participant: Option<String>,
    /// How it is to reach them.
    pub send: SendBy,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct InviteView {
    /// The guest's place in the visit.
    pub participant: String,
    /// The one-time link, to be passed on by hand: shown this once. Missing where Roomed sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub link: Option<String>,
    /// Until when it is good, RFC 3339.
    pub expires_at: String,
}

impl std::fmt::Debug for InviteView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InviteView").field("participant", &self.participant).finish_non_exhaustive()
    }
}

/// `POST /api/v1/visits/{id}/assign`: who an unattributed guest is. Shown, and never written to a chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct AssignRequest {
    /// The unattributed person's id, as the view shows it.
    pub leg: String,
    /// Who it is; nobody we know where it is missing (takes an assignment back).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub participant: Option<String>,
}

/// With whom an appointment is, by role only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum AgendaWho {
    /// A patient.
    Patient,
    /// Several patients; one row for all of them.
    Group,
    /// Clinicians among themselves.
    Colleague,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

/// One appointment of today, read from the EHR: times, states and roles, nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AgendaRow {
    /// Planned start, RFC 3339.
    pub start: String,
    /// Planned end, RFC 3339.
    pub end: String,
    /// How far it is, as the EHR has it.
    pub stage: StageView,
    /// With whom; missing from a relay of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub who: Option<AgendaWho>,
    /// The visit, where it is open already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub visit: Option<String>,
}

/// `GET /api/v1/agenda`: today's virtual visits of the linked clinician who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AgendaView {
    /// When it was read, RFC 3339.
    pub at: String,
    /// By time.
    pub rows: Vec<AgendaRow>,
    /// Some EHR connection could not be read: the list may lack visits.
    pub incomplete: bool,
}
