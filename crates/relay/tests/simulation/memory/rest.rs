//! What delivery does not need: it answers that it is not here. And the organization's key, which sealing needs.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use roomed_relay::store::{
    ClaimedGivenUp, ClaimedLetter, ClaimedRemoval, CommittedNotice, GivenUp, Letters, Link, Links, NewNotice, NextLook,
    NodeId, Nodes, Notices, OneTime, OneTimeKind, PageSession, Recipient, Removals, Sessions, Store, StoreError,
    StoredNotice, StoredWatch, Stretch, Watches, WebSession, WebSessions,
};

use super::MemoryStore;

/// The answer of what is left out.
pub(super) fn not_here() -> StoreError {
    StoreError::Unfit("not in this simulation".into())
}

#[async_trait]
impl Store for MemoryStore {
    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn organization_key(&self, organization: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.held().keys.get(organization).cloned())
    }

    async fn keep_organization_key(&self, organization: &str, wrapped: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        Ok(self.held().keys.entry(organization.to_owned()).or_insert(wrapped).clone())
    }

    async fn close(&self) {}
}

/// The traits that no delivery touches, for a store of this simulation.
macro_rules! without_the_rest {
    ($store:ty) => {
        #[async_trait]
        impl Notices for $store {
            async fn notices_after(&self, _: &Recipient, _: u32, _: u32) -> Result<Vec<StoredNotice>, StoreError> {
                Err(not_here())
            }

            async fn cursor(&self, _: &Recipient) -> Result<u32, StoreError> {
                Err(not_here())
            }

            async fn announce(
                &self,
                _: &str,
                _: Vec<NewNotice>,
                _: Timestamp,
            ) -> Result<Vec<CommittedNotice>, StoreError> {
                Err(not_here())
            }

            async fn companion_seen(&self, _: &Recipient, _: Timestamp) -> Result<(), StoreError> {
                Err(not_here())
            }

            async fn companion_last_seen(&self, _: &Recipient) -> Result<Option<Timestamp>, StoreError> {
                Err(not_here())
            }

            async fn forget_notices(&self, _: Timestamp) -> Result<u64, StoreError> {
                Err(not_here())
            }
        }

        #[async_trait]
        impl Sessions for $store {
            async fn put_once(&self, _: OneTime) -> Result<bool, StoreError> {
                Err(not_here())
            }

            async fn peek_once(&self, _: OneTimeKind, _: &str, _: Timestamp) -> Result<Option<OneTime>, StoreError> {
                Err(not_here())
            }

            async fn take_once(&self, _: OneTimeKind, _: &str, _: Timestamp) -> Result<Option<OneTime>, StoreError> {
                Err(not_here())
            }

            async fn put_page_session(&self, _: PageSession) -> Result<(), StoreError> {
                Err(not_here())
            }

            async fn page_session(&self, _: &str, _: Timestamp) -> Result<Option<PageSession>, StoreError> {
                Err(not_here())
            }

            async fn end_page_sessions(&self, _: &str, _: &str) -> Result<u64, StoreError> {
                Err(not_here())
            }

            async fn forget_expired(&self, _: Timestamp) -> Result<u64, StoreError> {
                Err(not_here())
            }
        }

        #[async_trait]
        impl WebSessions for $store {
            async fn put_web_session(&self, _: WebSession) -> Result<(), StoreError> {
                Err(not_here())
            }

            async fn web_session(&self, _: &str, _: Timestamp) -> Result<Option<WebSession>, StoreError> {
                Err(not_here())
            }

            async fn extend_web_session(&self, _: &str, _: Timestamp) -> Result<(), StoreError> {
                Err(not_here())
            }

            async fn end_web_session(&self, _: &str) -> Result<bool, StoreError> {
                Err(not_here())
            }

            async fn end_web_sessions_of(&self, _: &Recipient) -> Result<u64, StoreError> {
                Err(not_here())
            }
        }

        #[async_trait]
        impl Letters for $store {
            async fn claim_letters(
                &self,
                _: &str,
                _: Timestamp,
                _: Timestamp,
                _: u32,
            ) -> Result<Vec<ClaimedLetter>, StoreError> {
                Err(not_here())
            }

            async fn settle_letter(&self, _: &str, _: u32, _: Option<Timestamp>) -> Result<bool, StoreError> {
                Err(not_here())
            }

            async fn next_letter_at(&self, _: &str) -> Result<Option<Timestamp>, StoreError> {
                Err(not_here())
            }
        }

        #[async_trait]
        impl Removals for $store {
            async fn claim_removals(
                &self,
                _: Timestamp,
                _: Timestamp,
                _: u32,
            ) -> Result<Vec<ClaimedRemoval>, StoreError> {
                Err(not_here())
            }

            async fn settle_removal(&self, _: &str, _: u32, _: Option<NextLook>) -> Result<bool, StoreError> {
                Err(not_here())
            }

            async fn next_removal_at(&self) -> Result<Option<Timestamp>, StoreError> {
                Err(not_here())
            }

            async fn has_removal(&self, _: &str) -> Result<bool, StoreError> {
                Ok(false)
            }

            async fn removal_refused(&self, _: &str) -> Result<Option<String>, StoreError> {
                Err(not_here())
            }
        }

        #[async_trait]
        impl GivenUp for $store {
            async fn claim_given_up(
                &self,
                _: Timestamp,
                _: Timestamp,
                _: u32,
            ) -> Result<Vec<ClaimedGivenUp>, StoreError> {
                Err(not_here())
            }

            async fn settle_given_up(&self, _: &str, _: u32, _: Option<Timestamp>) -> Result<bool, StoreError> {
                Err(not_here())
            }

            async fn next_given_up_at(&self) -> Result<Option<Timestamp>, StoreError> {
                Err(not_here())
            }

            async fn has_given_up(&self, _: &str) -> Result<bool, StoreError> {
                Ok(false)
            }
        }

        #[async_trait]
        impl Links for $store {
            async fn put_link(&self, _: Link, _: Timestamp) -> Result<bool, StoreError> {
                Err(not_here())
            }

            async fn forget_links(&self, _: &Recipient) -> Result<u64, StoreError> {
                Err(not_here())
            }

            async fn linked_person(&self, _: &str, _: &str, _: &str) -> Result<Option<Recipient>, StoreError> {
                Err(not_here())
            }

            async fn links_of(&self, _: &Recipient) -> Result<Vec<Link>, StoreError> {
                Err(not_here())
            }
        }

        #[async_trait]
        impl Watches for $store {
            async fn put_watch(&self, _: StoredWatch) -> Result<(), StoreError> {
                Err(not_here())
            }

            async fn watch(&self, _: &str) -> Result<Option<StoredWatch>, StoreError> {
                Err(not_here())
            }

            async fn watches_of(&self, _: &str) -> Result<Vec<StoredWatch>, StoreError> {
                Err(not_here())
            }

            async fn watches_ending(&self, _: Timestamp, _: u32) -> Result<Vec<StoredWatch>, StoreError> {
                Err(not_here())
            }

            async fn watch_renewed(&self, _: &str, _: Timestamp) -> Result<(), StoreError> {
                Err(not_here())
            }

            async fn watch_anew(&self, _: &str, _: StoredWatch) -> Result<bool, StoreError> {
                Err(not_here())
            }
        }

        #[async_trait]
        impl Nodes for $store {
            async fn node_seen(&self, _: &NodeId) -> Result<Stretch, StoreError> {
                Err(not_here())
            }

            async fn node_left(&self, _: &NodeId) -> Result<(), StoreError> {
                Err(not_here())
            }

            async fn nodes_alive(&self, _: SignedDuration) -> Result<Vec<NodeId>, StoreError> {
                Err(not_here())
            }

            async fn companions_came(&self, _: &NodeId, _: &[Recipient]) -> Result<(), StoreError> {
                Err(not_here())
            }

            async fn companions_left(&self, _: &NodeId, _: &[Recipient]) -> Result<(), StoreError> {
                Err(not_here())
            }

            async fn online_elsewhere(&self, _: &NodeId, _: &[Recipient]) -> Result<Vec<Recipient>, StoreError> {
                Err(not_here())
            }
        }
    };
}

without_the_rest!(MemoryStore);
