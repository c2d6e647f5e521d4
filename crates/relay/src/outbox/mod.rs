//! Telling EHRs. The promise is a row written with the change that makes it true (`store/outbox.rs`); here is the intent
//! in it, when to try again (`retry.rs`), how the EHR is doing (`connection.rs`), and who does it (`worker.rs`).

pub mod connection;
pub mod replay;
pub mod retry;
pub mod worker;

use jiff::Timestamp;
use roomed_visit as rules;
use serde::{Deserialize, Serialize};

use crate::record::EhrReferences;
use crate::store::Channel;
pub use worker::{ChartListener, Worker};

/// Whom the chart is told about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The patient; `fhir_id` is a Patient's.
    Patient,
    /// A clinician; `fhir_id` is a Practitioner's.
    Practitioner,
}

/// What the chart is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// There.
    Connected,
    /// No longer there.
    Disconnected,
}

/// Somebody came or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendance {
    /// The participant within the visit.
    pub participant: String,
    /// Who they are.
    pub role: Role,
    /// Their FHIR id.
    pub fhir_id: String,
    /// What is so now.
    pub presence: Presence,
    /// Since when, by the evidence.
    pub at: Timestamp,
}

/// What an intent is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
pub enum About {
    /// Somebody came or went.
    Attendance(Attendance),
    /// The visit as a whole stands there now.
    Stage {
        /// FHIR's word of `Encounter.status` (or `noshow`).
        stage: String,
        /// Since when.
        at: Timestamp,
    },
    /// Where the visit is held.
    Links {
        /// For the clinician.
        provider: String,
        /// For the patient.
        patient: String,
        /// Planned start.
        from: Timestamp,
        /// Planned end.
        until: Timestamp,
    },
}

impl About {
    /// Its word among the figures.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Attendance(_) => "attendance",
            Self::Stage { .. } => "stage",
            Self::Links { .. } => "links",
        }
    }
}

/// An intent: "participant P of conference C is now connected". How to say it is each vendor's file's affair.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteBack {
    /// The EHR connection.
    pub iss: String,
    /// `Appointment` id.
    pub appointment: String,
    /// The CSN, if it was known.
    pub conference_id: Option<String>,
    /// Patient's FHIR id: what an `AuditEvent` or a `Communication` is about.
    pub patient: Option<String>,
    /// Through which door.
    pub channel: Channel,
    /// What.
    pub about: About,
}

impl std::fmt::Debug for WriteBack {
    // A patient's identifiers: a stray `{:?}` must not put them in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteBack").field("channel", &self.channel).finish_non_exhaustive()
    }
}

impl WriteBack {
    /// An intent in the EHR's references: about somebody's line, it is on their own appointment.
    pub fn new(ehr: &EhrReferences, patient: Option<String>, channel: Channel, about: About) -> Self {
        let whose = match &about {
            About::Attendance(attendance) => attendance.participant.as_str(),
            About::Stage { .. } | About::Links { .. } => "",
        };
        let line = ehr.line(&rules::ParticipantId::new(whose));
        Self {
            iss: ehr.iss.clone(),
            appointment: line.appointment,
            conference_id: line.conference_id,
            patient,
            channel,
            about,
        }
    }

    /// The participant within the visit; empty for what is about the visit as a whole.
    pub fn participant(&self) -> &str {
        match &self.about {
            About::Attendance(attendance) => &attendance.participant,
            About::Stage { .. } | About::Links { .. } => "",
        }
    }
}

impl Attendance {
    /// The rules' effect in the EHR's references; nothing for people no chart has a line for.
    pub fn new(
        participant: &rules::ParticipantId,
        person: &rules::Participant,
        fhir_id: &str,
        status: rules::ChartStatus,
        at: Timestamp,
    ) -> Option<Self> {
        let role = match person.role {
            rules::Role::Patient => Role::Patient,
            rules::Role::Practitioner { .. } => Role::Practitioner,
            rules::Role::Proxy { .. } | rules::Role::Guest { .. } => return None,
        };
        Some(Self {
            participant: participant.as_str().to_owned(),
            role,
            fhir_id: fhir_id.to_owned(),
            presence: match status {
                rules::ChartStatus::Connected => Presence::Connected,
                rules::ChartStatus::Disconnected => Presence::Disconnected,
            },
            at,
        })
    }
}
