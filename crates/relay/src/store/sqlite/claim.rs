//! Claiming in SQLite: which rows of an EHR connection are ours for a while, and what becomes of leases that ran out.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::super::outbox::{Channel, ClaimPolicy, Claimed, Lease, Others};
use super::super::steps::{Duty, OnePerVisit, at, maybe_at, next_look};
use super::super::{StoreError, WrappedKey};
use super::stream::pass_on;
use super::{SqliteStore, connection, ledger};
use crate::outbox::connection::Connection;

/// The database's own time in milliseconds: leases must not depend on the relay's clock.
pub(super) const DATABASE_NOW: &str = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// Runnable rows of a connection, of open visits or of history: one walk along `outbox_runnable` in its own order that
/// stops at the limit. CROSS JOIN keeps that walk outermost.
pub(super) const RUNNABLE: &str = "
    SELECT outbox.seq, outbox.id, outbox.organization, outbox.ehr, outbox.visit, outbox.stream, outbox.channel,
           outbox.participant, outbox.sealed, outbox.reference, outbox.digest, outbox.fence, outbox.attempts,
           outbox.failures, outbox.failed_at, outbox.uncertain, outbox.reassert_at, outbox.accepted_at,
           visit.key_day, visit.key_wrapped
    FROM outbox INDEXED BY outbox_runnable CROSS JOIN visit ON visit.id = outbox.visit
    WHERE outbox.state = 0 AND outbox.organization = ?1 AND outbox.ehr = ?2 AND outbox.history = ?3
      AND outbox.run_at <= ?4
      AND NOT EXISTS (SELECT 1 FROM outbox AS flying WHERE flying.state = 1 AND flying.stream = outbox.stream)
      AND (outbox.channel < 2 OR NOT EXISTS (
            SELECT 1 FROM outbox AS earlier INDEXED BY outbox_unsettled
            WHERE earlier.state IN (0, 1) AND earlier.stream = outbox.stream AND earlier.seq < outbox.seq))
      AND (NOT ?6 OR outbox.channel <> 0 OR NOT EXISTS (
            SELECT 1 FROM outbox AS beside INDEXED BY outbox_visit
            WHERE beside.visit = outbox.visit AND beside.state = 1 AND beside.channel = 0))
    ORDER BY outbox.run_at, outbox.seq LIMIT ?5";

/// What is open about the other states of the visit: [`Others::of_number`].
pub(super) const IN_DOUBT: &str = "
    SELECT max(iif(state = 0, 1, 2)) FROM outbox INDEXED BY outbox_visit
    WHERE visit = ? AND channel = 0 AND id <> ? AND uncertain AND state IN (0, 4, 7)";

pub(super) const NEXT_RUN: &str = "SELECT min(run_at) FROM outbox INDEXED BY outbox_runnable
    WHERE state = 0 AND organization = ?1 AND ehr = ?2 AND history = ?3 AND run_at > ?4";

/// Nothing waits for that long: these were given their time by a clock that was ahead.
pub(super) const STRANDED: &str = "UPDATE outbox INDEXED BY outbox_runnable SET run_at = ?4
    WHERE state = 0 AND organization = ?1 AND ehr = ?2 AND history = ?3 AND run_at > ?5";

pub(super) const NEXT_LOST: &str = "SELECT min(lease_until) FROM outbox INDEXED BY outbox_lease
    WHERE state = 1 AND organization = ?1 AND ehr = ?2";

pub(super) const LOST: &str = "
    SELECT id, organization, ehr, channel, reference, digest, stream, attempts, fence, uncertain, reassert_at
    FROM outbox INDEXED BY outbox_lease
    WHERE state = 1 AND organization = ? AND ehr = ? AND lease_until <= ? ORDER BY lease_until, seq";

impl SqliteStore {
    pub(super) async fn claim_rows(&self, policy: ClaimPolicy) -> Result<Claimed, StoreError> {
        self.write(move |tx| Box::pin(async move { claim(tx, &policy).await })).await
    }
}

pub(super) async fn claim(tx: &mut SqliteConnection, policy: &ClaimPolicy) -> Result<Claimed, StoreError> {
    let database_now: i64 = sqlx::query_scalar(DATABASE_NOW).fetch_one(&mut *tx).await?;
    take_over(tx, database_now, policy).await?;
    run_stranded(tx, policy).await?;
    let mut connection = connection::load(&mut *tx, &policy.organization, &policy.ehr).await?;
    let wanted = connection.allowance(&policy.connection, policy.now).now.min(policy.limit);
    // One more than wanted, to know whether any is left over.
    let mut rows = runnable(tx, policy, wanted.saturating_add(1)).await?;
    let runnable = rows.len();
    rows.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
    let mut turn = OnePerVisit::of(policy);
    rows.retain(|row| turn.takes(row.get("visit"), row.get("channel")));
    let lease_until = database_now.saturating_add(i64::try_from(policy.lease.as_millis()).unwrap_or(i64::MAX));
    let mut leases = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut lease = lease(row, &connection, policy)?;
        if turn.applies_to(lease.channel) {
            let others = sqlx::query_scalar(IN_DOUBT).bind(&lease.visit).bind(&lease.id).fetch_one(&mut *tx).await?;
            lease.others = Others::of_number(others);
        }
        // A state that is owed by now is asserted by this very attempt.
        sqlx::query(
            "UPDATE outbox SET state = 1, fence = ?, attempts = ?, lease_until = ?,
                    reassert_at = iif(reassert_at > ?, reassert_at, NULL)
             WHERE seq = ?",
        )
        .bind(lease.fence)
        .bind(lease.attempt)
        .bind(lease_until)
        .bind(policy.now.as_millisecond())
        .bind(row.try_get::<i64, _>("seq")?)
        .execute(&mut *tx)
        .await?;
        ledger::append(tx, &ledger::subject(row)?.started(policy.now, lease.attempt, lease.fence)).await?;
        leases.push(lease);
    }
    // A look that found nothing to do writes nothing.
    if let Some(count) = u32::try_from(leases.len()).ok().filter(|it| *it > 0) {
        connection.take(&policy.connection, policy.now, count);
        connection::save(tx, &policy.organization, &policy.ehr, &connection).await?;
    }
    let next_run = if runnable > leases.len() { Some(policy.now) } else { next_run(tx, policy).await? };
    let allowed = connection.allowance(&policy.connection, policy.now);
    Ok(Claimed { leases, next: next_look(policy, allowed, next_run, next_lost(tx, database_now, policy).await?) })
}

async fn runnable(tx: &mut SqliteConnection, policy: &ClaimPolicy, limit: u32) -> Result<Vec<SqliteRow>, StoreError> {
    let mut rows = Vec::new();
    for history in [false, true] {
        let found = sqlx::query(RUNNABLE)
            .bind(&policy.organization)
            .bind(&policy.ehr)
            .bind(history)
            .bind(policy.now.as_millisecond())
            .bind(limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX)))
            .bind(policy.one_per_visit)
            .fetch_all(&mut *tx)
            .await?;
        rows.extend(found);
    }
    Ok(rows)
}

/// When the next row runs that does not yet. One that is runnable and was not claimed waits for another of its stream.
async fn next_run(tx: &mut SqliteConnection, policy: &ClaimPolicy) -> Result<Option<jiff::Timestamp>, StoreError> {
    let mut soonest: Option<i64> = None;
    for history in [false, true] {
        let next: Option<i64> = sqlx::query_scalar(NEXT_RUN)
            .bind(&policy.organization)
            .bind(&policy.ehr)
            .bind(history)
            .bind(policy.now.as_millisecond())
            .fetch_one(&mut *tx)
            .await?;
        soonest = [soonest, next].into_iter().flatten().min();
    }
    maybe_at(soonest)
}

/// In how many milliseconds the first lease runs out.
async fn next_lost(
    tx: &mut SqliteConnection,
    database_now: i64,
    policy: &ClaimPolicy,
) -> Result<Option<i64>, StoreError> {
    let until: Option<i64> =
        sqlx::query_scalar(NEXT_LOST).bind(&policy.organization).bind(&policy.ehr).fetch_one(tx).await?;
    Ok(until.map(|it| it.saturating_sub(database_now)))
}

async fn run_stranded(tx: &mut SqliteConnection, policy: &ClaimPolicy) -> Result<(), StoreError> {
    for history in [false, true] {
        sqlx::query(STRANDED)
            .bind(&policy.organization)
            .bind(&policy.ehr)
            .bind(history)
            .bind(policy.now.as_millisecond())
            .bind(policy.latest_run())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

fn lease(row: &SqliteRow, connection: &Connection, policy: &ClaimPolicy) -> Result<Lease, StoreError> {
    let failed_at = maybe_at(row.try_get("failed_at")?)?;
    let uncertain = row.try_get("uncertain")?;
    let owed: Option<i64> = row.try_get("reassert_at")?;
    Ok(Lease {
        id: row.try_get("id")?,
        fence: row.try_get::<i64, _>("fence")? + 1,
        stream: row.try_get("stream")?,
        channel: Channel::of_number(row.try_get("channel")?)?,
        visit: row.try_get("visit")?,
        organization: row.try_get("organization")?,
        participant: row.try_get("participant")?,
        ehr: row.try_get("ehr")?,
        key: WrappedKey { day: row.try_get("key_day")?, bytes: row.try_get("key_wrapped")? },
        sealed: row.try_get("sealed")?,
        failures: row.try_get("failures")?,
        others_went: failed_at.is_none_or(|failed| connection.well_at.is_some_and(|well| well > failed)),
        ehr_is_ill: connection.is_ill(),
        uncertain,
        settling: uncertain && owed.is_some_and(|it| it > policy.now.as_millisecond()),
        others: Others::Clear,
        accepted_at: at(row.try_get("accepted_at")?)?,
        attempt: row.try_get::<u32, _>("attempts")? + 1,
    })
}

/// Rows whose lease ran out become claimable. Of a state, what then stands is asserted once more after the settle delay,
/// since the lost owner's request may still land; the row itself gives way to a newer one. A create that may have been
/// sent waits for the settle delay, so that what may still land has landed before anybody searches for it.
async fn take_over(tx: &mut SqliteConnection, database_now: i64, policy: &ClaimPolicy) -> Result<(), StoreError> {
    let lost =
        sqlx::query(LOST).bind(&policy.organization).bind(&policy.ehr).bind(database_now).fetch_all(&mut *tx).await?;
    let settled_by = policy.now.saturating_add(policy.settle_delay).unwrap_or(policy.now).as_millisecond();
    for row in &lost {
        let subject = ledger::subject(row)?;
        let (attempt, fence) = (row.try_get("attempts")?, row.try_get("fence")?);
        ledger::append(tx, &subject.settled(policy.now, attempt, fence, "lease-ran-out", "")).await?;
        let uncertain: bool = row.try_get("uncertain")?;
        if !subject.channel.supersedes() {
            sqlx::query("UPDATE outbox SET state = 0, lease_until = NULL, run_at = max(run_at, ?) WHERE id = ?")
                .bind(if uncertain { settled_by } else { i64::MIN })
                .bind(&subject.id)
                .execute(&mut *tx)
                .await?;
            continue;
        }
        let owed: Option<i64> = row.try_get("reassert_at")?;
        let reassert_at = owed.map_or(settled_by, |it| it.max(settled_by));
        let duty = Duty { reassert_at: Some(reassert_at), uncertain };
        let newer = pass_on(tx, row.try_get("stream")?, duty).await?;
        sqlx::query(
            "UPDATE outbox SET state = iif(?1, 3, 0), settled_at = iif(?1, ?2, NULL), lease_until = NULL, reassert_at = ?3
             WHERE id = ?4",
        )
        .bind(newer)
        .bind(policy.now.as_millisecond())
        .bind(reassert_at)
        .bind(&subject.id)
        .execute(&mut *tx)
        .await?;
        if newer {
            ledger::append(tx, &subject.superseded(policy.now)).await?;
        }
    }
    Ok(())
}
