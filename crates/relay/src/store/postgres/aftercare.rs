//! Rows of visits that were restored or are over, in PostgreSQL. What follows from them is decided above.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::super::aftercare::{Aftercare, Quarantined};
use super::super::{Channel, StoreError, WrappedKey};
use super::{PostgresStore, small};

fn quarantined(row: &PgRow) -> Result<Quarantined, StoreError> {
    let day: Option<String> = row.try_get("key_day")?;
    let bytes: Option<Vec<u8>> = row.try_get("key_wrapped")?;
    Ok(Quarantined {
        seq: row.try_get("seq")?,
        id: row.try_get("id")?,
        organization: row.try_get("organization")?,
        ehr: row.try_get("ehr")?,
        visit: row.try_get("visit")?,
        channel: Channel::of_number(row.try_get("channel")?)?,
        sealed: row.try_get("sealed")?,
        key: day.zip(bytes).map(|(day, bytes)| WrappedKey { day, bytes }),
        closed: row.try_get("closed")?,
    })
}

#[async_trait]
impl Aftercare for PostgresStore {
    async fn quarantined(&self, after: i64, limit: u32) -> Result<Vec<Quarantined>, StoreError> {
        let found = sqlx::query(
            "SELECT outbox.seq, outbox.id, outbox.organization, outbox.ehr, outbox.visit, outbox.channel, outbox.sealed,
                    visit.key_day, visit.key_wrapped, (visit.id IS NULL OR visit.closed_at IS NOT NULL) AS closed
             FROM outbox LEFT JOIN visit ON visit.id = outbox.visit
             WHERE outbox.state = 7 AND outbox.seq > $1 ORDER BY outbox.seq LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        found.iter().map(quarantined).collect()
    }

    async fn park(&self, id: &str, reason: &str, now: Timestamp) -> Result<bool, StoreError> {
        let parked = sqlx::query(
            "UPDATE outbox SET state = 4, possible_double = true, settled_at = $1, reason = $2
             WHERE id = $3 AND state = 7",
        )
        .bind(now.as_millisecond())
        .bind(reason)
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(parked.rows_affected() == 1)
    }

    async fn delivery_of(&self, visit: &str) -> Result<(u32, u32), StoreError> {
        let (delivered, undelivered) = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE state = 2), count(*) FILTER (WHERE state IN (4, 5, 6))
             FROM outbox WHERE visit = $1",
        )
        .bind(visit)
        .fetch_one(&self.pool)
        .await?;
        Ok((small(delivered)?, small(undelivered)?))
    }
}
