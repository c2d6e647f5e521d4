//! Meetings that were given up, in PostgreSQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::PgConnection;

use super::super::given_up::{ClaimedGivenUp, GivenUp, NewGivenUp, Row};
use super::super::{StoreError, VisitRow, steps};
use super::PostgresStore;

/// Keeps one within a transaction: it is due at once.
pub(super) async fn put(
    tx: &mut PgConnection,
    visit: &VisitRow,
    meeting: &NewGivenUp,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO given_up (id, visit, organization, sealed, since, due_at) VALUES ($1, $2, $3, $4, $5, $5)",
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
impl GivenUp for PostgresStore {
    async fn claim_given_up(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedGivenUp>, StoreError> {
        let mut tx = self.begin().await?;
        // One that another node is just claiming is that node's.
        let rows: Vec<Row> = sqlx::query_as(
            "UPDATE given_up SET due_at = $1, attempt = attempt + 1
             WHERE id IN
                   (SELECT id FROM given_up WHERE due_at <= $2 ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)
             RETURNING id, visit, organization, sealed, since, attempt",
        )
        .bind(until.as_millisecond())
        .bind(now.as_millisecond())
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter().map(ClaimedGivenUp::read).collect()
    }

    async fn settle_given_up(&self, id: &str, attempt: u32, again: Option<Timestamp>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let settled = match again {
            Some(at) => sqlx::query("UPDATE given_up SET due_at = $3 WHERE id = $1 AND attempt = $2")
                .bind(id)
                .bind(i64::from(attempt))
                .bind(at.as_millisecond()),
            None => {
                sqlx::query("DELETE FROM given_up WHERE id = $1 AND attempt = $2").bind(id).bind(i64::from(attempt))
            }
        };
        let settled = settled.execute(&mut *tx).await?.rows_affected() == 1;
        tx.commit().await?;
        Ok(settled)
    }

    async fn next_given_up_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let next: Option<i64> = sqlx::query_scalar("SELECT min(due_at) FROM given_up").fetch_one(&self.pool).await?;
        next.map(steps::at).transpose()
    }

    async fn has_given_up(&self, visit: &str) -> Result<bool, StoreError> {
        let found: i64 = sqlx::query_scalar("SELECT count(*) FROM given_up WHERE visit = $1")
            .bind(visit)
            .fetch_one(&self.pool)
            .await?;
        Ok(found > 0)
    }
}
