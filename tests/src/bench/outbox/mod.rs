//! Bench `outbox`: what the delivery engine costs, on SQLite and on PostgreSQL: durable inserts together against one by
//! one, a claim with a thousand against a million rows waiting, a long drain against the EHR's own rate, and from
//! accepted to delivered while the EHR is idle. Each beside its peer in the same run.

mod claim;
mod disk;
mod drain;
mod ehr;
mod given;
mod idle;
mod insert;
mod sizes;

use std::path::Path;

use anyhow::Context;

use super::report::{Figure, Report, median};
use disk::Disk;
use given::Database;
use insert::CALLERS;
pub use sizes::Sizes;

/// What cargo made of it: much of what is ours is slower in a debug build, the disk is not.
const BUILD: &str = if cfg!(debug_assertions) { "debug build" } else { "release build" };

/// Runs it in `directory`, whose file system is the one that is measured, and on the PostgreSQL server that
/// `ROOMED_TEST_POSTGRES` names (`cargo xtask bench outbox` starts one).
///
/// # Errors
/// In words, when something of it could not be measured; never with a figure left out.
pub async fn outbox(directory: &Path, sizes: Sizes) -> anyhow::Result<Report> {
    let server = std::env::var("ROOMED_TEST_POSTGRES")
        .context("no PostgreSQL server to measure on; run this as: cargo xtask bench outbox")?;
    let databases = [Database::sqlite(directory), Database::postgres(server)];
    let mut figures = Vec::new();
    for database in &databases {
        let disk = Disk::of(database.folder().await?, sizes.meant)?;
        let bench = Bench { database, disk, sizes };
        bench.say("inserts");
        figures.extend(bench.inserts().await?);
        bench.say("claims with few and with many rows waiting");
        figures.extend(bench.claims().await?);
        bench.say("a drain");
        figures.push(bench.drain().await?);
        bench.say("an idle EHR");
        figures.push(bench.idle().await?);
    }
    Ok(Report { bench: "outbox", figures })
}

/// One database, measured.
struct Bench<'d> {
    database: &'d Database,
    disk: Disk,
    sizes: Sizes,
}

impl Bench<'_> {
    fn say(&self, what: &str) {
        eprintln!("  {}: {what} ...", self.database.name());
    }

    /// A figure's name.
    fn named(&self, what: &str) -> String {
        format!("{}: {what} ({BUILD})", self.database.name())
    }

    async fn inserts(&self) -> anyhow::Result<[Figure; 3]> {
        let (mut together, mut alone) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
        let mut forced = Vec::new();
        for _ in 0..self.sizes.rounds {
            forced.push(self.disk.forced_us()?);
            for (callers, inserts, into) in
                [(1, self.sizes.alone, &mut alone), (CALLERS, self.sizes.inserts, &mut together)]
            {
                let inserted = insert::run(self.database, callers, inserts).await?;
                into.0.push(inserted.per_second);
                into.1.push(inserted.each_time);
            }
        }
        let one_us: Vec<f64> = alone.0.iter().map(|it| 1e6 / it).collect();
        let share = median(&forced).zip(median(&one_us)).map(|(forced, one)| forced / one * 100.0);
        let aim = format!(
            "at least 8x where the disk is most of a commit; here it is {:.0} % of one alone, and what is shared is only that",
            share.unwrap_or_default()
        );
        let rate = self.named(&format!("durable inserts with {CALLERS} callers"));
        let each_time = self.named(&format!("inserts each time the log is forced to the disk, {CALLERS} callers"));
        let disk = format!("4 KiB overwritten in a file, with fdatasync, same disk ({})", self.disk.kind());
        Ok([
            Figure::of((&rate, &together.0), "/s", ("one caller, one commit each", &alone.0), &aim)?,
            Figure::of((&each_time, &together.1), "inserts", ("one caller", &alone.1), "at least 8x")?,
            Figure::of(
                (&self.named("one durable insert alone"), &one_us),
                "us",
                (&disk, &forced),
                "about 1 where the disk is all there is to it",
            )?,
        ])
    }

    async fn claims(&self) -> anyhow::Result<[Figure; 2]> {
        let [few, many] = self.sizes.waiting;
        let stores = (self.database.fresh().await?, self.database.fresh().await?);
        claim::fill(self.database, &stores.0, few).await?;
        claim::fill(self.database, &stores.1, many).await?;
        let (mut claims, mut counts) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        for _ in 0..self.sizes.rounds {
            let took = claim::run([&*stores.0, &*stores.1], self.sizes.pairs).await?;
            for side in 0..2 {
                claims[side].push(took.claims[side]);
                counts[side].push(took.counts[side]);
            }
        }
        stores.0.close().await;
        stores.1.close().await;
        let figure = |what: &str, took: &[Vec<f64>; 2], aim| {
            let name = self.named(&format!("{what}, {many} rows waiting"));
            Figure::of((&name, &took[1]), "us", (&format!("{few} rows waiting"), &took[0]), aim)
        };
        Ok([
            figure("claim and settle", &claims, "within 1.3x")?,
            figure("counting them for /metrics", &counts, "a second at most; it holds up nobody who writes")?,
        ])
    }

    async fn drain(&self) -> anyhow::Result<Figure> {
        let rows = self.sizes.drain;
        let drained = drain::run(self.database, rows, self.sizes.requests).await?;
        Figure::of(
            (&self.named(&format!("drain of {rows} rows, no pace set")), &[drained.rate]),
            "/s",
            (&format!("the EHR alone on loopback, {} at once", drain::AT_ONCE), &drained.ehr_alone),
            "as near to 1 as can be; far above the pace an EHR is asked at (5 /s unless configured)",
        )
    }

    async fn idle(&self) -> anyhow::Result<Figure> {
        let idle = idle::run(self.database, self.disk.folder(), self.sizes.deliveries).await?;
        let name = self.named("accepted to delivered, idle EHR, p99");
        let floor = "64 B TCP echo then 4 KiB append with fdatasync, same disk, p99";
        Figure::of((&name, &[idle.delivered_p99]), "us", (floor, &[idle.floor_p99]), "below 10x")
    }
}
