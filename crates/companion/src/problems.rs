//! Problems the companion itself raises, in the same form as the relay's. No detail holds a value of a request.

use roomed_protocol::{Problem, ProblemCode};
use roomed_smart::Error as SmartError;

/// A problem of our own. `status` is 0: no HTTP answer stands behind it.
pub(crate) fn problem(code: ProblemCode, title: &str, detail: &str) -> Problem {
    Problem {
        kind: "about:blank".to_owned(),
        title: title.to_owned(),
        status: 0,
        code,
        detail: detail.to_owned(),
        who: code.who(),
    }
}

pub(crate) fn not_signed_in() -> Problem {
    problem(ProblemCode::NotSignedIn, "Signed out", "The Microsoft sign-in has ended. Sign in again.")
}

pub(crate) fn relay_unreachable() -> Problem {
    problem(
        ProblemCode::RelayUnreachable,
        "Roomed's service does not answer",
        "The companion keeps trying. If this lasts, IT should check the network and the relay's address.",
    )
}

/// Nothing that is done later by itself.
pub(crate) fn not_while_offline() -> Problem {
    problem(
        ProblemCode::NotWhileOffline,
        "Roomed could not be told",
        "This is not kept for later. Once the connection is back, look how the visit stands and press it again if needed.",
    )
}

pub(crate) fn microsoft_unreachable() -> Problem {
    problem(
        ProblemCode::RelayUnreachable,
        "Microsoft's sign-in does not answer",
        "Check the network connection and try again. If this lasts, call IT.",
    )
}

pub(crate) fn microsoft_refused() -> Problem {
    problem(
        ProblemCode::TokenRefused,
        "Microsoft refused the sign-in",
        "Try again. If it is refused again, IT should look at the companion's registration in Microsoft Entra.",
    )
}

pub(crate) fn sign_in_unfinished() -> Problem {
    problem(ProblemCode::NotSignedIn, "Not signed in", "The sign-in in the browser was not finished. Sign in again.")
}

pub(crate) fn browser_missing() -> Problem {
    problem(ProblemCode::Internal, "No browser opened", "This computer has no working web browser. Call IT.")
}

pub(crate) fn link_refused() -> Problem {
    problem(
        ProblemCode::LinkRefused,
        "That link is not one of ours",
        "Begin the visit again from the chart. If it happens again, IT should look at how the chart opens Roomed.",
    )
}

pub(crate) fn unknown_iss() -> Problem {
    problem(
        ProblemCode::UnknownIss,
        "Unknown EHR",
        "The link came from an EHR that is not approved for your organization. Your EHR analyst can approve it.",
    )
}

pub(crate) fn wrong_person() -> Problem {
    problem(
        ProblemCode::WrongPerson,
        "Somebody else is signed in",
        "The visit was begun by another EHR user. Sign out, sign in as yourself, and begin it again from the chart.",
    )
}

pub(crate) fn launch_refused() -> Problem {
    problem(
        ProblemCode::LaunchRefused,
        "The EHR refused the launch",
        "A launch works once and for a few minutes. Begin the visit again from the chart.",
    )
}

/// What the EHR said of a clinician is good for some minutes; so is what they are asked about it.
pub(crate) fn asked_for_too_long() -> Problem {
    problem(
        ProblemCode::NonceRefused,
        "Opening the visit took too long",
        "The question stood for too long, so nothing was linked. Begin the visit again from the chart.",
    )
}

pub(crate) fn no_id_token() -> Problem {
    problem(
        ProblemCode::IdTokenRefused,
        "The EHR did not say who you are",
        "It answered without a signed identity. Your EHR analyst should allow openid and fhirUser for Roomed.",
    )
}

pub(crate) fn internal() -> Problem {
    problem(ProblemCode::Internal, "Something went wrong in Roomed", "Try again. If it happens again, call IT.")
}

/// What an EHR's failure during a launch means to a clinician.
pub(crate) fn from_ehr(error: &SmartError) -> Problem {
    match error {
        SmartError::Refused { status, .. } if *status < 500 => launch_refused(),
        SmartError::Unreachable(_) | SmartError::Refused { .. } => problem(
            ProblemCode::EhrUnreachable,
            "The EHR does not answer",
            "Try again in a moment. If this lasts, IT should check the connection to the EHR.",
        ),
        SmartError::NotFound
        | SmartError::TooLarge
        | SmartError::Malformed(_)
        | SmartError::Address(_)
        | SmartError::Key(_) => problem(
            ProblemCode::EhrRefused,
            "The EHR's answer makes no sense",
            "Your EHR analyst should look at the SMART configuration of this EHR.",
        ),
    }
}

pub(crate) fn keychain_kept_it() -> Problem {
    problem(
        ProblemCode::KeychainLocked,
        "Signed out, but the keychain is locked",
        "The stored sign-in could not be removed. Unlock the keychain and sign out again.",
    )
}
