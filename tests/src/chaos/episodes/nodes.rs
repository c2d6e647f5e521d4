//! Two nodes on one PostgreSQL database, delivering states and creates. One of them is frozen past its lease and woken,
//! killed at a random moment and again at a named place, cut off from the database (silently, or by a reset), or stopped and
//! started as in an update, while the other goes on; sources turn to whichever answers. Write-backs of an owner that is
//! frozen, dead or cut off are taken over, and what it says when it wakes is too late.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use url::Url;

use super::super::dice::Dice;
use super::super::door::Conditions;
use super::super::hospital::Hospital;
use super::super::ledger;
use super::super::line::{Line, Wire};
use super::super::outcome::Outcome;
use super::super::places::{Places, to_die_at};
use super::super::profile::{Haste, LEASE, too_late};
use super::super::scene::{Scene, node};
use super::super::town::Town;
use crate::clock::pause;

/// Where the test server is.
const VARIABLE: &str = "ROOMED_TEST_POSTGRES";
const SOURCES: usize = 6;
const BETWEEN_LOOKS: u32 = 34;
/// A failpoint that is not reached by then will not be.
const REACHED: Duration = Duration::from_secs(3);
/// A named place that was not died at by its share of kills is tried so often again.
const MORE_TRIES: u32 = 28;

/// What happens to a node.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Frozen,
    Killed,
    CutOff(Line),
    Rolled,
}

const FAULTS: [Fault; 5] =
    [Fault::Frozen, Fault::Killed, Fault::CutOff(Line::Silent), Fault::CutOff(Line::Closed), Fault::Rolled];

/// `faults` faults, of each kind as many.
pub(crate) async fn run(directory: &Path, faults: u32, seed: u64) -> anyhow::Result<Outcome> {
    let server = std::env::var(VARIABLE)
        .ok()
        .with_context(|| format!("{VARIABLE} names no PostgreSQL server; `cargo xtask chaos` starts one of its own"))?;
    let database = create(&server, seed).await?;
    let (scene, wires) = set(directory, &database, seed).await?;
    let town = Town::gather(&scene, 30 + faults as usize / 2, 15 + faults as usize / 5).await?;
    for target in ["epic.write", "r4.write"] {
        let drop = json!({ "target": target, "mode": "drop_after_apply", "percent": 5, "times": 0, "seed": seed });
        scene.hospital.fault(&drop).await?;
    }
    scene.hospital.fault(&too_late("r4.create", 8.0, seed)).await?;
    // Reads are slow, so an owner is mostly frozen between claim and send: when it wakes, it sends something old.
    for (target, delay) in [("epic.fhir", 120), ("r4.read", 80)] {
        let slow = json!({ "target": target, "mode": "delay", "delay_ms": delay, "times": 0 });
        scene.hospital.fault(&slow).await?;
    }
    let mut dice = Dice::of(seed, "nodes");
    let mut outcome = Outcome::new("nodes");
    let mut sources = town.begin(SOURCES, seed, Duration::from_millis(30));
    let mut n = 0;
    // Each named place at least once.
    while n < faults || (outcome.places.least().1 == 0 && n < faults + MORE_TRIES) {
        pause(Duration::from_millis(50 + dice.below(200))).await;
        let fault = if n < faults { FAULTS[n as usize % FAULTS.len()] } else { Fault::Killed };
        let victim = usize::try_from(dice.below(2))?;
        revive(&scene, &mut outcome).await?;
        let places = &mut outcome.places;
        befall(&scene, &wires, (victim, fault), places, &mut dice).await.with_context(|| format!("{fault:?}"))?;
        outcome.count("node_faults", 1);
        n += 1;
        if n % BETWEEN_LOOKS == 0 {
            town.calm(&mut sources).await?;
            revive(&scene, &mut outcome).await?;
            let verdict = town.judge(&scene, &mut outcome).await?;
            if !verdict.is_clean() {
                outcome.verdict.add(verdict);
            }
            sources = town.begin(SOURCES, seed.wrapping_add(n.into()), Duration::from_millis(30));
        }
    }
    town.calm(&mut sources).await?;
    revive(&scene, &mut outcome).await?;
    let verdict = town.judge(&scene, &mut outcome).await?;
    outcome.verdict.add(verdict);
    outcome.count("accepted", town.accepted());
    for node in &scene.nodes {
        node.stop().await?;
    }
    read(&ledger::verified(database.as_str()).await?, &mut outcome);
    Ok(outcome)
}

/// What the ledger says of owners that were overtaken.
fn read(ledger: &[Value], outcome: &mut Outcome) {
    let mut claimed: HashMap<(&str, i64), i64> = HashMap::new();
    for record in ledger {
        let text = |name: &str| record[name].as_str().unwrap_or_default();
        let number = |name: &str| record[name].as_i64().unwrap_or_default();
        let attempt = (text("entry"), number("fence"));
        if text("kind") == "started" {
            claimed.insert(attempt, number("at"));
        } else if text("outcome") == "lease-ran-out" {
            outcome.count("taken_over", 1);
            let after = claimed.get(&attempt).map(|at| number("at") - at);
            outcome.measure("takeover_ms", after);
        } else if text("outcome").starts_with("after-the-lease") {
            // What an owner said when it woke, after somebody else had taken over.
            outcome.count("settled_after_the_lease", 1);
        }
    }
}

/// A hospital and two nodes, each with a line of its own to the database.
async fn set(directory: &Path, database: &Url, seed: u64) -> anyhow::Result<(Scene, Vec<Wire>)> {
    let hospital = Hospital::start(directory, seed).await?;
    let northside = Town::configuration(&hospital.northside)?;
    let behind = SocketAddr::new(
        database.host_str().context("a server without a host")?.parse()?,
        database.port().context("a server without a port")?,
    );
    let (mut wires, mut nodes) = (Vec::new(), Vec::new());
    for name in ["one", "two"] {
        let wire = Wire::to(behind).await?;
        let mut through = database.clone();
        through.set_port(Some(wire.port)).map_err(|()| anyhow::anyhow!("the server's URL has no port"))?;
        let node = node(directory, &hospital, name, through.as_str(), (&northside, Haste::Short)).await?;
        // One after the other: the first makes the schema and the keys.
        anyhow::ensure!(node.start(&Conditions::default()).await?, "node {name} did not start");
        wires.push(wire);
        nodes.push(node);
    }
    Ok((Scene::of(hospital, nodes, directory).await?, wires))
}

/// A node that is cut off while it starts says so and ends; whoever runs it starts it again.
async fn revive(scene: &Scene, outcome: &mut Outcome) -> anyhow::Result<()> {
    for n in 0..scene.nodes.len() {
        if scene.node(n)?.ended_within(Duration::ZERO).await? {
            scene.start(n, &Conditions::default()).await?;
            outcome.count("revived", 1);
        }
    }
    Ok(())
}

async fn befall(
    scene: &Scene,
    wires: &[Wire],
    (n, fault): (usize, Fault),
    places: &mut Places,
    dice: &mut Dice,
) -> anyhow::Result<()> {
    let (node, wire) = (scene.node(n)?, wires.get(n).context("a node without a line")?);
    // The EHRs fetch the relay's keys from whichever node the load balancer finds.
    scene.hospital.sandbox.register_relay(&scene.node(1 - n)?.base).await?;
    // Well past the lease: by then the other has taken over what was in flight.
    let long = LEASE + Duration::from_millis(100 + dice.below(500));
    match fault {
        Fault::Frozen => {
            node.signal("STOP").await?;
            pause(long).await;
            node.signal("CONT").await?;
        }
        Fault::CutOff(line) => {
            wire.is(line);
            pause(if line == Line::Silent { long } else { Duration::from_millis(100 + dice.below(900)) }).await;
            wire.is(Line::Whole);
        }
        Fault::Killed => {
            node.kill().await?;
            pause(Duration::from_millis(dice.below(300))).await;
            let (place, _) = places.least();
            node.start(&to_die_at(place, 1 + dice.below(8))).await?;
            let ended = node.end_within(REACHED).await?;
            places.died_at(place, ended);
            // Where it was not reached, it goes the usual way.
            node.kill().await?;
            scene.start(n, &Conditions::default()).await?;
        }
        Fault::Rolled => {
            node.stop().await?;
            scene.start(n, &Conditions::default()).await?;
        }
    }
    Ok(())
}

/// A database of this run's own. It goes with the server.
async fn create(server: &str, seed: u64) -> anyhow::Result<Url> {
    let mut admin = PgConnection::connect(server).await.context("the test server does not answer")?;
    let name: String = sqlx::query_scalar("SELECT 'chaos_' || $1 || '_' || replace(gen_random_uuid()::text, '-', '')")
        .bind(seed.to_string())
        .fetch_one(&mut admin)
        .await?;
    admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
    admin.close().await?;
    let mut url = Url::parse(server)?;
    url.set_path(&name);
    Ok(url)
}
