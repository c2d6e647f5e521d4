//! Watches in the store: our holds on Graph subscriptions, which run out and must be renewed.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;

/// One Graph subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWatch {
    /// Graph's subscription id.
    pub subscription: String,
    /// The organization's key.
    pub organization: String,
    /// The visit whose meeting it watches.
    pub visit: String,
    /// Lower-case hex SHA-256 of the `clientState` we gave Graph.
    pub client_state_hash: String,
    /// The `encryptionCertificateId` we gave Graph.
    pub certificate_id: String,
    /// When Graph ends it.
    pub expires_at: Timestamp,
}

/// Watches.
#[async_trait]
pub trait Watches: Send + Sync {
    /// Keeps a watch; the same subscription again replaces it.
    async fn put_watch(&self, watch: StoredWatch) -> Result<(), StoreError>;

    /// The watch of a subscription.
    async fn watch(&self, subscription: &str) -> Result<Option<StoredWatch>, StoreError>;

    /// The watches of a visit.
    async fn watches_of(&self, visit: &str) -> Result<Vec<StoredWatch>, StoreError>;

    /// Watches of visits not closed that end before `before`, soonest first: renew these.
    async fn watches_ending(&self, before: Timestamp, limit: u32) -> Result<Vec<StoredWatch>, StoreError>;

    /// Graph has prolonged it.
    async fn watch_renewed(&self, subscription: &str, expires_at: Timestamp) -> Result<(), StoreError>;

    /// It is over, and `new` is in its place. False, and nothing is kept, if it is over for good: its meeting was given up.
    async fn watch_anew(&self, subscription: &str, new: StoredWatch) -> Result<bool, StoreError>;
}
