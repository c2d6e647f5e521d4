//! What becomes of closed visits in PostgreSQL: summaries, and forgetting what is sealed. When that is, is decided above.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};

use super::super::StoreError;
use super::super::closing::{ClosedVisit, Closing, Summary};
use super::{PostgresStore, at, ledger, maybe_at, ms, small, streams};

/// Why a row that should have been settled never was: whoever forgets a visit looks before, and may look too early.
const FORGOTTEN: &str = "the visit was forgotten before it was sent";

/// A row of `visit_summary` as it comes from the database.
struct Raw(Summary);

impl FromRow<'_, PgRow> for Raw {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let decode = |error: StoreError| sqlx::Error::Decode(error.into());
        let time = |column: &str| at(row.try_get(column)?).map_err(decode);
        let maybe = |column: &str| maybe_at(row.try_get(column)?).map_err(decode);
        let count = |column: &str| row.try_get::<Option<i64>, _>(column)?.map(small).transpose().map_err(decode);
        Ok(Self(Summary {
            visit: row.try_get("visit")?,
            organization: row.try_get("organization")?,
            appointment: row.try_get("appointment")?,
            department: row.try_get("department")?,
            practitioner: row.try_get("practitioner")?,
            outcome: row.try_get("outcome")?,
            planned_start: time("planned_start")?,
            arrived_at: maybe("arrived_at")?,
            started_at: maybe("started_at")?,
            ended_at: maybe("ended_at")?,
            closed_at: time("closed_at")?,
            delivered: small(row.try_get("delivered")?).map_err(decode)?,
            undelivered: small(row.try_get("undelivered")?).map_err(decode)?,
            waited: count("waited_seconds")?,
            left_unseen: count("left_unseen")?,
        }))
    }
}

async fn forget(tx: &mut PgConnection, visit: &str, summary: Summary, now: Timestamp) -> Result<(), StoreError> {
    // One that was begun again meanwhile stays, whole.
    let closed: Option<i64> =
        sqlx::query_scalar("SELECT closed_at FROM visit WHERE id = $1 AND closed_at IS NOT NULL FOR UPDATE")
            .bind(visit)
            .fetch_optional(&mut *tx)
            .await?;
    if closed.is_none() {
        return Ok(());
    }
    let of_it: Vec<String> = sqlx::query_scalar("SELECT DISTINCT stream FROM outbox WHERE visit = $1")
        .bind(visit)
        .fetch_all(&mut *tx)
        .await?;
    streams::lock(tx, of_it.iter().map(String::as_str)).await?;
    let mut unsent = sqlx::query(
        "UPDATE outbox SET state = 6, lease_until = NULL, fence = fence + 1, settled_at = $1, reason = $2
         WHERE visit = $3 AND state IN (0, 1) RETURNING seq, id, organization, ehr, channel, reference, digest",
    )
    .bind(now.as_millisecond())
    .bind(FORGOTTEN)
    .bind(visit)
    .fetch_all(&mut *tx)
    .await?;
    unsent.sort_by_key(|row| row.get::<i64, _>("seq"));
    let records = unsent.iter().map(|row| Ok(ledger::subject(row)?.skipped(now, FORGOTTEN)));
    let records = records.collect::<Result<Vec<_>, StoreError>>()?;
    sqlx::query("UPDATE outbox SET sealed = '' WHERE visit = $1").bind(visit).execute(&mut *tx).await?;
    keep(tx, summary).await?;
    // Members, page sessions and watches go with it.
    sqlx::query("DELETE FROM visit WHERE id = $1").bind(visit).execute(&mut *tx).await?;
    ledger::append(tx, &records).await
}

async fn keep(tx: &mut PgConnection, summary: Summary) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO visit_summary (visit, organization, appointment, department, practitioner, outcome, planned_start,
                                    arrived_at, started_at, ended_at, closed_at, delivered, undelivered, waited_seconds,
                                    left_unseen)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING",
    )
    .bind(summary.visit)
    .bind(summary.organization)
    .bind(summary.appointment)
    .bind(summary.department)
    .bind(summary.practitioner)
    .bind(summary.outcome)
    .bind(summary.planned_start.as_millisecond())
    .bind(ms(summary.arrived_at))
    .bind(ms(summary.started_at))
    .bind(ms(summary.ended_at))
    .bind(summary.closed_at.as_millisecond())
    .bind(i64::from(summary.delivered))
    .bind(i64::from(summary.undelivered))
    .bind(summary.waited.map(i64::from))
    .bind(summary.left_unseen.map(i64::from))
    .execute(tx)
    .await?;
    Ok(())
}

#[async_trait]
impl Closing for PostgresStore {
    async fn closed_visits(&self, before: Timestamp, limit: u32) -> Result<Vec<ClosedVisit>, StoreError> {
        let found: Vec<(String, String, String, i64, i64, Option<i64>)> = sqlx::query_as(
            "SELECT id, organization, key_day, closed_at,
                    (SELECT count(*) FROM outbox WHERE outbox.visit = visit.id AND outbox.state IN (0, 1, 7)),
                    (SELECT min(settled_at) FROM outbox WHERE outbox.visit = visit.id AND outbox.state = 4)
             FROM visit WHERE closed_at IS NOT NULL AND closed_at <= $1 ORDER BY closed_at, id LIMIT $2",
        )
        .bind(before.as_millisecond())
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let closed = |(id, organization, day, closed_at, unsettled, parked): (_, _, _, i64, i64, Option<i64>)| {
            let (closed_at, unsettled, parked_since) = (at(closed_at)?, small(unsettled)?, maybe_at(parked)?);
            Ok(ClosedVisit { id, organization, day, closed_at, unsettled, parked_since })
        };
        found.into_iter().map(closed).collect()
    }

    async fn forget_visit(&self, visit: &str, summary: Summary, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        forget(&mut tx, visit, summary, now).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn summaries(
        &self,
        organization: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Summary>, StoreError> {
        let found: Vec<Raw> = sqlx::query_as(
            "SELECT * FROM visit_summary WHERE organization = $1 AND planned_start >= $2 AND planned_start < $3
             ORDER BY planned_start, visit",
        )
        .bind(organization)
        .bind(from.as_millisecond())
        .bind(until.as_millisecond())
        .fetch_all(&self.pool)
        .await?;
        Ok(found.into_iter().map(|it| it.0).collect())
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.delete("DELETE FROM inbox WHERE seen_at < $1", before).await
    }

    async fn forget_entries(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.delete("DELETE FROM outbox WHERE accepted_at < $1 AND sealed = ''", before).await
    }
}
