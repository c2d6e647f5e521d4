//! Writes of which nearly a third have an outcome that nobody knows: applied, and then the connection is dropped, or the
//! answer is a 500, or none within the deadline; or not applied; or landing late, within the settle delay. At Epic's setter;
//! at a generic R4 server, good and poor, where comings and goings are made once; and at Oracle Health. Beside them tokens
//! that are taken back.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::crowd::Crowd;
use super::super::others::{self, Other};
use super::super::profile::{DEADLINE, LATE};
use super::super::report::Outcome;
use super::super::scene::Scene;
use crate::clock::{Stopwatch, pause};

const SOURCES: usize = 12;
/// So many write-backs come of one visit with two people, give or take.
const PER_VISIT: u64 = 60;
/// Nothing has taken effect for so long: it will not any more.
const STUCK: Duration = Duration::from_secs(30);

/// What the R4 server can do, in turn: everything, or as little as many real ones.
const SERVERS: [(&str, &str); 3] = [
    ("good", "{}"),
    ("no-update-create", r#"{ "updateCreate": false }"#),
    ("poor", r#"{ "updateCreate": false, "conditionalCreate": false, "transaction": false }"#),
];

/// At least `writes` writes that took effect.
pub(crate) async fn run(directory: &Path, writes: u64, seed: u64) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::new("ambiguous");
    setter(&directory.join("epic"), writes * 7 / 10, seed, &mut outcome).await?;
    for (name, capabilities) in SERVERS {
        let part = directory.join(name);
        creates(&part, name, &serde_json::from_str(capabilities)?, writes / 10, seed, &mut outcome).await?;
    }
    arrivals(&directory.join("oracle"), seed, &mut outcome).await?;
    let (ambiguous, struck) = (outcome.counted("ambiguous"), outcome.counted("struck"));
    anyhow::ensure!(struck * 4 > ambiguous, "of {ambiguous} writes only {struck} met a fault");
    Ok(outcome)
}

async fn setter(directory: &Path, writes: u64, seed: u64, outcome: &mut Outcome) -> anyhow::Result<()> {
    let scene = Scene::set(directory, directory, seed).await?;
    let visits = usize::try_from(writes / PER_VISIT)?.max(40);
    let crowd = Arc::new(Crowd::gather(&scene.hospital, &scene.nodes, visits).await?);
    disturb(&scene, "epic.connection_status", seed).await?;
    come_and_go(&scene, &crowd, writes, seed).await?;
    scene.quiet().await?;
    outcome.count("struck", scene.hospital.struck("epic.connection_status").await?);
    scene.hospital.well().await?;
    outcome.verdict.add(scene.judge(&crowd).await?);
    outcome.count("ambiguous", scene.effects_so_far().await?);
    outcome.count("accepted", crowd.accepted());
    Ok(())
}

async fn creates(
    directory: &Path,
    name: &'static str,
    capabilities: &Value,
    writes: u64,
    seed: u64,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let with = |northside: &_| others::with(northside, &[Other::FhirR4]);
    let scene = Scene::set_with(directory, directory, seed, with).await?;
    scene.hospital.sandbox.send(reqwest::Method::PUT, "/r4/capabilities", capabilities).await?;
    let visits = usize::try_from(writes / PER_VISIT)?.max(10);
    let crowd = Arc::new(others::gather(&scene, Other::FhirR4, visits).await?);
    disturb(&scene, "r4.write", seed).await?;
    come_and_go(&scene, &crowd, writes, seed).await?;
    scene.quiet().await?;
    outcome.count("struck", scene.hospital.struck("r4.write").await?);
    scene.hospital.well().await?;
    let open = scene.quiet().await?;
    let mut verdict = others::judge_creates(&scene, &crowd).await?;
    if open > 0 {
        verdict.findings.push(format!("{name}: {open} rows were not settled in time"));
    }
    outcome.verdict.add(verdict);
    outcome.count("ambiguous", scene.effects_so_far().await?);
    outcome.count("accepted", crowd.accepted());
    Ok(())
}

/// Every patient comes once, which is all that Oracle Health can be told.
async fn arrivals(directory: &Path, seed: u64, outcome: &mut Outcome) -> anyhow::Result<()> {
    let with = |northside: &_| others::with(northside, &[Other::OracleHealth]);
    let scene = Scene::set_with(directory, directory, seed, with).await?;
    let crowd = others::gather(&scene, Other::OracleHealth, 40).await?;
    disturb(&scene, "oracle.write", seed).await?;
    for n in (0..crowd.parts.len()).filter(|n| crowd.parts.get(*n).is_some_and(|it| it.oid.is_none())) {
        crowd.turn(n, 0).await?;
    }
    scene.quiet().await?;
    outcome.count("struck", scene.hospital.struck("oracle.write").await?);
    scene.hospital.well().await?;
    scene.quiet().await?;
    outcome.verdict.add(others::judge_arrivals(&scene, &crowd).await?);
    outcome.count("ambiguous", scene.effects_so_far().await?);
    outcome.count("accepted", crowd.accepted());
    Ok(())
}

/// Sets the switches: together they strike nearly a third of the writes.
async fn disturb(scene: &Scene, target: &str, seed: u64) -> anyhow::Result<()> {
    let millis = |it: Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
    let faults = [
        json!({ "mode": "drop_after_apply", "percent": 9 }),
        json!({ "mode": "status_after_apply", "percent": 8 }),
        json!({ "mode": "delay_after_apply", "percent": 3, "delay_ms": millis(DEADLINE) + 300 }),
        json!({ "mode": "late", "percent": 5, "delay_ms": millis(LATE) }),
        json!({ "mode": "late", "percent": 4, "delay_ms": millis(LATE) / 3 }),
        json!({ "mode": "drop_before", "percent": 4 }),
        json!({ "mode": "revoke", "percent": 0.5 }),
    ];
    for (n, mut fault) in faults.into_iter().enumerate() {
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
