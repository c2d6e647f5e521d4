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
mod door;
mod episodes;
mod hospital;
pub mod node;
mod profile;
mod report;
mod scene;

use std::path::Path;

use crate::clock::Stopwatch;
pub use report::Report;
use report::Outcome;

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Options {
    /// By the thousands, with the bound that follows.
    pub long: bool,
    /// Repeats the random choices.
    pub seed: u64,
    /// Only these episodes; empty for all.
    pub only: Vec<String>,
}

/// The episodes, in the order in which they run.
pub const EPISODES: [&str; 1] = ["kills"];

/// A seed nobody knows, short enough to be typed again.
pub fn fresh_seed() -> u64 {
    u64::from(crate::clock::now().subsec_nanosecond().unsigned_abs() / 1000)
}

/// Runs them in `directory`, one after the other. One that cannot be run is reported, and the others still run.
pub async fn run(directory: &Path, options: &Options) -> Report {
    let mut outcomes = Vec::new();
    for name in EPISODES.into_iter().filter(|it| options.only.is_empty() || options.only.iter().any(|one| one == it)) {
        let watch = Stopwatch::start();
        eprintln!("chaos: {name}");
        let mut outcome = episode(name, &directory.join(name), options).await.unwrap_or_else(|error| {
            eprintln!("chaos: {name}: {error:#}");
            Outcome::failed(name, &error)
        });
        outcome.seconds = watch.elapsed().as_secs_f64();
        outcomes.push(outcome);
    }
    Report::new(options.seed, options.long, outcomes)
}

async fn episode(name: &str, directory: &Path, options: &Options) -> anyhow::Result<Outcome> {
    std::fs::create_dir_all(directory)?;
    let of = |short: u32, long: u32| if options.long { long } else { short };
    let seed = options.seed;
    match name {
        "kills" => episodes::kills(directory, of(240, 5_000), seed).await,
        unknown => anyhow::bail!("there is no episode `{unknown}`; there are {}", EPISODES.join(", ")),
    }
}
