//! Why an EHR could not be asked, or said no. No variant holds a URL, a token or a response body, so all may be logged.

use crate::guard::Forbidden;

const NO_CONNECTION: &str = "no connection";

/// What went wrong between us and an EHR.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No answer: name, route, TLS or time limit. The outcome of a write is unknown.
    #[error("the EHR does not answer ({0})")]
    Unreachable(&'static str),
    /// An answer other than success.
    #[error("the EHR refused with status {status}{}", .code.as_deref().map(|c| format!(" ({c})")).unwrap_or_default())]
    Refused {
        /// HTTP status.
        status: u16,
        /// OAuth `error`, or the code of the first `OperationOutcome` issue (Epic: its number, as "4100").
        code: Option<String>,
        /// `Retry-After` in seconds, if given.
        retry_after: Option<u64>,
    },
    /// 404 or 410 for a resource.
    #[error("the EHR has no such resource")]
    NotFound,
    /// More bytes or more pages than we are willing to read.
    #[error("the EHR's answer is too large")]
    TooLarge,
    /// An answer that is not what the standard says.
    #[error("the EHR's answer is malformed: {0}")]
    Malformed(&'static str),
    /// An address that the policy does not allow (not https, or with user info or a fragment), or one whose name leads to
    /// where the [`Guard`](crate::guard::Guard) lets nothing go.
    #[error("the address is not allowed: {0}")]
    Address(&'static str),
    /// A private key that cannot be used.
    #[error("the signing key is unusable: {0}")]
    Key(&'static str),
}

impl Error {
    /// True where nobody can know whether the EHR has done what was asked.
    pub fn outcome_unknown(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::TooLarge | Self::Malformed(_) => true,
            Self::Refused { status, .. } => *status >= 500,
            Self::NotFound | Self::Address(_) | Self::Key(_) => false,
        }
    }

    /// True for an access token that the EHR does not take (RFC 6750, 3.1).
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused { status: 401, .. })
    }

    /// True where no byte of the request can have left: there was no connection to send it on.
    pub fn never_left(&self) -> bool {
        matches!(self, Self::Unreachable(NO_CONNECTION) | Self::Address(_) | Self::Key(_))
    }

    pub(crate) fn from_transport(error: &reqwest::Error) -> Self {
        // reqwest's own text names the URL, which may carry a patient's id.
        if Forbidden::is_why(error) {
            Self::Address("its name leads into a network that is not allowed")
        } else if error.is_timeout() {
            Self::Unreachable("time limit")
        } else if error.is_connect() {
            Self::Unreachable(NO_CONNECTION)
        } else {
            Self::Unreachable("connection lost")
        }
    }
}
