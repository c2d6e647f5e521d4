//! Watches in SQLite.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row, SqliteConnection};

use super::super::StoreError;
use super::super::steps::at;
use super::super::watches::{StoredWatch, Watches};
use super::SqliteStore;

/// A row of `watch` as it comes from the database.
struct Raw(StoredWatch);

impl FromRow<'_, SqliteRow> for Raw {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
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
pub(super) async fn put(tx: &mut SqliteConnection, watch: &StoredWatch) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT OR REPLACE INTO watch (subscription, organization, visit, client_state_hash, certificate_id, expires_at)
         VALUES (?, ?, ?, ?, ?, ?)",
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
pub(super) async fn forget_all(tx: &mut SqliteConnection, visit: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM watch WHERE visit = ?").bind(visit).execute(tx).await?;
    Ok(())
}

#[async_trait]
impl Watches for SqliteStore {
    async fn put_watch(&self, watch: StoredWatch) -> Result<(), StoreError> {
        self.write(move |tx| Box::pin(async move { put(tx, &watch).await })).await
    }

    async fn watch(&self, subscription: &str) -> Result<Option<StoredWatch>, StoreError> {
        let found: Option<Raw> = sqlx::query_as("SELECT * FROM watch WHERE subscription = ?")
            .bind(subscription)
            .fetch_optional(&self.readers)
            .await?;
        Ok(found.map(|it| it.0))
    }

    async fn watches_of(&self, visit: &str) -> Result<Vec<StoredWatch>, StoreError> {
        let found: Vec<Raw> = sqlx::query_as("SELECT * FROM watch WHERE visit = ? ORDER BY subscription")
            .bind(visit)
            .fetch_all(&self.readers)
            .await?;
        Ok(found.into_iter().map(|it| it.0).collect())
    }

    async fn watches_ending(&self, before: Timestamp, limit: u32) -> Result<Vec<StoredWatch>, StoreError> {
        let found: Vec<Raw> = sqlx::query_as(
            "SELECT watch.* FROM watch JOIN visit ON visit.id = watch.visit
             WHERE expires_at < ? AND closed_at IS NULL ORDER BY expires_at LIMIT ?",
        )
        .bind(before.as_millisecond())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        Ok(found.into_iter().map(|it| it.0).collect())
    }

    async fn watch_renewed(&self, subscription: &str, expires_at: Timestamp) -> Result<(), StoreError> {
        let subscription = subscription.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query("UPDATE watch SET expires_at = ? WHERE subscription = ?")
                    .bind(expires_at.as_millisecond())
                    .bind(subscription)
                    .execute(tx)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn watch_anew(&self, subscription: &str, new: StoredWatch) -> Result<bool, StoreError> {
        let subscription = subscription.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let over = sqlx::query("DELETE FROM watch WHERE subscription = ?").bind(subscription);
                let is_there = over.execute(&mut *tx).await?.rows_affected() == 1;
                if is_there {
                    put(tx, &new).await?;
                }
                Ok(is_there)
            })
        })
        .await
    }
}
