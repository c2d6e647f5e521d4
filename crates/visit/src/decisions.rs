//! What people decided, in commit order. The last word of each kind stands.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::closing::Closed;
use crate::ids::{LegId, Oid, ParticipantId};
use crate::message::Message;
use crate::time::Timestamp;

/// Somebody saw the alert and takes it on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Who.
    pub by: Oid,
    /// When.
    pub at: Timestamp,
}

/// A clinician pressed *Join*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Called {
    /// Who.
    pub by: ParticipantId,
    /// When first.
    pub at: Timestamp,
}

/// Whose companions were handed the alert, and when first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// One of the visit's clinicians.
    pub clinician: Option<Timestamp>,
    /// A delegate.
    pub delegate: Option<Timestamp>,
}

/// A clinician ended the visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Who.
    pub by: ParticipantId,
    /// When.
    pub at: Timestamp,
}

/// The sum of the decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decisions {
    /// The meeting exists and is watched, since.
    pub meeting_ready: Option<Timestamp>,
    /// The patient may come.
    pub called: Option<Called>,
    /// The alert is somebody's.
    pub acknowledged: Option<Acknowledged>,
    /// Whom the alert has reached.
    pub told: Told,
    /// The clinician ended the visit; it closes when everybody is out.
    pub ended: Option<Ended>,
    /// The appointment was cancelled, and nobody is to be in the visit any more.
    pub cancelled: Option<Timestamp>,
    /// The EHR said so while a clinician was with somebody: it counts once that clinician has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called_off: Option<Timestamp>,
    /// A clinician began a closed visit again from the chart.
    pub reopened: Option<Timestamp>,
    /// Patients of a group whose own appointment was cancelled, while the visit goes on for the others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) withdrawn: BTreeMap<ParticipantId, Timestamp>,
    /// The visit is over for good.
    pub closed: Option<Closed>,
    /// When an end was last taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<Timestamp>,
    /// Whose an unattributed leg is, in a clinician's words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub assigned: BTreeMap<LegId, ParticipantId>,
    /// What was said, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) messages: Vec<Message>,
    /// When somebody's request for help was last taken on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) help_taken: BTreeMap<ParticipantId, Timestamp>,
}
