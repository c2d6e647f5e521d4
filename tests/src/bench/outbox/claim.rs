//! A claim and its settle, with many rows waiting: a wrong index shows here and nowhere else.

use anyhow::{Context, ensure};
use roomed_relay::outbox::connection::Health;
use roomed_relay::store::{Change, Outcome, Settled, Settlement, Store};
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};

use super::super::report::median;
use super::given::{Database, EHR, ORGANIZATION, Opened, claim, now, unpaced, visit};
use crate::clock::Stopwatch;

/// So many pairs for each count.
const COUNT_EVERY: usize = 40;

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
            connection.execute(sqlx::AssertSqlSafe(insert)).await.context("the rows")?;
            connection.execute("VACUUM ANALYZE outbox").await?;
            connection.close().await?;
        }
    }
    Ok(())
}

/// Microseconds with few rows waiting and with many.
pub(super) struct Took {
    /// Of a claim of one row and its settle.
    pub(super) claims: [f64; 2],
    /// Of counting all of them for `/metrics`.
    pub(super) counts: [f64; 2],
}

/// Takes turns between the two, so that what else the machine does falls on both.
pub(super) async fn run(stores: [&dyn Store; 2], pairs: usize) -> anyhow::Result<Took> {
    let (mut claims, mut counts) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for n in 0..pairs {
        for (store, took) in stores.into_iter().zip(&mut claims) {
            took.push(pair_us(store).await?);
        }
        if n.is_multiple_of(COUNT_EVERY) {
            for (store, took) in stores.into_iter().zip(&mut counts) {
                let began = Stopwatch::start();
                store.outbox_counts().await?;
                took.push(began.elapsed().as_secs_f64() * 1e6);
            }
        }
    }
    let medians = |of: &[Vec<f64>; 2]| {
        let [few, many] = of.each_ref().map(|it| median(it).context("nothing was measured"));
        anyhow::Ok([few?, many?])
    };
    Ok(Took { claims: medians(&claims)?, counts: medians(&counts)? })
}

async fn pair_us(store: &dyn Store) -> anyhow::Result<f64> {
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
    Ok(began.elapsed().as_secs_f64() * 1e6)
}
