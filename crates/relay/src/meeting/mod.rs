//! Meetings as the rest of the relay sees them: made or found under one organizer, watched, looked back on.
//! `teams.rs` holds the policy, `graph/` the plumbing. Nothing here knows a patient or an EHR.

pub mod graph;
pub mod links;
pub(crate) mod of_visit;
pub mod teams;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use roomed_protocol::{ProblemCode, WhoCanFix};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// What a meeting is made from. All of it is ours or Entra's; nothing comes from a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingRequest {
    /// Random, ours, kept with the visit: the same id always finds the same meeting.
    pub external_id: String,
    /// Entra object id of the organizer recorded for the visit. Never change it for an existing `external_id`:
    /// Graph knows a meeting by (tenant, organizer, externalId).
    pub organizer: String,
    /// Entra object ids of everyone who may let people in. Always the full list.
    pub co_organizers: Vec<String>,
    /// Planned start.
    pub start: Timestamp,
    /// Planned end.
    pub end: Timestamp,
}

/// A meeting that exists and has our settings. Serialized only to be sealed under its visit's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meeting {
    /// Graph's `onlineMeeting` id.
    pub id: String,
    /// Entra object id of the organizer.
    pub organizer: String,
    /// Opaque; for clinicians.
    pub join_web_url: String,
    /// Opaque; for the patient: the browser join, or `joinWebUrl` where the tenant has none.
    pub patient_join_url: String,
    /// Whether the patient's link is the Virtual Appointment one.
    pub virtual_appointment: bool,
    /// `chatInfo.threadId`.
    pub thread: Option<String>,
}

/// Our hold on a Graph subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Graph's id.
    pub subscription_id: String,
    /// When Graph ends it.
    pub expires_at: Timestamp,
    /// The certificate its notifications are sealed for. A renewal does not change it.
    pub certificate_id: String,
}

/// What a provider can do about ending a meeting for everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Nothing: links are revoked, people are asked to leave (reference/microsoft.md 3.4).
    CloseOnly,
    /// A call leg of ours removes people and sees them gone.
    Verified,
}

/// Somebody's times in a meeting, from the report Graph writes afterwards. Names and addresses are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attended {
    /// Who, as far as Graph tells.
    pub identity: LegIdentity,
    /// Joined and left.
    pub intervals: Vec<(Timestamp, Timestamp)>,
}

/// Something that happened in a watched meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingEvent {
    /// Which watch saw it.
    pub subscription_id: String,
    /// The same event delivered twice has the same id.
    pub event_id: String,
    /// Graph's time; never later than ours.
    pub occurred_at: Timestamp,
    /// What.
    pub kind: MeetingEventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeetingEventKind {
    /// The first person is in.
    CallStarted,
    /// The call is over for all.
    CallEnded,
    /// These call legs changed; the others did not.
    Roster(Vec<Leg>),
}

/// One call leg: a person on one device, from lobby to leaving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// `participant.id`, stable for the leg.
    pub id: String,
    /// Where the leg is now.
    pub state: LegState,
    /// Whose it is.
    pub identity: LegIdentity,
    /// `rosterSequenceNumber`, where Graph sends it: higher is newer.
    pub sequence: Option<u64>,
}

/// Where a call leg is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegState {
    /// Waits to be admitted.
    Lobby,
    /// In the meeting.
    In,
    /// Gone.
    Left {
        /// Teams noticed silence instead of a goodbye.
        inactive: bool,
    },
}

/// Whose call leg it is. There is no field for a name: a guest types it as they like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegIdentity {
    /// Signed in to Entra.
    User {
        /// Object id.
        oid: String,
        /// Tenant id, where Graph sends it.
        tid: Option<String>,
    },
    /// An app that joined over Graph: a bot, a recorder, or the relay itself.
    Application {
        /// Its client id.
        id: String,
    },
    /// Nobody Entra knows.
    Guest {
        /// Azure Communication Services id (`8:acs:...`): ours if we minted it.
        acs_id: Option<String>,
    },
    /// A phone, something newer.
    Other,
}

/// Why the Microsoft 365 admin has something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalReason {
    /// Entra refuses the relay's client id or secret.
    ClientCredentials,
    /// No application access policy lets the relay make meetings for this organizer (G-AAP).
    AccessPolicyMissing,
    /// An application permission is missing or not consented.
    PermissionMissing,
    /// The organizer or a co-organizer is not in the tenant.
    PersonUnknown,
    /// Graph could not reach or verify our notification address.
    NotificationAddress,
    /// The relay lacks the permission to join a call as an app.
    CallsNotPermitted,
    /// The relay may join, and the tenant does not let it remove people.
    RemovalNotAllowed,
    /// Our leg waits in the meeting's lobby, so it can remove nobody.
    HeldAtLobby,
    /// Graph refuses the request for another reason.
    Request,
    /// Graph's answer is not one we understand.
    Answer,
}

impl RefusalReason {
    /// For metrics, logs and the doctor.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client-credentials",
            Self::AccessPolicyMissing => "access-policy-missing",
            Self::PermissionMissing => "permission-missing",
            Self::PersonUnknown => "person-unknown",
            Self::NotificationAddress => "notification-address",
            Self::CallsNotPermitted => "calls-not-permitted",
            Self::RemovalNotAllowed => "removal-not-allowed",
            Self::HeldAtLobby => "held-at-lobby",
            Self::Request => "request",
            Self::Answer => "answer",
        }
    }

    /// The reason behind a word of [`RefusalReason::as_str`] that is about removing people.
    pub fn of_removal(word: &str) -> Option<Self> {
        let all = [
            Self::CallsNotPermitted,
            Self::RemovalNotAllowed,
            Self::HeldAtLobby,
            Self::ClientCredentials,
            Self::AccessPolicyMissing,
            Self::PermissionMissing,
            Self::Request,
            Self::Answer,
        ];
        all.into_iter().find(|it| it.as_str() == word)
    }

    /// Who can do something about it.
    pub fn who(self) -> WhoCanFix {
        match self {
            Self::NotificationAddress | Self::Request | Self::Answer => WhoCanFix::It,
            _ => WhoCanFix::Microsoft365Admin,
        }
    }

    /// One sentence for the person on the phone with IT.
    pub fn detail(self) -> &'static str {
        match self {
            Self::ClientCredentials => "Microsoft Entra refuses the relay's client id or secret. Renew the secret.",
            Self::AccessPolicyMissing => {
                "The relay may not make meetings for the organizer. Grant the application access policy \
                 (Grant-CsApplicationAccessPolicy); it takes up to 30 minutes."
            }
            Self::PermissionMissing => {
                "The relay lacks a Microsoft Graph application permission. Grant admin consent for its permissions."
            }
            Self::PersonUnknown => "The meeting's organizer or clinician is not in the Microsoft 365 tenant.",
            Self::NotificationAddress => "Microsoft Graph cannot reach the relay's notification address.",
            Self::CallsNotPermitted => {
                "Roomed may not join calls as an app, so it cannot remove people. Grant admin consent for \
                 Calls.JoinGroupCall.All."
            }
            Self::RemovalNotAllowed => {
                "The tenant does not let Roomed remove people. Run Set-CsApplicationMeetingConfiguration with \
                 -AllowRemoveParticipantAppIds."
            }
            Self::HeldAtLobby => {
                "Roomed waits in the meeting's lobby and cannot remove people from there. Let it in, or set the \
                 organization's lobby to \"organization\"."
            }
            Self::Request => "Microsoft Graph refuses the meeting.",
            Self::Answer => "Microsoft Graph answered in a form the relay does not know.",
        }
    }
}

/// A meeting could not be made, watched or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MeetingError {
    /// Somebody must change something first; trying again does not help.
    #[error("Graph refuses: {}", .reason.as_str())]
    Refused {
        /// What.
        reason: RefusalReason,
    },
    /// The thing asked about is no more (a subscription that ran out, a deleted meeting): make it anew.
    #[error("Graph has no such object any more")]
    Gone,
    /// Graph or Entra does not answer in time, throttles, or fails. Everything here may be asked again.
    #[error("Graph cannot be reached")]
    Unreachable {
        /// How long they ask us to wait, at most an hour.
        retry_after: Option<Duration>,
    },
}

impl MeetingError {
    /// The problem told to the caller.
    pub fn code(&self) -> ProblemCode {
        match self {
            Self::Refused { .. } | Self::Gone => ProblemCode::MeetingRefused,
            Self::Unreachable { .. } => ProblemCode::MeetingUnreachable,
        }
    }
}

/// A provider of meetings for one organization. Every call may be repeated.
#[async_trait]
pub trait Meetings: Send + Sync {
    /// Makes or finds the meeting and gives it our settings. Show no link before [`Meetings::watch`] has succeeded.
    async fn ensure(&self, request: &MeetingRequest) -> Result<Meeting, MeetingError>;

    /// Subscribes to the meeting's call events; an earlier watch of the same meeting is replaced.
    /// `client_state` is a fresh secret of at most 128 characters: keep [`graph::client_state_hash`] of it only.
    async fn watch(&self, meeting: &Meeting, client_state: &SecretString) -> Result<Watch, MeetingError>;

    /// Prolongs a watch and returns its new end. `Gone`: watch again.
    async fn renew(&self, subscription_id: &str) -> Result<Timestamp, MeetingError>;

    /// Ends a watch; one that is already gone is no error.
    async fn unwatch(&self, subscription_id: &str) -> Result<(), MeetingError>;

    /// Deletes a meeting that nobody needs, so that its links open nothing; one that is already gone is no error. Nothing is
    /// promised of people who are in its call (reference/microsoft.md 3.4): ask for it once they are out.
    async fn discard(&self, meeting: &Meeting) -> Result<(), MeetingError>;

    /// What ending for all can mean here, as far as anybody knows: what is configured, and what came of the last try.
    fn ending(&self) -> Capability;

    /// Why nobody can be removed although that is configured.
    fn not_removed(&self) -> Option<RefusalReason> {
        None
    }

    /// Our own leg in a call, whether or not it is configured now: one that is in has to come out.
    fn removal<'a>(&'a self) -> Option<Box<dyn Removal + 'a>> {
        None
    }

    /// Who was there and when; empty until the meeting has ended.
    async fn attendance(&self, meeting: &Meeting) -> Result<Vec<Attended>, MeetingError>;
}

/// Our own leg in a meeting's call, from which people can be removed. Every call but [`Removal::enter`] may be repeated.
#[async_trait]
pub trait Removal: Send + Sync {
    /// Comes in; answers with the call's id. After `Unreachable` nobody knows: a leg of ours that came in unseen is among
    /// [`Removal::people`].
    async fn enter(&self, meeting: &Meeting) -> Result<String, MeetingError>;

    /// Everybody in the call and its lobby beside ourselves, by ids that mean nothing elsewhere; nothing while we wait at
    /// the door. `Gone`: our leg is no more.
    async fn people(&self, call: &str) -> Result<Option<Vec<String>>, MeetingError>;

    /// Puts one out, in one request. Whoever has gone already is no error.
    async fn remove(&self, call: &str, person: &str) -> Result<(), MeetingError>;

    /// Our leg leaves; everybody else stays.
    async fn leave(&self, call: &str) -> Result<(), MeetingError>;
}
