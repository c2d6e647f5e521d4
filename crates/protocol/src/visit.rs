//! A visit as the companion sees it: times, roles and states. Never a name, never a reason, never an EHR id.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::message::{DeviceTest, MessageView};
use crate::problem::WhoCanFix;

/// FHIR's Encounter words for how far a visit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum StageView {
    /// Scheduled, nobody there yet.
    Planned,
    /// The patient is there and ready.
    Arrived,
    /// Staff have roomed the patient.
    Triaged,
    /// Clinician and patient have both been in the meeting.
    InProgress,
    /// Over.
    Finished,
    /// The patient never came.
    Noshow,
    /// Called off.
    Cancelled,
}

/// Who somebody is in a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The patient.
    Patient,
    /// Somebody who acts for a patient: a parent, a guardian.
    Proxy,
    /// A clinician.
    Practitioner,
    /// An interpreter, by link.
    Interpreter,
    /// Family or a friend, by link.
    Family,
    /// A clinician of another organization, by link.
    Colleague,
    /// A person in the meeting whom nothing ties to anyone we know.
    Unattributed,
    /// A role of a later version.
    #[serde(other)]
    Unknown,
}

/// Whether somebody is there, as far as the evidence goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// Not seen yet.
    Absent,
    /// On our page or in the lobby.
    Waiting,
    /// In the meeting.
    Connected,
    /// Was there, and left.
    Disconnected,
    /// Went to the meeting, where people are whom nobody can tell apart: perhaps there.
    Unclear,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

/// Who saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum WitnessSource {
    /// The patient's own page.
    VisitPage,
    /// Teams' roster through Graph.
    Roster,
    /// The EHR's appointment or encounter.
    Ehr,
    /// A member of staff.
    Staff,
    /// The clinician, in the companion.
    Companion,
    /// The relay itself (a timer, a policy).
    Relay,
}

/// What the chart has been told about somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum ChartState {
    /// Nothing to say yet.
    Nothing,
    /// On its way.
    Pending {
        /// RFC 3339.
        since: String,
    },
    /// The EHR has accepted the newest state.
    Written {
        /// RFC 3339.
        at: String,
    },
    /// This EHR has no way to be told, and nobody has to do anything about it.
    Unsupported {
        /// One plain sentence.
        reason: String,
    },
    /// Somebody must act first.
    NeedsAnalyst {
        /// One plain sentence.
        reason: String,
    },
}

/// How far the message is that a link travels in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum LetterState {
    /// It waits, or is tried again.
    Sending,
    /// The organization's mail server has taken it.
    Sent,
    /// It was refused, or not taken in time.
    Failed,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

/// How far somebody's one-time link is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum InvitationState {
    /// Nobody has opened it yet.
    Open {
        /// Until when it is good, RFC 3339.
        expires_at: String,
        /// Missing where it is passed on by hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        letter: Option<LetterState>,
    },
    /// Its person has come in by it.
    Used,
    /// Taken back.
    Revoked,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

/// One person in a visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ParticipantView {
    /// Opaque, stable within the visit.
    pub id: String,
    /// Who they are here.
    pub role: Role,
    /// True for the clinician who is asking.
    pub me: bool,
    /// Where they are.
    pub presence: Presence,
    /// Since when, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub since: Option<String>,
    /// Which witness this rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub source: Option<WitnessSource>,
    /// What the chart says of them.
    pub chart: ChartState,
    /// Their newest device test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub test: Option<DeviceTest>,
    /// They asked for help then, and nobody has taken it on; RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub help_since: Option<String>,
    /// They left before anybody saw them, after so many seconds of waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub left_unseen_after: Option<u32>,
    /// How far their invitation is; only for people who come by link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub invitation: Option<InvitationState>,
    /// For somebody unattributed: the participant a clinician says this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub assigned_to: Option<String>,
}

/// One line of "what happened".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TimelineEntry {
    /// RFC 3339.
    pub at: String,
    /// Whose doing; absent for the visit as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub role: Option<Role>,
    /// A word from a closed list: `ready`, `waiting`, `connected`, `disconnected`, `called`, `covering`, `ended`,
    /// `undone`, `meeting-created`, `roomed`, `left-unseen`, `invited`, `revoked`, `assigned`, `running-late`, `message`,
    /// `answered`, `help`, `help-taken`, `cancelled`.
    pub what: String,
    /// Who saw it.
    pub source: WitnessSource,
}

/// What *End for all* does to people who stay in the meeting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// They are asked to leave; nobody can be put out.
    #[default]
    Asks,
    /// They are removed, and so is whoever comes back, until the end can no longer be taken back.
    Removes,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

impl Ending {
    fn is_asks(&self) -> bool {
        *self == Self::Asks
    }
}

/// Why nobody is removed although the organization wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct NotRemoved {
    /// What is missing, and what to do: one or two plain sentences.
    pub detail: String,
    /// Who can do it.
    pub who: WhoCanFix,
}

/// A visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct VisitView {
    /// Opaque.
    pub id: String,
    /// How far it is.
    pub stage: StageView,
    /// Planned start, RFC 3339.
    pub start: String,
    /// Planned end, RFC 3339.
    pub end: String,
    /// When the patient was ready, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub arrived_at: Option<String>,
    /// True once this clinician has proven a launch: only then may *Join* be offered.
    pub proven: bool,
    /// The clinician said "covering for a colleague".
    pub covering: bool,
    /// Another clinician began this visit, covering for its clinician.
    pub covered: bool,
    /// Somebody acknowledged the arrival.
    pub acknowledged: bool,
    /// Over for us, but somebody is still inside.
    pub closing: bool,
    /// Everybody.
    pub participants: Vec<ParticipantView>,
    /// Newest first.
    pub timeline: Vec<TimelineEntry>,
    /// When staff roomed the patient, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub roomed_at: Option<String>,
    /// The clinician runs late: expected then, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub late_until: Option<String>,
    /// Until when *End for all* can be taken back, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub undo_until: Option<String>,
    /// What staff and patients have said to each other, oldest first.
    #[serde(default)]
    pub messages: Vec<MessageView>,
    /// What *End for all* does to whoever stays inside; missing: it asks.
    #[serde(default, skip_serializing_if = "Ending::is_asks")]
    #[ts(as = "Option<Ending>", optional)]
    pub ending: Ending,
    /// Why nobody is removed although the organization wants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub not_removed: Option<NotRemoved>,
    /// The EHR says that the appointment is cancelled, and the visit goes on for whoever is in the meeting or on the way
    /// there: since then, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub called_off_at: Option<String>,
}

/// `GET /api/v1/visits`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct VisitsView {
    /// The relay's clock, RFC 3339, so that wait clocks do not depend on the workstation's.
    pub now: String,
    /// The newest notice this list already includes.
    pub cursor: u32,
    /// Longest waiting first, then by time.
    pub visits: Vec<VisitView>,
}
