//! `kill -9` of a node that takes in and delivers: at random moments, and at every named place of the write path. Each
//! time it is started again on what its dead predecessor left; now and then, and in the end, the chart is compared.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use roomed_relay::failpoint;
use sqlx::{Connection, SqliteConnection};
use tokio::process::Command;

use super::super::crowd::Crowd;
use super::super::dice::Dice;
use super::super::door::Conditions;
use super::super::report::Outcome;
use super::super::scene::Scene;
use crate::clock::{Stopwatch, pause};
use crate::stack::binary;

/// Every named place is died at so often at least, of enough kills.
const EACH: u32 = 10;
const VISITS: usize = 60;
const SOURCES: usize = 6;
/// A failpoint that is not reached by then will not be.
const REACHED: Duration = Duration::from_secs(3);
/// A life in which nothing takes effect ends all the same.
const LONGEST_LIFE: Duration = Duration::from_secs(2);
const BETWEEN_LOOKS: u64 = 80;

/// Kills a node `kills` times.
pub(crate) async fn run(directory: &Path, kills: u32, seed: u64) -> anyhow::Result<Outcome> {
    let scene = Scene::set(directory, directory, seed).await?;
    let crowd = Arc::new(Crowd::gather(&scene.hospital, &scene.nodes, VISITS).await?);
    let mut dice = Dice::of(seed, "kills");
    let mut sources = crowd.begin(SOURCES, seed, Duration::from_millis(8));
    let mut reached: BTreeMap<&str, u32> = BTreeMap::new();
    let mut outcome = Outcome::new("kills");
    let node = scene.node(0)?;
    let each = EACH.min(kills / 20).max(1);
    let (mut n, mut look_at) = (0, BETWEEN_LOOKS);
    while outcome.counted("kills") < kills.into() {
        n += 1;
        let wanting = failpoint::NAMES.iter().find(|name| reached.get(*name).is_none_or(|it| *it < each));
        // Half of them at places until each has had its share.
        let place = wanting.filter(|_| n % 2 == 0);
        live(&scene, &mut dice).await?;
        node.kill().await?;
        let conditions = match place {
            Some(name) => Conditions::failpoint(name, 1 + u32::try_from(dice.below(20))?),
            None => Conditions::default(),
        };
        let started = node.start(&conditions).await?;
        if let Some(name) = place {
            if node.ended_within(REACHED).await? {
                *reached.entry(name).or_default() += 1;
                outcome.count("kills", 1);
            }
            scene.start(0, &Conditions::default()).await?;
        } else {
            anyhow::ensure!(started, "a node did not start again; see {}", directory.display());
        }
        outcome.count("kills", 1);
        let killed = outcome.counted("kills");
        if killed >= look_at && killed < kills.into() {
            look_at += BETWEEN_LOOKS;
            crowd.is_enough();
            super::ended(&mut sources).await?;
            let verdict = scene.judge(&crowd).await?;
            if !verdict.is_clean() {
                outcome.verdict.add(verdict);
            }
            sources = crowd.begin(SOURCES, seed.wrapping_add(n), Duration::from_millis(8));
        }
    }
    crowd.is_enough();
    super::ended(&mut sources).await?;
    outcome.verdict.add(scene.judge(&crowd).await?);
    outcome.count("accepted", crowd.accepted());
    outcome.count("failpoints_reached", reached.values().map(|it| u64::from(*it)).sum());
    for name in failpoint::NAMES {
        let times = reached.get(name).copied().unwrap_or_default();
        anyhow::ensure!(times >= each, "{name} was died at {times} times only");
    }
    is_whole(&directory.join("relay.sqlite")).await?;
    Ok(outcome)
}

/// Lets a life last: now and then a moment, else until some more write-backs have taken effect, so that what is killed is
/// busy and the chart moves on.
async fn live(scene: &Scene, dice: &mut Dice) -> anyhow::Result<()> {
    if dice.below(3) == 0 {
        pause(Duration::from_millis(dice.below(150))).await;
        return Ok(());
    }
    let enough = scene.hospital.newest_effect().await? + 1 + dice.below(12);
    let watch = Stopwatch::start();
    while scene.hospital.newest_effect().await? < enough && watch.elapsed() < LONGEST_LIFE {
        pause(Duration::from_millis(15)).await;
    }
    pause(Duration::from_millis(dice.below(12))).await;
    Ok(())
}

/// The file is whole by SQLite's own account, and the chain of the ledger by ours.
pub(super) async fn is_whole(file: &Path) -> anyhow::Result<()> {
    let url = format!("sqlite:{}", file.display());
    let mut database = SqliteConnection::connect(&url).await?;
    let said: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut database).await?;
    anyhow::ensure!(said == "ok", "the database is damaged: {said}");
    database.close().await?;
    let verified = Command::new(binary("roomed-relay")?)
        .args(["audit", "verify", "--database", &url])
        .output()
        .await
        .context("the ledger could not be verified")?;
    let said = String::from_utf8_lossy(&verified.stderr);
    anyhow::ensure!(verified.status.success(), "the ledger does not hold: {said}");
    Ok(())
}
