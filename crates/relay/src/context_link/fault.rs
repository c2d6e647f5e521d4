//! Why an encrypted link opens nothing, and what the person in front of it is told. They are patients: they have no chart
//! to go back to and no analyst to call, so every sentence says what they can do, and who at the clinic can do the rest.

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

/// What a page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// The HTTP status.
    pub status: u16,
    /// To be read out on the phone.
    pub code: &'static str,
    /// What happened.
    pub title: &'static str,
    /// What to do.
    pub todo: &'static str,
    /// Who can fix it.
    pub who: &'static str,
}

impl Fault {
    /// What the patient is told. None of it is of the request.
    pub fn words(self) -> Words {
        let (status, code, title, todo, who) = match self {
            Self::NotConfigured => (
                404,
                "context-link-not-configured",
                "This clinic does not use such links",
                "Please call the clinic and ask for another way into your visit.",
                "The clinic's EHR analyst can set the link up in Roomed.",
            ),
            Self::Altered => (
                400,
                "context-link-altered",
                "The link to your visit does not work",
                "Open your visit again from the portal, and do not copy the link by hand. If it happens again, please call the clinic.",
                "If it happens to everybody, the clinic's EHR analyst can compare the secret and the encryption with those in Roomed.",
            ),
            Self::Incomplete => (
                422,
                "context-link-incomplete",
                "The link to your visit is not complete",
                "Please call the clinic and ask for another way into your visit.",
                "The clinic's EHR analyst can fix the link's record in the EHR.",
            ),
            Self::Early => (
                403,
                "context-link-early",
                "It is too early for this link",
                "Your visit has not begun yet. Open it again from the portal shortly before its time.",
                "You can do this yourself.",
            ),
            Self::Expired => (
                410,
                "context-link-expired",
                "The link to your visit has expired",
                "Open your visit again from the portal. If its time is over, please call the clinic.",
                "You can do this yourself.",
            ),
        };
        Words { status, code, title, todo, who }
    }
}
