//! One exhaustive match from every reason we refuse for to status and words (RFC 9457). A detail never repeats a value
//! of the request: whoever reads a log or a screenshot of it learns nothing about a patient.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use roomed_protocol::{Problem, ProblemCode};

use crate::ehr::EhrError;
use crate::identity::Unproven;
use crate::meeting::MeetingError;
use crate::store::{CommitError, StoreError};

/// A refusal on its way to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal(pub ProblemCode);

/// What handlers return.
pub type Answer<T> = Result<T, Refusal>;

/// Status, title and detail of a code.
fn words(code: ProblemCode) -> (StatusCode, &'static str, &'static str) {
    use ProblemCode as P;
    match code {
        P::LinkRefused => (StatusCode::BAD_REQUEST, "The link cannot be used", "Begin the visit again from the chart."),
        P::UnknownIss => (
            StatusCode::FORBIDDEN,
            "This EHR is not connected",
            "The EHR address of this launch is not one your organization has approved. The EHR analyst can compare it with the address approved in Roomed.",
        ),
        P::OtherRegion => (
            StatusCode::MISDIRECTED_REQUEST,
            "Another Roomed looks after your organization",
            "Nothing was kept here. IT can correct the address of Roomed on this computer, or in the EHR's launch record:",
        ),
        P::NotSignedIn => (StatusCode::UNAUTHORIZED, "Not signed in", "Sign in with your Microsoft account."),
        P::WrongTenant => (
            StatusCode::UNAUTHORIZED,
            "Another organization's account",
            "Sign out and sign in with your hospital's Microsoft account.",
        ),
        P::TokenRefused => (
            StatusCode::UNAUTHORIZED,
            "The Microsoft sign-in does not hold",
            "Sign in again. If it goes on, IT can check the workstation's clock and Roomed's app registration.",
        ),
        P::NonceRefused => (StatusCode::FORBIDDEN, "The launch took too long", "Begin the visit again from the chart."),
        P::IdTokenRefused => (
            StatusCode::FORBIDDEN,
            "The EHR's statement does not hold",
            "The EHR's sign-in statement was not meant for Roomed or cannot be verified. The EHR analyst can check the client id and signing keys.",
        ),
        P::NotAPractitioner => (
            StatusCode::FORBIDDEN,
            "Not a clinician's record",
            "Your EHR user is not linked to a practitioner record. The EHR analyst can link it.",
        ),
        P::HandleUnknown => (StatusCode::GONE, "The link has expired", "Begin the visit again from the chart."),
        P::LaunchRefused => {
            (StatusCode::FORBIDDEN, "The EHR refused the launch", "Begin the visit again from the chart.")
        }
        P::LaunchWithoutAppointment => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "The launch names no appointment",
            "Start the visit from the appointment's https link in the chart.",
        ),
        P::AppointmentNotFound => (
            StatusCode::NOT_FOUND,
            "The EHR has no such appointment",
            "The EHR analyst can check the context token of the launch record and the identifier system.",
        ),
        P::NotVirtual => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "Not a virtual visit",
            "This appointment's type is not one your organization uses for virtual visits. The EHR analyst can change its type or add it in Roomed.",
        ),
        P::AppointmentCancelled => (StatusCode::CONFLICT, "The appointment is cancelled", "Check the schedule."),
        P::AppointmentNoshow => (StatusCode::CONFLICT, "The appointment is marked as no-show", "Check the schedule."),
        P::AppointmentEnteredInError => {
            (StatusCode::CONFLICT, "The appointment was entered in error", "Check the schedule.")
        }
        P::AppointmentFulfilled => {
            (StatusCode::CONFLICT, "The appointment is already completed", "Check the schedule.")
        }
        P::CoveringNeeded => (
            StatusCode::CONFLICT,
            "You are not on this appointment",
            "If you cover for a colleague, say so and go on. It is recorded and your colleague is told.",
        ),
        P::CoveringForbidden => (
            StatusCode::FORBIDDEN,
            "You are not on this appointment",
            "Your organization does not allow covering from Roomed. The EHR analyst can put you on the appointment.",
        ),
        P::WrongPatient => (
            StatusCode::CONFLICT,
            "The chart is another patient's",
            "The chart you launched from is not the one of this appointment. Open the right chart and begin again.",
        ),
        P::FirstLink => (
            StatusCode::CONFLICT,
            "Is this you in both?",
            "Your EHR user and your Microsoft account have never been used together in Roomed. Say once that both are you; if they are not, sign out and sign in as yourself.",
        ),
        P::WrongPerson => (
            StatusCode::CONFLICT,
            "Signed in as somebody else",
            "The person signed in to the EHR and the person signed in to Roomed are not the same. Sign out of Roomed and sign in as yourself. If your Microsoft account was replaced, IT can remove the old link (roomed-relay unlink).",
        ),
        P::EhrUnreachable => {
            (StatusCode::BAD_GATEWAY, "The EHR does not answer", "Try again in a minute. If it goes on, tell IT.")
        }
        P::EhrRefused => (
            StatusCode::BAD_GATEWAY,
            "The EHR refuses Roomed",
            "The EHR analyst can check Roomed's client, its keys and its scopes.",
        ),
        P::MeetingRefused => (
            StatusCode::BAD_GATEWAY,
            "Teams refuses to make the meeting",
            "The Microsoft 365 admin can check the permissions and the application access policy; a new policy may take 30 minutes.",
        ),
        P::MeetingUnreachable => {
            (StatusCode::BAD_GATEWAY, "Teams does not answer", "Try again in a minute. If it goes on, tell IT.")
        }
        P::VisitNotFound => (StatusCode::NOT_FOUND, "No such visit", "Begin the visit from the chart."),
        P::VisitClosed => {
            (StatusCode::CONFLICT, "The visit is over", "Begin a new visit from the chart if you need one.")
        }
        P::UndoTooLate => (
            StatusCode::CONFLICT,
            "Too late to take it back",
            "The end of a visit can be taken back for five minutes only. Begin the visit again from the chart.",
        ),
        P::OfferOver => (
            StatusCode::GONE,
            "The offer is over",
            "It has expired, or was answered on another of your computers. Offer the visit again from the page where you began it.",
        ),
        P::GuestUnknown => (
            StatusCode::NOT_FOUND,
            "No such guest",
            "This person is not on the visit's list of guests, or needs no link. Open the visit again and look.",
        ),
        P::AddressRefused => (
            StatusCode::BAD_REQUEST,
            "That address cannot be used",
            "Write a mail address like name@example.org, or a number with its country in front like +15550100.",
        ),
        P::SendingNotConfigured => (
            StatusCode::CONFLICT,
            "Roomed cannot send links here",
            "Pass the link on yourself. IT can set up how Roomed sends links.",
        ),
        P::WriteBackUnknown => (
            StatusCode::NOT_FOUND,
            "There is no such write-back",
            "Search for it again. It may have been forgotten with its visit.",
        ),
        P::WriteBackChanged => (
            StatusCode::CONFLICT,
            "The write-back has changed",
            "It does not stand as it did, so nothing was done. Look at it once more.",
        ),
        P::RoleMissing => (
            StatusCode::FORBIDDEN,
            "Your account may not do this",
            "The Microsoft 365 admin can give your account the staff role of Roomed for your department.",
        ),
        P::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "Too many attempts", "Wait a minute and try again."),
        P::BadRequest => (StatusCode::BAD_REQUEST, "The request cannot be read", "Update Roomed, or tell IT."),
        P::RelayUnreachable | P::NotWhileOffline | P::KeychainLocked | P::KeychainMissing | P::Internal => {
            (StatusCode::SERVICE_UNAVAILABLE, "Roomed has a problem", "Try again in a minute. If it goes on, tell IT.")
        }
    }
}

impl Refusal {
    /// The whole problem.
    pub fn problem(self) -> Problem {
        let (status, title, detail) = words(self.0);
        Problem {
            kind: "about:blank".to_owned(),
            title: title.to_owned(),
            status: status.as_u16(),
            code: self.0,
            detail: detail.to_owned(),
            who: self.0.who(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = self.problem();
        self.respond(problem.status, Json(problem))
    }
}

impl Refusal {
    /// With the visit's planned start as an extension member (RFC 9457, 3.2).
    pub(super) fn with_start(self, start: jiff::Timestamp) -> Response {
        let problem = self.problem();
        let status = problem.status;
        let mut body = serde_json::to_value(problem).unwrap_or_default();
        body["start"] = start.to_string().into();
        self.respond(status, Json(body))
    }

    pub(super) fn respond(self, status: u16, body: impl IntoResponse) -> Response {
        metrics::counter!("roomed_refusals_total", "code" => code_word(self.0)).increment(1);
        let status = StatusCode::from_u16(status).expect("the status came from a StatusCode");
        let mut response = (status, body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

/// The code as it stands on the wire.
pub(crate) fn code_word(code: ProblemCode) -> String {
    let json = serde_json::to_value(code).expect("a code is a plain word");
    json.as_str().unwrap_or_default().to_owned()
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        Self(ProblemCode::Internal)
    }
}

impl From<CommitError> for Refusal {
    fn from(error: CommitError) -> Self {
        use crate::store::OneTimeKind as Kind;
        match error {
            CommitError::NotConsumable(Kind::Nonce) => Self(ProblemCode::NonceRefused),
            CommitError::NotConsumable(_) => Self(ProblemCode::HandleUnknown),
            CommitError::LinkedOtherwise => Self(ProblemCode::WrongPerson),
            error => {
                tracing::error!(%error, "a change could not be kept");
                Self(ProblemCode::Internal)
            }
        }
    }
}

impl From<Unproven> for Refusal {
    fn from(unproven: Unproven) -> Self {
        tracing::info!(reason = %unproven, "a Microsoft token was refused");
        Self(unproven.code())
    }
}

impl From<EhrError> for Refusal {
    fn from(error: EhrError) -> Self {
        tracing::warn!(%error, "the EHR could not be read");
        Self(error.code())
    }
}

impl From<MeetingError> for Refusal {
    fn from(error: MeetingError) -> Self {
        tracing::warn!(%error, "the meeting could not be made");
        Self(error.code())
    }
}
