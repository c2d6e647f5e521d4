//! One write in a hundred is such that the EHR will never take it (422): half of them at random, half of them all writes of
//! one visit. Exactly these are parked, with a reason; what their people do next goes through all the same, and nobody else
//! waits.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use super::super::crowd::{Crowd, Part};
use super::super::ledger;
use super::super::outcome::{Never, Outcome};
use super::super::profile::Haste;
use super::super::scene::{Scene, Seen};
use crate::clock::{Stopwatch, pause};
use crate::stack::Organization;

const TARGET: &str = "epic.connection_status";
const SOURCES: usize = 8;
/// One of them is poisoned: half a hundredth of all.
const VISITS: usize = 200;
/// Two people to a visit.
const PEOPLE: usize = 2;
/// Nobody waits for longer on a busy machine, poison or not.
const PATIENCE: Duration = Duration::from_secs(120);

/// At least `writes` writes, a hundredth of them poisoned.
pub(crate) async fn run(directory: &Path, writes: u64, seed: u64) -> anyhow::Result<Outcome> {
    let scene = Scene::set_with(directory, directory, seed, Haste::None, Organization::configuration).await?;
    let crowd = Arc::new(Crowd::gather(&scene.hospital, &scene.nodes, VISITS).await?);
    let poisoned = crowd.parts.get(..PEOPLE).context("nobody is there")?;
    let visit = &poisoned.first().context("nobody is there")?.key.conference;
    for which in [json!({ "matching": visit }), json!({ "percent": 0.5, "seed": seed })] {
        let mut fault = json!({ "target": TARGET, "mode": "poison", "times": 0 });
        fault
            .as_object_mut()
            .zip(which.as_object())
            .context("no object")?
            .0
            .extend(which.as_object().cloned().unwrap_or_default());
        scene.hospital.fault(&fault).await?;
    }
    let mut outcome = Outcome::new("poison");
    outcome.never(&[Never::PossibleDouble]);
    // Some write of theirs is refused, however the dice fall.
    for n in 0..PEOPLE {
        crowd.turn(n, 0).await?;
    }
    let mut sources = crowd.begin(SOURCES, seed, Duration::from_millis(15));
    let watch = Stopwatch::start();
    while watch.elapsed() < PATIENCE && (scene.effects_so_far().await? < writes || struck(&scene).await? < writes / 100)
    {
        pause(Duration::from_millis(50)).await;
    }
    crowd.is_enough();
    super::ended(&mut sources).await?;
    scene.quiet().await?;
    scene.hospital.well().await?;
    let struck = struck(&scene).await?;
    anyhow::ensure!(struck >= writes / 100, "the poison struck {struck} times only");
    outcome.count("poison", struck);
    outcome.count("accepted", crowd.accepted());
    let seen = scene.rest().await?;
    outcome.verdict = scene.judge_statuses(&crowd, &seen).await?;
    outcome.verdict.did_not_end(seen.open);
    scene.node(0)?.stop().await?;
    let ledger = ledger::of_file(&directory.join("relay.sqlite")).await?;
    outcome.count("parked", exactly(&ledger, &seen, poisoned, struck)?);
    Ok(outcome)
}

async fn struck(scene: &Scene) -> anyhow::Result<u64> {
    Ok(scene.hospital.struck(TARGET).await?.values().sum())
}

/// Every poisoned write was parked and nothing else ever was; of the poisoned visit nothing else was settled, and its people
/// wait for an operator. Says how many rows were parked.
fn exactly(ledger: &[Value], seen: &Seen, poisoned: &[Part], struck: u64) -> anyhow::Result<u64> {
    let ended = |record: &&Value| record["kind"] == "settled";
    let parked: HashSet<&str> = ledger
        .iter()
        .filter(ended)
        .filter(|record| record["outcome"] == "parked")
        .filter_map(|record| record["entry"].as_str())
        .collect();
    anyhow::ensure!(parked.len() as u64 == struck, "{} rows were parked, {struck} were poisoned", parked.len());
    for record in ledger.iter().filter(ended).filter(|record| record["outcome"] == "parked") {
        let reason = record["reason"].as_str().unwrap_or_default();
        anyhow::ensure!(reason.contains("422"), "a row was parked and does not say why: {reason}");
    }
    let waiting = seen.parked();
    for part in poisoned {
        let stream = part.state();
        anyhow::ensure!(waiting.contains(stream.as_str()), "the newest state of a poisoned visit is not parked");
        anyhow::ensure!(!seen.effects.statuses.contains_key(&part.key), "something poisoned took effect");
        let tried = |row: &&Value| row["stream"] == stream.as_str() && row["attempts"].as_u64() > Some(0);
        let all_parked =
            seen.rows.iter().filter(tried).all(|row| row["id"].as_str().is_some_and(|it| parked.contains(it)));
        anyhow::ensure!(all_parked, "a poisoned write ended otherwise");
    }
    anyhow::ensure!(!waiting.is_empty(), "nobody waits for an operator");
    anyhow::ensure!(
        seen.rows
            .iter()
            .filter(|row| row["state"] == "parked")
            .all(|row| row["id"].as_str().is_some_and(|it| parked.contains(it))),
        "a row is parked that was not poisoned"
    );
    Ok(parked.len() as u64)
}
