//! Meetings that were given up, in SQLite.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::super::given_up::{ClaimedGivenUp, GivenUp, NewGivenUp, Row};
use super::super::{StoreError, VisitRow, steps};
use super::SqliteStore;

/// Keeps one within a transaction: it is due at once.
pub(super) async fn put(
    tx: &mut SqliteConnection,
    visit: &VisitRow,
    meeting: &NewGivenUp,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO given_up (id, visit, organization, sealed, since, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
    )
    .bind(&meeting.id)
    .bind(&visit.id)
    .bind(&visit.organization)
    .bind(&meeting.sealed)
    .bind(now.as_millisecond())
    .execute(tx)
    .await?;
    Ok(())
}

#[async_trait]
impl GivenUp for SqliteStore {
    async fn claim_given_up(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedGivenUp>, StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                let rows: Vec<Row> = sqlx::query_as(
                    "UPDATE given_up SET due_at = ?1, attempt = attempt + 1
                     WHERE id IN (SELECT id FROM given_up WHERE due_at <= ?2 ORDER BY due_at, id LIMIT ?3)
                     RETURNING id, visit, organization, sealed, since, attempt",
                )
                .bind(until.as_millisecond())
                .bind(now.as_millisecond())
                .bind(limit)
                .fetch_all(tx)
                .await?;
                rows.into_iter().map(ClaimedGivenUp::read).collect()
            })
        })
        .await
    }

    async fn settle_given_up(&self, id: &str, attempt: u32, again: Option<Timestamp>) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let settled = match again {
                    Some(at) => sqlx::query("UPDATE given_up SET due_at = ?3 WHERE id = ?1 AND attempt = ?2")
                        .bind(id)
                        .bind(attempt)
                        .bind(at.as_millisecond()),
                    None => sqlx::query("DELETE FROM given_up WHERE id = ?1 AND attempt = ?2").bind(id).bind(attempt),
                };
                Ok(settled.execute(tx).await?.rows_affected() == 1)
            })
        })
        .await
    }

    async fn next_given_up_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let next: Option<i64> = sqlx::query_scalar("SELECT min(due_at) FROM given_up").fetch_one(&self.readers).await?;
        next.map(steps::at).transpose()
    }

    async fn has_given_up(&self, visit: &str) -> Result<bool, StoreError> {
        let found: i64 = sqlx::query_scalar("SELECT count(*) FROM given_up WHERE visit = ?")
            .bind(visit)
            .fetch_one(&self.readers)
            .await?;
        Ok(found > 0)
    }
}
