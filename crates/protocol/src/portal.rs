//! What the portal's pages are told: who is signed in and which steps they have, what the doctor found, and the records that
//! are typed into the EHR. No secret and no patient's name has a field to stand in.

mod outbox;
mod report;

pub use outbox::{
    LedgerRow, LedgerVerdict, LedgerView, ReplayRequest, ReplayView, RetryRequest, SkipRequest, WriteBackChannel,
    WriteBackRow, WriteBackState, WriteBackView, WriteBacksView,
};
pub use report::{MissedSide, ReportHour, ReportView, ReportVisit, ReportVisits};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::problem::WhoCanFix;

/// `GET /portal/api/me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PortalMe {
    /// The organization's key, as it stands in addresses.
    pub key: String,
    /// Its display name.
    pub organization: String,
    /// Who is signed in, for the screen only.
    pub display_name: String,
    /// What they may do here.
    pub roles: Vec<PortalRole>,
    /// The rail: only the steps they may open, in order.
    pub steps: Vec<PortalStep>,
}

/// An app role of the Microsoft sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum PortalRole {
    /// `Roomed.Admin`: everything.
    Admin,
    /// `Roomed.Reports`: the report only.
    Reports,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

/// One line of the rail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PortalStep {
    /// Which page.
    pub step: StepName,
    /// How it stands.
    pub state: StepState,
}

/// A page of the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum StepName {
    /// What must be there before the first visit.
    Prerequisites,
    /// What is typed into the EHR.
    Records,
    /// Everything a visit needs, looked at live.
    Doctor,
    /// What was told to the chart, or could not be.
    WriteBacks,
    /// Who did what to which write-back, chained.
    Ledger,
    /// The usage report.
    Report,
    /// A page of a later version: left out of the rail.
    #[serde(other)]
    Unknown,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Nothing is to be done there; it can be looked at.
    Open,
    /// Not done yet.
    Todo,
    /// Done.
    Done,
    /// Somebody has to act.
    Attention,
    /// Somebody else, or time, has to.
    Waiting,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

/// `GET` and `POST /portal/api/doctor`: the run under way, and what the last one found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DoctorView {
    /// The relay's clock, RFC 3339.
    pub now: String,
    /// A run under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub running: Option<DoctorRun>,
    /// What the last finished run found; missing before the first one since the relay was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub report: Option<DoctorReport>,
    /// The last run could not begin.
    pub failed: bool,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DoctorRun {
    /// Since when, RFC 3339.
    pub since: String,
    /// Checks made.
    pub done: u32,
    /// Checks there are.
    pub total: u32,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DoctorReport {
    /// When, RFC 3339.
    pub at: String,
    /// By which version.
    pub version: String,
    /// Of which relay.
    pub public_url: String,
    /// Areas in which something is wrong first, in each the worst first.
    pub findings: Vec<DoctorFinding>,
}

/// One check, in the same words as `roomed-relay doctor` says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DoctorFinding {
    /// The check's name.
    pub check: String,
    /// Its group.
    pub area: FindingArea,
    /// The connection (`iss`) it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ehr: Option<String>,
    /// Must be fine before the first visit, and is this organization's own to put right.
    pub prerequisite: bool,
    /// How it stands.
    pub state: FindingState,
    /// What was found, to read out on the phone.
    pub code: String,
    /// The figures.
    pub measured: String,
    /// What it means.
    pub cause: String,
    /// Whose it is.
    pub owner: WhoCanFix,
    /// What they can do; empty where nothing is to be done.
    pub fix: String,
    /// To be pasted where they do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub copy: Option<String>,
}

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum FindingArea {
    /// Where visits are kept.
    Database,
    /// Keys and certificates of the relay.
    Keys,
    /// The address by which others know the relay.
    Address,
    /// Sign-in.
    Entra,
    /// Meetings.
    Graph,
    /// The chart.
    Ehr,
    /// A group of a later version.
    #[serde(other)]
    Unknown,
}

/// How what was checked stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum FindingState {
    /// Somebody has to act, or visits fail.
    Wrong,
    /// Nothing fails yet, but something is to be seen to, or to be waited for.
    Wait,
    /// As it should be.
    Fine,
    /// This organization does without.
    NotUsed,
    /// It could not be found out, or a word of a later version says how it stands.
    #[serde(other)]
    CannotTell,
}

/// `GET /portal/api/records`: what is typed into each EHR, and into Microsoft Entra.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RecordsView {
    /// One for each EHR connection.
    pub ehrs: Vec<EhrRecords>,
    /// What Microsoft Entra is told.
    pub microsoft: Vec<RecordValue>,
}

/// The records of one EHR connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct EhrRecords {
    /// FHIR base URL.
    pub iss: String,
    /// `epic`, `oracle-health`, `fhir-r4`.
    pub vendor: String,
    /// `test` or `production`.
    pub environment: String,
    /// What is registered there once: clients, keys.
    pub clients: Vec<RecordValue>,
    /// The launch records.
    pub records: Vec<IntegrationRecord>,
}

/// One launch record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct IntegrationRecord {
    /// Which.
    pub kind: RecordKind,
    /// What is typed into it, in order.
    pub values: Vec<RecordValue>,
}

/// Which launch record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum RecordKind {
    /// From the patient's portal.
    Patient,
    /// From the clinician's schedule.
    Provider,
    /// From the patient's portal, several patients in one visit.
    PatientGroup,
    /// From the clinician's schedule, several patients in one visit.
    ProviderGroup,
    /// From the patient's portal by a link that the EHR encrypts.
    Encrypted,
    /// A test of the devices before the visit.
    DeviceTest,
    /// A record of a later version.
    #[serde(other)]
    Unknown,
}

/// One value to copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RecordValue {
    /// What it is: its name and why it is needed stand in the page's words.
    pub field: RecordField,
    /// Letter by letter.
    pub value: String,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum RecordField {
    /// Where the EHR opens the browser.
    LaunchUrl,
    /// What the EHR puts behind it.
    ContextTokens,
    /// The clinician's companion.
    CompanionClientId,
    /// The clinician without a companion.
    BrowserClientId,
    /// The patient's page.
    PatientClientId,
    /// The relay itself.
    BackendClientId,
    /// What the relay may ask for.
    BackendScopes,
    /// Where the relay's public keys are.
    JwksUrl,
    /// Where the clinician's companion is answered.
    CompanionRedirect,
    /// Where the clinician's browser is answered.
    BrowserRedirect,
    /// Where the patient's browser is answered.
    PatientRedirect,
    /// Where a Microsoft sign-in is answered.
    SignInRedirect,
    /// Where Graph tells what happens in a meeting.
    NotificationUrl,
    /// The relay's registration.
    RelayClientId,
    /// The account that meetings belong to.
    OrganizerId,
    /// A value of a later version.
    #[serde(other)]
    Unknown,
}
