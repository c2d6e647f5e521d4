//! A program of ours as a child process: its first line of output, its log file, and its end.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

/// A running program. Dropping it kills it.
pub struct Process {
    child: Child,
    output: Option<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts a program of this workspace, its standard error going to `log`.
    pub fn start(
        name: &str,
        arguments: impl IntoIterator<Item = OsString>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        let mut child = Command::new(binary(name)?)
            .args(arguments)
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        let output = child.stdout.take().map(BufReader::new);
        Ok(Self { child, output })
    }

    /// The first line it prints: for our programs, one JSON object. What it prints later is thrown away.
    pub async fn first_line(&mut self) -> anyhow::Result<String> {
        let mut output = self.output.take().context("the first line was read before")?;
        let mut line = String::new();
        anyhow::ensure!(output.read_line(&mut line).await? > 0, "it ended without printing anything");
        tokio::spawn(async move { tokio::io::copy(&mut output, &mut tokio::io::sink()).await });
        Ok(line)
    }

    /// Its process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        if let Some(id) = self.child.id() {
            Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        }
        let status =
            tokio::time::timeout(crate::wait::PATIENCE, self.child.wait()).await.context("it did not stop")??;
        anyhow::ensure!(status.success(), "it stopped with {status}");
        Ok(())
    }

    /// Waits until it has ended by itself, at most so long; says whether it has.
    pub async fn ended_within(&mut self, limit: std::time::Duration) -> anyhow::Result<bool> {
        Ok(self.end_within(limit).await?.is_some())
    }

    /// The same; says how it ended.
    pub async fn end_within(&mut self, limit: std::time::Duration) -> anyhow::Result<Option<ExitStatus>> {
        Ok(tokio::time::timeout(limit, self.child.wait()).await.ok().transpose()?)
    }

    /// Kills it (SIGKILL).
    pub async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }
}

/// A program of this workspace, built beside the one that runs.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    // Tests run from target/<profile>/deps, programs from target/<profile>.
    let found = own.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.with_context(|| format!("{name} is not built; `cargo xtask build` builds it"))
}
