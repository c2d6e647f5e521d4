//! Claiming in PostgreSQL: which rows of an EHR connection are ours for a while, and what becomes of leases that ran out.
//! The connection's row lets one claim or settle at a time at it; the streams' locks keep commits out meanwhile.

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::super::outbox::{Channel, ClaimPolicy, Claimed, Lease, Others};
use super::super::steps::{OnePerVisit, next_look};
use super::super::{StoreError, WrappedKey};
use super::{PostgresStore, at, connection, ledger, maybe_at, small, streams};
use crate::outbox::connection::Connection;

/// The database's own time in milliseconds, of this very moment: leases must not depend on the relay's clock.
macro_rules! database_now {
    () => {
        "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    };
}
pub(super) use database_now;

/// Nothing of the row's stream is in flight, nothing that must be said before it waits, and its visit has a key. OFFSET 0
/// keeps each look a look, so that the walk over the rows stays in its order and ends at the limit.
macro_rules! its_turn {
    () => {
        "NOT EXISTS (SELECT 1 FROM outbox AS flying WHERE flying.state = 1 AND flying.stream = o.stream OFFSET 0)
         AND (o.channel < 2 OR NOT EXISTS (SELECT 1 FROM outbox AS earlier
              WHERE earlier.state IN (0, 1) AND earlier.stream = o.stream AND earlier.seq < o.seq OFFSET 0))
         AND EXISTS (SELECT 1 FROM visit AS its WHERE its.id = o.visit OFFSET 0)"
    };
}

/// Where all states of a visit are one resource, none of them is in flight. Claims of one EHR follow each other by the
/// lock on its connection, so nobody takes another one meanwhile.
macro_rules! its_visits_turn {
    () => {
        "(NOT $5 OR o.channel <> 0 OR NOT EXISTS (SELECT 1 FROM outbox AS beside
              WHERE beside.state = 1 AND beside.visit = o.visit AND beside.channel = 0 OFFSET 0))"
    };
}

macro_rules! runnable {
    ($history:literal) => {
        concat!(
            "(SELECT id, stream, visit, channel, history, run_at, seq FROM outbox AS o
              WHERE state = 0 AND organization = $1 AND ehr = $2 AND history = ",
            $history,
            " AND run_at <= $3 AND ",
            its_turn!(),
            " AND ",
            its_visits_turn!(),
            " ORDER BY run_at, seq LIMIT $4)"
        )
    };
}

/// Runnable rows, those of open visits first: two walks along `outbox_runnable` that stop at the limit.
const RUNNABLE: &str = concat!(
    "SELECT id, stream, visit, channel FROM (",
    runnable!("false"),
    " UNION ALL ",
    runnable!("true"),
    ") AS either ORDER BY history, run_at, seq LIMIT $4"
);

/// `+ 0` keeps the planner from looking these columns up in an index of all that waits: the ids say where the rows are.
const TAKE: &str = concat!(
    // A state that is owed by now is asserted by this very attempt.
    "UPDATE outbox AS o SET state = 1, fence = fence + 1, attempts = attempts + 1,
        reassert_at = CASE WHEN o.reassert_at > $2 THEN o.reassert_at END, lease_until = ",
    database_now!(),
    " + $3 FROM visit AS v WHERE o.id = ANY($1) AND v.id = o.visit AND o.state + 0 = 0 AND o.run_at + 0 <= $2 AND ",
    its_turn!(),
    " RETURNING o.seq, o.id, o.organization, o.ehr, o.visit, o.stream, o.channel, o.participant, o.sealed, o.reference,
                o.digest, o.history, o.run_at, o.fence, o.attempts, o.failures, o.failed_at, o.uncertain,
                o.reassert_at, o.accepted_at, v.key_day, v.key_wrapped"
);

/// What is open about the other states of the visit: [`Others::of_number`].
const IN_DOUBT: &str = "SELECT max(CASE WHEN state = 0 THEN 1 ELSE 2 END)::bigint FROM outbox
    WHERE visit = $1 AND channel = 0 AND id <> $2 AND uncertain AND state IN (0, 4, 7)";

const NEXT_RUN: &str = "SELECT least(
    (SELECT run_at FROM outbox WHERE state = 0 AND organization = $1 AND ehr = $2 AND history = false AND run_at > $3
     ORDER BY run_at LIMIT 1),
    (SELECT run_at FROM outbox WHERE state = 0 AND organization = $1 AND ehr = $2 AND history = true AND run_at > $3
     ORDER BY run_at LIMIT 1))";

/// In how many milliseconds the first lease runs out.
const NEXT_LOST: &str = concat!(
    "SELECT (SELECT lease_until FROM outbox WHERE state = 1 AND organization = $1 AND ehr = $2
             ORDER BY lease_until LIMIT 1) - ",
    database_now!()
);

/// Id, stream, visit and channel of a row that may be taken.
type Runnable = (String, String, String, i64);

impl PostgresStore {
    pub(super) async fn claim_rows(&self, policy: ClaimPolicy) -> Result<Claimed, StoreError> {
        match self.claim_once(&policy).await {
            // Nothing was kept and nobody was answered yet, so a second try is as good as the first.
            Err(StoreError::Database(error)) if is_deadlock(&error) => self.claim_once(&policy).await,
            ended => ended,
        }
    }

    async fn claim_once(&self, policy: &ClaimPolicy) -> Result<Claimed, StoreError> {
        self.take_over(policy).await?;
        self.run_stranded(policy).await?;
        let mut tx = self.begin().await?;
        let mut connection = connection::lock(&mut tx, &policy.organization, &policy.ehr).await?;
        let wanted = connection.allowance(&policy.connection, policy.now).now.min(policy.limit);
        // One more than wanted, to know whether any is left over.
        let mut found: Vec<Runnable> = sqlx::query_as(RUNNABLE)
            .bind(&policy.organization)
            .bind(&policy.ehr)
            .bind(policy.now.as_millisecond())
            .bind(i64::from(wanted) + 1)
            .bind(policy.one_per_visit)
            .fetch_all(&mut *tx)
            .await?;
        let runnable = found.len();
        found.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        let leases = take(&mut tx, found, &mut connection, policy).await?;
        // What a commit has just superseded was counted too: then the next look comes at once.
        let next_run = if runnable > leases.len() { Some(policy.now) } else { next_run(&mut tx, policy).await? };
        let next_lost =
            sqlx::query_scalar(NEXT_LOST).bind(&policy.organization).bind(&policy.ehr).fetch_one(&mut *tx).await?;
        // A look that found nothing to do writes nothing, and so waits for no disk.
        if leases.is_empty() {
            tx.rollback().await?
        } else {
            tx.commit().await?
        }
        let allowed = connection.allowance(&policy.connection, policy.now);
        Ok(Claimed { leases, next: next_look(policy, allowed, next_run, next_lost) })
    }
}

/// Takes these rows, as far as they can still be taken now that nobody else moves their streams.
async fn take(
    tx: &mut PgConnection,
    mut found: Vec<Runnable>,
    connection: &mut Connection,
    policy: &ClaimPolicy,
) -> Result<Vec<Lease>, StoreError> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let mut turn = OnePerVisit::of(policy);
    found.retain(|(_, _, visit, channel)| turn.takes(visit.clone(), *channel));
    let (ids, of): (Vec<String>, Vec<String>) = found.into_iter().map(|(id, stream, ..)| (id, stream)).unzip();
    streams::lock(tx, of.iter().map(String::as_str)).await?;
    let mut rows = sqlx::query(TAKE)
        .bind(ids)
        .bind(policy.now.as_millisecond())
        .bind(i64::try_from(policy.lease.as_millis()).unwrap_or(i64::MAX / 2))
        .fetch_all(&mut *tx)
        .await?;
    rows.sort_by_key(|row| (row.get::<bool, _>("history"), row.get::<i64, _>("run_at"), row.get::<i64, _>("seq")));
    let mut records = Vec::with_capacity(rows.len());
    let mut leases = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut lease = lease(row, connection)?;
        if turn.applies_to(lease.channel) {
            let others = sqlx::query_scalar(IN_DOUBT).bind(&lease.visit).bind(&lease.id).fetch_one(&mut *tx).await?;
            lease.others = Others::of_number(others);
        }
        records.push(ledger::subject(row)?.started(policy.now, lease.attempt, lease.fence));
        leases.push(lease);
    }
    if let Some(count) = u32::try_from(leases.len()).ok().filter(|it| *it > 0) {
        connection.take(&policy.connection, policy.now, count);
        connection::save(tx, &policy.organization, &policy.ehr, connection).await?;
    }
    ledger::append(tx, &records).await?;
    Ok(leases)
}

/// When the next row runs that does not yet. One that is runnable and was not claimed waits for another of its stream.
async fn next_run(tx: &mut PgConnection, policy: &ClaimPolicy) -> Result<Option<jiff::Timestamp>, StoreError> {
    let next = sqlx::query_scalar(NEXT_RUN)
        .bind(&policy.organization)
        .bind(&policy.ehr)
        .bind(policy.now.as_millisecond())
        .fetch_one(tx)
        .await?;
    maybe_at(next)
}

fn lease(row: &PgRow, connection: &Connection) -> Result<Lease, StoreError> {
    let failed_at = maybe_at(row.try_get("failed_at")?)?;
    let uncertain = row.try_get("uncertain")?;
    // What is owed by now was forgotten with the claim.
    let owed: Option<i64> = row.try_get("reassert_at")?;
    Ok(Lease {
        id: row.try_get("id")?,
        fence: row.try_get("fence")?,
        stream: row.try_get("stream")?,
        channel: Channel::of_number(row.try_get("channel")?)?,
        visit: row.try_get("visit")?,
        organization: row.try_get("organization")?,
        participant: row.try_get("participant")?,
        ehr: row.try_get("ehr")?,
        key: WrappedKey { day: row.try_get("key_day")?, bytes: row.try_get("key_wrapped")? },
        sealed: row.try_get("sealed")?,
        failures: small(row.try_get("failures")?)?,
        others_went: failed_at.is_none_or(|failed| connection.well_at.is_some_and(|well| well > failed)),
        ehr_is_ill: connection.is_ill(),
        uncertain,
        settling: uncertain && owed.is_some(),
        others: Others::Clear,
        accepted_at: at(row.try_get("accepted_at")?)?,
        attempt: small(row.try_get("attempts")?)?,
    })
}

/// Two transactions waited for each other, or could not be put in an order.
fn is_deadlock(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|it| it.code());
    matches!(code.as_deref(), Some("40P01" | "40001"))
}
