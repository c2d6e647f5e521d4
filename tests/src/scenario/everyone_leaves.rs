//! How a visit of many ends: ended for all while everybody is inside, left one by one, and told alike by the chart, the
//! EHR's own record of what it accepted, and the relay's ledger.

use std::collections::BTreeMap;

use anyhow::Context;
use fantoccini::Locator;
use serde_json::Value;
use tokio::process::Command;

use super::people::Cast;
use super::report::Recorder;
use super::steps::words;
use crate::browser::Browser;
use crate::stack::binary;
use crate::wait;

impl Cast<'_> {
    /// *End for all*: everybody's page says so, and the chart says nothing before it is so.
    pub(super) async fn end_for_all(&mut self, appointment: &str, recorder: &mut Recorder) -> anyhow::Result<()> {
        recorder.trying("ended-for-all", "Chromium");
        self.window.click("#end-visit").await?;
        let inside = self.window.text("#end-what").await?.to_lowercase();
        for role in ["patient", "interpreter", "guest clinician", "family", "you"] {
            anyhow::ensure!(inside.contains(role), "the question does not name the {role}: {inside}");
        }
        self.window.picture(&self.shot("companion-end")).await?;
        self.window.click("#confirm-end").await?;
        for (name, page) in self.visitors()? {
            self.told_that_it_ended(name, page).await?;
        }
        // Nobody has left Teams yet, and a press is no witness.
        self.chart_shows(appointment, "patient", "Connected").await?;
        self.window.see("[data-participant='patient'][data-presence='connected']").await?;
        self.window.picture(&self.shot("companion-closing")).await?;
        recorder.confirmed();
        Ok(())
    }

    /// The people who came by a visit page.
    fn visitors(&self) -> anyhow::Result<[(&'static str, &Browser); 4]> {
        let guest = |role: &'static str| anyhow::Ok((role, self.of(role)?));
        Ok([("patient", &self.phone), guest("interpreter")?, guest("colleague")?, guest("family")?])
    }

    /// Their own page, in a tab beside the meeting they are still in.
    async fn told_that_it_ended(&self, name: &str, browser: &Browser) -> anyhow::Result<()> {
        let page = &browser.page;
        let meeting = page.window().await?;
        let tab = page.new_window(true).await?;
        page.switch_to_window(tab.handle).await?;
        browser.open(&format!("{}/v/", self.stack.relay)).await?;
        browser.see("html[data-stage='ended']").await?;
        browser.picture(&self.shot(&format!("{name}-ended"))).await?;
        let said = words(browser).await?;
        anyhow::ensure!(said.contains("Teams"), "the {name}'s page does not say to leave the meeting: {said}");
        page.close_window().await?;
        Ok(page.switch_to_window(meeting).await?)
    }

    /// Each leaves; the window names who is still inside until nobody is.
    pub(super) async fn leave_one_by_one(&mut self, appointment: &str, recorder: &mut Recorder) -> anyhow::Result<()> {
        recorder.trying("patient-disconnected", "WebDriver");
        self.phone.click("#leave").await?;
        self.window.see("[data-participant='patient'][data-presence='disconnected']").await?;
        self.chart_shows(appointment, "patient", "Disconnected").await?;
        recorder.confirmed();

        recorder.trying("interpreter-disconnected", "WebDriver");
        self.of("interpreter")?.click("#leave").await?;
        self.window.see("[data-participant='interpreter'][data-presence='disconnected']").await?;
        self.still_inside(&["interpreter"], &["guest clinician", "family"]).await?;
        self.window.picture(&self.shot("companion-still-inside")).await?;
        recorder.confirmed();

        // Colleague and family are still in there when the clinician ends the meeting.
        recorder.trying("everybody-out", "sandbox journal");
        let before = self.closed_visits().await?;
        self.browser.click("#end-meeting").await?;
        self.saw("roster", |entry| entry.detail.to_string().contains("callEnded")).await?;
        for role in ["colleague", "family"] {
            self.of(role)?.see("#over:not([hidden])").await?;
        }
        recorder.confirmed();

        recorder.trying("visit-closed", "WebDriver");
        for role in ["practitioner", "colleague", "family"] {
            self.window.see(&format!("[data-participant='{role}'][data-presence='disconnected']")).await?;
        }
        wait::until("the relay counts this visit as closed", async || {
            Ok((self.closed_visits().await? == before + 1).then_some(()))
        })
        .await?;
        self.window.picture(&self.shot("companion-closed")).await?;
        recorder.confirmed();
        Ok(())
    }

    async fn still_inside(&self, gone: &[&str], still: &[&str]) -> anyhow::Result<()> {
        wait::until(&format!("the window says that {still:?} are inside and {gone:?} are not"), async || {
            let said = self.window.page.find(Locator::Css("section.lead [role='status']")).await?.text().await?;
            let said = said.to_lowercase();
            let right = still.iter().all(|it| said.contains(it)) && !gone.iter().any(|it| said.contains(it));
            Ok(right.then_some(()))
        })
        .await
    }

    /// Schedule, EHR and ledger tell the same story: who was connected and disconnected, and nothing of anybody else.
    pub(super) async fn one_true_story(&mut self, appointment: &str, recorder: &mut Recorder) -> anyhow::Result<()> {
        recorder.trying("schedule-tells-it", "Chromium");
        for whose in ["patient", "practitioner"] {
            self.chart_shows(appointment, whose, "Disconnected").await?;
        }
        let marks = format!("[data-appointment='{appointment}'] [data-mark]");
        let marks = self.hyperspace.page.find_all(Locator::Css(&marks)).await?.len();
        anyhow::ensure!(
            marks == 2,
            "the schedule marks {marks} people: the patient and the clinician have a mark each"
        );
        self.hyperspace.picture(&self.shot("hyperspace-disconnected")).await?;
        recorder.confirmed();

        recorder.trying("ledger-tells-it", "roomed-relay audit");
        let accepted = accepted(&self.ledger().await?);
        let written = written(&self.stack.sandbox.write_backs().await?)?;
        anyhow::ensure!(
            written.len() == 2,
            "the EHR holds states of {} people, of whom two are in the chart",
            written.len()
        );
        anyhow::ensure!(
            accepted == written,
            "ledger and EHR tell different stories: {accepted:?} were accepted by the ledger, {written:?} by the EHR"
        );
        recorder.confirmed();
        Ok(())
    }

    /// The relay's ledger, verified and read as an auditor would.
    async fn ledger(&self) -> anyhow::Result<Vec<Value>> {
        let database = format!("sqlite:{}", self.stack.directory.join("relay.sqlite").display());
        let audit = async |what: &str| {
            let asked = Command::new(binary("roomed-relay")?).args(["audit", what, "--database", &database]).output();
            let answer = asked.await?;
            anyhow::ensure!(answer.status.success(), "audit {what}: {}", String::from_utf8_lossy(&answer.stderr));
            Ok(String::from_utf8(answer.stdout)?)
        };
        audit("verify").await?;
        let lines = audit("export").await?;
        lines.lines().map(|line| serde_json::from_str(line).context("a line of the ledger is no JSON")).collect()
    }
}

/// A stream of states of one person in one visit: which state each was, as its first occurrence is numbered.
type Stories = Vec<Vec<usize>>;

/// What the ledger says was accepted. Its names are keyed, so that a person and a state are told apart and no more.
fn accepted(ledger: &[Value]) -> Stories {
    let ours = ledger.iter().filter(|it| it["kind"] == "settled" && it["outcome"] == "delivered");
    let states = ours.filter(|it| it["channel"] == "state");
    told(states.map(|it| (it["reference"].to_string(), it["digest"].to_string())))
}

/// What the EHR says that it accepted.
fn written(write_backs: &[Value]) -> anyhow::Result<Stories> {
    let mut all = Vec::new();
    for it in write_backs {
        let status =
            it["connection_status"].as_str().map_or_else(|| it["connection_status"].to_string(), str::to_owned);
        anyhow::ensure!(!it["external_id"].is_null(), "a write-back without a person");
        all.push((format!("{}/{}", it["conference_id"], it["external_id"]), format!("{status}/{}", it["external_id"])));
    }
    Ok(told(all.into_iter()))
}

fn told(all: impl Iterator<Item = (String, String)>) -> Stories {
    let (mut people, mut stories): (Vec<String>, Stories) = (Vec::new(), Vec::new());
    let mut states: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (person, state) in all {
        let known = states.entry(person.clone()).or_default();
        let number = known.iter().position(|it| *it == state).unwrap_or_else(|| {
            known.push(state);
            known.len() - 1
        });
        let at = people.iter().position(|it| *it == person).unwrap_or_else(|| {
            people.push(person);
            stories.push(Vec::new());
            people.len() - 1
        });
        stories[at].push(number);
    }
    stories
}
