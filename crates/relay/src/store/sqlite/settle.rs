//! How an attempt ends in SQLite: one outcome, one transaction. The fence decides whether this lease may still speak.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::super::StoreError;
use super::super::outbox::{Lease, Outcome, Settled};
use super::SqliteStore;
use super::outbox::owe;

/// What a settled row becomes.
struct Becomes {
    state: i64,
    run_at: Option<i64>,
    for_identifier: bool,
    failed: bool,
    delivered_at: Option<i64>,
    reassert_at: Option<i64>,
    reason: Option<String>,
}

impl SqliteStore {
    pub(super) async fn settle_lease(
        &self,
        lease: Lease,
        outcome: Outcome,
        now: Timestamp,
        reassert_at: Timestamp,
    ) -> Result<Settled, StoreError> {
        let (now, reassert_at) = (now.as_millisecond(), reassert_at.as_millisecond());
        let mut tx = self.write().await?;
        let ours: Option<Option<i64>> =
            sqlx::query_scalar("SELECT reassert_at FROM outbox WHERE id = ? AND state = 1 AND fence = ?")
                .bind(&lease.id)
                .bind(lease.fence)
                .fetch_optional(&mut *tx)
                .await?;
        let (word, said) = words(&outcome);
        record(&mut tx, &lease, if ours.is_some() { word } else { "after-the-lease" }, said, now).await?;
        let Some(owed) = ours else {
            reassert_newest(&mut tx, &lease.stream, reassert_at).await?;
            tx.commit().await?;
            return Ok(Settled::FenceLost);
        };
        let mut becomes = becomes(outcome, now, reassert_at, owed);
        // A newer state waits: this one need not be said again, only its duty to be asserted once more passes on.
        let newer = match becomes.reassert_at {
            Some(owed) => owe(&mut tx, &lease.stream, owed).await?,
            None => waiting(&mut tx, &lease.stream).await?,
        };
        if newer && becomes.state != 2 {
            becomes.state = if becomes.delivered_at.is_some() { 2 } else { 3 };
        }
        sqlx::query(
            "UPDATE outbox SET state = ?, lease_until = NULL, run_at = coalesce(?, run_at), for_identifier = ?,
                    failures = iif(?, failures + 1, iif(?, 0, failures)), reassert_at = ?,
                    delivered_at = coalesce(?, delivered_at), reason = ?
             WHERE id = ?",
        )
        .bind(becomes.state)
        .bind(becomes.run_at)
        .bind(becomes.for_identifier)
        .bind(becomes.failed)
        .bind(becomes.delivered_at.is_some())
        .bind(becomes.reassert_at)
        .bind(becomes.delivered_at)
        .bind(becomes.reason)
        .bind(&lease.id)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Settled::Done)
    }
}

fn becomes(outcome: Outcome, now: i64, reassert_at: i64, owed: Option<i64>) -> Becomes {
    let owed = owed.filter(|it| *it > now);
    let plain = Becomes {
        state: 0,
        run_at: None,
        for_identifier: false,
        failed: false,
        delivered_at: None,
        reassert_at: owed,
        reason: None,
    };
    match outcome {
        // Accepted, but an earlier request may still land: say it once more when that can no longer be.
        Outcome::Delivered if owed.is_some() => Becomes { run_at: owed, delivered_at: Some(now), ..plain },
        Outcome::Delivered => Becomes { state: 2, delivered_at: Some(now), ..plain },
        Outcome::Retry { at, reason } => {
            Becomes { run_at: Some(at.as_millisecond()), failed: true, reason: Some(reason), ..plain }
        }
        Outcome::Unknown { at, reason } => Becomes {
            run_at: Some(at.as_millisecond()),
            failed: true,
            reassert_at: Some(reassert_at.max(owed.unwrap_or(0))),
            reason: Some(reason),
            ..plain
        },
        Outcome::Parked { reason } => Becomes { state: 4, reason: Some(reason), ..plain },
        Outcome::Unsupported { reason } => Becomes { state: 5, reason: Some(reason), ..plain },
        Outcome::WaitingForIdentifier { at } => {
            Becomes { run_at: Some(at.as_millisecond()), for_identifier: true, ..plain }
        }
    }
}

/// The outcome's word and reason for the attempt's record.
fn words(outcome: &Outcome) -> (&'static str, Option<&str>) {
    match outcome {
        Outcome::Delivered => ("delivered", None),
        Outcome::Retry { reason, .. } => ("retry", Some(reason)),
        Outcome::Unknown { reason, .. } => ("unknown", Some(reason)),
        Outcome::Parked { reason } => ("parked", Some(reason)),
        Outcome::Unsupported { reason } => ("unsupported", Some(reason)),
        Outcome::WaitingForIdentifier { .. } => ("waiting-for-identifier", None),
    }
}

async fn record(
    tx: &mut SqliteConnection,
    lease: &Lease,
    outcome: &str,
    reason: Option<&str>,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE attempt SET settled_at = ?, outcome = ?, reason = ? WHERE outbox = ? AND n = ?")
        .bind(now)
        .bind(outcome)
        .bind(reason)
        .bind(&lease.id)
        .bind(lease.attempt)
        .execute(tx)
        .await?;
    Ok(())
}

async fn waiting(tx: &mut SqliteConnection, stream: &str) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM outbox WHERE stream = ? AND state = 0")
        .bind(stream)
        .fetch_optional(tx)
        .await?;
    Ok(found.is_some())
}

/// A request of ours left under a lease that was lost, so it may have landed after the newer one: the newest state is
/// asserted again, whether it waits, is in flight or was delivered.
async fn reassert_newest(tx: &mut SqliteConnection, stream: &str, reassert_at: i64) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE outbox SET reassert_at = max(coalesce(reassert_at, 0), ?1),
                run_at = iif(state = 2, ?1, run_at), state = iif(state = 2, 0, state)
         WHERE seq = (SELECT max(seq) FROM outbox WHERE stream = ?2) AND state IN (0, 1, 2)",
    )
    .bind(reassert_at)
    .bind(stream)
    .execute(tx)
    .await?;
    Ok(())
}
