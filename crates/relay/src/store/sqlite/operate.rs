//! What an operator sees and does with outbox rows in SQLite. Each wish is one transaction that looks before it acts.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, QueryBuilder, Row, Sqlite, SqliteConnection};

use super::super::operate::{Chained, EntryFilter, EntryRow, NotDone, Operate, Standing, Wish};
use super::super::steps::{Subject, at, maybe_at};
use super::super::{Channel, EntryState, StoreError};
use super::{SqliteStore, ledger};
use crate::ledger::Hash;

const COLUMNS: &str = "SELECT seq, id, organization, ehr, visit, stream, channel, state, for_identifier,
     possible_double, attempts, failures, accepted_at, run_at, delivered_at, reason, sealed = x'' AS destroyed,
     seq = (SELECT max(seq) FROM outbox AS any_of WHERE any_of.stream = outbox.stream) AS newest FROM outbox";

/// A row as it comes from the database.
struct Raw(EntryRow);

impl FromRow<'_, SqliteRow> for Raw {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let decode = |error: StoreError| sqlx::Error::Decode(error.into());
        let time = |column: &str| at(row.try_get(column)?).map_err(decode);
        Ok(Self(EntryRow {
            seq: row.try_get("seq")?,
            id: row.try_get("id")?,
            organization: row.try_get("organization")?,
            ehr: row.try_get("ehr")?,
            visit: row.try_get("visit")?,
            stream: row.try_get("stream")?,
            channel: Channel::of_number(row.try_get("channel")?).map_err(decode)?,
            state: EntryState::of_number(row.try_get("state")?).map_err(decode)?,
            for_identifier: row.try_get("for_identifier")?,
            possible_double: row.try_get("possible_double")?,
            attempts: row.try_get("attempts")?,
            failures: row.try_get("failures")?,
            accepted_at: time("accepted_at")?,
            run_at: time("run_at")?,
            delivered_at: maybe_at(row.try_get("delivered_at")?).map_err(decode)?,
            reason: row.try_get("reason")?,
            destroyed: row.try_get("destroyed")?,
            newest: row.try_get("newest")?,
        }))
    }
}

/// A row that an operator wants to act on.
struct Wanted {
    subject: Subject,
    standing: Standing,
}

async fn wanted(tx: &mut SqliteConnection, id: &str) -> Result<Option<Wanted>, StoreError> {
    let row = sqlx::query(
        "SELECT id, organization, ehr, channel, reference, digest, state, sealed = x'' AS destroyed,
                seq = (SELECT max(seq) FROM outbox AS any_of WHERE any_of.stream = outbox.stream) AS newest
         FROM outbox WHERE id = ?",
    )
    .bind(id)
    .fetch_optional(tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let subject = ledger::subject(&row)?;
    let standing = Standing {
        state: EntryState::of_number(row.try_get("state")?)?,
        channel: subject.channel,
        newest: row.try_get("newest")?,
        destroyed: row.try_get("destroyed")?,
    };
    Ok(Some(Wanted { subject, standing }))
}

/// `absent`: that it may have been applied is settled.
async fn retry(
    tx: &mut SqliteConnection,
    id: &str,
    absent: bool,
    now: Timestamp,
) -> Result<Result<(), NotDone>, StoreError> {
    let Some(row) = wanted(tx, id).await? else { return Ok(Err(NotDone::Unknown)) };
    if let Err(not_done) = Wish::Retry.granted(row.standing) {
        return Ok(Err(not_done));
    }
    sqlx::query(
        "UPDATE outbox SET state = 0, run_at = ?, failures = 0, failed_at = NULL, settled_at = NULL, reason = NULL,
                uncertain = iif(?, 0, uncertain), possible_double = iif(?, 0, possible_double)
         WHERE id = ?",
    )
    .bind(now.as_millisecond())
    .bind(absent)
    .bind(absent)
    .bind(id)
    .execute(&mut *tx)
    .await?;
    if absent {
        // States of one visit may be one resource there: what is not there was made by none of them.
        sqlx::query(
            "UPDATE outbox SET uncertain = 0, possible_double = 0
             WHERE visit = (SELECT visit FROM outbox WHERE id = ? AND channel = 0) AND channel = 0 AND state = 4",
        )
        .bind(id)
        .execute(tx)
        .await?;
    }
    Ok(Ok(()))
}

async fn skip(
    tx: &mut SqliteConnection,
    id: &str,
    reason: &str,
    now: Timestamp,
) -> Result<Result<(), NotDone>, StoreError> {
    let Some(row) = wanted(tx, id).await? else { return Ok(Err(NotDone::Unknown)) };
    if let Err(not_done) = Wish::Skip.granted(row.standing) {
        return Ok(Err(not_done));
    }
    sqlx::query("UPDATE outbox SET state = 6, settled_at = ?, reason = ? WHERE id = ?")
        .bind(now.as_millisecond())
        .bind(reason)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    ledger::append(tx, &row.subject.skipped(now, reason)).await?;
    Ok(Ok(()))
}

async fn replay(tx: &mut SqliteConnection, id: &str, now: Timestamp) -> Result<Result<(), NotDone>, StoreError> {
    let Some(row) = wanted(tx, id).await? else { return Ok(Err(NotDone::Unknown)) };
    if let Err(not_done) = Wish::Replay.granted(row.standing) {
        return Ok(Err(not_done));
    }
    sqlx::query("UPDATE outbox SET state = 0, run_at = ?, settled_at = NULL WHERE id = ?")
        .bind(now.as_millisecond())
        .bind(id)
        .execute(tx)
        .await?;
    Ok(Ok(()))
}

#[async_trait]
impl Operate for SqliteStore {
    async fn entries(&self, filter: EntryFilter) -> Result<Vec<EntryRow>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query.push(" WHERE seq > ").push_bind(filter.after.unwrap_or(0));
        if let Some(organization) = filter.organization {
            query.push(" AND organization = ").push_bind(organization);
        }
        if let Some(state) = filter.state {
            query.push(" AND state = ").push_bind(state.number());
        }
        if let Some(since) = filter.since {
            query.push(" AND accepted_at >= ").push_bind(since.as_millisecond());
        }
        if let Some(until) = filter.until {
            query.push(" AND accepted_at < ").push_bind(until.as_millisecond());
        }
        if let Some(id) = filter.id {
            query.push(" AND id = ").push_bind(id);
        }
        query.push(" ORDER BY seq LIMIT ").push_bind(filter.limit);
        let found: Vec<Raw> = query.build_query_as().fetch_all(&self.readers).await?;
        Ok(found.into_iter().map(|it| it.0).collect())
    }

    async fn entry(&self, id: &str) -> Result<Option<EntryRow>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query.push(" WHERE id = ").push_bind(id);
        let found: Option<Raw> = query.build_query_as().fetch_optional(&self.readers).await?;
        Ok(found.map(|it| it.0))
    }

    async fn retry(&self, id: &str, now: Timestamp) -> Result<Result<(), NotDone>, StoreError> {
        let id = id.to_owned();
        self.write(move |tx| Box::pin(async move { retry(tx, &id, false, now).await })).await
    }

    async fn retry_absent(&self, id: &str, now: Timestamp) -> Result<Result<(), NotDone>, StoreError> {
        let id = id.to_owned();
        self.write(move |tx| Box::pin(async move { retry(tx, &id, true, now).await })).await
    }

    async fn skip(&self, id: &str, reason: &str, now: Timestamp) -> Result<Result<(), NotDone>, StoreError> {
        let (id, reason) = (id.to_owned(), reason.to_owned());
        self.write(move |tx| Box::pin(async move { skip(tx, &id, &reason, now).await })).await
    }

    async fn replay(&self, id: &str, now: Timestamp) -> Result<Result<(), NotDone>, StoreError> {
        let id = id.to_owned();
        self.write(move |tx| Box::pin(async move { replay(tx, &id, now).await })).await
    }

    async fn quarantine(&self, reason: &str, now: Timestamp) -> Result<u64, StoreError> {
        let reason = reason.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                // What the EHR was told after the backup was made, nobody here knows: each may have been applied.
                let quarantined = sqlx::query(
                    "UPDATE outbox SET state = 7, lease_until = NULL, fence = fence + 1, uncertain = 1,
                            settled_at = ?, reason = ?
                     WHERE state IN (0, 1) OR (state IN (4, 5, 7) AND state = 4 AND possible_double = 1)",
                )
                .bind(now.as_millisecond())
                .bind(reason)
                .execute(tx)
                .await?;
                Ok(quarantined.rows_affected())
            })
        })
        .await
    }

    async fn ledger(&self, after: i64, limit: u32) -> Result<Vec<Chained>, StoreError> {
        self.ledger_after(after, limit).await
    }

    async fn ledger_of(&self, entry: &str) -> Result<Vec<Chained>, StoreError> {
        self.ledger_about(entry).await
    }

    async fn ledger_head(&self) -> Result<(i64, Hash), StoreError> {
        self.ledger_end().await
    }
}
