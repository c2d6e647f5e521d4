//! The outage of eight hours with fifty thousand events, and many more faults of nodes and of the network, in virtual time:
//! the relay's own simulation test, whose report is taken over here.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;
use tokio::process::Command;

use super::super::outcome::Outcome;
use super::super::verdict::Judged;

/// Where the built test program is; `cargo xtask chaos` says so.
const PROGRAM: &str = "ROOMED_SIMULATION_TEST";
/// Where it writes what it found.
const REPORT: &str = "ROOMED_SIMULATION_REPORT";
/// So many seeds of each scenario, from ours on. They are our own and not those of the test run: these are known to hold.
const SEEDS: u64 = 25;

/// Runs it.
pub(crate) async fn run(directory: &Path, seed: u64) -> anyhow::Result<Outcome> {
    let program: PathBuf = std::env::var_os(PROGRAM)
        .with_context(|| format!("{PROGRAM} names no program; `cargo xtask chaos` builds and names it"))?
        .into();
    let report = directory.join("report.json");
    let mut run = Command::new(program);
    // Rounds of a long run are one seed apart.
    let first = seed.wrapping_mul(SEEDS);
    run.env(REPORT, &report).env("ROOMED_SEED", first.to_string()).env("ROOMED_SEEDS", SEEDS.to_string());
    let log = std::fs::File::create(directory.join("simulation.log"))?;
    let status = run.stdout(log.try_clone()?).stderr(log).kill_on_drop(true).status().await?;
    let text = std::fs::read_to_string(&report).unwrap_or_default();
    anyhow::ensure!(status.success(), "the simulation failed; see {}", directory.join("simulation.log").display());
    let found: Value = serde_json::from_str(&text).context("the simulation reports no JSON")?;
    let figure = |name: &str| found[name].as_u64().with_context(|| format!("the simulation reports no {name}"));
    anyhow::ensure!(found["seed"] == first, "the simulation did not begin at seed {first}");
    let mut outcome = Outcome::new("simulation");
    for (name, reported) in [
        ("outage_backlog", "outage_backlog"),
        ("simulated_node_faults", "node_faults"),
        ("runs", "runs"),
        ("seeds", "seeds"),
        ("accepted", "accepted"),
        ("delivered", "delivered"),
        ("requests", "requests"),
        ("probes", "probes"),
    ] {
        outcome.count(name, figure(reported)?);
    }
    // In virtual time and with the configuration as it is shipped: another measure than that of real nodes.
    outcome.measure("simulated_stale_ms_p99", i64::try_from(figure("stale_ms_p99")?));
    let verdict = &mut outcome.verdict;
    verdict.lost = figure("lost")?;
    verdict.doubled = figure("doubled")?;
    verdict.reordered = figure("reordered")?;
    verdict.invented = figure("invented")?;
    let (to_stand, keys) = (figure("to_stand")?, figure("keys")?);
    verdict.judged = Judged { lost: to_stand, doubled: keys, reordered: to_stand, invented: figure("effects")? };
    verdict.reasserted = figure("reasserted")?;
    verdict.possible_double = figure("possible_double")?;
    verdict.parked = figure("parked")?;
    let other = figure("other")?;
    anyhow::ensure!(other == 0, "{other} things were wrong that have no figure; see simulation.log");
    Ok(outcome)
}
