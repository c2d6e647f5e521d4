//! What is sealed in a visit's row: the rules' visit, and beside it the EHR's and Graph's references, which the rules
//! never see. Readable only with the visit's key.

use std::collections::BTreeMap;

use roomed_visit::{ParticipantId, Visit};
use serde::{Deserialize, Serialize};

/// The sealed state of a visit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The rules' side.
    pub visit: Visit,
    /// The EHR's side.
    pub ehr: EhrReferences,
    /// The random `externalId` under which Graph makes the meeting once and only once.
    pub meeting_external_id: String,
    /// Delegates who were alerted because no clinician could be.
    #[serde(default)]
    pub delegates_told: bool,
}

/// Where the visit is in the EHR.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EhrReferences {
    /// The FHIR base URL.
    pub iss: String,
    /// `Appointment` id.
    pub appointment: String,
    /// The CSN: Epic's `ConferenceID`.
    /// Missing while the EHR has not given it: the write-back waits for it.
    pub conference_id: Option<String>,
    /// From the launch's context token, for the report.
    pub department: Option<String>,
    /// FHIR id of each person: a `Patient` id for the patient, a `Practitioner` id for clinicians.
    pub people: BTreeMap<ParticipantId, String>,
}

impl std::fmt::Debug for EhrReferences {
    // These are a patient's identifiers; a stray `{:?}` must not put them in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EhrReferences { .. }")
    }
}

/// The sealed meeting of a visit.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeetingRecord {
    /// Graph's `onlineMeeting` id.
    pub id: String,
    /// The clinician's link. Opaque: nothing is ever read out of it.
    pub join_web_url: String,
    /// The patient's link.
    pub patient_join_url: String,
    /// Who may let people in: Entra object ids. A colleague who covers has to be added.
    pub co_organizers: Vec<String>,
}

impl std::fmt::Debug for MeetingRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MeetingRecord { .. }")
    }
}
