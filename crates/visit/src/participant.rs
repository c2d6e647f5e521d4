//! Who takes part. No name and no EHR id: the relay keeps those beside the visit, sealed.

use serde::{Deserialize, Serialize};

use crate::ids::Oid;
use crate::time::Timestamp;

/// What somebody is in this visit, with the facts that go with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The patient, or the proxy acting for them. Only they can arrive.
    Patient,
    /// A clinician.
    Practitioner {
        /// Known once a launch has proven it, or an earlier launch has linked it.
        oid: Option<Oid>,
        /// Not on the appointment.
        covering: bool,
        /// When a launch of this visit was first proven.
        launched: Option<Timestamp>,
    },
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
    /// The patient.
    pub fn patient() -> Self {
        Self { role: Role::Patient, told_chart: None, doubt: None }
    }

    /// A clinician of the appointment; `oid` if an earlier launch has linked them.
    pub fn practitioner(oid: Option<Oid>) -> Self {
        Self { role: Role::Practitioner { oid, covering: false, launched: None }, told_chart: None, doubt: None }
    }

    /// True for the patient.
    pub fn is_patient(&self) -> bool {
        matches!(self.role, Role::Patient)
    }

    /// The clinician's Entra object id, where known.
    pub fn oid(&self) -> Option<&Oid> {
        match &self.role {
            Role::Patient => None,
            Role::Practitioner { oid, .. } => oid.as_ref(),
        }
    }

    /// What the chart was last asked to show of them.
    pub fn told_chart(&self) -> Option<crate::chart::ChartStatus> {
        self.told_chart
    }
}
