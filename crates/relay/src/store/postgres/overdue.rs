//! What a claim puts right first in PostgreSQL: leases that ran out, and rows that a clock gave a time far ahead. Each in a
//! transaction of its own, since streams are locked once per transaction and the claim has others to lock.

use jiff::SignedDuration;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::super::StoreError;
use super::super::outbox::ClaimPolicy;
use super::super::steps::Duty;
use super::claim::database_now;
use super::enqueue::pass_on;
use super::{PostgresStore, connection, ledger, small, streams};

const ANY_LOST: &str = concat!(
    "SELECT EXISTS (SELECT 1 FROM outbox WHERE state = 1 AND organization = $1 AND ehr = $2 AND lease_until <= ",
    database_now!(),
    ")"
);

/// Nothing waits for that long: these were given their time by a clock that was ahead. A claim takes on so many; the server
/// holds a few thousand locks, and the next claim takes the rest.
const STRANDED: &str = "SELECT DISTINCT stream FROM outbox
    WHERE state = 0 AND organization = $1 AND ehr = $2 AND history IN (false, true) AND run_at > $3 LIMIT 500";

const RUN_STRANDED: &str = "UPDATE outbox SET run_at = $4 WHERE state = 0 AND organization = $1 AND ehr = $2
    AND history IN (false, true) AND run_at > $3 AND stream = ANY($5)";

/// For how many whole seconds this transaction has lasted.
const WAITED: &str = "SELECT floor(extract(epoch FROM clock_timestamp() - now()))::bigint";

const LOST: &str = concat!(
    "SELECT id, organization, ehr, channel, reference, digest, stream, attempts, fence, uncertain, reassert_at FROM outbox
     WHERE state = 1 AND organization = $1 AND ehr = $2 AND lease_until <= ",
    database_now!(),
    " ORDER BY lease_until, seq"
);

impl PostgresStore {
    /// Rows whose lease ran out become claimable. Of a state, what then stands is asserted once more after the settle
    /// delay, since the lost owner's request may still land; the row itself gives way to a newer one. A create that may
    /// have been sent waits for the settle delay, so that what may still land has landed before anybody searches for it.
    ///
    /// A transaction of its own: streams are locked once per transaction, and the claim has others to lock.
    pub(super) async fn take_over(&self, policy: &ClaimPolicy) -> Result<(), StoreError> {
        let any: bool =
            sqlx::query_scalar(ANY_LOST).bind(&policy.organization).bind(&policy.ehr).fetch_one(&self.pool).await?;
        if !any {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        connection::lock(&mut tx, &policy.organization, &policy.ehr).await?;
        // Whoever held that lock may have held it for long: the settle delay begins now.
        let waited: i64 = sqlx::query_scalar(WAITED).fetch_one(&mut *tx).await?;
        let now = policy.now.saturating_add(SignedDuration::from_secs(waited)).unwrap_or(policy.now);
        let policy = &ClaimPolicy { now, ..policy.clone() };
        let seen = lost(&mut tx, policy).await?;
        let seen: Vec<String> = seen.iter().map(|row| row.try_get("stream")).collect::<Result<_, _>>()?;
        streams::lock(&mut tx, seen.iter().map(String::as_str)).await?;
        let mut records = Vec::new();
        for row in lost(&mut tx, policy).await? {
            let stream: String = row.try_get("stream")?;
            if seen.contains(&stream) {
                records.extend(release(&mut tx, &row, &stream, policy).await?);
            }
        }
        ledger::append(&mut tx, &records).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A transaction of its own, like that of a takeover: whoever moves rows holds their streams first.
    pub(super) async fn run_stranded(&self, policy: &ClaimPolicy) -> Result<(), StoreError> {
        let stranded: Vec<String> = sqlx::query_scalar(STRANDED)
            .bind(&policy.organization)
            .bind(&policy.ehr)
            .bind(policy.latest_run())
            .fetch_all(&self.pool)
            .await?;
        if stranded.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        streams::lock(&mut tx, stranded.iter().map(String::as_str)).await?;
        sqlx::query(RUN_STRANDED)
            .bind(&policy.organization)
            .bind(&policy.ehr)
            .bind(policy.latest_run())
            .bind(policy.now.as_millisecond())
            .bind(&stranded)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn lost(tx: &mut PgConnection, policy: &ClaimPolicy) -> Result<Vec<PgRow>, StoreError> {
    Ok(sqlx::query(LOST).bind(&policy.organization).bind(&policy.ehr).fetch_all(tx).await?)
}

/// Takes one lost row back.
async fn release(
    tx: &mut PgConnection,
    row: &PgRow,
    stream: &str,
    policy: &ClaimPolicy,
) -> Result<Vec<crate::ledger::Record>, StoreError> {
    let subject = ledger::subject(row)?;
    let (attempt, fence) = (small(row.try_get("attempts")?)?, row.try_get("fence")?);
    let mut records = vec![subject.settled(policy.now, attempt, fence, "lease-ran-out", "")];
    let settled_by = policy.now.saturating_add(policy.settle_delay).unwrap_or(policy.now).as_millisecond();
    let uncertain: bool = row.try_get("uncertain")?;
    if !subject.channel.supersedes() {
        sqlx::query("UPDATE outbox SET state = 0, lease_until = NULL, run_at = greatest(run_at, $2) WHERE id = $1")
            .bind(&subject.id)
            .bind(uncertain.then_some(settled_by))
            .execute(tx)
            .await?;
        return Ok(records);
    }
    let reassert_at = row.try_get::<Option<i64>, _>("reassert_at")?.map_or(settled_by, |it| it.max(settled_by));
    let newer = pass_on(tx, stream, Duty { reassert_at: Some(reassert_at), uncertain }).await?;
    sqlx::query(
        "UPDATE outbox SET state = CASE WHEN $2 THEN 3 ELSE 0 END, settled_at = CASE WHEN $2 THEN $3 END,
                lease_until = NULL, reassert_at = $4
         WHERE id = $1",
    )
    .bind(&subject.id)
    .bind(newer)
    .bind(policy.now.as_millisecond())
    .bind(reassert_at)
    .execute(tx)
    .await?;
    records.extend(newer.then(|| subject.superseded(policy.now)));
    Ok(records)
}
