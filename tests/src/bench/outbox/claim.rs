//! A claim and its settle, with many rows waiting: a wrong index shows here and nowhere else.

use anyhow::{Context, ensure};
use roomed_relay::outbox::connection::Health;
use roomed_relay::store::{Change, Outcome, Settled, Settlement, Store};
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};

use super::super::report::median;
use super::given::{Database, EHR, ORGANIZATION, Opened, claim, now, unpaced, visit};
use crate::clock::Stopwatch;

const PAIRS: usize = 200;

/// Puts `rows` waiting rows in, each of its own stream. By hand: a million commits are another bench.
pub(super) async fn fill(database: &Database, opened: &Opened, rows: u32) -> anyhow::Result<()> {
    opened.commit(Change::of(visit("v"), None, now())).await?;
    let at = now().as_millisecond();
    let (series, zero) = match database {
        Database::Sqlite(_) => {
            (format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"), "x'00'")
        }
        Database::Postgres(_) => (format!("WITH n(i) AS (SELECT generate_series(1, {rows}))"), "'\\x00'::bytea"),
    };
    let insert = format!(
        "{series} INSERT INTO outbox (id, organization, ehr, visit, stream, channel, participant, sealed, reference,
            digest, run_at, accepted_at)
         SELECT 'o' || i, '{ORGANIZATION}', '{EHR}', 'v', 'v/' || i || '/state', 0, 'p', {zero}, {zero}, {zero}, {at}, {at}
         FROM n"
    );
    match database {
        Database::Sqlite(_) => {
            let mut connection = SqliteConnection::connect(&opened.url).await?;
            connection.execute("PRAGMA busy_timeout = 60000").await?;
            connection.execute(sqlx::AssertSqlSafe(insert)).await.context("the rows")?;
            connection.execute("ANALYZE").await?;
            connection.close().await?;
        }
        Database::Postgres(_) => {
            let mut connection = PgConnection::connect(&opened.url).await?;
            let streams = format!("{series} INSERT INTO outbox_stream (stream) SELECT 'v/' || i || '/state' FROM n");
            // Where streams have rows of their own to lock.
            let _ = connection.execute(sqlx::AssertSqlSafe(streams)).await;
            connection.execute(sqlx::AssertSqlSafe(insert)).await.context("the rows")?;
            connection.execute("VACUUM ANALYZE outbox").await?;
            connection.close().await?;
        }
    }
    Ok(())
}

/// The median of a claim of one row and its settle, in microseconds.
pub(super) async fn median_us(store: &dyn Store) -> anyhow::Result<f64> {
    let mut took = Vec::with_capacity(PAIRS);
    for _ in 0..PAIRS {
        let began = Stopwatch::start();
        let lease = store.claim(claim(1)).await?.leases.pop().context("nothing to claim")?;
        let settlement = Settlement {
            outcome: Outcome::Delivered,
            health: Health::Well,
            now: now(),
            reassert_at: now(),
            requests: 0,
            connection: unpaced(),
        };
        ensure!(store.settle(lease, settlement).await? == Settled::Done, "a lease was lost");
        took.push(began.elapsed().as_secs_f64() * 1e6);
    }
    median(&took).context("nothing was measured")
}
