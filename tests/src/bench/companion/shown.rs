//! A program with a window, from its start to its end: when its page has drawn, closing and opening, memory and idle time of
//! it and of all that descends from it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

use super::super::machine::{TICK_MS, proportional_kib, settled, ticks};
use super::Sizes;
use crate::clock::{Stopwatch, pause};
use crate::stack::binary;
use crate::wait::{self, PATIENCE};
use crate::window::{descendants, titled, web_processes};

/// What both write when their page is on the screen.
const DRAWN: &str = "the page has drawn";
/// No launch: it brings the window and nothing else.
const LINK: &str = "roomed://launch?this=is&not=a+launch";
const KIB_PER_MIB: f64 = 1024.0;

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Ours.
    Companion,
    /// Tauri's alone.
    Hello,
}

impl Which {
    fn binary(self) -> &'static str {
        match self {
            Self::Companion => "roomed",
            Self::Hello => "examples/hello",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Companion => "Roomed",
            Self::Hello => "Hello",
        }
    }
}

/// One that runs. Dropping it kills it; its web processes end when they hear no more from it.
pub(super) struct Shown {
    which: Which,
    id: u32,
    child: Child,
    input: ChildStdin,
    drawn: mpsc::UnboundedReceiver<()>,
}

impl Shown {
    /// Starts it; says how many milliseconds went by until its page had drawn.
    pub(super) async fn start(which: Which) -> anyhow::Result<(Self, f64)> {
        let mut command = Command::new(binary(which.binary())?);
        command.env("ROOMED_LOG", "debug").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let began = Stopwatch::start();
        let mut child = command.kill_on_drop(true).spawn().context("a program with a window cannot be started")?;
        let id = child.id().context("it ended at once")?;
        let input = child.stdin.take().context("it has no input")?;
        let said = child.stderr.take().context("it has no standard error")?;
        let (tell, drawn) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut lines = BufReader::new(said).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if line.contains(DRAWN) && tell.send(()).is_err() {
                    break;
                }
            }
        });
        let mut shown = Self { which, id, child, input, drawn };
        let took = shown.drawn_after(began).await?;
        Ok((shown, took))
    }

    async fn drawn_after(&mut self, began: Stopwatch) -> anyhow::Result<f64> {
        let heard = tokio::time::timeout(PATIENCE, self.drawn.recv()).await;
        heard.ok().flatten().with_context(|| format!("{:?} never said that its page has drawn", self.which))?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }

    /// Closes its window as a person does, and waits until no page is held.
    pub(super) async fn close_window(&self) -> anyhow::Result<()> {
        let window = titled(self.which.title()).await?;
        // What the window manager does with it is seen below.
        Command::new("xdotool").args(["windowactivate", "--sync", &window, "key", "alt+F4"]).status().await?;
        wait::until("no page is held any more", async || Ok(web_processes(self.id)?.is_empty().then_some(()))).await
    }

    /// Has a window made again; says how many milliseconds went by until its page had drawn. The companion is handed a link by
    /// a second start, as the desktop's handler does it.
    pub(super) async fn open_window(&mut self) -> anyhow::Result<f64> {
        let began = Stopwatch::start();
        let second = match self.which {
            Which::Companion => {
                let mut second = Command::new(binary("roomed")?);
                second.arg(LINK).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                Some(second.kill_on_drop(true).spawn()?)
            }
            Which::Hello => {
                self.input.write_all(b"again\n").await?;
                None
            }
        };
        let took = self.drawn_after(began).await?;
        if let Some(mut second) = second {
            tokio::time::timeout(PATIENCE, second.wait()).await.context("a second start does not end")??;
        }
        Ok(took)
    }

    /// PSS of it and of all that descends from it, in MiB, once it has stopped moving.
    pub(super) async fn memory(&self) -> anyhow::Result<f64> {
        Ok(settled(|| self.sum(proportional_kib)).await? / KIB_PER_MIB)
    }

    /// Processor time of the tree while nobody does anything, in milliseconds per second; no less than one tick's worth.
    pub(super) async fn busy(&self, sizes: Sizes) -> anyhow::Result<f64> {
        pause(Duration::from_secs(sizes.rest.into())).await;
        let before = self.sum(ticks)?;
        let watch = Stopwatch::start();
        pause(Duration::from_secs(sizes.idle.into())).await;
        let spent = self.sum(ticks)?.saturating_sub(before).max(1);
        Ok(f64::from(u32::try_from(spent)?) * TICK_MS / watch.elapsed().as_secs_f64())
    }

    /// Of the whole tree; of those that descend from it one may end in the midst of it.
    fn sum(&self, of: fn(u32) -> anyhow::Result<u64>) -> anyhow::Result<u64> {
        let below: u64 = descendants(self.id)?.into_iter().filter_map(|(id, _)| of(id).ok()).sum();
        Ok(of(self.id)? + below)
    }

    /// Ends it; back once nothing of it runs, so that the next one does not share the machine with it.
    pub(super) async fn end(mut self) -> anyhow::Result<()> {
        let all = descendants(self.id)?;
        self.child.kill().await?;
        let runs = |(id, _): &(u32, String)| {
            let stat = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat"));
            // One that has ended and that nobody has asked about is none.
            stat.is_ok_and(|stat| !stat.contains(") Z "))
        };
        wait::until("its web processes end", async || Ok((!all.iter().any(runs)).then_some(()))).await
    }
}
