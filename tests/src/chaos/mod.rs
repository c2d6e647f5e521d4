//! `cargo xtask chaos`: what was killed, cut and confused, and what was lost, doubled, reordered or invented (aim: nothing).
//! An episode is a scene of its own: a stand-in hospital, one or two relays, people who come and go, and a kind of fault.
//! The truth is what the sources were told was kept; the verdict (`checker.rs`) holds the EHR's effects against it.
//!
//! The episode `serve` kills the real `roomed-relay serve`, which hears of people by Graph's own notifications. In the others
//! relays are `chaos-node`s (`node.rs`): the same assembly with one more door, so that events cost no launch each. The outage
//! of eight hours is in virtual time, by the relay's simulation test.
//!
//! `--long` plays episodes again and again, each time from another seed, until its time is up.

mod checker;
mod creates;
mod crowd;
mod dice;
mod disk;
mod door;
mod encounters;
mod episodes;
mod freeze;
mod hospital;
mod ledger;
mod meetings;
pub mod node;
mod others;
mod outcome;
mod patient;
mod places;
mod profile;
mod report;
mod scene;
mod town;
mod verdict;

use std::path::Path;
use std::time::Duration;

use crate::clock::Stopwatch;
use outcome::Outcome;
pub use report::Report;

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Options {
    /// So long, again and again, with the bound that follows; else everything once.
    pub long: Option<Duration>,
    /// Repeats the random choices.
    pub seed: u64,
    /// Only these episodes; empty for all.
    pub only: Vec<String>,
    /// So many hundredths of everything: for a look while something is being changed.
    pub percent: u32,
}

/// The episodes by name, in lanes that run side by side: what mostly works beside what mostly waits.
const LANES: [&[&str]; 3] =
    [&["calm", "ambiguous", "poison"], &["serve", "disks", "time", "simulation"], &["nodes", "kills"]];

/// All of them.
pub fn episodes() -> Vec<&'static str> {
    LANES.concat()
}

/// A seed nobody knows, short enough to be typed again.
pub fn fresh_seed() -> u64 {
    u64::from(crate::clock::now().subsec_nanosecond().unsigned_abs() / 1000)
}

/// Runs them in `directory`. One that cannot be run is reported, and the others still run.
pub async fn run(directory: &Path, options: &Options) -> Report {
    let watch = Stopwatch::start();
    let [first, second, third] = LANES.map(|names| lane(names, directory, options));
    let (first, second, third) = tokio::join!(first, second, third);
    let outcomes = [first, second, third].concat();
    Report::new(options.seed, options.long.is_some(), watch.elapsed(), outcomes)
}

async fn lane(names: &[&'static str], directory: &Path, options: &Options) -> Vec<Outcome> {
    let is_wanted = |name: &&&str| options.only.is_empty() || options.only.iter().any(|it| it == *name);
    let wanted: Vec<_> = names.iter().filter(is_wanted).copied().collect();
    let (watch, mut outcomes) = (Stopwatch::start(), Vec::new());
    for (n, name) in wanted.iter().enumerate() {
        let left = options.long.map(|limit| limit.saturating_sub(watch.elapsed()));
        let share = left.map(|it| it / u32::try_from(wanted.len() - n).unwrap_or(u32::MAX));
        outcomes.push(again_and_again(name, &directory.join(name), options, share).await);
    }
    outcomes
}

/// Plays an episode, and goes on from other seeds for as long as it is given and nothing goes wrong.
async fn again_and_again(name: &'static str, directory: &Path, options: &Options, share: Option<Duration>) -> Outcome {
    let watch = Stopwatch::start();
    let mut sum: Option<Outcome> = None;
    for round in 0.. {
        eprintln!("chaos: {name}");
        let (folder, seed) = (directory.join(round.to_string()), options.seed.wrapping_add(round));
        let mut outcome = episode(name, &folder, options.percent, seed).await.unwrap_or_else(|error| {
            eprintln!("chaos: {name}: seed {seed}: {error:#}");
            Outcome::failed(name, &error)
        });
        let lasted = watch.elapsed();
        outcome.seconds = lasted.as_secs_f64() - sum.as_ref().map_or(0.0, |it| it.seconds);
        eprintln!("chaos: {name}: {:.0} s", outcome.seconds);
        let good = outcome.is_good();
        if !good {
            outcome.verdict.find(format!("it was seed {seed}"));
        }
        match &mut sum {
            None => sum = Some(outcome),
            Some(sum) => sum.add(outcome),
        }
        let next = lasted + lasted / u32::try_from(round + 1).unwrap_or(u32::MAX);
        if !good || share.is_none_or(|share| next > share) {
            break;
        }
        // What a round left is not looked at again, and many rounds leave much.
        std::fs::remove_dir_all(&folder).ok();
    }
    sum.unwrap_or_else(|| Outcome::failed(name, &anyhow::anyhow!("it was not run")))
}

async fn episode(name: &str, directory: &Path, percent: u32, seed: u64) -> anyhow::Result<Outcome> {
    std::fs::create_dir_all(directory)?;
    let of = |many: u32| (many * percent).div_ceil(100);
    match name {
        "calm" => episodes::calm(directory, seed).await,
        "ambiguous" => episodes::ambiguous(directory, of(5_000).into(), seed).await,
        "poison" => episodes::poison(directory, of(1_000).into(), seed).await,
        "serve" => episodes::serve(directory, of(300), seed).await,
        "kills" => episodes::kills(directory, of(100), seed).await,
        "disks" => episodes::disks(directory, of(3), seed).await,
        "nodes" => episodes::nodes(directory, of(100), seed).await,
        "simulation" => episodes::simulation(directory, seed).await,
        "time" => episodes::time(directory, of(24), seed).await,
        unknown => anyhow::bail!("there is no episode `{unknown}`; there are {}", episodes().join(", ")),
    }
}
