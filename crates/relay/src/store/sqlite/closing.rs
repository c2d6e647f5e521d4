//! What becomes of closed visits in SQLite: summaries, and forgetting what is sealed. When that is, is decided above.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row, SqliteConnection};

use super::super::StoreError;
use super::super::closing::{ClosedVisit, Closing, Summary};
use super::super::steps::{at, maybe_at};
use super::{SqliteStore, ledger};

/// Why a row that should have been settled never was: whoever forgets a visit looks before, and may look too early.
const FORGOTTEN: &str = "the visit was forgotten before it was sent";

/// A row of `visit_summary` as it comes from the database.
struct Raw(Summary);

impl FromRow<'_, SqliteRow> for Raw {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let decode = |error: StoreError| sqlx::Error::Decode(error.into());
        let time = |column: &str| at(row.try_get(column)?).map_err(decode);
        let maybe = |column: &str| maybe_at(row.try_get(column)?).map_err(decode);
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
            delivered: row.try_get("delivered")?,
            undelivered: row.try_get("undelivered")?,
            waited: row.try_get("waited_seconds")?,
            left_unseen: row.try_get("left_unseen")?,
        }))
    }
}

async fn forget(tx: &mut SqliteConnection, visit: &str, summary: Summary, now: Timestamp) -> Result<(), StoreError> {
    // Members, page sessions and watches go with it. One that was begun again meanwhile stays, whole.
    let gone =
        sqlx::query("DELETE FROM visit WHERE id = ? AND closed_at IS NOT NULL").bind(visit).execute(&mut *tx).await?;
    if gone.rows_affected() == 0 {
        return Ok(());
    }
    let unsent = sqlx::query(
        "UPDATE outbox SET state = 6, lease_until = NULL, fence = fence + 1, settled_at = ?, reason = ?
         WHERE visit = ? AND state IN (0, 1) RETURNING seq, id, organization, ehr, channel, reference, digest",
    )
    .bind(now.as_millisecond())
    .bind(FORGOTTEN)
    .bind(visit)
    .fetch_all(&mut *tx)
    .await?;
    for row in &unsent {
        ledger::append(tx, &ledger::subject(row)?.skipped(now, FORGOTTEN)).await?;
    }
    sqlx::query("UPDATE outbox SET sealed = x'' WHERE visit = ?").bind(visit).execute(&mut *tx).await?;
    keep(tx, summary).await
}

async fn keep(tx: &mut SqliteConnection, summary: Summary) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO visit_summary (visit, organization, appointment, department, practitioner, outcome, planned_start,
                                    arrived_at, started_at, ended_at, closed_at, delivered, undelivered, waited_seconds,
                                    left_unseen)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(summary.visit)
    .bind(summary.organization)
    .bind(summary.appointment)
    .bind(summary.department)
    .bind(summary.practitioner)
    .bind(summary.outcome)
    .bind(summary.planned_start.as_millisecond())
    .bind(summary.arrived_at.map(Timestamp::as_millisecond))
    .bind(summary.started_at.map(Timestamp::as_millisecond))
    .bind(summary.ended_at.map(Timestamp::as_millisecond))
    .bind(summary.closed_at.as_millisecond())
    .bind(summary.delivered)
    .bind(summary.undelivered)
    .bind(summary.waited)
    .bind(summary.left_unseen)
    .execute(tx)
    .await?;
    Ok(())
}

#[async_trait]
impl Closing for SqliteStore {
    async fn closed_visits(&self, before: Timestamp, limit: u32) -> Result<Vec<ClosedVisit>, StoreError> {
        let found: Vec<(String, String, String, i64, u32, Option<i64>)> = sqlx::query_as(
            "SELECT id, organization, key_day, closed_at,
                    (SELECT count(*) FROM outbox WHERE outbox.visit = visit.id AND outbox.state IN (0, 1, 7)),
                    (SELECT min(settled_at) FROM outbox WHERE outbox.visit = visit.id AND outbox.state = 4)
             FROM visit WHERE closed_at IS NOT NULL AND closed_at <= ? ORDER BY closed_at, id LIMIT ?",
        )
        .bind(before.as_millisecond())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        let closed = |(id, organization, day, closed_at, unsettled, parked): (_, _, _, i64, _, Option<i64>)| {
            let (closed_at, parked_since) = (at(closed_at)?, maybe_at(parked)?);
            Ok(ClosedVisit { id, organization, day, closed_at, unsettled, parked_since })
        };
        found.into_iter().map(closed).collect()
    }

    async fn forget_visit(&self, visit: &str, summary: Summary, now: Timestamp) -> Result<(), StoreError> {
        let visit = visit.to_owned();
        let log_is_clean = Arc::clone(&self.log_is_clean);
        self.write(move |tx| {
            Box::pin(async move {
                // Not before: the log may be emptied until this runs, and not again before it is committed.
                log_is_clean.store(false, Ordering::SeqCst);
                forget(tx, &visit, summary, now).await
            })
        })
        .await
    }

    async fn wipe(&self) -> Result<bool, StoreError> {
        if self.log_is_clean.swap(true, Ordering::SeqCst) {
            return Ok(true);
        }
        let emptied = self.writer.empty_log().await;
        if !matches!(emptied, Ok(true)) {
            self.log_is_clean.store(false, Ordering::SeqCst);
        }
        emptied
    }

    async fn summaries(
        &self,
        organization: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Summary>, StoreError> {
        let found: Vec<Raw> = sqlx::query_as(
            "SELECT * FROM visit_summary WHERE organization = ? AND planned_start >= ? AND planned_start < ?
             ORDER BY planned_start, visit",
        )
        .bind(organization)
        .bind(from.as_millisecond())
        .bind(until.as_millisecond())
        .fetch_all(&self.readers)
        .await?;
        Ok(found.into_iter().map(|it| it.0).collect())
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.delete("DELETE FROM inbox WHERE seen_at < ?", before).await
    }

    async fn forget_entries(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.delete("DELETE FROM outbox WHERE accepted_at < ? AND sealed = x''", before).await
    }
}

impl SqliteStore {
    /// Runs a DELETE that names one moment.
    pub(super) async fn delete(&self, statement: &'static str, before: Timestamp) -> Result<u64, StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                let gone = sqlx::query(statement).bind(before.as_millisecond()).execute(tx).await?;
                Ok(gone.rows_affected())
            })
        })
        .await
    }
}
