//! What passes from one row of a stream to the next in SQLite: a new row takes the place of what was not sent, and with
//! it the duties of what may have been. Claiming and settling stand above it.

use jiff::Timestamp;
use sqlx::{Row, SqliteConnection};

use super::super::steps::Duty;
use super::super::visits::VisitRow;
use super::super::{NewOutboxEntry, StoreError};
use super::ledger;

/// Enters a row of `visit`. Where a newer state makes the older ones pointless they are superseded.
pub(super) async fn enqueue(
    tx: &mut SqliteConnection,
    visit: &VisitRow,
    entry: &NewOutboxEntry,
    now: Timestamp,
) -> Result<(), StoreError> {
    let duty = if entry.channel.supersedes() { supersede(tx, &entry.stream, now).await? } else { Duty::default() };
    sqlx::query(
        "INSERT INTO outbox (id, organization, ehr, visit, stream, channel, participant, sealed, reference, digest,
                             history, run_at, reassert_at, uncertain, accepted_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
async fn supersede(tx: &mut SqliteConnection, stream: &str, now: Timestamp) -> Result<Duty, StoreError> {
    let mut gone = sqlx::query(
        "UPDATE outbox SET state = 3, settled_at = coalesce(settled_at, ?) WHERE stream = ? AND state IN (0, 4, 7)
         RETURNING seq, id, organization, ehr, channel, reference, digest, reassert_at, uncertain",
    )
    .bind(now.as_millisecond())
    .bind(stream)
    .fetch_all(&mut *tx)
    .await?;
    gone.sort_by_key(|row| row.get::<i64, _>("seq"));
    let mut duty = Duty::default();
    for row in &gone {
        duty.reassert_at = duty.reassert_at.max(row.try_get("reassert_at")?);
        duty.uncertain |= row.try_get::<bool, _>("uncertain")?;
        ledger::append(tx, &ledger::subject(row)?.superseded(now)).await?;
    }
    Ok(duty)
}

/// The stream's waiting row, if there is one, takes a duty over. Says whether there is one.
pub(super) async fn pass_on(tx: &mut SqliteConnection, stream: &str, duty: Duty) -> Result<bool, StoreError> {
    let passed = sqlx::query(
        "UPDATE outbox SET reassert_at = iif(?1 IS NULL, reassert_at, max(coalesce(reassert_at, 0), ?1)),
                uncertain = max(uncertain, ?2)
         WHERE stream = ?3 AND state = 0",
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
pub(super) async fn reassert_newest(
    tx: &mut SqliteConnection,
    stream: &str,
    reassert_at: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE outbox SET reassert_at = max(coalesce(reassert_at, 0), ?1),
                run_at = iif(state = 2, ?1, run_at), settled_at = iif(state = 2, NULL, settled_at),
                state = iif(state = 2, 0, state)
         WHERE seq = (SELECT max(seq) FROM outbox WHERE stream = ?2) AND state IN (0, 1, 2) AND sealed <> x''",
    )
    .bind(reassert_at)
    .bind(stream)
    .execute(tx)
    .await?;
    Ok(())
}
