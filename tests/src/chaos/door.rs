//! The driver's side of a `chaos-node`: starts it, kills it, freezes it, and asks it things. Whoever insists is answered by
//! whichever life of the node comes to answer: a source says a thing again until it is told that it was kept.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot, watch};

use crate::stack::binary;

/// A node that has not answered by then is as good as dead to whoever asked.
const PATIENCE: Duration = Duration::from_secs(2);
/// A debug build on a busy machine, and a database that has to be recovered.
const START: Duration = Duration::from_secs(30);

/// One life of the node: the way in, and who waits for what. Nothing is answered any more once `over` is true.
struct Life {
    lines: mpsc::UnboundedSender<String>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    over: watch::Sender<bool>,
}

/// Environment of a life, and the command that a node is started through.
#[derive(Debug, Clone, Default)]
pub(super) struct Conditions {
    /// Environment variables.
    pub(super) environment: Vec<(OsString, OsString)>,
}

/// A node, dead or alive.
pub(super) struct Node {
    /// Its address.
    pub(super) base: String,
    configuration: PathBuf,
    log: PathBuf,
    life: watch::Sender<Option<Arc<Life>>>,
    next: AtomicU64,
    child: tokio::sync::Mutex<Option<Child>>,
}

impl Node {
    /// Not started yet.
    pub(super) fn new(base: String, configuration: &Path, log: &Path) -> Self {
        Self {
            base,
            configuration: configuration.to_owned(),
            log: log.to_owned(),
            life: watch::Sender::new(None),
            next: AtomicU64::new(1),
            child: tokio::sync::Mutex::default(),
        }
    }

    /// Starts it; true once it listens, false if it died before it did.
    pub(super) async fn start(&self, conditions: &Conditions) -> anyhow::Result<bool> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut child = Command::new(binary("chaos-node")?)
            .arg("--config")
            .arg(&self.configuration)
            .envs(conditions.environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("chaos-node cannot be started")?;
        let way_in = child.stdin.take().context("a node without standard input")?;
        let mut out = BufReader::new(child.stdout.take().context("a node without standard output")?).lines();
        *self.child.lock().await = Some(child);
        let first = tokio::time::timeout(START, out.next_line()).await.context("a node did not start in time")??;
        if first.is_none() {
            return Ok(false);
        }
        let (lines, to_write) = mpsc::unbounded_channel();
        let life = Arc::new(Life { lines, waiting: Mutex::default(), over: watch::Sender::new(false) });
        tokio::spawn(write(way_in, to_write));
        tokio::spawn(read(Arc::clone(&life), out));
        self.life.send_replace(Some(life));
        Ok(true)
    }

    /// Its process id, while it has not been waited for.
    pub(super) async fn id(&self) -> Option<u32> {
        self.child.lock().await.as_ref()?.id()
    }

    /// SIGKILL, and gone.
    pub(super) async fn kill(&self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.lock().await.take() {
            child.kill().await?;
        }
        self.life.send_replace(None);
        Ok(())
    }

    /// A signal by name (`STOP`, `CONT`, `TERM`).
    pub(super) async fn signal(&self, name: &str) -> anyhow::Result<()> {
        let id = self.id().await.context("a node that is gone cannot be signalled")?;
        let sent = Command::new("kill").args(["-s", name, &id.to_string()]).status().await?;
        anyhow::ensure!(sent.success(), "kill -s {name} failed");
        Ok(())
    }

    /// Waits until it has ended by itself, at most so long; says whether it has.
    pub(super) async fn ended_within(&self, limit: Duration) -> anyhow::Result<bool> {
        Ok(self.id().await.is_none() || self.end_within(limit).await?.is_some())
    }

    /// The same of one that runs; says how it ended.
    pub(super) async fn end_within(&self, limit: Duration) -> anyhow::Result<Option<ExitStatus>> {
        let mut child = self.child.lock().await;
        let Some(running) = child.as_mut() else { return Ok(None) };
        let Ok(status) = tokio::time::timeout(limit, running.wait()).await else { return Ok(None) };
        let status = status?;
        *child = None;
        drop(child);
        self.life.send_replace(None);
        Ok(Some(status))
    }

    /// Asks it to stop as an operator does, and waits until it has.
    pub(super) async fn stop(&self) -> anyhow::Result<()> {
        self.signal("TERM").await?;
        anyhow::ensure!(self.ended_within(START).await?, "a node did not stop when it was asked to");
        Ok(())
    }

    /// Asks once. Nothing: it did not answer, and whether it did what it was asked is unknown.
    pub(super) async fn ask(&self, wish: &str, of: &Value) -> Option<Result<Value, String>> {
        let life = self.life.borrow().clone()?;
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        lock(&life.waiting).insert(n, answer);
        let line = format!("{}\n", serde_json::json!({ "n": n, wish: of }));
        let asked = life.lines.send(line).is_ok();
        let mut over = life.over.subscribe();
        let answered = async {
            tokio::select! {
                answer = answered => answer.ok(),
                _ = over.wait_for(|it| *it) => None,
                _ = tokio::time::timeout(PATIENCE, std::future::pending::<()>()) => None,
            }
        };
        let answer = if asked { answered.await } else { None };
        lock(&life.waiting).remove(&n);
        let answer = answer?;
        match answer.get("ok") {
            Some(ok) => Some(Ok(ok.clone())),
            None => Some(Err(answer["error"].as_str().unwrap_or("no words").to_owned())),
        }
    }

    /// Until it lives, at most so long.
    pub(super) async fn is_up_within(&self, limit: Duration) -> bool {
        let mut life = self.life.subscribe();
        let up = life.wait_for(|it| it.as_ref().is_some_and(|it| !*it.over.borrow()));
        tokio::time::timeout(limit, up).await.is_ok()
    }

    /// Something that must be answered by a node that lives.
    pub(super) async fn get(&self, wish: &str, of: &Value) -> anyhow::Result<Value> {
        let answer = self.ask(wish, of).await.with_context(|| format!("the node did not answer `{wish}`"))?;
        answer.map_err(|words| anyhow::anyhow!("`{wish}` failed: {words}"))
    }
}

async fn write(mut way_in: ChildStdin, mut lines: mpsc::UnboundedReceiver<String>) {
    while let Some(line) = lines.recv().await {
        // A node that died takes nothing more; whoever asked learns it from its silence.
        if way_in.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(life: Arc<Life>, mut out: Lines<BufReader<ChildStdout>>) {
    while let Ok(Some(line)) = out.next_line().await {
        let Ok(answer) = serde_json::from_str::<Value>(&line) else { continue };
        let Some(n) = answer["n"].as_u64() else { continue };
        let waiting = lock(&life.waiting).remove(&n);
        if let Some(waiting) = waiting {
            // Whoever asked may have lost patience.
            let _ = waiting.send(answer);
        }
    }
    life.over.send_replace(true);
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
