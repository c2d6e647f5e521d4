//! How attempts end in PostgreSQL, all that come together in one transaction (`together.rs`). The fence decides whether a
//! lease may still speak; what a row then becomes is `steps.rs`.

use std::sync::Arc;

use sqlx::postgres::PgPool;
use sqlx::{PgConnection, Row};

use super::super::StoreError;
use super::super::outbox::{EntryState, Lease, Settled, Settlement};
use super::super::steps::{Becomes, Duty, Found, Subject};
use super::claim::database_now;
use super::enqueue::{pass_on, reassert_newest};
use super::together::{Ended, Failure};
use super::{PostgresStore, connection, ledger, streams};
use crate::ledger::Record;

impl PostgresStore {
    /// The gate before a request that must not be doubled.
    pub(super) async fn mark_uncertain(&self, lease: &Lease) -> Result<bool, StoreError> {
        let marked = sqlx::query(concat!(
            "UPDATE outbox SET uncertain = true WHERE id = $1 AND state = 1 AND fence = $2 AND lease_until > ",
            database_now!()
        ))
        .bind(&lease.id)
        .bind(lease.fence)
        .execute(&self.pool)
        .await?;
        Ok(marked.rows_affected() == 1)
    }

    pub(super) async fn settle_lease(&self, lease: Lease, settlement: Settlement) -> Result<Settled, StoreError> {
        self.settling.settle(&self.pool, Ended { lease, settlement }).await
    }
}

/// Settles attempts of one EHR connection, in this order.
pub(super) async fn all(pool: &PgPool, all: &[Arc<Ended>]) -> Result<Vec<Settled>, Failure> {
    let Some(Lease { organization, ehr, .. }) = all.first().map(|it| &it.lease) else { return Ok(Vec::new()) };
    let mut tx = pool.begin().await?;
    let was = connection::lock(&mut tx, organization, ehr).await?;
    streams::lock(&mut tx, all.iter().map(|it| it.lease.stream.as_str())).await?;
    let mut is = was.clone();
    for Ended { settlement, .. } in all.iter().map(|it| &**it) {
        is.ended(&settlement.connection, settlement.now, settlement.health);
        if settlement.requests != 0 {
            is.spent(&settlement.connection, settlement.now, settlement.requests);
        }
    }
    if is != was {
        connection::save(&mut tx, organization, ehr, &is).await?;
    }
    let (mut settled, mut records) = (Vec::with_capacity(all.len()), Vec::with_capacity(all.len()));
    for ended in all {
        settled.push(settle(&mut tx, &ended.lease, &ended.settlement, &mut records).await?);
    }
    ledger::append(&mut tx, &records).await?;
    tx.commit().await.map_err(Failure::AtCommit)?;
    Ok(settled)
}

/// One after the other even where they came together: what one of them owes may pass on to another.
async fn settle(
    tx: &mut PgConnection,
    lease: &Lease,
    settlement: &Settlement,
    records: &mut Vec<Record>,
) -> Result<Settled, StoreError> {
    let Settlement { outcome, now, reassert_at, .. } = settlement;
    let (subject, found) = find(tx, lease).await?;
    let word = outcome.word();
    let word = if found.is_some() { word.to_owned() } else { format!("after-the-lease: {word}") };
    records.push(subject.settled(*now, lease.attempt, lease.fence, &word, outcome.reason()));
    let (now_ms, reassert_at) = (now.as_millisecond(), reassert_at.as_millisecond());
    let Some(found) = found else {
        // An event is said once: whoever took it over searches for it.
        if lease.channel.supersedes() {
            reassert_newest(tx, &lease.stream, reassert_at).await?;
        }
        return Ok(Settled::FenceLost);
    };
    let reassert_at = lease.channel.supersedes().then_some(reassert_at);
    let mut becomes = Becomes::of(outcome.clone(), now_ms, reassert_at, found);
    if lease.channel.supersedes() && becomes.state != EntryState::Delivered {
        let duty = Duty { reassert_at: becomes.reassert_at, uncertain: becomes.uncertain };
        if pass_on(tx, &lease.stream, duty).await? {
            becomes.give_way();
        }
    }
    write(tx, lease, &becomes, now_ms).await?;
    records.extend((becomes.state == EntryState::Superseded).then(|| subject.superseded(*now)));
    Ok(Settled::Done)
}

/// What the ledger calls the row, and what it owes if the lease is still ours.
async fn find(tx: &mut PgConnection, lease: &Lease) -> Result<(Subject, Option<Found>), StoreError> {
    // The row is locked, so that whoever forgets the visit meanwhile waits for us, or we have waited for them.
    let row = sqlx::query(
        "SELECT id, organization, ehr, channel, reference, digest, state, fence, reassert_at, uncertain, possible_double
         FROM outbox WHERE id = $1 FOR UPDATE",
    )
    .bind(&lease.id)
    .fetch_optional(tx)
    .await?;
    // Forgotten meanwhile; that the attempt ended is told all the same.
    let Some(row) = row else { return Ok((Subject::gone(lease), None)) };
    let ours = row.try_get::<i64, _>("state")? == EntryState::InFlight.number()
        && row.try_get::<i64, _>("fence")? == lease.fence;
    let found = Found {
        owed: row.try_get("reassert_at")?,
        uncertain: row.try_get("uncertain")?,
        possible_double: row.try_get("possible_double")?,
    };
    Ok((ledger::subject(&row)?, ours.then_some(found)))
}

async fn write(tx: &mut PgConnection, lease: &Lease, becomes: &Becomes, now: i64) -> Result<(), StoreError> {
    let open = becomes.state == EntryState::Waiting;
    sqlx::query(
        "UPDATE outbox SET state = $2, lease_until = NULL, run_at = coalesce($3, run_at), for_identifier = $4,
                failures = CASE WHEN $5 THEN failures + 1 WHEN $6 THEN 0 ELSE failures END,
                failed_at = coalesce($7, failed_at), reassert_at = $8, uncertain = $9, possible_double = $10,
                delivered_at = coalesce($11, delivered_at), settled_at = $12, reason = $13
         WHERE id = $1",
    )
    .bind(&lease.id)
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
    .execute(tx)
    .await?;
    Ok(())
}
