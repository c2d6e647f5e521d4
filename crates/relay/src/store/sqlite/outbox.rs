//! The outbox in SQLite as the worker and the figures see it. Claiming is `claim.rs`, how an attempt ends `settle.rs`,
//! what passes from row to row `stream.rs`.

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::StoreError;
use super::super::chart::marks;
use super::super::outbox::{ChartRow, ClaimPolicy, Claimed, Lease, Outbox, OutboxCounts, Settled, Settlement};
use super::super::steps::maybe_at;
use super::{SqliteStore, connection};
use crate::outbox::connection::{Connection, Policy};

#[async_trait]
impl Outbox for SqliteStore {
    async fn claim(&self, policy: ClaimPolicy) -> Result<Claimed, StoreError> {
        self.claim_rows(policy).await
    }

    async fn about_to_send(&self, lease: &Lease) -> Result<bool, StoreError> {
        self.mark_uncertain(lease).await
    }

    async fn settle(&self, lease: Lease, settlement: Settlement) -> Result<Settled, StoreError> {
        self.settle_lease(lease, settlement).await
    }

    async fn connections_in_use(&self) -> Result<Vec<(String, String)>, StoreError> {
        connection::in_use(&mut *self.readers.begin().await?).await
    }

    async fn connection(&self, organization: &str, ehr: &str) -> Result<Connection, StoreError> {
        connection::load(&self.readers, organization, ehr).await
    }

    async fn take_turn(
        &self,
        organization: &str,
        ehr: &str,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.take_a_turn(organization, ehr, policy, now).await
    }

    async fn chart(&self, visit: &str) -> Result<Vec<ChartRow>, StoreError> {
        // Presence only (channel 0), and only people's.
        let rows = sqlx::query_as(
            "SELECT participant, state, for_identifier, accepted_at, delivered_at, reason FROM outbox
             WHERE visit = ? AND participant <> '' AND channel = 0 AND state <> 3 ORDER BY participant, seq",
        )
        .bind(visit)
        .fetch_all(&self.readers)
        .await?;
        marks(rows)
    }

    async fn outbox_counts(&self) -> Result<OutboxCounts, StoreError> {
        let mut tx = self.readers.begin().await?;
        let (waiting, waiting_for_identifier): (i64, i64) = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE NOT for_identifier), count(*) FILTER (WHERE for_identifier)
             FROM outbox WHERE state = 0",
        )
        .fetch_one(&mut *tx)
        .await?;
        let in_flight: i64 =
            sqlx::query_scalar("SELECT count(*) FROM outbox WHERE state = 1").fetch_one(&mut *tx).await?;
        let (parked, possible_double, unsupported, quarantined): (i64, i64, i64, i64) = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE state = 4), count(*) FILTER (WHERE state = 4 AND possible_double),
                    count(*) FILTER (WHERE state = 5), count(*) FILTER (WHERE state = 7)
             FROM outbox WHERE state IN (4, 5, 7)",
        )
        .fetch_one(&mut *tx)
        .await?;
        let oldest: Option<i64> = sqlx::query_scalar(
            "SELECT min(accepted_at) FROM outbox INDEXED BY outbox_oldest
             WHERE state IN (0, 1) AND delivered_at IS NULL",
        )
        .fetch_one(&mut *tx)
        .await?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(OutboxCounts {
            waiting: count(waiting),
            in_flight: count(in_flight),
            waiting_for_identifier: count(waiting_for_identifier),
            parked: count(parked),
            possible_double: count(possible_double),
            unsupported: count(unsupported),
            quarantined: count(quarantined),
            oldest: maybe_at(oldest)?,
        })
    }
}
