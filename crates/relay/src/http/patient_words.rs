//! What a refusal says to a patient, where `problem.rs` speaks to clinicians: they have no chart to go back to and nobody
//! from IT beside them. Same status, same code; the words are what they can do, and whom the clinic can ask.

use roomed_protocol::{ProblemCode, WhoCanFix};

use super::problem::Refusal;

const AGAIN: &str = "Please open your visit again from the portal. If it happens again, please call the clinic.";
const CALL: &str = "Please call the clinic and ask for another way into your visit. Tell them the code below.";
const LATER: &str = "Please try again in a minute. If it goes on, please call the clinic.";
const ASK: &str = "If you think this is wrong, please call the clinic.";

/// Title and what to do.
pub(super) fn of(code: ProblemCode) -> (&'static str, &'static str) {
    use ProblemCode as P;
    match code {
        P::LinkRefused | P::BadRequest => ("The link to your visit does not work", AGAIN),
        P::HandleUnknown => ("This link has been used or is too old", AGAIN),
        P::NonceRefused => ("That took too long", AGAIN),
        P::LaunchRefused | P::IdTokenRefused | P::NotSignedIn | P::TokenRefused => {
            ("The portal did not let you in", AGAIN)
        }
        P::LaunchWithoutAppointment | P::AppointmentNotFound | P::VisitNotFound => ("We cannot find your visit", CALL),
        P::UnknownIss | P::WrongTenant | P::EhrRefused | P::NotAPractitioner => {
            ("This clinic is not connected yet", CALL)
        }
        P::NotVirtual => ("Your visit is not a video visit", ASK),
        P::AppointmentCancelled => ("Your visit has been cancelled", ASK),
        P::AppointmentNoshow => ("Your visit is marked as missed", ASK),
        P::AppointmentEnteredInError => ("Your visit was made by mistake", ASK),
        P::AppointmentFulfilled | P::VisitClosed | P::UndoTooLate | P::OfferOver => ("Your visit is over", ASK),
        P::GuestUnknown => (
            "This link does not work",
            "Please ask whoever sent it for a new one. A link works once, and only for its visit.",
        ),
        P::WrongPatient | P::WrongPerson | P::CoveringNeeded | P::CoveringForbidden => (
            "This is somebody else's visit",
            "Please sign in to the portal as the person the visit is for, and open it from there.",
        ),
        P::TooManyRequests => ("That was tried too often", "Please wait a minute and try again."),
        P::EhrUnreachable
        | P::AddressRefused
        | P::SendingNotConfigured
        | P::RoleMissing
        | P::MeetingRefused
        | P::MeetingUnreachable
        | P::RelayUnreachable
        | P::NotWhileOffline
        | P::KeychainLocked
        | P::KeychainMissing
        | P::Internal => ("Something is not working here", LATER),
    }
}

/// Who can do the rest.
pub(super) fn who(refusal: Refusal) -> &'static str {
    match refusal.0.who() {
        WhoCanFix::Clinician => "You can do this yourself.",
        WhoCanFix::Microsoft365Admin => "The clinic's Microsoft 365 admin can fix this.",
        WhoCanFix::EhrAnalyst => "The clinic's EHR analyst can fix this.",
        WhoCanFix::It => "The clinic's IT can fix this.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of another trade. A patient has a portal and a telephone.
    const NOT_THEIRS: [&str; 9] =
        ["chart", "launch", "schedule", "appointment", "Roomed", "token", "Microsoft account", "EHR", "IT "];

    #[test]
    fn a_patient_is_not_sent_to_a_chart() {
        for code in codes() {
            let (title, todo) = of(code);
            for word in NOT_THEIRS {
                assert!(!title.contains(word) && !todo.contains(word), "{code:?}: {title} {todo}");
            }
            assert!(todo.starts_with("Please") || todo.starts_with("If"), "{code:?}: what is to be done?");
            assert_ne!(todo, Refusal(code).problem().detail, "{code:?}");
        }
    }

    /// All of them, as they stand on the wire.
    fn codes() -> Vec<ProblemCode> {
        let words = include_str!("../../../protocol/tests/golden/problem-codes.txt");
        words.split_whitespace().map(|it| serde_json::from_value(it.into()).expect("a code")).collect()
    }
}
