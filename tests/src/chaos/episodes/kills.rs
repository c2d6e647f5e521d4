//! `kill -9` of a node that takes in and delivers states and creates: at random moments, and at every named place of the
//! write path. Each time it is started again on what its dead predecessor left; now and then, and in the end, the charts are
//! compared. The real `roomed-relay` is killed in `serve`, by events that cost more; here more is in flight.

use std::path::Path;
use std::time::Duration;

use super::super::dice::Dice;
use super::super::door::Conditions;
use super::super::ledger;
use super::super::outcome::Outcome;
use super::super::places::to_die_at;
use super::super::profile::{Haste, too_late};
use super::super::scene::Scene;
use super::super::town::Town;
use crate::clock::{Stopwatch, pause};

/// Every named place is died at so often at least, of enough kills.
const EACH: u64 = 5;
const VISITS: (usize, usize) = (40, 20);
const SOURCES: usize = 4;
/// A failpoint that is not reached by then will not be.
const REACHED: Duration = Duration::from_secs(3);
/// A life in which nothing takes effect ends all the same.
const LONGEST_LIFE: Duration = Duration::from_secs(2);
const BETWEEN_LOOKS: u64 = 50;

/// Kills a node `kills` times.
pub(crate) async fn run(directory: &Path, kills: u32, seed: u64) -> anyhow::Result<Outcome> {
    let scene = Scene::set_with(directory, directory, seed, Haste::Short, Town::configuration).await?;
    let town = Town::gather(&scene, VISITS.0, VISITS.1).await?;
    scene.hospital.fault(&too_late("r4.create", 8.0, seed)).await?;
    let mut dice = Dice::of(seed, "kills");
    let mut sources = town.begin(SOURCES, seed, Duration::from_millis(15));
    let mut outcome = Outcome::new("kills");
    let node = scene.node(0)?;
    let each = EACH.min(u64::from(kills) / 20).max(1);
    let (mut n, mut look_at) = (0, BETWEEN_LOOKS);
    loop {
        let (least, times) = outcome.places.least();
        if outcome.counted("node_kills") >= kills.into() && times >= each {
            break;
        }
        anyhow::ensure!(n < 4 * u64::from(kills), "{least} was died at {times} times only");
        n += 1;
        // Half of them at places until each has had its share.
        let place = Some(least).filter(|_| times < each && n % 2 == 0);
        live(&scene, &mut dice).await?;
        node.kill().await?;
        let conditions = match place {
            Some(name) => to_die_at(name, 1 + dice.below(20)),
            None => Conditions::default(),
        };
        let started = node.start(&conditions).await?;
        if let Some(name) = place {
            let ended = node.end_within(REACHED).await?;
            let died_there = outcome.places.died_at(name, ended);
            outcome.count("node_kills", died_there.into());
            scene.start(0, &Conditions::default()).await?;
        } else {
            anyhow::ensure!(started, "a node did not start again; see {}", directory.display());
        }
        outcome.count("node_kills", 1);
        let killed = outcome.counted("node_kills");
        if killed >= look_at && killed < kills.into() {
            look_at += BETWEEN_LOOKS;
            town.calm(&mut sources).await?;
            let verdict = town.judge(&scene, &mut outcome).await?;
            if !verdict.is_clean() {
                outcome.verdict.add(verdict);
            }
            sources = town.begin(SOURCES, seed.wrapping_add(n), Duration::from_millis(15));
        }
    }
    town.calm(&mut sources).await?;
    let verdict = town.judge(&scene, &mut outcome).await?;
    outcome.verdict.add(verdict);
    outcome.count("accepted", town.accepted());
    ledger::of_file(&directory.join("relay.sqlite")).await?;
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
