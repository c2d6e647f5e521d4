//! Letters in SQLite.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::super::letters::{ClaimedLetter, Letters, NewLetter, Row};
use super::super::{StoreError, VisitRow, steps};
use super::SqliteStore;

/// Keeps a letter within a transaction: it is due at once.
pub(super) async fn put(
    tx: &mut SqliteConnection,
    visit: &VisitRow,
    letter: &NewLetter,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO letter (id, visit, organization, sealed, due_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)")
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
impl Letters for SqliteStore {
    async fn claim_letters(
        &self,
        organization: &str,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedLetter>, StoreError> {
        let organization = organization.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let rows: Vec<Row> = sqlx::query_as(
                    "UPDATE letter SET due_at = ?1, attempt = attempt + 1
                     WHERE id IN (SELECT id FROM letter WHERE due_at <= ?2 AND organization = ?4
                                  ORDER BY due_at, id LIMIT ?3)
                     RETURNING id, visit, organization, sealed, expires_at, attempt",
                )
                .bind(until.as_millisecond())
                .bind(now.as_millisecond())
                .bind(limit)
                .bind(organization)
                .fetch_all(tx)
                .await?;
                rows.into_iter().map(ClaimedLetter::read).collect()
            })
        })
        .await
    }

    async fn settle_letter(&self, id: &str, attempt: u32, again: Option<Timestamp>) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let settled = match again {
                    Some(at) => sqlx::query("UPDATE letter SET due_at = ?3 WHERE id = ?1 AND attempt = ?2")
                        .bind(id)
                        .bind(attempt)
                        .bind(at.as_millisecond()),
                    None => sqlx::query("DELETE FROM letter WHERE id = ?1 AND attempt = ?2").bind(id).bind(attempt),
                };
                Ok(settled.execute(tx).await?.rows_affected() == 1)
            })
        })
        .await
    }

    async fn next_letter_at(&self, organization: &str) -> Result<Option<Timestamp>, StoreError> {
        let next: Option<i64> = sqlx::query_scalar("SELECT min(due_at) FROM letter WHERE organization = ?")
            .bind(organization)
            .fetch_one(&self.readers)
            .await?;
        next.map(steps::at).transpose()
    }
}
