//! Bench `patient`: what a phone has to fetch and how long that takes it, from *I'm ready* to the alert of the clinician's
//! companion, what somebody who waits costs the relay in memory, and a crowd that waits while others arrive. Each beside a
//! floor or a peer of the same run.

mod arrivals;
mod clinic;
mod desk;
mod phone;
mod waiting;

use std::path::Path;

use anyhow::Context;

use super::crowd::Crowd;
use super::machine::{may_open, settled_kib};
use super::peer::Buffers;
use super::report::{Figure, Report, percentile};
use crate::clock::Stopwatch;
use crate::stack::Process;
use arrivals::Times;
use clinic::Clinic;
use desk::Desk;
use waiting::Room;

/// What cargo made of it.
const BUILD: &str = if cfg!(debug_assertions) { "debug build" } else { "release build" };

/// Counts of one run.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// How often the page is loaded.
    loads: usize,
    /// Presses of *I'm ready*, one after the other.
    presses: usize,
    /// Who waits.
    waiting: usize,
    /// Who arrives in each second while they do.
    per_second: u32,
    /// For how long.
    seconds: usize,
}

impl Sizes {
    /// Those of the figures.
    pub const FULL: Self = Self { loads: 5, presses: 200, waiting: 2_000, per_second: 50, seconds: 10 };

    /// Just enough to see that everything is measured; the figures say nothing.
    pub const TINY: Self = Self { loads: 1, presses: 5, waiting: 8, per_second: 5, seconds: 1 };
}

/// Sockets of the crowd twice over, files and databases.
const FILES: u64 = 8_192;

/// Runs it in `directory`, whose file system is the one that is measured.
///
/// # Errors
/// In words, when something of it could not be measured; never with a figure left out.
pub async fn patient(directory: &Path, sizes: Sizes) -> anyhow::Result<Report> {
    may_open(FILES)?;
    let watch = Stopwatch::start();
    say("setting up");
    let clinic = Clinic::open(directory).await?;
    let mut desk = Desk::open(&clinic, watch).await?;

    say("the page on a slow phone");
    let phone = phone::measure(&clinic, sizes.loads).await?;

    say("from I'm ready to the alert");
    let alone = arrivals::one_by_one(&clinic, &mut desk, watch, sizes.presses).await?;
    // What follows is of patients: nobody else asks the relay for anything.
    drop(desk);

    say("people who wait");
    let relay = clinic.stack.relay_id().context("the relay is not running")?;
    let before = settled_kib(relay).await?;
    let mut room = Room::default();
    let entered = clinic.enter(sizes.waiting).await?;
    room.all_wait(&clinic.stack.relay, &entered).await?;
    let each = (settled_kib(relay).await? - before) / count(sizes.waiting);
    let peer = peer(directory, sizes.waiting).await?;

    say("others arrive meanwhile");
    let coming = clinic.enter(sizes.per_second as usize * sizes.seconds).await?;
    let crowded = arrivals::at_a_rate(&clinic, &mut room, &coming, sizes.per_second).await?;
    let lost = room.lost();
    anyhow::ensure!(lost == 0, "{lost} of {} sockets were lost on the way", sizes.waiting);

    let mut figures = phone;
    figures.extend(alerted(&alone)?);
    figures.push(Figure::of(
        (
            &format!("memory of a waiting patient, growth of VmRSS over {} ({BUILD})", sizes.waiting),
            &[each.max(LEAST_KIB)],
        ),
        "KiB",
        (&format!("bare axum websocket with a 4 KiB read buffer ({BUILD})"), &[peer.max(LEAST_KIB)]),
        "<= 16 KiB",
    )?);
    figures.extend(crowd(&alone, &crowded, sizes)?);
    Ok(Report { bench: "patient", figures })
}

/// KiB. `VmRSS` is counted in whole pages, and over few sockets it may not grow at all: less than this is said as this, since no
/// ratio is by zero.
const LEAST_KIB: f64 = 0.1;

fn alerted(alone: &Times) -> anyhow::Result<Vec<Figure>> {
    [(50, "a clinician sees it at once: <= 50 ms"), (99, "<= 250 ms")]
        .into_iter()
        .map(|(percent, aim)| {
            let name = format!(
                "I'm ready -> durable commit -> the companion asks the desktop for the alert, p{percent} ({BUILD})"
            );
            let floor = format!("64 B TCP echo then 4 KiB append with fdatasync, same file system, p{percent}");
            Figure::of((&name, &of(&alone.alerted, percent)), "us", (&floor, &of(&alone.floor, percent)), aim)
        })
        .collect()
}

fn crowd(alone: &Times, crowded: &Times, sizes: Sizes) -> anyhow::Result<Vec<Figure>> {
    let Sizes { waiting, per_second, .. } = sizes;
    let mut figures = Vec::new();
    for (percent, aim) in [(50, "as nobody were there"), (99, "<= 1 s")] {
        let name =
            format!("I'm ready answered, {waiting} wait and {per_second} arrive per second, p{percent} ({BUILD})");
        let peer = format!("the same one by one, nobody else there, p{percent}");
        figures.push(Figure::of(
            (&name, &of(&crowded.answered, percent)),
            "us",
            (&peer, &of(&alone.answered, percent)),
            aim,
        )?);
    }
    let arrived = crowded.answered.len() + crowded.failed;
    figures.push(Figure::of(
        (&format!("arrivals that failed, {waiting} wait and {per_second} arrive per second"), &[count(crowded.failed)]),
        "of all",
        ("arrivals", &[count(arrived)]),
        "0",
    )?);
    Ok(figures)
}

/// Memory of each socket of a server that does nothing.
async fn peer(directory: &Path, sockets: usize) -> anyhow::Result<f64> {
    let arguments = ["--peer".into(), Buffers::SmallBuffers.argument().into()];
    let mut process = Process::start("bench", arguments, [], &directory.join("logs/peer.log"))?;
    let line: serde_json::Value = serde_json::from_str(&process.first_line().await?)?;
    let base = line["listening"].as_str().context("the peer does not listen")?.to_owned();
    let id = process.id().context("the peer has ended")?;
    let tokens: Vec<String> = (0..sockets).map(|n| format!("peer{n}")).collect();
    let mut crowd = Crowd::default();
    let before = settled_kib(id).await?;
    crowd.join(&base, &tokens).await?;
    let grown = settled_kib(id).await? - before;
    crowd.is_whole()?;
    process.kill().await?;
    Ok(grown / count(sockets))
}

fn of(times: &[f64], percent: u8) -> Vec<f64> {
    percentile(times, percent).into_iter().collect()
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

fn say(what: &str) {
    eprintln!("  {what} ...");
}
