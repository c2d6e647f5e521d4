//! The relay from its start to its first answer, and its memory when nobody is there, beside a bare axum server.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::super::machine::{proportional_kib, settled};
use super::super::peer::Buffers;
use super::super::report::Figure;
use super::{BUILD, Sizes};
use crate::clock::{Stopwatch, pause};
use crate::stack::{Process, Stack};
use crate::wait::PATIENCE;

const BETWEEN: Duration = Duration::from_millis(2);

/// Milliseconds, and MiB.
#[derive(Default)]
struct Side {
    start: Vec<f64>,
    memory: Vec<f64>,
}

/// Measures it on the stack's database, which has seen one start; leaves a relay running.
pub(super) async fn measure(stack: &mut Stack, sizes: Sizes) -> anyhow::Result<Vec<Figure>> {
    stack.stop_relay().await?;
    let (mut relay, mut peer) = (Side::default(), Side::default());
    let logs = stack.directory.join("logs");
    for _ in 0..sizes.rounds {
        let arguments = ["--peer", Buffers::SmallBuffers.argument()].map(Into::into);
        // It has nothing at this address, and says so.
        peer.take("bench", arguments, None, &logs.join("peer.log")).await?.kill().await?;
        let arguments = ["serve".into(), "--config".into(), stack.directory.join("relay.toml").into_os_string()];
        let ready = format!("{}/readyz", stack.relay);
        relay.take("roomed-relay", arguments, Some(ready), &logs.join("relay.log")).await?.stop().await?;
    }
    stack.start_relay().await?;
    Ok(vec![
        Figure::of(
            (&format!("relay, process start -> first answer that it is ready, SQLite ({BUILD})"), &relay.start),
            "ms",
            (&format!("bare axum server, process start -> first answer ({BUILD})"), &peer.start),
            "<= 1,000 ms",
        )?,
        Figure::of(
            (&format!("memory of a relay that nobody uses, PSS ({BUILD})"), &relay.memory),
            "MiB",
            (&format!("bare axum server, PSS ({BUILD})"), &peer.memory),
            "<= 64 MiB",
        )?,
    ])
}

impl Side {
    /// One start. Without an address the program's first line says where it listens.
    async fn take(
        &mut self,
        name: &str,
        arguments: impl IntoIterator<Item = OsString>,
        url: Option<String>,
        log: &Path,
    ) -> anyhow::Result<Process> {
        let http = crate::clinician::http()?;
        let watch = Stopwatch::start();
        let mut process = Process::start(name, arguments, [], log)?;
        let url = match url {
            Some(url) => url,
            None => {
                let line: Value = serde_json::from_str(&process.first_line().await?)?;
                line["listening"].as_str().context("it does not listen")?.to_owned()
            }
        };
        while !http.get(&url).send().await.is_ok_and(|answer| !answer.status().is_server_error()) {
            anyhow::ensure!(watch.elapsed() < PATIENCE, "{name} does not answer; see {}", log.display());
            pause(BETWEEN).await;
        }
        self.start.push(watch.elapsed().as_secs_f64() * 1e3);
        let id = process.id().context("it has ended")?;
        self.memory.push(settled(|| proportional_kib(id)).await? / 1024.0);
        Ok(process)
    }
}
