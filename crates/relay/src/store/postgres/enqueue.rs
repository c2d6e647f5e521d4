//! Rows entering a stream in PostgreSQL, and what passes from one row of it to the next: a new row takes the place of what
//! was not sent, and with it the duties of what may have been. Whoever calls holds the streams' locks (`streams.rs`).

use jiff::Timestamp;
use sqlx::{PgConnection, Row};

use super::super::steps::Duty;
use super::super::visits::VisitRow;
use super::super::{NewOutboxEntry, StoreError};
use super::{ledger, streams};
use crate::ledger::Record;

/// Enters the rows of a change, moves the visit's rows to or from history, and says what the ledger is to hold of it.
pub(super) async fn enqueue(
    tx: &mut PgConnection,
    visit: &VisitRow,
    entries: &[NewOutboxEntry],
    now: Timestamp,
) -> Result<Vec<Record>, StoreError> {
    let moving = moving(tx, visit).await?;
    streams::lock(tx, entries.iter().map(|it| it.stream.as_str()).chain(moving.iter().map(String::as_str))).await?;
    if !moving.is_empty() {
        sqlx::query(
            "UPDATE outbox SET history = $2 WHERE visit = $1 AND state IN (0, 1, 4, 7) AND history <> $2
               AND stream = ANY($3)",
        )
        .bind(&visit.id)
        .bind(visit.closed_at.is_some())
        .bind(moving)
        .execute(&mut *tx)
        .await?;
    }
    let mut records = Vec::new();
    for entry in entries {
        let duty = match entry.channel.supersedes() {
            true => supersede(tx, &entry.stream, now, &mut records).await?,
            false => Duty::default(),
        };
        insert(tx, visit, entry, duty, now).await?;
    }
    Ok(records)
}

/// Streams with rows that stand among the open visits' though theirs has closed, or among history though it has not.
async fn moving(tx: &mut PgConnection, visit: &VisitRow) -> Result<Vec<String>, StoreError> {
    let streams = sqlx::query_scalar(
        "SELECT DISTINCT stream FROM outbox WHERE visit = $1 AND state IN (0, 1, 4, 7) AND history <> $2",
    )
    .bind(&visit.id)
    .bind(visit.closed_at.is_some())
    .fetch_all(tx)
    .await?;
    Ok(streams)
}

async fn insert(
    tx: &mut PgConnection,
    visit: &VisitRow,
    entry: &NewOutboxEntry,
    duty: Duty,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO outbox (id, organization, ehr, visit, stream, channel, participant, sealed, reference, digest,
                             history, run_at, reassert_at, uncertain, accepted_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(&entry.id)
    .bind(&visit.organization)
    .bind(&entry.ehr)
    .bind(&visit.id)
    .bind(&entry.stream)
    .bind(entry.channel.number())
    .bind(&entry.participant)
    .bind(&entry.sealed)
    .bind(&entry.reference)
    .bind(&entry.digest)
    .bind(visit.closed_at.is_some())
    .bind(entry.run_at.as_millisecond())
    .bind(duty.reassert_at)
    .bind(duty.uncertain)
    .bind(now.as_millisecond())
    .execute(tx)
    .await?;
    Ok(())
}

/// What waits, is parked or quarantined gives way to a newer state, which takes over what they owe.
async fn supersede(
    tx: &mut PgConnection,
    stream: &str,
    now: Timestamp,
    records: &mut Vec<Record>,
) -> Result<Duty, StoreError> {
    let mut gone = sqlx::query(
        "UPDATE outbox SET state = 3, settled_at = coalesce(settled_at, $1) WHERE stream = $2 AND state IN (0, 4, 7)
         RETURNING seq, id, organization, ehr, channel, reference, digest, reassert_at, uncertain",
    )
    .bind(now.as_millisecond())
    .bind(stream)
    .fetch_all(tx)
    .await?;
    gone.sort_by_key(|row| row.get::<i64, _>("seq"));
    let mut duty = Duty::default();
    for row in &gone {
        duty.reassert_at = duty.reassert_at.max(row.try_get("reassert_at")?);
        duty.uncertain |= row.try_get::<bool, _>("uncertain")?;
        records.push(ledger::subject(row)?.superseded(now));
    }
    Ok(duty)
}

/// The stream's waiting row, if there is one, takes a duty over. Says whether there is one.
pub(super) async fn pass_on(tx: &mut PgConnection, stream: &str, duty: Duty) -> Result<bool, StoreError> {
    // greatest() passes over what is missing.
    let passed = sqlx::query(
        "UPDATE outbox SET reassert_at = greatest(reassert_at, $1), uncertain = uncertain OR $2
         WHERE stream = $3 AND state = 0",
    )
    .bind(duty.reassert_at)
    .bind(duty.uncertain)
    .bind(stream)
    .execute(tx)
    .await?;
    Ok(passed.rows_affected() > 0)
}

/// A request of ours left under a lease that was lost, so it may have landed after the newer one: the newest state is
/// asserted again, whether it waits, is in flight or was delivered. One whose payload is destroyed cannot be.
pub(super) async fn reassert_newest(tx: &mut PgConnection, stream: &str, reassert_at: i64) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE outbox SET reassert_at = greatest(reassert_at, $1),
                run_at = CASE WHEN state = 2 THEN $1 ELSE run_at END,
                settled_at = CASE WHEN state = 2 THEN NULL ELSE settled_at END,
                state = CASE WHEN state = 2 THEN 0 ELSE state END
         WHERE seq = (SELECT max(seq) FROM outbox WHERE stream = $2) AND state IN (0, 1, 2) AND sealed <> ''",
    )
    .bind(reassert_at)
    .bind(stream)
    .execute(tx)
    .await?;
    Ok(())
}
