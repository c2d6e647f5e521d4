//! Two nodes on one PostgreSQL database. One of them is frozen past its lease and woken, killed, cut off from the database
//! (silently, or by a reset), or stopped and started as in an update, while the other goes on; sources turn to whichever
//! answers. Write-backs of an owner that is frozen, dead or cut off are taken over, and what it says when it wakes is too
//! late.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::process::Command;
use url::Url;

use super::super::crowd::Crowd;
use super::super::dice::Dice;
use super::super::door::Conditions;
use super::super::hospital::Hospital;
use super::super::line::{Line, Wire};
use super::super::profile::LEASE;
use super::super::report::Outcome;
use super::super::scene::{Scene, node};
use crate::clock::pause;
use crate::stack::binary;

/// Where the test server is.
const VARIABLE: &str = "ROOMED_TEST_POSTGRES";
const SOURCES: usize = 10;
const BETWEEN_LOOKS: u32 = 34;

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
    let hospital = Hospital::start(directory, seed).await?;
    let northside = hospital.northside.configuration()?;
    let behind = SocketAddr::new(
        database.host_str().context("a server without a host")?.parse()?,
        database.port().context("a server without a port")?,
    );
    let (mut wires, mut nodes) = (Vec::new(), Vec::new());
    for name in ["one", "two"] {
        let wire = Wire::to(behind).await?;
        let mut through = database.clone();
        through.set_port(Some(wire.port)).map_err(|()| anyhow::anyhow!("the server's URL has no port"))?;
        let node = node(directory, &hospital, name, through.as_str(), &northside).await?;
        // One after the other: the first makes the schema and the keys.
        anyhow::ensure!(node.start(&Conditions::default()).await?, "node {name} did not start");
        wires.push(wire);
        nodes.push(node);
    }
    let scene = Scene::of(hospital, nodes, directory).await?;
    let crowd = Arc::new(Crowd::gather(&scene.hospital, &scene.nodes, 40 + faults as usize / 2).await?);
    let drop = json!({
        "target": "epic.connection_status", "mode": "drop_after_apply", "percent": 5, "times": 0, "seed": seed,
    });
    scene.hospital.fault(&drop).await?;
    // Reads are slow, so an owner is mostly frozen between claim and send: when it wakes, it sends something old.
    let slow = json!({ "target": "epic.fhir", "mode": "delay", "delay_ms": 150, "times": 0 });
    scene.hospital.fault(&slow).await?;
    let mut dice = Dice::of(seed, "nodes");
    let mut outcome = Outcome::new("nodes");
    let mut sources = crowd.begin(SOURCES, seed, Duration::from_millis(10));
    for n in 0..faults {
        pause(Duration::from_millis(50 + dice.below(200))).await;
        let fault = FAULTS[n as usize % FAULTS.len()];
        let victim = usize::try_from(dice.below(2))?;
        befall(&scene, &wires, victim, fault, &mut dice).await.with_context(|| format!("{fault:?}"))?;
        outcome.count("node_faults", 1);
        if (n + 1) % BETWEEN_LOOKS == 0 && n + 1 < faults {
            crowd.is_enough();
            super::ended(&mut sources).await?;
            let verdict = scene.judge(&crowd).await?;
            if !verdict.is_clean() {
                outcome.verdict.add(verdict);
            }
            sources = crowd.begin(SOURCES, seed.wrapping_add(n.into()), Duration::from_millis(10));
        }
    }
    crowd.is_enough();
    super::ended(&mut sources).await?;
    outcome.verdict.add(scene.judge(&crowd).await?);
    outcome.count("accepted", crowd.accepted());
    for node in &scene.nodes {
        node.stop().await?;
    }
    audit(&database, "verify").await?;
    let ledger = audit(&database, "export").await?;
    // What an owner said when it woke, after somebody else had taken over.
    let late = ledger.lines().filter(|line| line.contains("after-the-lease")).count();
    outcome.count("settled_after_the_lease", late as u64);
    let taken_over = ledger.lines().filter(|line| line.contains("lease-ran-out")).count();
    outcome.count("taken_over", taken_over as u64);
    Ok(outcome)
}

/// `roomed-relay audit` on the database; what it prints.
async fn audit(database: &Url, command: &str) -> anyhow::Result<String> {
    let mut audit = Command::new(binary("roomed-relay")?);
    let done = audit.args(["audit", command, "--database", database.as_str()]).output().await?;
    let said = String::from_utf8_lossy(&done.stderr);
    anyhow::ensure!(done.status.success(), "the ledger does not hold: {said}");
    Ok(String::from_utf8(done.stdout)?)
}

async fn befall(scene: &Scene, wires: &[Wire], n: usize, fault: Fault, dice: &mut Dice) -> anyhow::Result<()> {
    let (node, wire) = (scene.node(n)?, wires.get(n).context("a node without a line")?);
    // Well past the lease: by then the other has taken over what was in flight.
    let long = LEASE + Duration::from_millis(100 + dice.below(500));
    match fault {
        Fault::Frozen => {
            node.signal("STOP").await?;
            pause(long).await;
            node.signal("CONT").await
        }
        Fault::CutOff(line) => {
            wire.is(line);
            pause(if line == Line::Silent { long } else { Duration::from_millis(100 + dice.below(900)) }).await;
            wire.is(Line::Whole);
            Ok(())
        }
        Fault::Killed => {
            node.kill().await?;
            pause(Duration::from_millis(dice.below(300))).await;
            scene.start(n, &Conditions::default()).await
        }
        Fault::Rolled => {
            node.stop().await?;
            scene.start(n, &Conditions::default()).await
        }
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
