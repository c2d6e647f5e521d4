//! Why an encrypted link opens nothing. What the patient in front of it is told stands with all they are told
//! (`http/patient_words.rs`).

/// Why an encrypted link opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The organization has no encrypted link set up.
    #[error("no encrypted link is configured for this organization")]
    NotConfigured,
    /// It is not as the EHR made it, or made with another secret.
    #[error("the encrypted link is altered, or of another secret")]
    Altered,
    /// Whole, but what the relay needs is not in it, or is of no use.
    #[error("the encrypted link does not say all that is needed")]
    Incomplete,
    /// Whole, and not good yet.
    #[error("the encrypted link is too early")]
    Early,
    /// Whole, and no longer good.
    #[error("the encrypted link has expired")]
    Expired,
}

impl Fault {
    /// The HTTP status of the answer.
    pub fn status(self) -> u16 {
        match self {
            Self::NotConfigured => 404,
            Self::Altered => 400,
            Self::Incomplete => 422,
            Self::Early => 403,
            Self::Expired => 410,
        }
    }

    /// To be read out on the phone.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotConfigured => "context-link-not-configured",
            Self::Altered => "context-link-altered",
            Self::Incomplete => "context-link-incomplete",
            Self::Early => "context-link-early",
            Self::Expired => "context-link-expired",
        }
    }
}
