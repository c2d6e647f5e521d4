//! The outage of eight hours with fifty thousand events, and many more faults of nodes and of the network, in virtual time:
//! the relay's own simulation test, whose report is taken over here.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;
use tokio::process::Command;

use super::super::report::Outcome;

/// Where the built test program is; `cargo xtask chaos` says so.
const PROGRAM: &str = "ROOMED_SIMULATION_TEST";
/// Where it writes what it found.
const REPORT: &str = "ROOMED_SIMULATION_REPORT";

/// Runs it. Its seeds are its own, and named where one fails.
pub(crate) async fn run(directory: &Path, long: bool) -> anyhow::Result<Outcome> {
    let program: PathBuf = std::env::var_os(PROGRAM)
        .with_context(|| format!("{PROGRAM} names no program; `cargo xtask chaos` builds and names it"))?
        .into();
    let report = directory.join("report.json");
    let mut run = Command::new(program);
    run.env(REPORT, &report);
    if long {
        run.env("ROOMED_SEEDS", "200");
    }
    let log = std::fs::File::create(directory.join("simulation.log"))?;
    let status = run.stdout(log.try_clone()?).stderr(log).status().await?;
    let text = std::fs::read_to_string(&report).unwrap_or_default();
    anyhow::ensure!(status.success(), "the simulation failed; see {}", directory.join("simulation.log").display());
    let found: Value = serde_json::from_str(&text).context("the simulation reports no JSON")?;
    let figure = |name: &str| found[name].as_u64().unwrap_or_default();
    let mut outcome = Outcome::new("simulation");
    outcome.count("outage_backlog", figure("outage_backlog"));
    outcome.count("simulated_node_faults", figure("node_faults"));
    outcome.verdict.lost = figure("lost");
    outcome.verdict.doubled = figure("doubled");
    outcome.verdict.reordered = figure("reordered");
    outcome.verdict.invented = figure("invented");
    outcome.verdict.reasserted = figure("reasserted");
    outcome.verdict.possible_double = figure("possible_double");
    anyhow::ensure!(figure("outage_backlog") > 0, "the simulation reports no outage");
    Ok(outcome)
}
