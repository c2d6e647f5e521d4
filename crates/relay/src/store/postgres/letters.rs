//! Letters in PostgreSQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::PgConnection;

use super::super::letters::{ClaimedLetter, Letters, NewLetter, Row};
use super::super::{StoreError, VisitRow, steps};
use super::PostgresStore;

/// Keeps a letter within a transaction: it is due at once.
pub(super) async fn put(
    tx: &mut PgConnection,
    visit: &VisitRow,
    letter: &NewLetter,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO letter (id, visit, organization, sealed, due_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&letter.id)
    .bind(&visit.id)
    .bind(&visit.organization)
    .bind(&letter.sealed)
    .bind(now.as_millisecond())
    .bind(letter.expires_at.as_millisecond())
    .execute(tx)
    .await?;
    Ok(())
}

#[async_trait]
impl Letters for PostgresStore {
    async fn claim_letters(
        &self,
        organization: &str,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedLetter>, StoreError> {
        let mut tx = self.begin().await?;
        // One that another node is just claiming is that node's.
        let rows: Vec<Row> = sqlx::query_as(
            "UPDATE letter SET due_at = $1, attempt = attempt + 1
             WHERE id IN (SELECT id FROM letter WHERE due_at <= $2 AND organization = $4
                          ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)
             RETURNING id, visit, organization, sealed, expires_at, attempt",
        )
        .bind(until.as_millisecond())
        .bind(now.as_millisecond())
        .bind(i64::from(limit))
        .bind(organization)
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter().map(ClaimedLetter::read).collect()
    }

    async fn settle_letter(&self, id: &str, attempt: u32, again: Option<Timestamp>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let settled = match again {
            Some(at) => sqlx::query("UPDATE letter SET due_at = $3 WHERE id = $1 AND attempt = $2")
                .bind(id)
                .bind(i64::from(attempt))
                .bind(at.as_millisecond()),
            None => sqlx::query("DELETE FROM letter WHERE id = $1 AND attempt = $2").bind(id).bind(i64::from(attempt)),
        };
        let settled = settled.execute(&mut *tx).await?.rows_affected() == 1;
        tx.commit().await?;
        Ok(settled)
    }

    async fn next_letter_at(&self, organization: &str) -> Result<Option<Timestamp>, StoreError> {
        let next: Option<i64> = sqlx::query_scalar("SELECT min(due_at) FROM letter WHERE organization = $1")
            .bind(organization)
            .fetch_one(&self.pool)
            .await?;
        next.map(steps::at).transpose()
    }
}
