//! Meetings to be emptied, in SQLite.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::super::removals::{ClaimedRemoval, NextLook, Removals, Row};
use super::super::{StoreError, VisitRow, steps};
use super::SqliteStore;

/// Somebody has to look at once. Whoever has it now settles nothing: they looked at the visit as it was.
pub(super) async fn due(tx: &mut SqliteConnection, visit: &VisitRow, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO removal (visit, organization, due_at) VALUES (?, ?, ?)
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
impl Removals for SqliteStore {
    async fn claim_removals(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedRemoval>, StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                let rows: Vec<Row> = sqlx::query_as(
                    "UPDATE removal SET due_at = ?1, attempt = attempt + 1
                     WHERE visit IN (SELECT visit FROM removal WHERE due_at <= ?2 ORDER BY due_at, visit LIMIT ?3)
                     RETURNING visit, organization, call_id, refused, attempt",
                )
                .bind(until.as_millisecond())
                .bind(now.as_millisecond())
                .bind(limit)
                .fetch_all(tx)
                .await?;
                rows.into_iter().map(ClaimedRemoval::read).collect()
            })
        })
        .await
    }

    async fn settle_removal(&self, visit: &str, attempt: u32, next: Option<NextLook>) -> Result<bool, StoreError> {
        let visit = visit.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let settled = match next {
                    Some(next) => sqlx::query(
                        "UPDATE removal SET due_at = ?3, call_id = ?4, refused = ?5
                         WHERE visit = ?1 AND attempt = ?2",
                    )
                    .bind(visit)
                    .bind(attempt)
                    .bind(next.at.as_millisecond())
                    .bind(next.call)
                    .bind(next.refused),
                    None => {
                        sqlx::query("DELETE FROM removal WHERE visit = ?1 AND attempt = ?2").bind(visit).bind(attempt)
                    }
                };
                Ok(settled.execute(tx).await?.rows_affected() == 1)
            })
        })
        .await
    }

    async fn next_removal_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let next: Option<i64> = sqlx::query_scalar("SELECT min(due_at) FROM removal").fetch_one(&self.readers).await?;
        next.map(steps::at).transpose()
    }

    async fn has_removal(&self, visit: &str) -> Result<bool, StoreError> {
        let found: i64 = sqlx::query_scalar("SELECT count(*) FROM removal WHERE visit = ?")
            .bind(visit)
            .fetch_one(&self.readers)
            .await?;
        Ok(found > 0)
    }

    async fn removal_refused(&self, visit: &str) -> Result<Option<String>, StoreError> {
        let found: Option<Option<String>> = sqlx::query_scalar("SELECT refused FROM removal WHERE visit = ?")
            .bind(visit)
            .fetch_optional(&self.readers)
            .await?;
        Ok(found.flatten())
    }
}
