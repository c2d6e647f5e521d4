//! One write in a hundred is such that the EHR will never take it (422). It is parked with a reason; what its person does
//! next goes through all the same, and nobody else waits.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::super::crowd::Crowd;
use super::super::report::Outcome;
use super::super::scene::Scene;
use crate::clock::{Stopwatch, pause};

const TARGET: &str = "epic.connection_status";
const SOURCES: usize = 8;
/// Nobody waits for longer on a busy machine, poison or not.
const PATIENCE: Duration = Duration::from_secs(120);

/// At least `writes` writes, a hundredth of them poisoned.
pub(crate) async fn run(directory: &Path, writes: u64, seed: u64) -> anyhow::Result<Outcome> {
    let scene = Scene::set(directory, directory, seed).await?;
    let visits = usize::try_from(writes / 60)?.max(30);
    let crowd = Arc::new(Crowd::gather(&scene.hospital, &scene.nodes, visits).await?);
    let fault = json!({ "target": TARGET, "mode": "poison", "percent": 1, "times": 0, "seed": seed });
    scene.hospital.fault(&fault).await?;
    let mut sources = crowd.begin(SOURCES, seed, Duration::from_millis(15));
    let watch = Stopwatch::start();
    while watch.elapsed() < PATIENCE {
        if scene.effects_so_far().await? >= writes && scene.hospital.struck(TARGET).await? >= writes / 100 {
            break;
        }
        pause(Duration::from_millis(50)).await;
    }
    crowd.is_enough();
    super::ended(&mut sources).await?;
    scene.quiet().await?;
    scene.hospital.well().await?;
    let mut outcome = Outcome::new("poison");
    let struck = scene.hospital.struck(TARGET).await?;
    anyhow::ensure!(struck >= writes / 100, "the poison struck {struck} times only");
    outcome.count("poison", struck);
    outcome.count("accepted", crowd.accepted());
    // Each is parked with its reason, or its person has moved on since and a newer state took its place.
    for row in scene.rows().await? {
        let reason = row["reason"].as_str().unwrap_or_default();
        anyhow::ensure!(row["state"] != "parked" || reason.contains("422"), "a row is parked and does not say why");
        anyhow::ensure!(row["possible_double"] != true, "a setter cannot be doubled");
    }
    let verdict = scene.judge(&crowd).await?;
    anyhow::ensure!(verdict.parked <= struck, "{} people wait for an operator, {struck} were struck", verdict.parked);
    outcome.count("parked", verdict.parked);
    outcome.verdict = verdict;
    Ok(outcome)
}
