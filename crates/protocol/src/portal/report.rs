//! The usage report: what is left of a visit after it is over. No patient's identifier stands in it; an appointment is a keyed
//! reference that means nothing elsewhere.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::staff::Department;

/// `GET /portal/api/report`: sums by department and hour of the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ReportView {
    /// First day, `2026-11-01`.
    pub from: String,
    /// Last day, included.
    pub to: String,
    /// The zone in which days and hours are counted.
    pub zone: String,
    /// The departments there are.
    pub departments: Vec<Department>,
    /// One for each department and hour with a visit.
    pub hours: Vec<ReportHour>,
}

/// The visits of one department that were planned for one hour of the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ReportHour {
    /// The department's id; missing where none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub department: Option<String>,
    /// 0 to 23.
    pub hour: u8,
    /// All visits.
    pub visits: u32,
    /// Both sides were in.
    pub met: u32,
    /// The patient never came.
    pub noshow: u32,
    /// Somebody came, and left before anybody saw them.
    pub left_unseen: u32,
    /// Visits whose wait is known.
    pub waits: u32,
    /// Their waits together, in seconds.
    #[ts(type = "number")]
    pub waited_seconds: u64,
    /// How long those who met were together, in seconds.
    #[ts(type = "number")]
    pub together_seconds: u64,
}

/// `GET /portal/api/report/visits`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ReportVisits {
    /// By planned start.
    pub rows: Vec<ReportVisit>,
    /// Asks for what comes after; missing at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub next: Option<String>,
}

/// One visit. Roomed has a row for each, also where one side never came: other reports leave those out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ReportVisit {
    /// Planned start, RFC 3339.
    pub planned: String,
    /// Both sides were in from then on, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub start: Option<String>,
    /// From then until the last one left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub duration_seconds: Option<u32>,
    /// The clinician, as Microsoft names them now; missing where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub clinician: Option<String>,
    /// The department, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub department: Option<Department>,
    /// FHIR's word: `finished`, `noshow`, `cancelled`, `unverified`, ...
    pub outcome: String,
    /// Who never came.
    pub missed: MissedSide,
    /// From arrival until both were in, or until whoever waited left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub waited_seconds: Option<u32>,
    /// How many left before anybody saw them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub left_unseen: Option<u32>,
    /// Keyed reference of the appointment.
    pub reference: String,
}

/// Which side of a visit never came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum MissedSide {
    /// Both came.
    None,
    /// The patient.
    Patient,
    /// The clinician: somebody waited for them.
    Clinician,
    /// It is not known, or nobody came.
    #[serde(other)]
    Unknown,
}
