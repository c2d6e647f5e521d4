//! `cargo xtask chaos`: what was killed, cut and confused, and what was lost, doubled, reordered or invented (aim: nothing).
//! An episode is a scene of its own: a stand-in hospital, one or two relays, people who come and go, and a kind of fault.
//! The truth is what the sources were told was kept; the verdict (`checker.rs`) holds the EHR's effects against it.
//!
//! Relays are `chaos-node`s (`node.rs`): the whole relay with one more door, so that events cost no launch each. The
//! episode `serve` torments the real `roomed-relay serve` instead, with Graph's own notifications. The outage of eight
//! hours is in virtual time, by the relay's simulation test.

mod checker;
mod crowd;
mod dice;
mod disk;
mod door;
mod episodes;
mod hospital;
mod line;
pub mod node;
mod others;
mod profile;
mod report;
mod scene;

use std::path::Path;

use crate::clock::Stopwatch;
use report::Outcome;
pub use report::Report;

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Options {
    /// By the thousands, with the bound that follows.
    pub long: bool,
    /// Repeats the random choices.
    pub seed: u64,
    /// Only these episodes; empty for all.
    pub only: Vec<String>,
    /// So many hundredths of everything: for a look while something is being changed.
    pub percent: u32,
}

/// The episodes by name. What mostly waits runs beside what mostly works.
pub const EPISODES: [&str; 8] = ["kills", "ambiguous", "poison", "serve", "nodes", "disks", "time", "simulation"];
/// How many of them make up the first lane; the rest is the second.
const WORKS: usize = 3;

/// A seed nobody knows, short enough to be typed again.
pub fn fresh_seed() -> u64 {
    u64::from(crate::clock::now().subsec_nanosecond().unsigned_abs() / 1000)
}

/// Runs them in `directory`, in two lanes. One that cannot be run is reported, and the others still run.
pub async fn run(directory: &Path, options: &Options) -> Report {
    let (works, waits) = EPISODES.split_at(WORKS);
    let (mut outcomes, others) = tokio::join!(lane(works, directory, options), lane(waits, directory, options));
    outcomes.extend(others);
    Report::new(options.seed, options.long, outcomes)
}

async fn lane(names: &[&'static str], directory: &Path, options: &Options) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for name in names.iter().copied() {
        if !options.only.is_empty() && !options.only.iter().any(|it| it == name) {
            continue;
        }
        let watch = Stopwatch::start();
        eprintln!("chaos: {name}");
        let mut outcome = episode(name, &directory.join(name), options).await.unwrap_or_else(|error| {
            eprintln!("chaos: {name}: {error:#}");
            Outcome::failed(name, &error)
        });
        outcome.seconds = watch.elapsed().as_secs_f64();
        eprintln!("chaos: {name}: {:.0} s", outcome.seconds);
        outcomes.push(outcome);
    }
    outcomes
}

async fn episode(name: &str, directory: &Path, options: &Options) -> anyhow::Result<Outcome> {
    std::fs::create_dir_all(directory)?;
    let of = |short: u32, long: u32| (if options.long { long } else { short } * options.percent).div_ceil(100);
    let seed = options.seed;
    match name {
        "kills" => episodes::kills(directory, of(240, 5_000), seed).await,
        "ambiguous" => episodes::ambiguous(directory, of(5_000, 200_000).into(), seed).await,
        "poison" => episodes::poison(directory, of(1_000, 20_000).into(), seed).await,
        "serve" => episodes::serve(directory, of(60, 500), seed).await,
        "disks" => episodes::disks(directory, of(3, 50), seed).await,
        "nodes" => episodes::nodes(directory, of(100, 2_000), seed).await,
        "simulation" => episodes::simulation(directory, options.long).await,
        "time" => episodes::time(directory, of(24, 500), seed).await,
        unknown => anyhow::bail!("there is no episode `{unknown}`; there are {}", EPISODES.join(", ")),
    }
}
