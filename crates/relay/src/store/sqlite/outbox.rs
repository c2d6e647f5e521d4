//! Claiming and reading the outbox in SQLite. How an attempt ends is `settle.rs`; rows are written by `commit.rs`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::outbox::{ChartRow, ChartWord, ClaimPolicy, Lease, Outbox, OutboxCounts, Outcome, Settled};
use super::super::{StoreError, WrappedKey};
use super::{SqliteStore, at, maybe_at};

/// The database's own time in milliseconds: leases must not depend on the relay's clock.
pub(super) const DATABASE_NOW: &str = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// Rows whose lease ran out become claimable, or give way to the newer state that waits behind them. Either way what
/// then stands is asserted once more after the settle delay, since the lost owner's request may still land.
async fn take_over(tx: &mut SqliteConnection, database_now: i64, policy: &ClaimPolicy) -> Result<(), StoreError> {
    let lost: Vec<(String, String, u32)> =
        sqlx::query_as("SELECT id, stream, attempts FROM outbox WHERE state = 1 AND lease_until <= ?")
            .bind(database_now)
            .fetch_all(&mut *tx)
            .await?;
    let reassert_at = policy.now.saturating_add(policy.settle_delay).unwrap_or(policy.now).as_millisecond();
    for (id, stream, attempt) in lost {
        sqlx::query("UPDATE attempt SET settled_at = ?, outcome = 'lease-ran-out' WHERE outbox = ? AND n = ?")
            .bind(policy.now.as_millisecond())
            .bind(&id)
            .bind(attempt)
            .execute(&mut *tx)
            .await?;
        let newer = owe(tx, &stream, reassert_at).await?;
        sqlx::query(
            "UPDATE outbox SET state = iif(?, 3, 0), lease_until = NULL, reassert_at = max(coalesce(reassert_at, 0), ?)
             WHERE id = ?",
        )
        .bind(newer)
        .bind(reassert_at)
        .bind(&id)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// The stream's waiting row, if any, is to be asserted once more at `reassert_at`. Says whether there is one.
pub(super) async fn owe(tx: &mut SqliteConnection, stream: &str, reassert_at: i64) -> Result<bool, StoreError> {
    let owing =
        sqlx::query("UPDATE outbox SET reassert_at = max(coalesce(reassert_at, 0), ?) WHERE stream = ? AND state = 0")
            .bind(reassert_at)
            .bind(stream)
            .execute(tx)
            .await?;
    Ok(owing.rows_affected() > 0)
}

fn lease(row: &SqliteRow) -> Result<Lease, StoreError> {
    Ok(Lease {
        id: row.try_get("id")?,
        fence: row.try_get::<i64, _>("fence")? + 1,
        stream: row.try_get("stream")?,
        visit: row.try_get("visit")?,
        organization: row.try_get("organization")?,
        participant: row.try_get("participant")?,
        ehr: row.try_get("ehr")?,
        key: WrappedKey { day: row.try_get("key_day")?, bytes: row.try_get("key_wrapped")? },
        sealed: row.try_get("sealed")?,
        failures: row.try_get("failures")?,
        accepted_at: at(row.try_get("accepted_at")?)?,
        attempt: row.try_get::<u32, _>("attempts")? + 1,
    })
}

#[async_trait]
impl Outbox for SqliteStore {
    async fn claim(&self, policy: ClaimPolicy) -> Result<Vec<Lease>, StoreError> {
        let mut tx = self.write().await?;
        let database_now: i64 = sqlx::query_scalar(DATABASE_NOW).fetch_one(&mut *tx).await?;
        take_over(&mut tx, database_now, &policy).await?;
        // CROSS JOIN keeps the walk over outbox_runnable outermost, in its own order, and stops at the limit.
        let rows = sqlx::query(
            "SELECT outbox.id, outbox.fence, outbox.stream, outbox.visit, visit.organization, outbox.participant,
                    outbox.ehr, visit.key_day, visit.key_wrapped, outbox.sealed, outbox.failures, outbox.accepted_at,
                    outbox.attempts
             FROM outbox INDEXED BY outbox_runnable CROSS JOIN visit ON visit.id = outbox.visit
             WHERE outbox.state = 0 AND outbox.run_at <= ?
               AND NOT EXISTS (SELECT 1 FROM outbox AS other WHERE other.state = 1 AND other.stream = outbox.stream)
             ORDER BY outbox.run_at, outbox.seq LIMIT ?",
        )
        .bind(policy.now.as_millisecond())
        .bind(policy.limit)
        .fetch_all(&mut *tx)
        .await?;
        let mut leases = Vec::with_capacity(rows.len());
        for row in &rows {
            let lease = lease(row)?;
            sqlx::query("UPDATE outbox SET state = 1, fence = ?, attempts = ?, lease_until = ? WHERE id = ?")
                .bind(lease.fence)
                .bind(lease.attempt)
                .bind(database_now + i64::try_from(policy.lease.as_millis()).unwrap_or(i64::MAX / 2))
                .bind(&lease.id)
                .execute(&mut *tx)
                .await?;
            sqlx::query("INSERT INTO attempt (outbox, n, fence, started_at) VALUES (?, ?, ?, ?)")
                .bind(&lease.id)
                .bind(lease.attempt)
                .bind(lease.fence)
                .bind(policy.now.as_millisecond())
                .execute(&mut *tx)
                .await?;
            leases.push(lease);
        }
        tx.commit().await?;
        Ok(leases)
    }

    async fn settle(
        &self,
        lease: Lease,
        outcome: Outcome,
        now: Timestamp,
        reassert_at: Timestamp,
    ) -> Result<Settled, StoreError> {
        self.settle_lease(lease, outcome, now, reassert_at).await
    }

    async fn next_run_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let next =
            sqlx::query_scalar("SELECT min(run_at) FROM outbox WHERE state = 0").fetch_one(&self.readers).await?;
        maybe_at(next)
    }

    async fn chart(&self, visit: &str) -> Result<Vec<ChartRow>, StoreError> {
        type Raw = (String, i64, bool, i64, Option<i64>, Option<String>);
        let rows: Vec<Raw> = sqlx::query_as(
            "SELECT participant, state, for_identifier, accepted_at, delivered_at, reason FROM outbox
             WHERE visit = ? AND state <> 3 ORDER BY participant, seq",
        )
        .bind(visit)
        .fetch_all(&self.readers)
        .await?;
        let mut newest = BTreeMap::new();
        for (participant, state, for_identifier, accepted_at, delivered_at, reason) in rows {
            let reason = reason.unwrap_or_default();
            let word = match (state, delivered_at) {
                (0..=2, Some(delivered_at)) => ChartWord::Written { at: at(delivered_at)? },
                (0, None) if for_identifier => ChartWord::WaitingForIdentifier { since: at(accepted_at)? },
                (0 | 1, None) => ChartWord::Pending { since: at(accepted_at)? },
                (4, _) => ChartWord::Parked { reason },
                (5, _) => ChartWord::Unsupported { reason },
                _ => return Err(StoreError::Unreadable("outbox state")),
            };
            newest.insert(participant, word);
        }
        Ok(newest.into_iter().map(|(participant, word)| ChartRow { participant, word }).collect())
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
        let (parked, unsupported): (i64, i64) = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE state = 4), count(*) FILTER (WHERE state = 5)
             FROM outbox WHERE state IN (4, 5)",
        )
        .fetch_one(&mut *tx)
        .await?;
        let oldest: Option<i64> = sqlx::query_scalar(
            "SELECT min(oldest) FROM (
               SELECT min(accepted_at) AS oldest FROM outbox WHERE state = 0 AND delivered_at IS NULL
               UNION ALL SELECT min(accepted_at) FROM outbox WHERE state = 1 AND delivered_at IS NULL)",
        )
        .fetch_one(&mut *tx)
        .await?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(OutboxCounts {
            waiting: count(waiting),
            in_flight: count(in_flight),
            waiting_for_identifier: count(waiting_for_identifier),
            parked: count(parked),
            unsupported: count(unsupported),
            oldest: maybe_at(oldest)?,
        })
    }

    async fn unpark(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let changed = sqlx::query(
            "UPDATE outbox SET state = 0, run_at = ?, failures = 0, reason = NULL WHERE id = ? AND state = 4",
        )
        .bind(now.as_millisecond())
        .bind(id)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(changed.rows_affected() == 1)
    }
}
