//! EHRs as the rest of the relay sees them: an intent to tell the chart something, and the few reads a launch needs.
//! The only match on the vendor is [`connect`]; a vendor's words are in its own file. Nothing of a resource leaves here
//! but [`AppointmentFacts`].

pub mod backend;
pub mod epic;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use roomed_protocol::ProblemCode;
use roomed_smart::UrlPolicy;
use roomed_smart::keys::SigningKey;

use crate::clock::{Clock, Random};
use crate::config::{Config, EhrConfig, Vendor};
use crate::outbox::WriteBack;

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
    /// The one patient on it. An appointment with none or several is not found: a group visit has no one door.
    pub patient: String,
    /// Practitioners on it.
    pub practitioners: Vec<String>,
    /// The CSN, once the EHR has given it: the write-back's conference id.
    pub conference_id: Option<String>,
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
}

/// One EHR connection.
#[async_trait]
pub trait Ehr: Send + Sync {
    /// Tells the chart. Never retries by itself: attempts belong to the outbox and its record.
    async fn write_back(&self, intent: &WriteBack) -> Said;

    /// An appointment by its FHIR id.
    async fn appointment(&self, id: &str) -> Result<Option<AppointmentFacts>, EhrError>;

    /// An appointment by the context token of the launch record (Epic: the CSN).
    async fn appointment_by_identifier(&self, csn: &str) -> Result<Option<AppointmentFacts>, EhrError>;

    /// The appointment of an encounter; `None` also where it has several.
    async fn appointment_of_encounter(&self, encounter: &str) -> Result<Option<AppointmentFacts>, EhrError>;
}

/// Makes the vendor's connection. Contacts nobody.
pub fn connect(
    connection: &EhrConfig,
    config: &Config,
    signing_key: &Arc<SigningKey>,
    http: &reqwest::Client,
    policy: UrlPolicy,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Arc<dyn Ehr> {
    let jku = format!("{}/.well-known/jwks.json", config.public_url);
    let backend = backend::Backend::new(
        connection.backend_client_id.clone(),
        connection.iss.clone(),
        jku,
        Arc::clone(signing_key),
        http.clone(),
        policy,
        Arc::clone(clock),
        Arc::clone(random),
    );
    match connection.vendor {
        Vendor::Epic => Arc::new(epic::Epic::new(connection.clone(), backend, policy)),
    }
}
