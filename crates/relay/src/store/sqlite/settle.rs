//! How an attempt ends in SQLite: one outcome, one transaction. The fence decides whether this lease may still speak.

use sqlx::{Row, SqliteConnection};

use super::super::StoreError;
use super::super::outbox::{EntryState, Lease, Settled, Settlement};
use super::super::steps::{Becomes, Duty, Found, Subject};
use super::stream::{pass_on, reassert_newest};
use super::{SqliteStore, connection, ledger};

impl SqliteStore {
    pub(super) async fn settle_lease(&self, lease: Lease, settlement: Settlement) -> Result<Settled, StoreError> {
        self.write(move |tx| Box::pin(async move { settle(tx, &lease, settlement).await })).await
    }

    /// The gate before a request that must not be doubled.
    pub(super) async fn mark_uncertain(&self, lease: &Lease) -> Result<bool, StoreError> {
        let (id, fence) = (lease.id.clone(), lease.fence);
        self.write(move |tx| {
            Box::pin(async move {
                let marked = sqlx::query(
                    "UPDATE outbox SET uncertain = 1 WHERE id = ? AND state = 1 AND fence = ?
                       AND lease_until > CAST(unixepoch('subsec') * 1000 AS INTEGER)",
                )
                .bind(id)
                .bind(fence)
                .execute(tx)
                .await?;
                Ok(marked.rows_affected() == 1)
            })
        })
        .await
    }
}

async fn settle(tx: &mut SqliteConnection, lease: &Lease, settlement: Settlement) -> Result<Settled, StoreError> {
    let Settlement { outcome, health, now, reassert_at, requests, connection: policy } = settlement;
    let was = connection::load(&mut *tx, &lease.organization, &lease.ehr).await?;
    let mut is = was.clone();
    is.ended(&policy, now, health);
    if requests != 0 {
        is.spent(&policy, now, requests);
    }
    if is != was {
        connection::save(tx, &lease.organization, &lease.ehr, &is).await?;
    }
    let (subject, found) = find(tx, lease).await?;
    let word = outcome.word();
    let word = if found.is_some() { word.to_owned() } else { format!("after-the-lease: {word}") };
    let record = subject.settled(now, lease.attempt, lease.fence, &word, outcome.reason());
    ledger::append(tx, &record).await?;
    let Some(found) = found else {
        // An event is said once: whoever took it over searches for it.
        if lease.channel.supersedes() {
            reassert_newest(tx, &lease.stream, reassert_at.as_millisecond()).await?;
        }
        return Ok(Settled::FenceLost);
    };
    let (now_ms, reassert_at) = (now.as_millisecond(), reassert_at.as_millisecond());
    let mut becomes = Becomes::of(outcome, now_ms, lease.channel.supersedes().then_some(reassert_at), found);
    // A newer state waits: this one need not be said again, only its duties pass on.
    if lease.channel.supersedes() && becomes.state != EntryState::Delivered {
        let duty = Duty { reassert_at: becomes.reassert_at, uncertain: becomes.uncertain };
        if pass_on(tx, &lease.stream, duty).await? {
            becomes.give_way();
        }
    }
    write(tx, lease, &becomes, now_ms).await?;
    if becomes.state == EntryState::Superseded {
        ledger::append(tx, &subject.superseded(now)).await?;
    }
    Ok(Settled::Done)
}

/// What the ledger calls the row, and what it owes if the lease is still ours.
async fn find(tx: &mut SqliteConnection, lease: &Lease) -> Result<(Subject, Option<Found>), StoreError> {
    let row = sqlx::query(
        "SELECT id, organization, ehr, channel, reference, digest, state, fence, reassert_at, uncertain, possible_double
         FROM outbox WHERE id = ?",
    )
    .bind(&lease.id)
    .fetch_optional(tx)
    .await?;
    let Some(row) = row else {
        // Forgotten meanwhile; that the attempt ended is told all the same.
        return Ok((Subject::gone(lease), None));
    };
    let ours = row.try_get::<i64, _>("state")? == EntryState::InFlight.number()
        && row.try_get::<i64, _>("fence")? == lease.fence;
    let found = Found {
        owed: row.try_get("reassert_at")?,
        uncertain: row.try_get("uncertain")?,
        possible_double: row.try_get("possible_double")?,
    };
    Ok((ledger::subject(&row)?, ours.then_some(found)))
}

async fn write(tx: &mut SqliteConnection, lease: &Lease, becomes: &Becomes, now: i64) -> Result<(), StoreError> {
    let open = becomes.state == EntryState::Waiting;
    sqlx::query(
        "UPDATE outbox SET state = ?, lease_until = NULL, run_at = coalesce(?, run_at), for_identifier = ?,
                failures = iif(?, failures + 1, iif(?, 0, failures)), failed_at = coalesce(?, failed_at),
                reassert_at = ?, uncertain = ?, possible_double = ?, delivered_at = coalesce(?, delivered_at),
                settled_at = ?, reason = ?
         WHERE id = ?",
    )
    .bind(becomes.state.number())
    .bind(becomes.run_at)
    .bind(becomes.for_identifier)
    .bind(becomes.counts)
    .bind(becomes.delivered_at.is_some())
    .bind(becomes.failed.then_some(now))
    .bind(becomes.reassert_at)
    .bind(becomes.uncertain)
    .bind(becomes.possible_double)
    .bind(becomes.delivered_at)
    .bind((!open).then_some(now))
    .bind(&becomes.reason)
    .bind(&lease.id)
    .execute(tx)
    .await?;
    Ok(())
}
