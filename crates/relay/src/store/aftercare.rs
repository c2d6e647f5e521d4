//! What is asked of outbox rows when their visit came out of a backup, or is over and about to be forgotten.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Channel, StoreError, WrappedKey};

/// A row that came out of a backup: nobody here knows whether the EHR has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Order of acceptance.
    pub seq: i64,
    /// The row.
    pub id: String,
    /// The organization's key.
    pub organization: String,
    /// The EHR connection (`iss`).
    pub ehr: String,
    /// The visit.
    pub visit: String,
    /// Its door.
    pub channel: Channel,
    /// The sealed intent.
    pub sealed: Vec<u8>,
    /// The visit's key, wrapped; `None` once the visit is forgotten.
    pub key: Option<WrappedKey>,
    /// The visit has closed, so no witness will say anything more about it.
    pub closed: bool,
}

/// Looking after what is left.
#[async_trait]
pub trait Aftercare: Send + Sync {
    /// Quarantined rows after place `after`, by acceptance.
    async fn quarantined(&self, after: i64, limit: u32) -> Result<Vec<Quarantined>, StoreError>;

    /// Parks a quarantined row for an operator. False if it is no longer quarantined.
    async fn park(&self, id: &str, reason: &str, now: Timestamp) -> Result<bool, StoreError>;

    /// How many of a visit's write-backs the EHR has, and how many it was never given: parked, unsupported or skipped.
    async fn delivery_of(&self, visit: &str) -> Result<(u32, u32), StoreError>;
}
