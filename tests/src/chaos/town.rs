//! Everybody at once: people at Epic, of whom a state is set, and people at the R4 server, where every coming and going is
//! made once and the visit's Encounter is changed by all of them. For episodes about the relay rather than about one EHR:
//! whatever is killed, frozen or cut off there has creates in flight beside the setter.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::checker::Verdict;
use super::creates::{self, At, Told};
use super::crowd::Crowd;
use super::others::{self, Other};
use super::outcome::Outcome;
use super::scene::Scene;
use super::{encounters, episodes};
use crate::stack::Organization;

/// A coming or going at the R4 server is three rows and more, each of them said after the one before: it is told less often.
const SLOWER: u32 = 4;

/// All of them.
pub(super) struct Town {
    epic: Arc<Crowd>,
    r4: Arc<Crowd>,
    told: Told,
    messages: bool,
}

impl Town {
    /// The organization, as its administrators have it.
    pub(super) fn configuration(northside: &Organization) -> anyhow::Result<Value> {
        others::with(northside, &[Other::FhirR4], false)
    }

    /// The same with messages at Epic. The stand-in looks through all of them each time, so they must be few.
    pub(super) fn configuration_with_messages(northside: &Organization) -> anyhow::Result<Value> {
        others::with(northside, &[Other::FhirR4], true)
    }

    /// Opens visits at both. The R4 server takes no id of ours, so an `AuditEvent` can be doubled there: nothing but
    /// a look before the second attempt keeps it out.
    pub(super) async fn gather(scene: &Scene, epic: usize, r4: usize) -> anyhow::Result<Self> {
        let capabilities = json!({ "updateCreate": false });
        scene.hospital.sandbox.send(reqwest::Method::PUT, "/r4/capabilities", &capabilities).await?;
        let epic = Crowd::gather(&scene.hospital, &scene.nodes, epic).await?;
        let r4 = others::gather(scene, Other::FhirR4, r4).await?;
        Ok(Self { epic: Arc::new(epic), r4: Arc::new(r4), told: Told::Each, messages: false })
    }

    /// Messages are made at Epic as well.
    pub(super) fn with_messages(self) -> Self {
        Self { messages: true, ..self }
    }

    /// Its relay's clock is not always right.
    pub(super) fn by_wrong_clocks(self) -> Self {
        Self { told: Told::Newest, ..self }
    }

    /// `at_once` sources at each say things until [`Self::calm`].
    pub(super) fn begin(&self, at_once: usize, seed: u64, pause: Duration) -> JoinSet<anyhow::Result<()>> {
        let mut sources = self.epic.begin(at_once, seed, pause);
        let mut more = self.r4.begin(at_once.div_ceil(2), seed ^ 1, pause * SLOWER);
        sources.spawn(async move { episodes::ended(&mut more).await });
        sources
    }

    /// Nobody begins anything more, and what was begun is told.
    pub(super) async fn calm(&self, sources: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
        self.epic.is_enough();
        self.r4.is_enough();
        episodes::ended(sources).await
    }

    /// Everybody comes, or goes, once.
    pub(super) async fn turn_all(&self) -> anyhow::Result<()> {
        for crowd in [&self.epic, &self.r4] {
            for n in 0..crowd.parts.len() {
                crowd.turn(n, 0).await?;
            }
        }
        Ok(())
    }

    /// Statuses and events that must have come of what was accepted, if none of it gave way to something newer: a status
    /// and perhaps a message at Epic, two events at the R4 server.
    pub(super) fn wanted(&self) -> u64 {
        (1 + u64::from(self.messages)) * self.epic.accepted() + 2 * self.r4.accepted()
    }

    /// How many comings and goings were accepted.
    pub(super) fn accepted(&self) -> u64 {
        self.epic.accepted() + self.r4.accepted()
    }

    /// How often a node said that it could not keep something.
    pub(super) fn refused(&self) -> u64 {
        self.epic.refused() + self.r4.refused()
    }

    /// How often that was because the disk was full.
    pub(super) fn found_no_room(&self) -> u64 {
        self.epic.found_no_room() + self.r4.found_no_room()
    }

    /// Judges both once all is quiet.
    pub(super) async fn judge(&self, scene: &Scene, outcome: &mut Outcome) -> anyhow::Result<Verdict> {
        let seen = scene.rest().await?;
        let mut verdict = scene.judge_statuses(&self.epic, &seen).await?;
        verdict.did_not_end(seen.open);
        if self.messages {
            verdict.add(creates::judge(scene, At::Epic, &self.epic, self.told, &seen)?);
        }
        verdict.add(creates::judge(scene, At::FhirR4, &self.r4, self.told, &seen)?);
        verdict.add(encounters::judge(scene, &self.r4, &seen).await?);
        outcome.set("creates", creates::made(&seen.effects.creates));
        outcome.set("creates_tried_again", creates::tried_again(&seen.rows));
        Ok(verdict)
    }
}
