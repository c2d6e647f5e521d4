//! Bench `companion`: the desktop shell from a start, or a link, to its page on the screen, its memory and idle processor time
//! with the window shown and closed, beside a bare Tauri window (`src-tauri/examples/hello`); and the relay's start and idle
//! memory beside a bare axum server. Leaves out what is drawn: the window tests look at that.

mod day;
mod relay;
mod shown;

use std::path::Path;

use anyhow::Context;

use super::report::{Figure, Report};
use crate::stack::{Options, Stack};
use crate::window::companions;
use shown::{Shown, Which};

/// What cargo made of it.
const BUILD: &str = if cfg!(debug_assertions) { "debug build" } else { "release build" };

/// Counts of one run.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Everything is measured so often, the two sides taking turns.
    rounds: usize,
    /// Cold starts, and warm openings, of each side in a round.
    times: usize,
    /// Seconds after which a window that has drawn, or has gone, is at rest: WebKit goes on for a few.
    rest: u32,
    /// Seconds in which nobody does anything.
    idle: u32,
}

impl Sizes {
    /// Those of the figures.
    pub const FULL: Self = Self { rounds: 3, times: 3, rest: 6, idle: 10 };

    /// Just enough to see that everything is measured; the figures say nothing.
    pub const TINY: Self = Self { rounds: 1, times: 1, rest: 0, idle: 1 };
}

/// One side's measurements.
#[derive(Default)]
struct Side {
    cold: Vec<f64>,
    warm: Vec<f64>,
    shown: State,
    hidden: State,
}

/// Of a window that is there, or is not.
#[derive(Default)]
struct State {
    memory: Vec<f64>,
    busy: Vec<f64>,
}

/// Runs it in `directory`, in a desktop session.
///
/// # Errors
/// In words, when something of it could not be measured; never with a figure left out.
pub async fn companion(directory: &Path, sizes: Sizes) -> anyhow::Result<Report> {
    // Outside a session this is refused before anything of the person's own desktop is touched.
    companions().context("`cargo xtask bench companion` starts it in a session of its own")?;
    say("setting up");
    let quiet = |it: &mut serde_json::Value| it["log"]["level"] = "info".into();
    let options = Options { adjust: vec![quiet], ..Options::default() };
    let mut stack = Stack::start(directory, &options).await?;
    say("the relay's start");
    let mut figures = relay::measure(&mut stack, sizes).await?;
    day::begin(&stack).await?;
    let (mut ours, mut bare) = (Side::default(), Side::default());
    for round in 1..=sizes.rounds {
        say(&format!("round {round} of {}", sizes.rounds));
        measure(Which::Hello, &mut bare, sizes).await?;
        measure(Which::Companion, &mut ours, sizes).await?;
    }
    stack.stop_relay().await?;
    let mut all = report(&ours, &bare)?;
    all.append(&mut figures);
    Ok(Report { bench: "companion", figures: all })
}

async fn measure(which: Which, side: &mut Side, sizes: Sizes) -> anyhow::Result<()> {
    for _ in 1..sizes.times {
        let (shown, took) = Shown::start(which).await?;
        side.cold.push(took);
        shown.end().await?;
    }
    let (mut shown, took) = Shown::start(which).await?;
    side.cold.push(took);
    left_alone(&shown, &mut side.shown, sizes).await?;
    for n in 0..sizes.times {
        shown.close_window().await?;
        if n == 0 {
            left_alone(&shown, &mut side.hidden, sizes).await?;
        }
        side.warm.push(shown.open_window().await?);
    }
    shown.end().await
}

async fn left_alone(shown: &Shown, state: &mut State, sizes: Sizes) -> anyhow::Result<()> {
    state.memory.push(shown.memory().await?);
    state.busy.push(shown.busy(sizes).await?);
    Ok(())
}

fn report(ours: &Side, bare: &Side) -> anyhow::Result<Vec<Figure>> {
    let named = |what: &str| format!("{what} ({BUILD})");
    let hello = |what: &str| format!("bare Tauri window, {what} ({BUILD})");
    let mut figures = vec![
        Figure::of(
            (&named("companion, process start -> page painted, signed in, files in the cache"), &ours.cold),
            "ms",
            (&hello("the same"), &bare.cold),
            "<= 1,000 ms",
        )?,
        Figure::of(
            (&named("deep link at a companion in the tray -> window made anew and painted"), &ours.warm),
            "ms",
            (&hello("told to make its window anew"), &bare.warm),
            "<= 500 ms",
        )?,
    ];
    let states = [
        ("the window shown", &ours.shown, &bare.shown, "what Tauri takes, and <= 30 MiB more"),
        ("the window closed", &ours.hidden, &bare.hidden, "<= 60 MiB"),
    ];
    for (when, ours, bare, aim) in states {
        let name = named(&format!("memory of companion and web processes, PSS, {when}"));
        figures.push(Figure::of((&name, &ours.memory), "MiB", (&hello("the same"), &bare.memory), aim)?);
    }
    for (when, ours, bare, _) in states {
        let name = named(&format!("idle, {when}, processor time of companion and web processes"));
        let floor = hello("the same, at least one tick of the clock");
        figures.push(Figure::of((&name, &ours.busy), "ms/s", (&floor, &bare.busy), "<= 5 ms/s, 0.5 % of a core")?);
    }
    Ok(figures)
}

fn say(what: &str) {
    eprintln!("  {what} ...");
}
