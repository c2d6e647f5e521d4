//! Bench `outbox`: what the delivery engine costs, on SQLite and on PostgreSQL: durable inserts together against one by
//! one, a claim with a thousand against a million rows waiting, a long drain against the EHR's own rate, and from
//! accepted to delivered while the EHR is idle. Each beside its peer in the same run.

mod claim;
mod drain;
mod ehr;
mod given;
mod idle;
mod insert;

use std::path::Path;

use anyhow::Context;

use super::report::{Figure, Report};
use given::Database;

/// How often each pair is measured; the median counts.
const ROUNDS: usize = 3;

/// Runs it in `directory`, whose file system is the one that is measured, and on the PostgreSQL server that
/// `ROOMED_TEST_POSTGRES` names (`cargo xtask bench outbox` starts one).
///
/// # Errors
/// In words, when something of it could not be measured; never with a figure left out.
pub async fn outbox(directory: &Path) -> anyhow::Result<Report> {
    let server = std::env::var("ROOMED_TEST_POSTGRES")
        .context("no PostgreSQL server to measure on; run this as: cargo xtask bench outbox")?;
    let databases = [Database::sqlite(directory), Database::postgres(server)];
    let mut figures = Vec::new();
    for database in &databases {
        eprintln!("  {}: inserts ...", database.name());
        figures.push(inserts(database).await?);
        eprintln!("  {}: claims with a thousand and a million rows waiting ...", database.name());
        figures.push(claims(database).await?);
        eprintln!("  {}: draining {} rows ...", database.name(), drain::ROWS);
        figures.push(drains(database).await?);
        eprintln!("  {}: an idle EHR ...", database.name());
        figures.push(idles(database, directory).await?);
    }
    Ok(Report { bench: "outbox", figures })
}

async fn inserts(database: &Database) -> anyhow::Result<Figure> {
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let store = database.fresh().await?;
        alone.push(insert::per_second(&store, 1).await?);
        together.push(insert::per_second(&store, insert::CALLERS).await?);
        store.close().await;
    }
    let name = format!("{}: durable inserts with 64 callers", database.name());
    Figure::of((&name, &together), "/s", ("one caller, one commit each", &alone), "at least 8x")
}

async fn claims(database: &Database) -> anyhow::Result<Figure> {
    let (few, many) = (database.fresh().await?, database.fresh().await?);
    claim::fill(database, &few, 1_000).await?;
    claim::fill(database, &many, 1_000_000).await?;
    let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_few.push(claim::median_us(&*few).await?);
        of_many.push(claim::median_us(&*many).await?);
    }
    few.close().await;
    many.close().await;
    let name = format!("{}: claim and settle, 1,000,000 rows waiting", database.name());
    Figure::of((&name, &of_many), "us", ("1,000 rows waiting", &of_few), "within 1.3x")
}

async fn drains(database: &Database) -> anyhow::Result<Figure> {
    let drained = drain::run(database).await?;
    let name = format!("{}: drain of {} rows", database.name(), drain::ROWS);
    Figure::of(
        (&name, &[drained.rate]),
        "/s",
        ("the EHR alone, as many at once", &[drained.ehr_alone]),
        "as near to 1 as can be",
    )
}

async fn idles(database: &Database, directory: &Path) -> anyhow::Result<Figure> {
    let idle = idle::run(database, directory).await?;
    let name = format!("{}: accepted to delivered, idle EHR, p99", database.name());
    Figure::of((&name, &[idle.delivered_p99]), "us", ("echo + fdatasync, p99", &[idle.floor_p99]), "below 10x")
}
