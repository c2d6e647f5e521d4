//! Bench `arrival`: from the moment Graph's notification is complete to the frame at a companion, after a durable commit
//! and with 1,000 companions connected, against echo plus `fdatasync`; and what a connected companion costs in memory.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::crowd::{Crowd, Recipient};
use super::floor::Floor;
use super::machine::{may_open, settled_kib};
use super::peer::Buffers;
use super::report::{Figure, Report, drift_percent, percentile};
use super::scene::Scene;
use crate::clock::Stopwatch;
use crate::stack::Process;

/// Companions online while it is measured; the one who is told is one of them.
const COMPANIONS: usize = 1_000;
/// Sockets before memory is first read, so that what is paid once is not counted.
const WARM: usize = 20;
const ROUNDS: usize = 3;
/// Both in whole comings and goings of a guest.
const WARM_EVENTS: usize = 30;
const EVENTS: usize = 210;
/// One event, and one operation of the floor, this often.
const PACE: Duration = Duration::from_millis(50);
/// Graph itself gives us ten seconds.
const LONGEST: Duration = Duration::from_secs(10);
/// More than this many events whose frame cannot be told from another's, and the round counts for nothing.
const MOST_UNCLEAR: usize = EVENTS / 10;
/// The floor moved by more: the machine was too busy, and it is measured once more (dependencies.md 5).
const MOST_DRIFT_PERCENT: f64 = 30.0;
/// Crowd, taps, sandbox, database.
const FILES: u64 = 2_048;

/// What one round gave, in microseconds and KiB.
#[derive(Default)]
struct Round {
    frame: Vec<f64>,
    answer: Vec<f64>,
    floor: Vec<f64>,
    memory: Memory,
    default_buffers: Memory,
    small_buffers: Memory,
}

/// KiB for each socket of the first and of the second half.
#[derive(Default, Clone, Copy)]
struct Memory {
    first: f64,
    second: f64,
}

impl Memory {
    fn each(self) -> f64 {
        f64::midpoint(self.first, self.second)
    }
}

/// Runs it in `directory`, whose file system is the one that is measured.
///
/// # Errors
/// In words, when something of it could not be measured; never with a figure left out.
pub async fn arrival(directory: &Path) -> anyhow::Result<Report> {
    may_open(FILES)?;
    let watch = Stopwatch::start();
    eprintln!("  setting up ...");
    let mut scene = Scene::set(directory, watch).await?;
    let mut rounds = measure(&mut scene, watch).await?;
    let drift = drift_percent(&each(&rounds, |it| percentile(&it.floor, 50)));
    if drift > MOST_DRIFT_PERCENT {
        eprintln!("  the floor moved by {drift:.0} % meanwhile: measuring once more ...");
        rounds = measure(&mut scene, watch).await?;
    }
    scene.stack.stop_relay().await?;
    report(&rounds)
}

async fn measure(scene: &mut Scene, watch: Stopwatch) -> anyhow::Result<Vec<Round>> {
    let mut rounds = Vec::new();
    for number in 1..=ROUNDS {
        eprintln!("  round {number} of {ROUNDS} ...");
        rounds.push(round(scene, watch).await.with_context(|| format!("round {number}"))?);
    }
    Ok(rounds)
}

/// A relay that has just been started, its crowd, its events with the floor in between; then the peers.
async fn round(scene: &mut Scene, watch: Stopwatch) -> anyhow::Result<Round> {
    scene.stack.stop_relay().await?;
    scene.stack.start_relay().await?;
    let relay = scene.stack.relay.clone();
    let tokens = scene.tokens(COMPANIONS - 1)?;
    let mut round = Round::default();
    {
        let mut recipient = Recipient::join(&relay, &scene.clinician.token, watch).await?;
        events(scene, &mut recipient, WARM_EVENTS, &mut Round::default()).await?;
        let mut crowd = Crowd::default();
        let process = scene.stack.relay_id().context("the relay is not running")?;
        round.memory = fill(&mut crowd, &relay, &tokens, process).await.context("connecting to the relay")?;
        events(scene, &mut recipient, EVENTS, &mut round).await?;
        crowd.is_whole()?;
    }
    round.default_buffers = peer(scene, Buffers::DefaultBuffers, &tokens).await?;
    round.small_buffers = peer(scene, Buffers::SmallBuffers, &tokens).await?;
    Ok(round)
}

/// Connects everybody and reads the memory of `process` before, in the middle and at the end.
async fn fill(crowd: &mut Crowd, base: &str, tokens: &[String], process: u32) -> anyhow::Result<Memory> {
    let (warm, rest) = tokens.split_at(WARM);
    let halves = rest.split_at(rest.len() / 2);
    crowd.join(base, warm).await?;
    let mut before = settled_kib(process).await?;
    let mut grown = [0.0; 2];
    for (half, grown) in [halves.0, halves.1].into_iter().zip(&mut grown) {
        crowd.join(base, half).await?;
        let after = settled_kib(process).await?;
        *grown = (after - before) / f64::from(u32::try_from(half.len())?);
        before = after;
    }
    crowd.is_whole()?;
    Ok(Memory { first: grown[0], second: grown[1] })
}

async fn peer(scene: &Scene, buffers: Buffers, tokens: &[String]) -> anyhow::Result<Memory> {
    let arguments = ["--peer".into(), buffers.argument().into()];
    let mut process = Process::start("bench", arguments, [], &scene.stack.directory.join("logs/peer.log"))?;
    let line: serde_json::Value = serde_json::from_str(&process.first_line().await?)?;
    let base = line["listening"].as_str().context("the peer does not listen")?;
    let id = process.id().context("the peer has ended")?;
    let memory = fill(&mut Crowd::default(), base, tokens, id).await.context("connecting to the peer")?;
    process.kill().await?;
    Ok(memory)
}

/// `count` events at a steady rate, an operation of the floor after each.
async fn events(scene: &mut Scene, recipient: &mut Recipient, count: usize, into: &mut Round) -> anyhow::Result<()> {
    let mut floor = Floor::new(&scene.stack.directory)?;
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut guest, mut unclear) = (String::new(), 0);
    for number in 0..count {
        pace.tick().await;
        while let Ok(frame) = recipient.frames.try_recv() {
            recipient.cursor = recipient.cursor.max(frame.cursor);
        }
        while scene.tap.passed.try_recv().is_ok() {}
        scene.act(number, &mut guest).await?;
        let frame = timeout(LONGEST, recipient.frames.recv()).await.context("no frame came in time")?;
        let frame = frame.context("the companion's socket was lost")?;
        let passed = timeout(LONGEST, scene.tap.passed.recv()).await.context("the relay did not answer in time")?;
        let passed = passed.context("the tap has closed")?;
        anyhow::ensure!(passed.status == 202, "the relay answered a genuine notification with {}", passed.status);
        // One notification makes one notice. Anything else was about something else, and its time says nothing.
        if frame.cursor == recipient.cursor + 1 && frame.at > passed.received {
            into.frame.push(microseconds(frame.at.saturating_sub(passed.received)));
            into.answer.push(microseconds(passed.answered.saturating_sub(passed.received)));
        } else {
            unclear += 1;
        }
        recipient.cursor = recipient.cursor.max(frame.cursor);
        let took;
        (floor, took) = floor.measure().await?;
        into.floor.push(microseconds(took));
    }
    anyhow::ensure!(unclear <= MOST_UNCLEAR, "{unclear} of {count} events cannot be told from something else");
    Ok(())
}

fn report(rounds: &[Round]) -> anyhow::Result<Report> {
    let build = if cfg!(debug_assertions) { "debug build" } else { "release build" };
    let floor = |percent| each(rounds, move |it| percentile(&it.floor, percent));
    let drift = drift_percent(&floor(50));
    let mut figures = Vec::new();
    for (percent, aim) in [(50, "<= 2 ms in a release build (G4)"), (99, "<= 20 ms in a release build (G4)")] {
        figures.push(Figure::of(
            (
                &format!(
                    "Graph notification complete -> durable commit -> frame at its companion, {COMPANIONS} connected, \
                     p{percent} of {EVENTS} events, median of {ROUNDS} rounds ({build})"
                ),
                &each(rounds, |it| percentile(&it.frame, percent)),
            ),
            "us",
            (
                &format!(
                    "64 B TCP echo then 4 KiB append with fdatasync, same file system, p{percent} (p50 moved {drift:.0} % \
                     from first to last round)"
                ),
                &floor(percent),
            ),
            aim,
        )?);
    }
    figures.push(Figure::of(
        (
            &format!("Graph notification complete -> 202, {COMPANIONS} connected, p99 ({build})"),
            &each(rounds, |it| percentile(&it.answer, 99)),
        ),
        "us",
        ("64 B TCP echo then 4 KiB append with fdatasync, p99", &floor(99)),
        "<= 250 ms (G8)",
    )?);
    let memory = each(rounds, |it| Some(it.memory.each()));
    let ours = format!("memory of a connected companion, growth of VmRSS over {COMPANIONS} ({build})");
    figures.push(Figure::of(
        (&ours, &memory),
        "KiB",
        (
            &format!("bare axum websocket with its default 128 KiB read buffer ({build})"),
            &each(rounds, |it| Some(it.default_buffers.each())),
        ),
        "<= 10 KB plain (G1)",
    )?);
    figures.push(Figure::of(
        (&ours, &memory),
        "KiB",
        (
            &format!("bare axum websocket with a 4 KiB read buffer ({build})"),
            &each(rounds, |it| Some(it.small_buffers.each())),
        ),
        "<= 10 KB plain (G1)",
    )?);
    figures.push(Figure::of(
        (
            &format!("the same, companions {} to {COMPANIONS} only", COMPANIONS / 2 + 1),
            &each(rounds, |it| Some(it.memory.second)),
        ),
        "KiB",
        (&format!("companions {} to {} only", WARM + 1, COMPANIONS / 2), &each(rounds, |it| Some(it.memory.first))),
        "ratio about 1: linear",
    )?);
    Ok(Report { bench: "arrival", figures })
}

fn each(rounds: &[Round], of: impl Fn(&Round) -> Option<f64>) -> Vec<f64> {
    rounds.iter().filter_map(of).collect()
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
