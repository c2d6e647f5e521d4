//! EHRs as the rest of the relay sees them: an intent to tell the chart something, and the few reads a launch needs.
//! The only matches on the vendor are here, by [`connect`], [`channels`] and what the doctor asks; a vendor's words are in its own file. Nothing of
//! a resource leaves here but [`AppointmentFacts`].

mod answer;
mod appointments;
pub mod backend;
mod capabilities;
mod create;
pub mod epic;
pub mod generic;
pub mod oracle_health;
pub mod requests;
mod resources;
mod together;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use roomed_protocol::ProblemCode;
use roomed_smart::UrlPolicy;
use roomed_smart::keys::SigningKey;
use serde_json::Value;

use crate::clock::{Clock, Random};
use crate::config::{Config, EhrConfig, Vendor};
use crate::outbox::connection::Health;
use crate::outbox::{About, WriteBack};
use crate::store::{Channel, Others};

use capabilities::Capabilities;
pub use requests::Requests;
pub use together::Together;

/// What the relay needs to know of an appointment. Ids are FHIR ids without the type.
#[derive(Clone, PartialEq, Eq)]
pub struct AppointmentFacts {
    /// `Appointment.id`.
    pub id: String,
    /// `Appointment.status` as it stands.
    pub status: String,
    /// It is of a type that the organization configured as virtual.
    pub is_virtual: bool,
    /// `start`.
    pub start: Timestamp,
    /// `end`; where the EHR gives none, from `minutesDuration`, else half an hour after `start`.
    pub end: Timestamp,
    /// The patient on it; none on one of clinicians among themselves. One with several is not found: in a group every
    /// patient has an appointment of their own.
    pub patient: Option<String>,
    /// Practitioners on it.
    pub practitioners: Vec<String>,
    /// The write-back's conference id, once the EHR has given it: the group's or, outside a group, the CSN.
    pub conference_id: Option<String>,
    /// In a group: the conference id that its appointments share.
    pub group: Option<String>,
    /// Where it is: a `Location` id.
    pub location: Option<String>,
}

impl AppointmentFacts {
    /// True unless it was called off, or is no virtual visit.
    pub fn stands(&self) -> bool {
        self.is_virtual && !self.is_called_off()
    }

    /// True once it is to be as if it had not been.
    pub fn is_called_off(&self) -> bool {
        matches!(self.status.as_str(), "cancelled" | "entered-in-error")
    }
}

impl std::fmt::Debug for AppointmentFacts {
    // A patient's identifiers: a stray `{:?}` must not put them in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppointmentFacts").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why the EHR could not be read. Holds no value of the request or the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EhrError {
    /// No answer, or "not now".
    #[error("the EHR does not answer: {reason}")]
    Unreachable {
        /// What happened.
        reason: String,
        /// `Retry-After`, if the EHR gave one.
        retry_after: Option<SignedDuration>,
    },
    /// It refuses our client, our key or this read.
    #[error("the EHR refuses: {0}")]
    Refused(String),
    /// It says something no FHIR server says.
    #[error("the EHR's answer makes no sense: {0}")]
    Malformed(String),
}

impl EhrError {
    /// The reason a person is given.
    pub fn code(&self) -> ProblemCode {
        match self {
            Self::Unreachable { .. } => ProblemCode::EhrUnreachable,
            Self::Refused(_) | Self::Malformed(_) => ProblemCode::EhrRefused,
        }
    }
}

/// Most appointments of a practitioner's day; a search that finds more is refused.
pub const DAY_LIMIT: usize = 200;

/// What the EHR made of a write-back; `outbox/retry.rs` decides what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It has it.
    Accepted,
    /// It has not, and may take it later: nothing was applied.
    NotNow {
        /// A class and a status, never a body.
        reason: String,
        /// `Retry-After`, if given.
        retry_after: Option<SignedDuration>,
    },
    /// The request left and nobody can know what became of it; it may even still land.
    NobodyKnows {
        /// A class and a status, never a body.
        reason: String,
    },
    /// It never will, unless somebody acts.
    Never {
        /// One plain sentence for the EHR analyst.
        reason: String,
    },
    /// This connection has no way to say it.
    Unsupported {
        /// One plain sentence for the EHR analyst.
        reason: String,
    },
    /// An identifier it needs is not there yet.
    NoIdentifier,
    /// An earlier attempt may have been applied, the EHR cannot be asked or does not show it, and saying it again could
    /// double it.
    PossibleDouble {
        /// One plain sentence for the EHR analyst.
        reason: String,
    },
    /// Nothing was sent: what became of an earlier write-back of the same thing has to be known first.
    Wait,
    /// The lease was lost before a request left.
    Stopped,
}

impl Said {
    /// What it says about the EHR as a whole. `again`: of a row that has failed since the EHR last took anything.
    pub fn health(&self, again: bool) -> Health {
        match self {
            Self::Accepted | Self::Never { .. } | Self::NoIdentifier | Self::Wait => Health::Well,
            Self::NotNow { retry_after, .. } => Health::Ill { retry_after: *retry_after, again },
            Self::NobodyKnows { .. } => Health::Ill { retry_after: None, again },
            Self::Unsupported { .. } | Self::PossibleDouble { .. } | Self::Stopped => Health::Silent,
        }
    }
}

/// The last gate before a request that must not be doubled, or must not land late unnoticed.
#[async_trait]
pub trait Gate: Send + Sync {
    /// True while the lease is ours; from then on the row counts as perhaps applied until its outcome is known. False:
    /// send nothing and answer [`Said::Stopped`].
    async fn may_send(&self) -> bool;
}

/// One attempt, as a vendor's file needs to know it.
pub struct Attempt<'a> {
    /// The row's id: random, the same in every attempt. The business key of what a create makes.
    pub key: &'a str,
    /// An earlier attempt may have been applied: look before you create.
    pub uncertain: bool,
    /// What left then may still land.
    pub settling: bool,
    /// The same of the other states of the visit ([`Ehr::one_per_visit`]).
    pub others: Others,
    /// To be asked right before a create leaves, or a change that nothing would keep out if it landed late. A setter need
    /// not ask: its newest state is asserted again.
    pub gate: &'a dyn Gate,
}

/// What reading the EHR says about a write-back that may or may not have been applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBack {
    /// The EHR shows what it says.
    Applied,
    /// The EHR does not show it. For a state: it shows another one, which may be newer.
    NotApplied,
    /// The EHR cannot be asked about this, by nobody or not by us.
    CannotTell,
    /// The EHR does not answer now: ask again.
    NotNow,
}

/// One EHR connection.
#[async_trait]
pub trait Ehr: Send + Sync {
    /// Tells the chart. Never retries by itself: attempts belong to the outbox and its ledger. Every request is told to
    /// [`requests::left`].
    async fn write_back(&self, intent: &WriteBack, attempt: &Attempt<'_>) -> Said;

    /// Requests that a write-back takes as a rule: what a claim pays for.
    fn requests_per_row(&self) -> u32 {
        1
    }

    /// All states of a visit are one resource here, so they are told one at a time, whatever node tells them.
    fn one_per_visit(&self) -> bool {
        false
    }

    /// Reads whether the EHR shows `intent`, sent under `key`. After a restore from a backup; changes nothing.
    async fn reads_back(&self, _intent: &WriteBack, _key: &str) -> ReadBack {
        ReadBack::CannotTell
    }

    /// An appointment by its FHIR id.
    async fn appointment(&self, id: &str) -> Result<Option<AppointmentFacts>, EhrError>;

    /// An appointment by the context token of the launch record (Epic: the CSN).
    async fn appointment_by_identifier(&self, csn: &str) -> Result<Option<AppointmentFacts>, EhrError>;

    /// The appointments of a group by its conference id, one for each patient; empty where nobody knows of such a group.
    async fn appointments_of_conference(&self, _conference: &str) -> Result<Vec<AppointmentFacts>, EhrError> {
        Ok(Vec::new())
    }

    /// The appointment of an encounter; `None` also where it has several.
    async fn appointment_of_encounter(&self, encounter: &str) -> Result<Option<AppointmentFacts>, EhrError>;

    /// A practitioner's appointments that start in `from..until`, as far as they can be visits; `None`: this EHR cannot be
    /// asked. At most [`DAY_LIMIT`].
    async fn appointments_of(
        &self,
        _practitioner: &str,
        _from: Timestamp,
        _until: Timestamp,
    ) -> Result<Option<Vec<AppointmentFacts>>, EhrError> {
        Ok(None)
    }

    /// The number by which links know the patient with this FHIR id. None, where links do not carry one.
    async fn patient_number(&self, _patient: &str) -> Result<Option<String>, EhrError> {
        Ok(None)
    }

    /// The name of the practitioner with this FHIR id, as it may be shown. For the screen only: it is kept nowhere.
    async fn practitioner_name(&self, _practitioner: &str) -> Result<Option<String>, EhrError> {
        Ok(None)
    }
}

/// Through which doors of this connection an intent goes: one outbox row each. Empty: this EHR has no place for it, and it
/// is counted instead.
pub fn channels(connection: &EhrConfig, about: &About) -> Vec<Channel> {
    match connection.vendor {
        Vendor::Epic => epic::channels(connection, about),
        Vendor::OracleHealth => oracle_health::channels(about),
        Vendor::FhirR4 => generic::channels(connection, about),
    }
}

/// Whether patients come by a link of ours that stands on the appointment, and so without a launch of the portal.
pub fn links_stand_on_appointments(connection: &EhrConfig) -> bool {
    connection.vendor == Vendor::OracleHealth
}

/// Makes the vendor's connection. Contacts nobody.
#[expect(clippy::too_many_arguments, reason = "each is a different thing, named where it is made")]
pub fn connect(
    connection: &EhrConfig,
    organization: &str,
    config: &Config,
    signing_key: &Arc<SigningKey>,
    http: &reqwest::Client,
    policy: UrlPolicy,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Arc<dyn Ehr> {
    let jku = published_at(&config.public_url);
    let scope = scope(connection);
    let backend = backend::Backend::new(
        connection.backend_client_id.clone(),
        connection.iss.clone(),
        jku,
        scope,
        Arc::clone(signing_key),
        http.clone(),
        policy,
        Arc::clone(clock),
        Arc::clone(random),
    );
    let connection = connection.clone();
    match connection.vendor {
        Vendor::Epic => Arc::new(epic::Epic::new(connection, backend, http.clone(), policy)),
        Vendor::OracleHealth => Arc::new(oracle_health::OracleHealth::new(connection, backend)),
        Vendor::FhirR4 => {
            let page = format!("{}/o/{organization}/patient", config.public_url);
            Arc::new(generic::Generic::new(connection, organization, page, backend, Arc::clone(clock)))
        }
    }
}

/// Where the keys of our Backend Services client are.
pub(crate) fn published_at(public_url: &str) -> String {
    format!("{public_url}/.well-known/jwks.json")
}

/// What our backend client is registered for at this connection.
pub(crate) fn scope(connection: &EhrConfig) -> String {
    match connection.vendor {
        Vendor::Epic => epic::scope(connection),
        Vendor::OracleHealth => oracle_health::SCOPE.to_owned(),
        Vendor::FhirR4 => generic::scope(connection),
    }
}

/// What we have to write through FHIR at this connection and its CapabilityStatement does not offer, in FHIR's words.
pub(crate) fn lacking(connection: &EhrConfig, statement: &Value) -> Vec<&'static str> {
    let can = Capabilities::of(statement);
    match connection.vendor {
        Vendor::Epic => epic::lacking(connection, &can),
        Vendor::OracleHealth => oracle_health::lacking(&can),
        Vendor::FhirR4 => generic::lacking(connection, &can),
    }
}

#[cfg(test)]
mod tests;
