//! Telling EHRs. The promise is a row written with the change that makes it true (`store/outbox.rs`); here is the intent
//! in it, when to try again (`retry.rs`), and who does it (`worker.rs`).

pub mod retry;
pub mod worker;

use jiff::Timestamp;
use roomed_visit as rules;
use serde::{Deserialize, Serialize};

use crate::record::EhrReferences;
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

/// An intent: "participant P of conference C is now connected". How to say it is each vendor's file's affair.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteBack {
    /// The EHR connection.
    pub iss: String,
    /// `Appointment` id.
    pub appointment: String,
    /// The CSN, if it was known.
    pub conference_id: Option<String>,
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

impl std::fmt::Debug for WriteBack {
    // A patient's identifiers: a stray `{:?}` must not put them in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteBack")
            .field("role", &self.role)
            .field("presence", &self.presence)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl WriteBack {
    /// The rules' effect in the EHR's references.
    pub fn new(
        ehr: &EhrReferences,
        participant: &rules::ParticipantId,
        person: &rules::Participant,
        fhir_id: &str,
        status: rules::ChartStatus,
        at: Timestamp,
    ) -> Self {
        Self {
            iss: ehr.iss.clone(),
            appointment: ehr.appointment.clone(),
            conference_id: ehr.conference_id.clone(),
            participant: participant.as_str().to_owned(),
            role: match person.role {
                rules::Role::Patient => Role::Patient,
                rules::Role::Practitioner { .. } => Role::Practitioner,
            },
            fhir_id: fhir_id.to_owned(),
            presence: match status {
                rules::ChartStatus::Connected => Presence::Connected,
                rules::ChartStatus::Disconnected => Presence::Disconnected,
            },
            at,
        }
    }
}
