//! What an episode begins with (a hospital, nodes, people in visits) and how it ends: quiet, then judged. Nothing is judged
//! before every row is settled and what may land late has landed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use super::checker::{self, Key, Verdict};
use super::crowd::{Crowd, Part};
use super::door::{Conditions, Node};
use super::hospital::{Effects, Hospital};
use super::profile::{self, Haste, LATE, TOO_LATE};
use crate::clock::{Stopwatch, pause};
use crate::stack::{Organization, free_port};

/// Quiet must come within this once nothing is wrong any more, on a busy machine too: rows that are open then are a failure.
const QUIET: Duration = Duration::from_secs(90);

/// Everything an episode has.
pub(super) struct Scene {
    /// The hospital.
    pub(super) hospital: Hospital,
    /// The relays.
    pub(super) nodes: Vec<Arc<Node>>,
    /// The folder it is all in.
    pub(super) directory: PathBuf,
    /// The number of the newest effect when it began.
    since: u64,
}

/// What there is to see once all is quiet.
pub(super) struct Seen {
    /// Rows that were still open when patience ended.
    pub(super) open: u64,
    /// The whole outbox.
    pub(super) rows: Vec<Value>,
    /// What took effect since the scene was set.
    pub(super) effects: Effects,
}

impl Seen {
    /// Streams whose newest state waits for an operator.
    pub(super) fn parked(&self) -> BTreeSet<&str> {
        let mut newest = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row["channel"] == "state") {
            newest.insert(row["stream"].as_str().unwrap_or_default(), row["state"] == "parked");
        }
        newest.into_iter().filter_map(|(stream, parked)| parked.then_some(stream)).collect()
    }
}

impl Scene {
    /// A hospital and one node on a SQLite file in `database` (a folder).
    pub(super) async fn set(directory: &Path, database: &Path, seed: u64) -> anyhow::Result<Self> {
        Self::set_with(directory, database, seed, Haste::Short, Organization::configuration).await
    }

    /// The same, for an organization whose administrators chose otherwise.
    pub(super) async fn set_with(
        directory: &Path,
        database: &Path,
        seed: u64,
        haste: Haste,
        choose: impl Fn(&Organization) -> anyhow::Result<Value>,
    ) -> anyhow::Result<Self> {
        let hospital = Hospital::start(directory, seed).await?;
        let url = format!("sqlite:{}", database.join("relay.sqlite").display());
        let northside = choose(&hospital.northside)?;
        let node = node(directory, &hospital, "node", &url, (&northside, haste)).await?;
        let mut scene = Self { hospital, nodes: vec![node], directory: directory.to_owned(), since: 0 };
        scene.start(0, &Conditions::default()).await?;
        scene.begin().await?;
        Ok(scene)
    }

    /// Hospital and nodes that somebody else made.
    pub(super) async fn of(hospital: Hospital, nodes: Vec<Arc<Node>>, directory: &Path) -> anyhow::Result<Self> {
        let mut scene = Self { hospital, nodes, directory: directory.to_owned(), since: 0 };
        scene.begin().await?;
        Ok(scene)
    }

    async fn begin(&mut self) -> anyhow::Result<()> {
        self.since = self.hospital.newest_effect().await?;
        Ok(())
    }

    /// Starts a node that must come up.
    pub(super) async fn start(&self, n: usize, conditions: &Conditions) -> anyhow::Result<()> {
        let started = self.node(n)?.start(conditions).await?;
        anyhow::ensure!(started, "a node did not start; see {}/logs", self.directory.display());
        Ok(())
    }

    /// One of the nodes.
    pub(super) fn node(&self, n: usize) -> anyhow::Result<&Arc<Node>> {
        self.nodes.get(n).context("there is no such node")
    }

    /// Waits until every row is settled and nothing new takes effect for as long as something may land late. Says how many
    /// rows are open after all. Nobody rings for the workers: a row whose owner is dead is theirs to find.
    pub(super) async fn quiet(&self) -> anyhow::Result<u64> {
        let watch = Stopwatch::start();
        let mut last = (u64::MAX, 0);
        loop {
            // A node that has just been started may be busy with what it found.
            let counts = self.node(0)?.ask("counts", &json!({})).await;
            let open = counts.and_then(Result::ok).and_then(|it| it["open"].as_u64());
            let now = (open.unwrap_or(u64::MAX), self.hospital.newest_effect().await?);
            if (now == last && now.0 == 0) || watch.elapsed() > QUIET {
                return Ok(now.0);
            }
            last = now;
            pause(if now.0 == 0 { TOO_LATE + LATE } else { Duration::from_millis(100) }).await;
        }
    }

    /// Waits until all is quiet, and looks.
    pub(super) async fn rest(&self) -> anyhow::Result<Seen> {
        let open = self.quiet().await?;
        let (rows, effects) = (self.rows().await?, self.hospital.effects(self.since).await?);
        Ok(Seen { open, rows, effects })
    }

    /// The whole outbox.
    pub(super) async fn rows(&self) -> anyhow::Result<Vec<Value>> {
        let (mut rows, mut after) = (Vec::new(), 0);
        loop {
            let page = self.node(0)?.get("rows", &json!({ "after": after })).await?;
            let page = page["rows"].as_array().context("no rows")?.clone();
            let Some(last) = page.last() else { return Ok(rows) };
            after = last["seq"].as_i64().context("a row without a place")?;
            rows.extend(page);
        }
    }

    /// How many effects there have been since the scene was set.
    pub(super) async fn effects_so_far(&self) -> anyhow::Result<u64> {
        Ok(self.hospital.newest_effect().await?.saturating_sub(self.since))
    }

    /// Judges Epic's side once all is quiet: effects against what the crowd was told was kept, and Hyperspace's own marks
    /// besides.
    pub(super) async fn judge(&self, crowd: &Crowd) -> anyhow::Result<Verdict> {
        let seen = self.rest().await?;
        let mut verdict = self.judge_statuses(crowd, &seen).await?;
        verdict.did_not_end(seen.open);
        Ok(verdict)
    }

    /// The same of what was seen; that nothing is open is another's to say.
    pub(super) async fn judge_statuses(&self, crowd: &Crowd, seen: &Seen) -> anyhow::Result<Verdict> {
        let waits = seen.parked();
        let is_parked = |part: &&Part| waits.contains(part.state().as_str());
        let parked = crowd.parts.iter().filter(is_parked).map(|part| part.key.clone()).collect();
        let mut verdict = checker::setters(&crowd.truth()?, &seen.effects.statuses, &parked);
        verdict.invented += seen.effects.unknown;
        self.compare_standing(&seen.effects.statuses).await?;
        self.compare_hyperspace(crowd, &parked, &mut verdict).await?;
        Ok(verdict)
    }

    /// The checker's own reading of the effects must agree with what the hospital says stands, or it reads wrongly.
    async fn compare_standing(&self, effects: &BTreeMap<Key, Vec<checker::Applied>>) -> anyhow::Result<()> {
        let standing = self.hospital.standing().await?;
        for (key, applied) in effects {
            let last = applied.last().map(|it| it.connected);
            anyhow::ensure!(standing.get(key).copied() == last, "the effects and what stands do not agree");
        }
        Ok(())
    }

    /// What a clinician sees in Hyperspace is the newest accepted state of everybody.
    async fn compare_hyperspace(
        &self,
        crowd: &Crowd,
        parked: &BTreeSet<Key>,
        verdict: &mut Verdict,
    ) -> anyhow::Result<()> {
        let marks = self.hospital.marks().await?;
        let mut wrong = 0;
        for (n, part) in crowd.parts.iter().enumerate() {
            let Some(connected) = crowd.is_connected(n)? else { continue };
            if parked.contains(&part.key) {
                continue;
            }
            let wanted = if connected { "Connected" } else { "Disconnected" };
            let shown = marks.get(&part.appointment);
            let shown = shown.map(|(patient, clinician)| if part.oid.is_none() { patient } else { clinician });
            wrong += u64::from(shown.is_none_or(|it| it != wanted));
        }
        // Counted with the effects already, or else Hyperspace shows something that nobody wrote.
        if wrong > verdict.lost + verdict.reordered {
            let more = wrong - verdict.lost - verdict.reordered;
            verdict.lost += more;
            verdict.find(format!("lost: Hyperspace shows {more} marks that are not the newest accepted ones"));
        }
        Ok(())
    }
}

/// A relay's folder, configuration and log; not started.
pub(super) async fn node(
    directory: &Path,
    hospital: &Hospital,
    name: &str,
    database: &str,
    (northside, haste): (&Value, Haste),
) -> anyhow::Result<Arc<Node>> {
    let port = free_port()?;
    let places = profile::Places { database, keys: &directory.join("keys"), port };
    let file = directory.join(format!("{name}.toml"));
    std::fs::write(&file, profile::configuration(&places, northside, haste)?)?;
    let base = format!("http://127.0.0.1:{port}");
    hospital.sandbox.register_relay(&base).await?;
    Ok(Arc::new(Node::new(base, &file, &directory.join(format!("logs/{name}.log")))))
}
