//! What is sealed in a visit's row: the rules' visit, and beside it the EHR's and Graph's references, which the rules
//! never see. Readable only with the visit's key.

mod format;

use std::collections::BTreeMap;

use roomed_visit::{Participant, ParticipantId, Visit};
use serde::{Deserialize, Serialize};

pub use format::{read, write};

/// The sealed state of a visit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The rules' side.
    pub visit: Visit,
    /// The EHR's side.
    pub ehr: EhrReferences,
    /// The random `externalId` under which Graph makes the meeting once and only once. A new one gives the meeting up.
    pub meeting_external_id: String,
    /// Delegates who were alerted because no clinician could be.
    #[serde(default)]
    pub delegates_told: bool,
    /// The newest link of everybody who comes by one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub invitations: BTreeMap<ParticipantId, InvitationState>,
    /// On which device everybody's place is: the hash of its page session. Whoever has two sees on the other that the
    /// place is taken, and may take it over.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub places: BTreeMap<ParticipantId, String>,
}

impl Record {
    /// The place of the patient with this FHIR id.
    pub fn patient(&self, fhir_id: &str) -> Option<&ParticipantId> {
        let is_one = |who: &ParticipantId| self.visit.participant(who).is_some_and(Participant::is_patient);
        self.ehr.people.iter().find(|(who, known)| *known == fhir_id && is_one(who)).map(|(who, _)| who)
    }

    /// How far somebody's link is; nothing for those who need none.
    pub fn invitation(&self, who: &ParticipantId) -> Option<InvitationState> {
        match self.visit.is_welcome(who) {
            true => self.invitations.get(who).cloned(),
            false => Some(InvitationState::Revoked),
        }
    }
}

/// How far the message is that a link travels in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LetterState {
    /// It waits, or is tried again.
    Sending,
    /// Whoever carries mail here has taken it.
    Sent,
    /// It was refused, or not taken in time.
    Failed,
}

/// How far a link is. The link itself is nowhere but with its person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InvitationState {
    /// Nobody has come in by it yet.
    Open {
        /// What the newest link is known by: any other is an older one, and dead.
        hash: String,
        /// How far the message is that it travels in; none where it is passed on by hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        letter: Option<LetterState>,
    },
    /// Its person came in by it.
    Used,
    /// Taken back.
    Revoked,
}

/// Where the visit is in the EHR.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EhrReferences {
    /// The FHIR base URL.
    pub iss: String,
    /// `Appointment` id.
    pub appointment: String,
    /// Epic's `ConferenceID`: the CSN or, in a group, the number that all its appointments share.
    /// Missing while the EHR has not given it: the write-back waits for it.
    pub conference_id: Option<String>,
    /// From the launch's context token, for the report.
    pub department: Option<String>,
    /// FHIR id of each person: a `Patient` id for the patient, a `Practitioner` id for clinicians.
    pub people: BTreeMap<ParticipantId, String>,
    /// A `Location` id, from the appointment: the department of a visit that its patient came to first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// In a group: the appointments of the patients beside the first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lines: BTreeMap<ParticipantId, Line>,
    /// The group's conference id: whoever's appointment has it is in this visit. Missing: it is no group's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

impl EhrReferences {
    /// The appointment somebody's line is on.
    pub fn line(&self, who: &ParticipantId) -> Line {
        let first = || Line { appointment: self.appointment.clone(), conference_id: self.conference_id.clone() };
        self.lines.get(who).cloned().unwrap_or_else(first)
    }
}

/// One patient's appointment.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// `Appointment` id.
    pub appointment: String,
    /// As [`EhrReferences::conference_id`].
    pub conference_id: Option<String>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Line { .. }")
    }
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
    /// Under whom it was made (Entra object id). Graph finds a meeting under its organizer only, so a change of the
    /// configuration must not move it; missing in records of before, which were made under the configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organizer: Option<String>,
    /// For when it stands in Teams: planned start and end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<(jiff::Timestamp, jiff::Timestamp)>,
    /// Who may let people in: Entra object ids. A colleague who covers has to be added.
    pub co_organizers: Vec<String>,
    /// The `externalId` it was made under; missing in records of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// It comes out of a backup: it may have been deleted since, so Graph is asked before anybody is sent there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_doubt: bool,
}

impl MeetingRecord {
    /// False for one that was made for a visit which had given it up by then: the visit gets another.
    pub fn is_of(&self, record: &Record) -> bool {
        self.external_id.as_ref().is_none_or(|it| *it == record.meeting_external_id)
    }
}

impl std::fmt::Debug for MeetingRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MeetingRecord { .. }")
    }
}
