//! Who takes part. No name and no EHR id: the relay keeps those beside the visit, sealed.

use serde::{Deserialize, Serialize};

use crate::ids::{Oid, ParticipantId};
use crate::time::Timestamp;

/// What somebody is in this visit, with the facts that go with it. A kind of visit (with a patient, between colleagues,
/// a group) is nothing but who is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A patient. Patients and their proxies can arrive, nobody else.
    Patient,
    /// Somebody who acts for a patient.
    Proxy {
        /// For whom.
        of: ParticipantId,
    },
    /// A clinician.
    Practitioner {
        /// Known once a launch has proven it, or an earlier launch has linked it.
        oid: Option<Oid>,
        /// Not on the appointment.
        covering: bool,
        /// When a launch of this visit was first proven.
        launched: Option<Timestamp>,
    },
    /// Somebody who comes by a link a clinician gave them.
    Guest {
        /// What for.
        kind: GuestKind,
        /// When they were invited.
        invited: Timestamp,
        /// When that was taken back.
        revoked: Option<Timestamp>,
    },
}

/// What a guest comes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestKind {
    /// Interprets.
    Interpreter,
    /// Family or a friend.
    Family,
    /// A clinician of another organization.
    Colleague,
}

/// One person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// What they are here.
    pub role: Role,
    /// What the chart was last asked to show.
    pub(crate) told_chart: Option<crate::chart::ChartStatus>,
    /// After a restore: whether the chart shows that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) doubt: Option<crate::doubt::Doubt>,
}

impl Participant {
    /// A patient.
    pub fn patient() -> Self {
        Self::new(Role::Patient)
    }

    /// Somebody who acts for a patient.
    pub fn proxy(of: ParticipantId) -> Self {
        Self::new(Role::Proxy { of })
    }

    /// A clinician of the appointment; `oid` if an earlier launch has linked them.
    pub fn practitioner(oid: Option<Oid>) -> Self {
        Self::new(Role::Practitioner { oid, covering: false, launched: None })
    }

    /// Somebody invited at `at`.
    pub fn guest(kind: GuestKind, at: Timestamp) -> Self {
        Self::new(Role::Guest { kind, invited: at, revoked: None })
    }

    fn new(role: Role) -> Self {
        Self { role, told_chart: None, doubt: None }
    }

    /// True for a patient.
    pub fn is_patient(&self) -> bool {
        matches!(self.role, Role::Patient)
    }

    /// True for a clinician of the organization.
    pub fn is_practitioner(&self) -> bool {
        matches!(self.role, Role::Practitioner { .. })
    }

    /// The clinician's Entra object id, where known.
    pub fn oid(&self) -> Option<&Oid> {
        match &self.role {
            Role::Practitioner { oid, .. } => oid.as_ref(),
            Role::Patient | Role::Proxy { .. } | Role::Guest { .. } => None,
        }
    }

    /// What the chart was last asked to show of them.
    pub fn told_chart(&self) -> Option<crate::chart::ChartStatus> {
        self.told_chart
    }
}
