//! Watches in PostgreSQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};

use super::super::StoreError;
use super::super::watches::{StoredWatch, Watches};
use super::{PostgresStore, at};

/// A row of `watch` as it comes from the database.
struct Raw(StoredWatch);

impl FromRow<'_, PgRow> for Raw {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let expires_at = at(row.try_get("expires_at")?).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Self(StoredWatch {
            subscription: row.try_get("subscription")?,
            organization: row.try_get("organization")?,
            visit: row.try_get("visit")?,
            client_state_hash: row.try_get("client_state_hash")?,
            certificate_id: row.try_get("certificate_id")?,
            expires_at,
        }))
    }
}

/// Keeps a watch within a transaction.
pub(super) async fn put(tx: &mut PgConnection, watch: &StoredWatch) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO watch (subscription, organization, visit, client_state_hash, certificate_id, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (subscription) DO UPDATE SET organization = excluded.organization, visit = excluded.visit,
           client_state_hash = excluded.client_state_hash, certificate_id = excluded.certificate_id,
           expires_at = excluded.expires_at",
    )
    .bind(&watch.subscription)
    .bind(&watch.organization)
    .bind(&watch.visit)
    .bind(&watch.client_state_hash)
    .bind(&watch.certificate_id)
    .bind(watch.expires_at.as_millisecond())
    .execute(tx)
    .await?;
    Ok(())
}

/// Of a meeting that its visit gives up nobody is told any more.
pub(super) async fn forget_all(tx: &mut PgConnection, visit: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM watch WHERE visit = $1").bind(visit).execute(tx).await?;
    Ok(())
}

#[async_trait]
impl Watches for PostgresStore {
    async fn put_watch(&self, watch: StoredWatch) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        put(&mut tx, &watch).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn watch(&self, subscription: &str) -> Result<Option<StoredWatch>, StoreError> {
        let found: Option<Raw> = sqlx::query_as("SELECT * FROM watch WHERE subscription = $1")
            .bind(subscription)
            .fetch_optional(&self.pool)
            .await?;
        Ok(found.map(|it| it.0))
    }

    async fn watches_of(&self, visit: &str) -> Result<Vec<StoredWatch>, StoreError> {
        let found: Vec<Raw> = sqlx::query_as("SELECT * FROM watch WHERE visit = $1 ORDER BY subscription")
            .bind(visit)
            .fetch_all(&self.pool)
            .await?;
        Ok(found.into_iter().map(|it| it.0).collect())
    }

    async fn watches_ending(&self, before: Timestamp, limit: u32) -> Result<Vec<StoredWatch>, StoreError> {
        let found: Vec<Raw> = sqlx::query_as(
            "SELECT watch.* FROM watch JOIN visit ON visit.id = watch.visit
             WHERE expires_at < $1 AND closed_at IS NULL ORDER BY expires_at LIMIT $2",
        )
        .bind(before.as_millisecond())
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        Ok(found.into_iter().map(|it| it.0).collect())
    }

    async fn watch_renewed(&self, subscription: &str, expires_at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE watch SET expires_at = $1 WHERE subscription = $2")
            .bind(expires_at.as_millisecond())
            .bind(subscription)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn watch_anew(&self, subscription: &str, new: StoredWatch) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        // The visit first, as everywhere: a commit that gives the meeting up holds it, by an UPDATE that leaves the key alone.
        let lock = "SELECT id FROM visit WHERE id = $1 FOR NO KEY UPDATE";
        sqlx::query(lock).bind(&new.visit).fetch_optional(&mut *tx).await?;
        let over = sqlx::query("DELETE FROM watch WHERE subscription = $1").bind(subscription);
        let is_there = over.execute(&mut *tx).await?.rows_affected() == 1;
        if is_there {
            put(&mut tx, &new).await?;
        }
        tx.commit().await?;
        Ok(is_there)
    }
}
