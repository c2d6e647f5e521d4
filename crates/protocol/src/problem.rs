//! What is wrong, in one closed list: RFC 9457 problem details with our code and who can fix it.
//! The words people read are in the UI's one table; `detail` is for the person on the phone with IT.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Every reason the relay or the companion refuses for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemCode {
    /// The link is malformed, too long or carries control characters.
    LinkRefused,
    /// The `iss` is not of an approved mapping.
    UnknownIss,
    /// The organization is of another region: its relay has another address, which `address` says.
    OtherRegion,
    /// No Microsoft sign-in, or it has ended.
    NotSignedIn,
    /// Signed in to another organization's tenant.
    WrongTenant,
    /// The Microsoft token does not hold up.
    TokenRefused,
    /// The nonce is unknown, used, expired or another's.
    NonceRefused,
    /// The EHR's `id_token` does not hold up.
    IdTokenRefused,
    /// `fhirUser` is not of a practitioner type.
    NotAPractitioner,
    /// The handle is unknown, used or older than five minutes.
    HandleUnknown,
    /// The EHR refused the launch: replayed, expired, or not for this user.
    LaunchRefused,
    /// A native launch without an encounter, or of a group visit.
    LaunchWithoutAppointment,
    /// The EHR has no such appointment.
    AppointmentNotFound,
    /// Not of a type the organization configured as virtual.
    NotVirtual,
    /// FHIR `cancelled`.
    AppointmentCancelled,
    /// FHIR `noshow`.
    AppointmentNoshow,
    /// FHIR `entered-in-error`.
    AppointmentEnteredInError,
    /// FHIR `fulfilled`.
    AppointmentFulfilled,
    /// Not on the appointment: say once that you cover for a colleague.
    CoveringNeeded,
    /// The organization does not allow covering.
    CoveringForbidden,
    /// The chart launched from is another patient's than the appointment's.
    WrongPatient,
    /// EHR user and Microsoft account have never been linked: their clinician says once that they are both.
    FirstLink,
    /// The EHR user is linked to another Microsoft account, or this account to another EHR user.
    WrongPerson,
    /// The EHR does not answer.
    EhrUnreachable,
    /// The EHR refuses the relay.
    EhrRefused,
    /// Graph refuses to make the meeting.
    MeetingRefused,
    /// Graph does not answer.
    MeetingUnreachable,
    /// No such visit, or not yours.
    VisitNotFound,
    /// The visit is over.
    VisitClosed,
    /// The five minutes in which *End for all* can be taken back are over.
    UndoTooLate,
    /// The offer to open a visit here was answered, has expired or is somebody else's.
    OfferOver,
    /// The guest has left the visit's list, or is somebody who needs no link.
    GuestUnknown,
    /// No mail address, or no telephone number.
    AddressRefused,
    /// Nothing is configured that could send a link.
    SendingNotConfigured,
    /// The organization has no such write-back.
    WriteBackUnknown,
    /// The write-back does not stand as it did: what was asked for cannot be done with it.
    WriteBackChanged,
    /// The Microsoft account has no role that allows this.
    RoleMissing,
    /// Asked too often.
    TooManyRequests,
    /// The request is malformed.
    BadRequest,
    /// The relay cannot be reached.
    RelayUnreachable,
    /// The relay could not be told, and what was pressed is nothing to be done later by itself.
    NotWhileOffline,
    /// The operating system's keychain is locked.
    KeychainLocked,
    /// There is no keychain.
    KeychainMissing,
    /// Our fault.
    Internal,
}

/// The person to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum WhoCanFix {
    /// The reader.
    Clinician,
    /// The organization's Microsoft 365 admin.
    #[serde(rename = "microsoft-365-admin")]
    Microsoft365Admin,
    /// The organization's EHR analyst.
    EhrAnalyst,
    /// IT.
    It,
}

impl ProblemCode {
    /// Who can do something about it.
    pub fn who(self) -> WhoCanFix {
        use ProblemCode as P;
        match self {
            P::NotSignedIn
            | P::NonceRefused
            | P::HandleUnknown
            | P::LaunchRefused
            | P::LaunchWithoutAppointment
            | P::AppointmentCancelled
            | P::AppointmentNoshow
            | P::AppointmentEnteredInError
            | P::AppointmentFulfilled
            | P::CoveringNeeded
            | P::WrongPatient
            | P::FirstLink
            | P::WrongPerson
            | P::VisitNotFound
            | P::VisitClosed
            | P::UndoTooLate
            | P::OfferOver
            | P::NotWhileOffline
            | P::GuestUnknown
            | P::AddressRefused
            | P::TooManyRequests
            | P::WrongTenant
            | P::KeychainLocked => WhoCanFix::Clinician,
            P::MeetingRefused | P::RoleMissing => WhoCanFix::Microsoft365Admin,
            P::UnknownIss
            | P::IdTokenRefused
            | P::NotAPractitioner
            | P::AppointmentNotFound
            | P::NotVirtual
            | P::CoveringForbidden
            | P::WriteBackUnknown
            | P::WriteBackChanged
            | P::EhrRefused => WhoCanFix::EhrAnalyst,
            P::LinkRefused
            | P::TokenRefused
            | P::OtherRegion
            | P::EhrUnreachable
            | P::MeetingUnreachable
            | P::SendingNotConfigured
            | P::BadRequest
            | P::RelayUnreachable
            | P::KeychainMissing
            | P::Internal => WhoCanFix::It,
        }
    }
}

/// `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Problem {
    /// Always `about:blank` (RFC 9457, 4.2.1): the code tells.
    #[serde(rename = "type")]
    pub kind: String,
    /// A few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Ours.
    pub code: ProblemCode,
    /// What happened and what to do, in plain words, without any value of the request.
    pub detail: String,
    /// Who can fix it.
    pub who: WhoCanFix,
}
