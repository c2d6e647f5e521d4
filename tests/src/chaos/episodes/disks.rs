//! The disk under the database: full (really, and by its answers), read-only, failing at fsync, and slow at it. While it
//! takes nothing, nothing may be acknowledged; a disk that failed under a commit stops the node, which tries no second
//! fsync; and once the disk is well, nothing that was acknowledged is missing.

use std::path::Path;
use std::time::Duration;

use super::super::dice::Dice;
use super::super::disk::{Disk, Shim, Small};
use super::super::ledger;
use super::super::outcome::Outcome;
use super::super::profile::Haste;
use super::super::scene::Scene;
use super::super::town::Town;
use crate::clock::{Stopwatch, pause};

const SOURCES: usize = 4;
const FAULTS: [Disk; 4] = [Disk::Full, Disk::SyncFails, Disk::ReadOnly, Disk::Slow];
/// What was on its way when the disk went bad has been answered by then.
const ON_ITS_WAY: Duration = Duration::from_millis(150);
/// So long what the database has already got may be enough.
const FILLS_UP: Duration = Duration::from_secs(15);
/// A node whose disk has failed stops within this.
const STOPS: Duration = Duration::from_secs(8);

/// Each fault `rounds` times.
pub(crate) async fn run(directory: &Path, rounds: u32, seed: u64) -> anyhow::Result<Outcome> {
    let database = directory.join("database");
    let small = Small::mount(&database).await?;
    let scene = Scene::set_with(directory, &database, seed, Haste::Short, Town::configuration).await?;
    let shim = Shim::make(directory, &database).await?;
    scene.node(0)?.kill().await?;
    scene.start(0, &shim.conditions()).await?;
    let town = Town::gather(&scene, 20 + 4 * rounds as usize, 15).await?;
    let mut dice = Dice::of(seed, "disks");
    let mut outcome = Outcome::new("disks");
    let mut sources = town.begin(SOURCES, seed, Duration::from_millis(10));
    for _ in 0..rounds {
        for fault in FAULTS {
            pause(Duration::from_millis(100 + dice.below(300))).await;
            bad(&scene, &town, &shim, fault).await?;
            outcome.count("disk_faults", 1);
        }
        pause(Duration::from_millis(100 + dice.below(300))).await;
        let refused = full(&scene, &town, &shim, &small).await?;
        outcome.count("disk_faults", 1);
        outcome.count("really_full", refused.into());
    }
    town.calm(&mut sources).await?;
    outcome.verdict = town.judge(&scene, &mut outcome).await?;
    outcome.count("accepted", town.accepted());
    outcome.count("refused", town.refused());
    scene.node(0)?.stop().await?;
    ledger::of_file(&database.join("relay.sqlite")).await?;
    Ok(outcome)
}

async fn bad(scene: &Scene, town: &Town, shim: &Shim, fault: Disk) -> anyhow::Result<()> {
    let node = scene.node(0)?;
    shim.is(fault)?;
    if fault == Disk::Slow {
        // Slow is no failure: what waits is answered in the end.
        pause(Duration::from_millis(1500)).await;
        return shim.is(Disk::Well);
    }
    nothing_is_accepted(town, &format!("{fault:?}")).await?;
    // A full disk refuses and goes on; one that failed under a commit is not asked again.
    let stops = fault != Disk::Full;
    let ended = node.ended_within(if stops { STOPS } else { Duration::ZERO }).await?;
    anyhow::ensure!(ended == stops, "{fault:?}: that the node has stopped is {ended}");
    shim.is(Disk::Well)?;
    if ended {
        scene.start(0, &shim.conditions()).await?;
    }
    accepted_again(town).await
}

/// Says whether the full disk was felt: somebody was told that their change found no room, and so was not kept.
async fn full(scene: &Scene, town: &Town, shim: &Shim, small: &Small) -> anyhow::Result<bool> {
    let before = town.found_no_room();
    small.fill()?;
    // Pages that the database has already got can still be written over: an acknowledgement is no lie while there are some.
    // What is judged is whether everything acknowledged is there in the end.
    let watch = Stopwatch::start();
    while town.found_no_room() == before && watch.elapsed() < FILLS_UP {
        pause(Duration::from_millis(50)).await;
    }
    let refused = town.found_no_room() > before;
    // Killed and started on a full disk: it comes up or says why not, and loses nothing.
    scene.node(0)?.kill().await?;
    let came_up = scene.node(0)?.start(&shim.conditions()).await?;
    pause(Duration::from_millis(200)).await;
    small.empty()?;
    if !came_up {
        scene.start(0, &shim.conditions()).await?;
    }
    accepted_again(town).await?;
    Ok(refused)
}

/// No acknowledgement without a commit.
async fn nothing_is_accepted(town: &Town, disk: &str) -> anyhow::Result<()> {
    pause(ON_ITS_WAY).await;
    let before = town.accepted();
    pause(Duration::from_millis(400)).await;
    let more = town.accepted() - before;
    anyhow::ensure!(more == 0, "{more} changes were acknowledged on a disk that is {disk}");
    Ok(())
}

/// The disk is well, so sources are heard again.
async fn accepted_again(town: &Town) -> anyhow::Result<()> {
    let before = town.accepted();
    for _ in 0..200 {
        if town.accepted() > before {
            return Ok(());
        }
        pause(Duration::from_millis(50)).await;
    }
    anyhow::bail!("the disk is well, and nothing is accepted")
}
