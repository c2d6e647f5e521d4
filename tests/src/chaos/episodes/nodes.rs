//! Two nodes on one PostgreSQL database, delivering states and creates. One of them is frozen past its lease and woken,
//! killed at a random moment and again at a named place, cut off from the database (silently, or by a reset), or stopped and
//! started as in an update, while the other goes on; sources turn to whichever answers. Write-backs of an owner that is
//! frozen, dead or cut off are taken over, and what it says when it wakes is too late.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use url::Url;

use super::super::dice::Dice;
use super::super::door::Conditions;
use super::super::freeze::{Freeze, Overtaken, Stood, stand_still};
use super::super::hospital::Hospital;
use super::super::ledger;
use super::super::outcome::Outcome;
use super::super::places::to_die_at;
use super::super::profile::{Haste, LEASE, too_late};
use super::super::scene::{Scene, node};
use super::super::town::Town;
use crate::clock::pause;
use crate::line::{Line, Wire};

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
    Frozen(Freeze),
    Killed,
    CutOff(Line),
    Rolled,
}

const FAULTS: [Fault; 10] = [
    Fault::Frozen(Freeze::BetweenTransactions),
    Fault::Killed,
    Fault::CutOff(Line::Silent),
    Fault::CutOff(Line::Closed),
    Fault::Rolled,
    Fault::Frozen(Freeze::Anywhere),
    Fault::Killed,
    Fault::CutOff(Line::Silent),
    Fault::CutOff(Line::Closed),
    Fault::Rolled,
];

/// What befell the nodes.
struct Befell {
    outcome: Outcome,
    freezes: Vec<Stood>,
    /// Our own way to the database.
    database: PgConnection,
}

/// `faults` faults, of each kind as many. The last is a long freeze: after it nobody says anything that could put right what a
/// node says when it wakes.
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
    let connected = PgConnection::connect(database.as_str()).await?;
    let mut befell = Befell { outcome: Outcome::new("nodes"), freezes: Vec::new(), database: connected };
    let mut sources = town.begin(SOURCES, seed, Duration::from_millis(30));
    let mut n = 0;
    loop {
        pause(Duration::from_millis(50 + dice.below(200))).await;
        let fault = match n {
            _ if n + 1 < faults => FAULTS[n as usize % FAULTS.len()],
            // Each named place at least once.
            _ if befell.outcome.places.least().1 == 0 && n < faults + MORE_TRIES => Fault::Killed,
            _ => Fault::Frozen(Freeze::Long),
        };
        let victim = usize::try_from(dice.below(2))?;
        revive(&scene, &mut befell.outcome).await?;
        befell.suffer(&scene, &wires, victim, fault, &mut dice).await.with_context(|| format!("{fault:?}"))?;
        befell.outcome.count("node_faults", 1);
        if matches!(fault, Fault::Frozen(Freeze::Long)) {
            break;
        }
        n += 1;
        if n % BETWEEN_LOOKS == 0 {
            town.calm(&mut sources).await?;
            revive(&scene, &mut befell.outcome).await?;
            let verdict = town.judge(&scene, &mut befell.outcome).await?;
            if !verdict.is_clean() {
                befell.outcome.verdict.add(verdict);
            }
            sources = town.begin(SOURCES, seed.wrapping_add(n.into()), Duration::from_millis(30));
        }
    }
    town.calm(&mut sources).await?;
    let Befell { mut outcome, freezes, database: ours } = befell;
    revive(&scene, &mut outcome).await?;
    let verdict = town.judge(&scene, &mut outcome).await?;
    outcome.verdict.add(verdict);
    outcome.count("accepted", town.accepted());
    for node in &scene.nodes {
        node.stop().await?;
    }
    ours.close().await?;
    read(&ledger::verified(database.as_str()).await?, &freezes, &mut outcome);
    Ok(outcome)
}

/// What the ledger says of owners that were overtaken.
fn read(ledger: &[Value], freezes: &[Stood], outcome: &mut Outcome) {
    let read = Overtaken::read(ledger, freezes);
    outcome.count("taken_over", read.taken_over);
    outcome.count("settled_after_the_lease", read.settled_after_the_lease);
    outcome.count("frozen_taken_over", read.of_frozen);
    outcome.count("long_frozen_taken_over", read.of_long_frozen);
    outcome.measure("takeover_ms", read.takeover_ms);
    outcome.measure("frozen_ms", freezes.iter().filter_map(|it| i64::try_from(it.time.as_millis()).ok()));
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

impl Befell {
    async fn suffer(
        &mut self,
        scene: &Scene,
        wires: &[Wire],
        n: usize,
        fault: Fault,
        dice: &mut Dice,
    ) -> anyhow::Result<()> {
        let (node, wire) = (scene.node(n)?, wires.get(n).context("a node without a line")?);
        // The EHRs fetch the relay's keys from whichever node the load balancer finds.
        scene.hospital.sandbox.register_relay(&scene.node(1 - n)?.base).await?;
        match fault {
            Fault::Frozen(freeze) => {
                self.freezes.push(stand_still((node, wire), freeze, &mut self.database, dice).await?)
            }
            Fault::CutOff(line) => {
                wire.is(line);
                // Well past the lease: by then the other has taken over what was in flight.
                let silent = LEASE + Duration::from_millis(100 + dice.below(500));
                let closed = Duration::from_millis(100 + dice.below(900));
                pause(if line == Line::Silent { silent } else { closed }).await;
                wire.is(Line::Whole);
            }
            Fault::Killed => {
                node.kill().await?;
                pause(Duration::from_millis(dice.below(300))).await;
                let (place, _) = self.outcome.places.least();
                node.start(&to_die_at(place, 1 + dice.below(8))).await?;
                let ended = node.end_within(REACHED).await?;
                self.outcome.places.died_at(place, ended);
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
