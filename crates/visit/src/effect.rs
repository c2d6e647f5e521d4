//! What must happen because a visit changed. Written in the same transaction as the visit.

use serde::{Deserialize, Serialize};

use crate::chart::ChartStatus;
use crate::ids::ParticipantId;
use crate::time::{Millis, Timestamp};

/// What must happen because the visit changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// "This participant of this visit is now connected": an intent, which each vendor's file knows how to say.
    WriteBack {
        /// Whom.
        participant: ParticipantId,
        /// What the chart should show.
        status: ChartStatus,
        /// When it became so, by the evidence.
        at: Timestamp,
        /// The chart may know already; it is said again since nobody can be sure (after a restore).
        again: bool,
    },
    /// Somebody waits and nobody has taken it on: tell the clinicians.
    RaiseAlert {
        /// Who has waited longest.
        who: ParticipantId,
        /// Waiting since.
        since: Timestamp,
    },
    /// The alert has stood too long: tell the delegates as well.
    Escalate {
        /// Who has waited longest.
        who: ParticipantId,
        /// Waiting since.
        since: Timestamp,
    },
    /// It is taken care of, or the patient has left: take the alert down everywhere.
    WithdrawAlert,
    /// Somebody left before any clinician saw them.
    LeftUnseen {
        /// Who.
        participant: ParticipantId,
        /// How long they had waited.
        waited: Millis,
    },
    /// Somebody asked for help.
    HelpWanted {
        /// Who.
        participant: ParticipantId,
    },
    /// The visit closed.
    Closed,
}
