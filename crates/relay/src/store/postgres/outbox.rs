//! The outbox in PostgreSQL as the worker and the figures see it. Claiming is `claim.rs`, how an attempt ends `settle.rs`,
//! what passes from row to row `enqueue.rs`.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;

use super::super::outbox::{ChartRow, ClaimPolicy, Claimed, Lease, Outbox, OutboxCounts, Settled, Settlement};
use super::super::{StoreError, chart};
use super::claim::database_now;
use super::{PostgresStore, at, maybe_at};
use crate::outbox::connection::{Connection, Policy};

#[async_trait]
impl Outbox for PostgresStore {
    async fn time(&self, _relay: Timestamp) -> Result<Timestamp, StoreError> {
        at(sqlx::query_scalar(concat!("SELECT ", database_now!())).fetch_one(&self.pool).await?)
    }

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
        self.in_use().await
    }

    async fn connection(&self, organization: &str, ehr: &str) -> Result<Connection, StoreError> {
        self.how_is(organization, ehr).await
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
             WHERE visit = $1 AND participant <> '' AND channel = 0 AND state <> 3 ORDER BY participant, seq",
        )
        .bind(visit)
        .fetch_all(&self.pool)
        .await?;
        chart::marks(rows)
    }

    async fn outbox_counts(&self) -> Result<OutboxCounts, StoreError> {
        // One statement and so of one moment; each part is answered from an index of just those rows.
        let row = sqlx::query(
            "SELECT waiting, for_identifier, in_flight, parked, possible_double, unsupported, quarantined, oldest FROM
               (SELECT count(*) FILTER (WHERE NOT for_identifier) AS waiting,
                       count(*) FILTER (WHERE for_identifier) AS for_identifier FROM outbox WHERE state = 0) AS w,
               (SELECT count(*) AS in_flight FROM outbox WHERE state = 1) AS f,
               (SELECT count(*) FILTER (WHERE state = 4) AS parked,
                       count(*) FILTER (WHERE state = 4 AND possible_double) AS possible_double,
                       count(*) FILTER (WHERE state = 5) AS unsupported,
                       count(*) FILTER (WHERE state = 7) AS quarantined FROM outbox WHERE state IN (4, 5, 7)) AS s,
               (SELECT min(accepted_at) AS oldest FROM outbox WHERE state IN (0, 1) AND delivered_at IS NULL) AS o",
        )
        .fetch_one(&self.pool)
        .await?;
        let count = |column| Ok::<_, sqlx::Error>(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0));
        Ok(OutboxCounts {
            waiting: count("waiting")?,
            in_flight: count("in_flight")?,
            waiting_for_identifier: count("for_identifier")?,
            parked: count("parked")?,
            possible_double: count("possible_double")?,
            unsupported: count("unsupported")?,
            quarantined: count("quarantined")?,
            oldest: maybe_at(row.try_get("oldest")?)?,
        })
    }
}
