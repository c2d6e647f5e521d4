//! What an operator sees and does with outbox rows in PostgreSQL. Each wish is one transaction that looks before it acts.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, Row};

use super::super::hints::Hint;
use super::super::operate::{Chained, EntryFilter, EntryRow, NotDone, Operate, Standing, Wish};
use super::super::steps::Subject;
use super::super::{Channel, EntryState, StoreError};
use super::{PostgresStore, at, ledger, maybe_at, small, streams};
use crate::ledger::Hash;

const COLUMNS: &str = "SELECT seq, id, organization, ehr, visit, stream, channel, state, for_identifier,
     possible_double, attempts, failures, accepted_at, run_at, delivered_at, reason, sealed = '' AS destroyed,
     seq = (SELECT max(seq) FROM outbox AS any_of WHERE any_of.stream = outbox.stream) AS newest FROM outbox";

/// A row as it comes from the database.
struct Raw(EntryRow);

impl FromRow<'_, PgRow> for Raw {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
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
            attempts: small(row.try_get("attempts")?).map_err(decode)?,
            failures: small(row.try_get("failures")?).map_err(decode)?,
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

/// Looks at it with its stream locked, so that it stays what it is until the wish is granted.
async fn wanted(tx: &mut PgConnection, id: &str) -> Result<Option<Wanted>, StoreError> {
    let stream: Option<String> =
        sqlx::query_scalar("SELECT stream FROM outbox WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?;
    streams::lock(tx, stream.as_deref()).await?;
    let row = sqlx::query(
        "SELECT id, organization, ehr, channel, reference, digest, state, sealed = '' AS destroyed,
                seq = (SELECT max(seq) FROM outbox AS any_of WHERE any_of.stream = outbox.stream) AS newest
         FROM outbox WHERE id = $1 FOR UPDATE",
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
    tx: &mut PgConnection,
    id: &str,
    absent: bool,
    now: Timestamp,
) -> Result<Result<(), NotDone>, StoreError> {
    let Some(row) = wanted(tx, id).await? else { return Ok(Err(NotDone::Unknown)) };
    if let Err(not_done) = Wish::Retry.granted(row.standing) {
        return Ok(Err(not_done));
    }
    sqlx::query(
        "UPDATE outbox SET state = 0, run_at = $1, failures = 0, failed_at = NULL, settled_at = NULL, reason = NULL,
                uncertain = uncertain AND NOT $3, possible_double = possible_double AND NOT $3
         WHERE id = $2",
    )
    .bind(now.as_millisecond())
    .bind(id)
    .bind(absent)
    .execute(&mut *tx)
    .await?;
    if absent {
        // States of one visit may be one resource there: what is not there was made by none of them.
        sqlx::query(
            "UPDATE outbox SET uncertain = false, possible_double = false
             WHERE visit = (SELECT visit FROM outbox WHERE id = $1 AND channel = 0) AND channel = 0 AND state = 4",
        )
        .bind(id)
        .execute(tx)
        .await?;
    }
    Ok(Ok(()))
}

async fn skip(
    tx: &mut PgConnection,
    id: &str,
    reason: &str,
    now: Timestamp,
) -> Result<Result<(), NotDone>, StoreError> {
    let Some(row) = wanted(tx, id).await? else { return Ok(Err(NotDone::Unknown)) };
    if let Err(not_done) = Wish::Skip.granted(row.standing) {
        return Ok(Err(not_done));
    }
    sqlx::query("UPDATE outbox SET state = 6, settled_at = $1, reason = $2 WHERE id = $3")
        .bind(now.as_millisecond())
        .bind(reason)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    ledger::append(tx, &[row.subject.skipped(now, reason)]).await?;
    Ok(Ok(()))
}

async fn replay(tx: &mut PgConnection, id: &str, now: Timestamp) -> Result<Result<(), NotDone>, StoreError> {
    let Some(row) = wanted(tx, id).await? else { return Ok(Err(NotDone::Unknown)) };
    if let Err(not_done) = Wish::Replay.granted(row.standing) {
        return Ok(Err(not_done));
    }
    sqlx::query("UPDATE outbox SET state = 0, run_at = $1, settled_at = NULL WHERE id = $2")
        .bind(now.as_millisecond())
        .bind(id)
        .execute(tx)
        .await?;
    Ok(Ok(()))
}

impl PostgresStore {
    async fn again(&self, id: &str, absent: bool, now: Timestamp) -> Result<Result<(), NotDone>, StoreError> {
        let mut tx = self.begin().await?;
        let granted = retry(&mut tx, id, absent, now).await?;
        tx.commit().await?;
        self.tell(granted.is_ok().then_some(Hint::Outbox));
        Ok(granted)
    }
}

#[async_trait]
impl Operate for PostgresStore {
    async fn entries(&self, filter: EntryFilter) -> Result<Vec<EntryRow>, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new(COLUMNS);
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
        query.push(" ORDER BY seq LIMIT ").push_bind(i64::from(filter.limit));
        let found: Vec<Raw> = query.build_query_as().fetch_all(&self.pool).await?;
        Ok(found.into_iter().map(|it| it.0).collect())
    }

    async fn entry(&self, id: &str) -> Result<Option<EntryRow>, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new(COLUMNS);
        query.push(" WHERE id = ").push_bind(id);
        let found: Option<Raw> = query.build_query_as().fetch_optional(&self.pool).await?;
        Ok(found.map(|it| it.0))
    }

    async fn retry(&self, id: &str, now: Timestamp) -> Result<Result<(), NotDone>, StoreError> {
        self.again(id, false, now).await
    }

    async fn retry_absent(&self, id: &str, now: Timestamp) -> Result<Result<(), NotDone>, StoreError> {
        self.again(id, true, now).await
    }

    async fn skip(&self, id: &str, reason: &str, now: Timestamp) -> Result<Result<(), NotDone>, StoreError> {
        let mut tx = self.begin().await?;
        let granted = skip(&mut tx, id, reason, now).await?;
        tx.commit().await?;
        // The next event of its stream may have waited for this one.
        self.tell(granted.is_ok().then_some(Hint::Outbox));
        Ok(granted)
    }

    async fn replay(&self, id: &str, now: Timestamp) -> Result<Result<(), NotDone>, StoreError> {
        let mut tx = self.begin().await?;
        let granted = replay(&mut tx, id, now).await?;
        tx.commit().await?;
        self.tell(granted.is_ok().then_some(Hint::Outbox));
        Ok(granted)
    }

    async fn quarantine(&self, reason: &str, now: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        // Too many streams to lock one by one: this waits for everybody who has locked or written a row, and keeps the
        // others out. A weaker mode would let in who locks a row to write it next, and then each waits for the other.
        sqlx::query("LOCK TABLE outbox IN EXCLUSIVE MODE").execute(&mut *tx).await?;
        // What the EHR was told after the backup was made, nobody here knows: each may have been applied.
        let quarantined = sqlx::query(
            "UPDATE outbox SET state = 7, lease_until = NULL, fence = fence + 1, uncertain = true, settled_at = $1,
                    reason = $2
             WHERE state IN (0, 1) OR (state IN (4, 5, 7) AND state = 4 AND possible_double)",
        )
        .bind(now.as_millisecond())
        .bind(reason)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(quarantined.rows_affected())
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
