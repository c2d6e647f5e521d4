//! What can happen to a visit: testimony (what a witness saw), commands (what a person or the relay decided), time.

use serde::{Deserialize, Serialize};

use crate::Source;
use crate::device_test::DeviceTest;
use crate::ids::{LegId, Oid, ParticipantId};
use crate::leg::{Identity, LegState};
use crate::message::{Answer, MessageId, Preset, Speaker};
use crate::participant::GuestKind;
use crate::plan::Plan;
use crate::time::Timestamp;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VisitEvent {
    /// A witness saw something. Any order, any number of times: the same visit results.
    Witnessed(Testimony),
    /// Somebody decided something. Takes effect in commit order.
    Decided(Command),
    /// Only time has passed.
    Tick,
}

/// What a witness saw, with the time it happened (not the time we heard of it).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Testimony {
    /// The patient is ready: *I'm ready* on our page, or the EHR's `arrived` / `checked-in`.
    Ready {
        /// Who.
        participant: ParticipantId,
        /// When.
        at: Timestamp,
        /// Who says so.
        source: Source,
    },
    /// A socket of our page opened.
    PageOpened {
        /// Whose page.
        participant: ParticipantId,
        /// This socket.
        leg: LegId,
        /// When.
        at: Timestamp,
    },
    /// That socket closed.
    PageClosed {
        /// Whose page.
        participant: ParticipantId,
        /// This socket.
        leg: LegId,
        /// When.
        at: Timestamp,
    },
    /// Our page is about to open the meeting for this person.
    HandedOver {
        /// Whom.
        participant: ParticipantId,
        /// When.
        at: Timestamp,
    },
    /// The roster said something about a leg.
    Roster {
        /// Graph's `participant.id`.
        leg: LegId,
        /// Who, as well as the roster knows.
        identity: Identity,
        /// Where they are.
        state: LegState,
        /// The event's `eventDateTime`.
        at: Timestamp,
    },
    /// The call as a whole ended.
    CallEnded {
        /// The event's `eventDateTime`.
        at: Timestamp,
    },
    /// Staff have roomed the patient.
    Roomed {
        /// When.
        at: Timestamp,
    },
    /// *Leave* on our page.
    Left {
        /// Who.
        participant: ParticipantId,
        /// When.
        at: Timestamp,
    },
    /// Our page tested its devices. No arrival.
    Tested {
        /// Whose.
        participant: ParticipantId,
        /// How it ended.
        test: DeviceTest,
        /// When.
        at: Timestamp,
    },
    /// *I need help* on our page.
    Help {
        /// Who.
        participant: ParticipantId,
        /// When.
        at: Timestamp,
    },
    /// A preset was answered on our page.
    Answered {
        /// By whom.
        participant: ParticipantId,
        /// Which.
        message: MessageId,
        /// What.
        answer: Answer,
        /// When.
        at: Timestamp,
    },
}

/// Whom to expect besides those on the appointment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// Another patient of a group.
    Patient,
    /// Somebody who acts for a patient.
    Proxy {
        /// For whom.
        of: ParticipantId,
    },
    /// Somebody who comes by link.
    Guest {
        /// What for.
        kind: GuestKind,
    },
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// A clinician proved a launch of this visit.
    Launched {
        /// Their place in the visit; a new one for a colleague who covers.
        participant: ParticipantId,
        /// Their Entra object id.
        oid: Oid,
        /// Not on the appointment: "covering for a colleague".
        covering: bool,
    },
    /// The meeting exists and is watched.
    MeetingReady,
    /// A clinician pressed *Join*: the patient may come.
    Call {
        /// Who pressed.
        by: ParticipantId,
    },
    /// Somebody saw the alert and takes it on.
    Acknowledge {
        /// Who.
        by: Oid,
    },
    /// A companion has been handed the alert.
    Told {
        /// A delegate's, not one of the visit's clinicians'.
        delegate: bool,
    },
    /// The clinician ends the visit for all.
    End {
        /// Who.
        by: ParticipantId,
    },
    /// The clinician takes the end back, within five minutes.
    UndoEnd,
    /// The appointment was cancelled in the EHR. While a clinician is with somebody in the meeting it waits for them.
    Cancel,
    /// A cancelled appointment stands again in the EHR.
    Reinstate,
    /// In a group, one patient's own appointment was cancelled: the visit goes on for the others, and without any other
    /// it is cancelled.
    Withdraw {
        /// Whose.
        participant: ParticipantId,
    },
    /// Somebody else is to come. A guest who was sent away, or a patient who was withdrawn, is welcome again.
    Expect {
        /// Their place in the visit.
        participant: ParticipantId,
        /// Who they are.
        whom: Expected,
    },
    /// A guest is to come no more.
    Revoke {
        /// Their place.
        participant: ParticipantId,
    },
    /// A clinician says whose an unattributed leg is; nobody's takes it back. Shown, and never written to a chart.
    Assign {
        /// The leg.
        leg: LegId,
        /// Whose it is.
        to: Option<ParticipantId>,
    },
    /// A preset message.
    Say {
        /// Unique within the visit.
        id: MessageId,
        /// By whom.
        by: Speaker,
        /// To whom; to everybody who waits where nobody is named.
        to: Option<ParticipantId>,
        /// What.
        preset: Preset,
    },
    /// Somebody takes a request for help on.
    HelpTaken {
        /// Whose request.
        participant: ParticipantId,
    },
    /// The visit came out of a backup: what the chart was told since then nobody knows.
    Restored,
    /// The EHR's appointment as it stands now: moved, or with other clinicians on it.
    Refresh {
        /// The planned times.
        plan: Plan,
        /// Everybody on it, with the Microsoft identity where an earlier launch has linked it.
        practitioners: Vec<(ParticipantId, Option<Oid>)>,
    },
}
