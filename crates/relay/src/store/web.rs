//! People who are signed in with a browser: who, with which app roles, and until when. The cookie is kept as a hash only.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Recipient, StoreError};

/// Somebody who signed in to Microsoft in this browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSession {
    /// Lower-case hex SHA-256 of the cookie's value.
    pub hash: String,
    /// Who.
    pub person: Recipient,
    /// Their app roles, as Entra said when they signed in.
    pub roles: Vec<String>,
    /// What only the cookie opens.
    pub sealed: Vec<u8>,
    /// From this moment on it is gone, whatever they do.
    pub ends_at: Timestamp,
    /// From this moment on it is gone, unless they have done something in between.
    pub expires_at: Timestamp,
}

/// Sessions of browsers.
#[async_trait]
pub trait WebSessions: Send + Sync {
    /// Opens one.
    async fn put_web_session(&self, session: WebSession) -> Result<(), StoreError>;

    /// The session of a cookie, unless it is over.
    async fn web_session(&self, hash: &str, now: Timestamp) -> Result<Option<WebSession>, StoreError>;

    /// They have done something: the session lives on until `expires_at`, never beyond its end, never shorter than before.
    async fn extend_web_session(&self, hash: &str, expires_at: Timestamp) -> Result<(), StoreError>;

    /// Signs a browser out. False: it was not signed in.
    async fn end_web_session(&self, hash: &str) -> Result<bool, StoreError>;

    /// Signs somebody out of every browser. Returns how many there were.
    async fn end_web_sessions_of(&self, person: &Recipient) -> Result<u64, StoreError>;
}

/// A row, as every database answers it: organization, tid, oid, roles, sealed, `ends_at`, `expires_at`.
pub(super) type Row = (String, String, String, String, Vec<u8>, i64, i64);

impl WebSession {
    /// From a row.
    pub(super) fn read(hash: &str, row: Row) -> Result<Self, StoreError> {
        let (organization, tid, oid, roles, sealed, ends_at, expires_at) = row;
        let roles = serde_json::from_str(&roles).map_err(|_| StoreError::Unreadable("web session"))?;
        let person = Recipient { organization, tid, oid };
        let (ends_at, expires_at) = (super::steps::at(ends_at)?, super::steps::at(expires_at)?);
        Ok(Self { hash: hash.to_owned(), person, roles, sealed, ends_at, expires_at })
    }

    /// The roles as they stand in a row.
    pub(super) fn roles_text(&self) -> String {
        serde_json::Value::from(self.roles.clone()).to_string()
    }
}
