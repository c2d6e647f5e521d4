//! Writes of which a third and more have an outcome that nobody knows: applied, and then the connection is dropped, or the
//! answer is a 500, or none within the deadline; or not applied; or landing late, within the settle delay, and creates even
//! after they were looked for. At Epic's setter
//! and its messages; at a generic R4 server, good and poor, where comings and goings are made once and one Encounter is
//! changed by all; and at Oracle Health. Beside them tokens that are taken back.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;

use super::super::creates::{self, At, Told};
use super::super::crowd::Crowd;
use super::super::encounters;
use super::super::others::{self, Other};
use super::super::outcome::Outcome;
use super::super::profile::{DEADLINE, Haste, LATE, too_late};
use super::super::scene::Scene;
use crate::clock::{Stopwatch, pause};

const SOURCES: usize = 12;
/// So many write-backs come of one visit with two people, give or take.
const PER_VISIT: u64 = 60;
/// Patients who come to Oracle Health: each is one write, and a third of few is soon missed by chance.
const ARRIVALS: usize = 100;
/// Nothing has taken effect for so long: it will not any more.
const STUCK: Duration = Duration::from_secs(60);

/// What the R4 server can do, in turn: everything, or as little as many real ones. And whether a create of unknown fate can
/// be made again there without asking anybody.
const SERVERS: [(&str, &str, bool); 4] = [
    ("good", "{}", true),
    ("no-update-create", r#"{ "updateCreate": false }"#, false),
    ("no-version", r#"{ "versioning": "no-version" }"#, true),
    ("poor", r#"{ "updateCreate": false, "conditionalCreate": false, "transaction": false }"#, false),
];

/// At least `writes` writes.
pub(crate) async fn run(directory: &Path, writes: u64, seed: u64) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::new("ambiguous");
    setter(&directory.join("epic"), writes * 6 / 10, seed, &mut outcome).await.context("epic")?;
    for (name, capabilities, sound) in SERVERS {
        let part = directory.join(name);
        creates(&part, (capabilities, sound), writes / 10, seed, &mut outcome).await.context(name)?;
    }
    messages(&directory.join("messages"), writes / 20, seed, &mut outcome).await.context("messages")?;
    arrivals(&directory.join("oracle"), seed, &mut outcome).await.context("oracle")?;
    Ok(outcome)
}

async fn setter(directory: &Path, writes: u64, seed: u64, outcome: &mut Outcome) -> anyhow::Result<()> {
    let scene = Scene::set(directory, directory, seed).await?;
    let visits = usize::try_from(writes / PER_VISIT)?.max(40);
    let crowd = Arc::new(Crowd::gather(&scene.hospital, &scene.nodes, visits).await?);
    disturb(&scene, "epic.connection_status", 1.0, seed).await?;
    come_and_go(&scene, &crowd, writes, seed).await?;
    count(&scene, "epic.connection_status", &crowd, outcome).await?;
    outcome.verdict.add(scene.judge(&crowd).await?);
    Ok(())
}

/// Messages at Epic, which knows neither an id of ours nor a condition. What is said to its setter meanwhile is calm.
async fn messages(directory: &Path, writes: u64, seed: u64, outcome: &mut Outcome) -> anyhow::Result<()> {
    let with = |northside: &_| others::with(northside, &[], true);
    let scene = Scene::set_with(directory, directory, seed, Haste::Short, with).await?;
    let crowd = Arc::new(Crowd::gather(&scene.hospital, &scene.nodes, 10).await?);
    scene.hospital.fault(&too_late("epic.communication", 6.0, seed)).await?;
    // Half of the writes are the setter's.
    disturb(&scene, "epic.write", 1.0, seed).await?;
    come_and_go(&scene, &crowd, writes, seed).await?;
    count(&scene, "epic.write", &crowd, outcome).await?;
    let seen = scene.rest().await?;
    let mut verdict = scene.judge_statuses(&crowd, &seen).await?;
    verdict.did_not_end(seen.open);
    verdict.add(creates::judge(&scene, At::Epic, &crowd, Told::Each, &seen)?);
    outcome.count("creates", creates::made(&seen.effects.creates));
    outcome.count("creates_tried_again", creates::tried_again(&seen.rows));
    outcome.verdict.add(verdict);
    Ok(())
}

async fn creates(
    directory: &Path,
    (capabilities, sound): (&str, bool),
    writes: u64,
    seed: u64,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let with = |northside: &_| others::with(northside, &[Other::FhirR4], false);
    let scene = Scene::set_with(directory, directory, seed, Haste::Short, with).await?;
    let capabilities = serde_json::from_str(capabilities)?;
    scene.hospital.sandbox.send(reqwest::Method::PUT, "/r4/capabilities", &capabilities).await?;
    let visits = usize::try_from(writes / PER_VISIT)?.max(10);
    let crowd = Arc::new(others::gather(&scene, Other::FhirR4, visits).await?);
    scene.hospital.fault(&too_late("r4.create", 6.0, seed)).await?;
    disturb(&scene, "r4.write", 1.2, seed).await?;
    come_and_go(&scene, &crowd, writes, seed).await?;
    count(&scene, "r4.write", &crowd, outcome).await?;
    let seen = scene.rest().await?;
    let mut verdict = creates::judge(&scene, At::FhirR4, &crowd, Told::Each, &seen)?;
    verdict.did_not_end(seen.open);
    verdict.add(encounters::judge(&scene, &crowd, &seen).await?);
    outcome.count("creates", creates::made(&seen.effects.creates));
    outcome.count("creates_tried_again", creates::tried_again(&seen.rows));
    anyhow::ensure!(!sound || verdict.possible_double == 0, "a create is in doubt that could have been made again");
    outcome.verdict.add(verdict);
    Ok(())
}

/// Every patient comes once, which is all that Oracle Health can be told.
async fn arrivals(directory: &Path, seed: u64, outcome: &mut Outcome) -> anyhow::Result<()> {
    let with = |northside: &_| others::with(northside, &[Other::OracleHealth], false);
    let scene = Scene::set_with(directory, directory, seed, Haste::Short, with).await?;
    let crowd = others::gather(&scene, Other::OracleHealth, ARRIVALS).await?;
    disturb(&scene, "oracle.write", 1.4, seed).await?;
    for n in (0..crowd.parts.len()).filter(|n| crowd.parts.get(*n).is_some_and(|it| it.oid.is_none())) {
        crowd.turn(n, 0).await?;
    }
    count(&scene, "oracle.write", &crowd, outcome).await?;
    let seen = scene.rest().await?;
    let mut verdict = others::judge_arrivals(&scene, &crowd).await?;
    verdict.did_not_end(seen.open);
    outcome.verdict.add(verdict);
    Ok(())
}

/// Waits for what is on its way, ends the faults, and counts: three tenths of what was written, or should have been, had an
/// end that nobody could know. A token taken back is an answer.
async fn count(scene: &Scene, target: &str, crowd: &Crowd, outcome: &mut Outcome) -> anyhow::Result<()> {
    scene.quiet().await?;
    let struck = scene.hospital.struck(target).await?;
    scene.hospital.well().await?;
    let unclear: u64 = struck.iter().filter(|(mode, _)| *mode != "revoke").map(|(_, times)| times).sum();
    let writes = scene.effects_so_far().await? + struck.get("drop_before").copied().unwrap_or_default();
    eprintln!("chaos: ambiguous: {target}: {unclear} of {writes}");
    anyhow::ensure!(unclear * 10 >= writes * 3, "of {writes} writes only {unclear} had an end that nobody knows");
    outcome.count("ambiguous", writes);
    outcome.count("ambiguous_results", unclear);
    outcome.count("accepted", crowd.accepted());
    Ok(())
}

/// Sets the switches: together they strike more than a third of the writes, or `more` times as many.
async fn disturb(scene: &Scene, target: &str, more: f64, seed: u64) -> anyhow::Result<()> {
    let millis = |it: Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
    let faults = [
        (13.0, json!({ "mode": "drop_after_apply" })),
        (12.0, json!({ "mode": "status_after_apply" })),
        (3.0, json!({ "mode": "delay_after_apply", "delay_ms": millis(DEADLINE) + 300 })),
        (6.0, json!({ "mode": "late", "delay_ms": millis(LATE) })),
        (5.0, json!({ "mode": "late", "delay_ms": millis(LATE) / 3 })),
        (5.0, json!({ "mode": "drop_before" })),
        (0.5, json!({ "mode": "revoke" })),
    ];
    for (n, (percent, mut fault)) in faults.into_iter().enumerate() {
        fault["percent"] = json!(percent * more);
        fault["target"] = json!(target);
        fault["times"] = json!(0);
        fault["seed"] = json!(seed.wrapping_add(n as u64));
        scene.hospital.fault(&fault).await?;
    }
    Ok(())
}

/// Until so many writes have taken effect.
async fn come_and_go(scene: &Scene, crowd: &Arc<Crowd>, writes: u64, seed: u64) -> anyhow::Result<()> {
    let mut sources = crowd.begin(SOURCES, seed, Duration::from_millis(40));
    let (mut last, mut since) = (0, Stopwatch::start());
    let enough = async {
        loop {
            let so_far = scene.effects_so_far().await?;
            if so_far >= writes {
                return anyhow::Ok(());
            }
            if so_far > last {
                (last, since) = (so_far, Stopwatch::start());
            }
            anyhow::ensure!(since.elapsed() < STUCK, "only {so_far} of {writes} writes took effect");
            pause(Duration::from_millis(50)).await;
        }
    };
    let reached = enough.await;
    crowd.is_enough();
    super::ended(&mut sources).await?;
    reached
}
