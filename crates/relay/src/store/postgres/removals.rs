//! Meetings to be emptied, in PostgreSQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::PgConnection;

use super::super::removals::{ClaimedRemoval, NextLook, Removals, Row};
use super::super::{StoreError, VisitRow, steps};
use super::PostgresStore;

/// Somebody has to look at once. Whoever has it now settles nothing: they looked at the visit as it was.
pub(super) async fn due(tx: &mut PgConnection, visit: &VisitRow, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO removal (visit, organization, due_at) VALUES ($1, $2, $3)
         ON CONFLICT (visit) DO UPDATE
         SET due_at = excluded.due_at, refused = NULL, attempt = removal.attempt + 1",
    )
    .bind(&visit.id)
    .bind(&visit.organization)
    .bind(now.as_millisecond())
    .execute(tx)
    .await?;
    Ok(())
}

#[async_trait]
impl Removals for PostgresStore {
    async fn claim_removals(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedRemoval>, StoreError> {
        let mut tx = self.begin().await?;
        // One that another node is just claiming is that node's.
        let rows: Vec<Row> = sqlx::query_as(
            "UPDATE removal SET due_at = $1, attempt = attempt + 1
             WHERE visit IN
                   (SELECT visit FROM removal WHERE due_at <= $2 ORDER BY due_at, visit LIMIT $3 FOR UPDATE SKIP LOCKED)
             RETURNING visit, organization, call_id, refused, attempt",
        )
        .bind(until.as_millisecond())
        .bind(now.as_millisecond())
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter().map(ClaimedRemoval::read).collect()
    }

    async fn settle_removal(&self, visit: &str, attempt: u32, next: Option<NextLook>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let settled = match next {
            Some(next) => sqlx::query(
                "UPDATE removal SET due_at = $3, call_id = $4, refused = $5
                 WHERE visit = $1 AND attempt = $2",
            )
            .bind(visit)
            .bind(i64::from(attempt))
            .bind(next.at.as_millisecond())
            .bind(next.call)
            .bind(next.refused),
            None => sqlx::query("DELETE FROM removal WHERE visit = $1 AND attempt = $2")
                .bind(visit)
                .bind(i64::from(attempt)),
        };
        let settled = settled.execute(&mut *tx).await?.rows_affected() == 1;
        tx.commit().await?;
        Ok(settled)
    }

    async fn next_removal_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let next: Option<i64> = sqlx::query_scalar("SELECT min(due_at) FROM removal").fetch_one(&self.pool).await?;
        next.map(steps::at).transpose()
    }

    async fn has_removal(&self, visit: &str) -> Result<bool, StoreError> {
        let found: i64 = sqlx::query_scalar("SELECT count(*) FROM removal WHERE visit = $1")
            .bind(visit)
            .fetch_one(&self.pool)
            .await?;
        Ok(found > 0)
    }

    async fn removal_refused(&self, visit: &str) -> Result<Option<String>, StoreError> {
        let found: Option<Option<String>> = sqlx::query_scalar("SELECT refused FROM removal WHERE visit = $1")
            .bind(visit)
            .fetch_optional(&self.pool)
            .await?;
        Ok(found.flatten())
    }
}
