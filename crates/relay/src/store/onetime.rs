//! One-time values, page sessions and links in the store. Secrets are kept as hashes only.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Recipient, StoreError};

/// What a one-time value is for; a hash is unique within its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OneTimeKind {
    /// The nonce of a clinician's SMART launch; the payload is a [`NonceBinding`].
    Nonce,
    /// The handle of the https launch page; the payload is sealed under the handle itself.
    LaunchHandle,
    /// `sha256(state)` of a clinician's launch; the payload is the loopback port in decimal digits.
    Callback,
    /// `state` of a patient's launch at the relay; the payload (verifier, context) is sealed under the state.
    PatientLaunch,
    /// A guest's link; the payload (visit, participant) is sealed under the link's token. Whether it is still the newest
    /// one is the visit's affair.
    Invitation,
    /// `state` of a sign-in with a browser; the payload (verifier, what to do then) is sealed under the state.
    WebSignIn,
    /// What the launch page gives a browser that goes on without a companion; the payload (the whole launch) is sealed
    /// under the handle.
    BrowserHandle,
    /// `state` of a clinician's launch that runs in the browser; the payload is sealed under the state.
    BrowserLaunch,
    /// A proven launch that waits for its clinician to say that they cover; the payload is sealed under the secret.
    BrowserCovering,
    /// The question whether an EHR user and a Microsoft account are one person; the payload (who, and the proof's nonce) is
    /// sealed under the word that answers it.
    FirstLink,
    /// A proven launch in a browser that waits for the answer to that question; the payload is sealed under the secret.
    BrowserFirstLink,
    /// A proven visit that its clinician may open in their companion; the payload says whose and which.
    Offer,
    /// What was answered to an offer, under the hash of the same secret: the first answer stays.
    OfferAnswer,
}

impl OneTimeKind {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nonce => "nonce",
            Self::LaunchHandle => "launch-handle",
            Self::Callback => "callback",
            Self::PatientLaunch => "patient-launch",
            Self::Invitation => "invitation",
            Self::WebSignIn => "web-sign-in",
            Self::BrowserHandle => "browser-handle",
            Self::BrowserLaunch => "browser-launch",
            Self::BrowserCovering => "browser-covering",
            Self::FirstLink => "first-link",
            Self::BrowserFirstLink => "browser-first-link",
            Self::Offer => "offer",
            Self::OfferAnswer => "offer-answer",
        }
    }
}

/// Whom and which EHR a nonce is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NonceBinding {
    /// Entra tenant id.
    pub tid: String,
    /// Entra object id.
    pub oid: String,
    /// The EHR.
    pub iss: String,
}

/// Something good once and for a short time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTime {
    /// What for.
    pub kind: OneTimeKind,
    /// Lower-case hex SHA-256 of the secret.
    pub hash: String,
    /// The organization's key.
    pub organization: String,
    /// See [`OneTimeKind`].
    pub payload: Vec<u8>,
    /// From this moment on it is gone.
    pub expires_at: Timestamp,
}

/// An open visit page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSession {
    /// Lower-case hex SHA-256 of the cookie's value.
    pub hash: String,
    /// The visit.
    pub visit: String,
    /// The participant whose page it is.
    pub participant: String,
    /// From this moment on it is gone.
    pub expires_at: Timestamp,
}

/// One EHR user is one Microsoft identity: proven together by one launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The organization's key.
    pub organization: String,
    /// The EHR.
    pub iss: String,
    /// The EHR user's FHIR id, e.g. `Practitioner/abc`.
    pub fhir_user: String,
    /// Entra tenant id.
    pub tid: String,
    /// Entra object id.
    pub oid: String,
}

/// One-time values and page sessions.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Keeps a one-time value. A second one with the same kind and hash replaces nothing and answers false.
    async fn put_once(&self, value: OneTime) -> Result<bool, StoreError>;

    /// Looks without using it up (a [`Change`](super::Change) uses it up, in its own transaction).
    async fn peek_once(&self, kind: OneTimeKind, hash: &str, now: Timestamp) -> Result<Option<OneTime>, StoreError>;

    /// Uses it up: of any number of callers exactly one gets it.
    async fn take_once(&self, kind: OneTimeKind, hash: &str, now: Timestamp) -> Result<Option<OneTime>, StoreError>;

    /// Opens a visit page.
    async fn put_page_session(&self, session: PageSession) -> Result<(), StoreError>;

    /// The page session of a cookie, unless expired.
    async fn page_session(&self, hash: &str, now: Timestamp) -> Result<Option<PageSession>, StoreError>;

    /// Revokes every page of a visit. Returns how many.
    async fn end_page_sessions(&self, visit: &str, participant: &str) -> Result<u64, StoreError>;

    /// Deletes what has expired. Returns how many.
    async fn forget_expired(&self, now: Timestamp) -> Result<u64, StoreError>;
}

/// Links between EHR users and Microsoft identities.
#[async_trait]
pub trait Links: Send + Sync {
    /// Keeps a link; true where it stands, by this call or an earlier one. Whoever is linked stays so, the EHR user and the
    /// account at this EHR: a launch never moves a link, and of two at once one is told that it does not stand.
    async fn put_link(&self, link: Link, now: Timestamp) -> Result<bool, StoreError>;

    /// Forgets who this Microsoft identity is in any EHR: the next launch links anew. Returns how many links there were.
    async fn forget_links(&self, recipient: &Recipient) -> Result<u64, StoreError>;

    /// The Microsoft identity of an EHR user.
    async fn linked_person(
        &self,
        organization: &str,
        iss: &str,
        fhir_user: &str,
    ) -> Result<Option<Recipient>, StoreError>;

    /// The EHR users of a Microsoft identity.
    async fn links_of(&self, recipient: &Recipient) -> Result<Vec<Link>, StoreError>;
}
