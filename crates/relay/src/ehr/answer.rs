//! What a FHIR server's answer means for a write-back: the classes of reference `ehr.md` 4.2, once for all vendors. No
//! reason holds an id, an address or a body; a vendor's code (a number, or FHIR's own word) is as far as it goes.

use jiff::SignedDuration;
use roomed_smart::Error;

use super::backend::Failure;
use super::{EhrError, ReadBack, Said};

/// Epic's codes for a chart behind break-the-glass: a person may open it, a program may not (AE-EPIC, errors).
const BREAK_THE_GLASS: [&str; 3] = ["4130", "4131", "4134"];

/// A resource with this business key is there already: Epic's code, FHIR's own word, and the code of FHIR's message list.
const DUPLICATE: [&str; 3] = ["59141", "duplicate", "MSG_DUPLICATE_ID"];

impl From<Error> for EhrError {
    fn from(error: Error) -> Self {
        let reason = error.to_string();
        match error {
            Error::Unreachable(_) => Self::Unreachable { reason, retry_after: None },
            Error::Refused { status: 408 | 425 | 429 | 500.., retry_after, .. } => {
                Self::Unreachable { reason, retry_after: wait(retry_after) }
            }
            Error::Refused { .. } | Error::NotFound | Error::Address(_) | Error::Key(_) => Self::Refused(reason),
            Error::TooLarge | Error::Malformed(_) => Self::Malformed(reason),
        }
    }
}

/// A read before anything was said: nothing was applied. A read that is refused will be refused again until somebody puts
/// our rights in order, and is told so.
pub(super) fn unread(error: &Error) -> Said {
    match error {
        _ if is_behind_glass(error) => glass(),
        Error::Refused { status: 401 | 408 | 423 | 425 | 429 | 500.., retry_after, .. } => not_now(error, *retry_after),
        Error::Refused { .. } => {
            Said::Never { reason: format!("The EHR does not let Roomed read what it needs: {error}.") }
        }
        _ => not_now(error, None),
    }
}

/// A change that was not made, or that nobody knows of.
pub(super) fn unsaid(failure: &Failure) -> Said {
    let error = match failure {
        Failure::Stopped => return Said::Stopped,
        Failure::Before(error) => return unread(error),
        Failure::After(error) => error,
    };
    match error {
        _ if error.never_left() => not_now(error, None),
        _ if is_behind_glass(error) => glass(),
        // 401: the client is being set right. 423: somebody has the record open.
        Error::Refused { status: 401 | 408 | 423 | 425 | 429 | 503, retry_after, .. } => not_now(error, *retry_after),
        Error::Refused { status: 500.., .. } | Error::Unreachable(_) | Error::TooLarge | Error::Malformed(_) => {
            Said::NobodyKnows { reason: error.to_string() }
        }
        _ => Said::Never { reason: format!("The EHR does not take this: {error}.") },
    }
}

/// A look at what an earlier attempt did, that failed.
pub(super) fn unseen(error: Error) -> ReadBack {
    match EhrError::from(error) {
        EhrError::Unreachable { .. } => ReadBack::NotNow,
        EhrError::Refused(_) | EhrError::Malformed(_) => ReadBack::CannotTell,
    }
}

/// The version was not the current one. FHIR says 412; Oracle Health and HAPI say 409.
pub(super) fn is_stale(failure: &Failure) -> bool {
    matches!(failure, Failure::After(Error::Refused { status: 409 | 412, .. }))
}

/// It is there already.
pub(super) fn is_duplicate(failure: &Failure) -> bool {
    let Failure::After(Error::Refused { status, code, .. }) = failure else { return false };
    // 412 of a conditional create: several match.
    *status == 412 || code.as_deref().is_some_and(|code| DUPLICATE.contains(&code))
}

/// It was understood, and is not taken as it is.
pub(super) fn is_refusal(failure: &Failure) -> bool {
    matches!(failure, Failure::After(Error::Refused { status: 400 | 409 | 412 | 422 | 428, .. }))
}

/// The server does not do this, whatever its CapabilityStatement said.
pub(super) fn is_surprise(failure: &Failure) -> bool {
    matches!(failure, Failure::After(Error::Refused { status: 404 | 405 | 410 | 501, .. }))
}

fn is_behind_glass(error: &Error) -> bool {
    matches!(error, Error::Refused { code: Some(code), .. } if BREAK_THE_GLASS.contains(&code.as_str()))
}

fn glass() -> Said {
    Said::Never { reason: "This chart is behind break-the-glass in the EHR: only a person can write to it.".into() }
}

fn not_now(error: &Error, retry_after: Option<u64>) -> Said {
    Said::NotNow { reason: error.to_string(), retry_after: wait(retry_after) }
}

fn wait(seconds: Option<u64>) -> Option<SignedDuration> {
    seconds.and_then(|it| i64::try_from(it).ok()).map(SignedDuration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(said: &Said) -> &'static str {
        match said {
            Said::NotNow { retry_after: Some(wait), .. } if wait.as_secs() == 7 => "not now",
            Said::NobodyKnows { .. } => "nobody knows",
            Said::Never { .. } => "never",
            _ => "else",
        }
    }

    #[test]
    fn every_status_has_its_class() {
        for (statuses, change, read) in [
            (&[401, 408, 423, 425, 429, 503][..], "not now", "not now"),
            (&[500, 502, 504, 599], "nobody knows", "not now"),
            (&[301, 302, 307, 400, 403, 404, 405, 409, 412, 422, 424], "never", "never"),
        ] {
            for status in statuses {
                let refused = Error::Refused { status: *status, code: None, retry_after: Some(7) };
                assert_eq!(word(&unread(&refused)), read, "{status}");
                assert_eq!(word(&unsaid(&Failure::Before(refused.clone()))), read, "{status}");
                assert_eq!(word(&unsaid(&Failure::After(refused))), change, "{status}");
            }
        }
        assert!(matches!(unsaid(&Failure::After(Error::Unreachable("no connection"))), Said::NotNow { .. }));
        assert!(matches!(unsaid(&Failure::After(Error::Unreachable("time limit"))), Said::NobodyKnows { .. }));
        assert_eq!(unsaid(&Failure::Stopped), Said::Stopped);
    }

    #[test]
    fn what_is_behind_glass_is_never_tried_again() {
        for code in BREAK_THE_GLASS {
            let error = Error::Refused { status: 403, code: Some(code.into()), retry_after: None };
            for said in [unread(&error), unsaid(&Failure::After(error))] {
                assert!(matches!(said, Said::Never { reason } if reason.contains("break-the-glass")), "{code}");
            }
        }
    }

    #[test]
    fn a_duplicate_is_known_by_its_code() {
        let refused =
            |status, code: &str| Failure::After(Error::Refused { status, code: Some(code.into()), retry_after: None });
        assert!(is_duplicate(&refused(400, "59141")) && is_duplicate(&refused(422, "duplicate")));
        assert!(!is_duplicate(&refused(400, "59159")) && !is_duplicate(&Failure::Stopped));
    }
}
