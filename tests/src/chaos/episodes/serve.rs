//! `kill -9` of the real `roomed-relay serve`, at random moments and at named places, while a clinician joins and leaves the
//! Teams meetings of several visits. Events come as Graph sends them: sealed, one after the other, and again until they are
//! acknowledged. The truth is who is in the meetings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use reqwest::Method;
use roomed_relay::failpoint;
use serde_json::{Value, json};
use url::Url;

use super::super::checker::{self, Asked, Key};
use super::super::dice::Dice;
use super::super::hospital::Hospital;
use super::super::profile;
use super::super::report::Outcome;
use crate::clinician::{self, Clinician};
use crate::clock::{self, Stopwatch, pause};
use crate::stack::{Options, Process, Stack};
use crate::wait;

const VISITS: usize = 12;
/// Graph tries again after up to 15 s; then the newest states still have to be delivered.
const QUIET: Duration = Duration::from_secs(60);
/// A failpoint that is not reached by then will not be.
const REACHED: Duration = Duration::from_secs(4);

/// A visit's meeting, and who it is in the chart.
struct Meeting {
    thread: String,
    key: Key,
    appointment: String,
    leg: Option<String>,
    said: Vec<Asked>,
}

struct Scene {
    stack: Stack,
    hospital: Hospital,
    clinician: Clinician,
    meetings: Vec<Meeting>,
    http: reqwest::Client,
}

/// Kills the relay `kills` times.
pub(crate) async fn run(directory: &Path, kills: u32, seed: u64) -> anyhow::Result<Outcome> {
    let mut scene = Scene::set(directory, seed).await?;
    let since = scene.hospital.newest_effect().await?;
    let mut dice = Dice::of(seed, "serve");
    let mut outcome = Outcome::new("serve");
    scene.stack.kill_relay().await?;
    let mut relay = None;
    for n in 0..kills {
        let place = (n % 2 == 1).then(|| failpoint::NAMES[n as usize / 2 % failpoint::NAMES.len()]);
        let mut life = scene.start(place, &mut dice)?;
        // It may die at its place before it listens.
        let lives = life.first_line().await.is_ok();
        let watch = Stopwatch::start();
        let until = Duration::from_millis(250 + dice.below(900));
        while lives && watch.elapsed() < until {
            scene.act(&mut dice).await?;
            pause(Duration::from_millis(20 + dice.below(60))).await;
        }
        if let Some(place) = place
            && life.ended_within(REACHED).await?
        {
            outcome.count("failpoints_reached", 1);
            tracing::debug!(place, "died at its place");
        }
        life.kill().await?;
        outcome.count("kills", 1);
        outcome.count("kills_of_serve", 1);
        scene.act(&mut dice).await?;
    }
    relay.insert(scene.start(None, &mut dice)?).first_line().await?;
    let quiet = scene.quiet().await?;
    let truth: BTreeMap<Key, Vec<Asked>> = scene.meetings.iter().map(|it| (it.key.clone(), it.said.clone())).collect();
    let effects = scene.hospital.effects(since).await?;
    let mut verdict = checker::setters(&truth, &effects.statuses, &BTreeSet::new());
    // Graph's own waits are in there: its age says nothing about the relay.
    verdict.stale_ms.clear();
    if !quiet {
        verdict.findings.push(format!("Hyperspace and the meetings did not agree within {} s", QUIET.as_secs()));
        verdict.lost = verdict.lost.max(1);
    }
    outcome.count("accepted", truth.values().map(|it| it.len() as u64).sum());
    outcome.verdict = verdict;
    relay.context("there is no relay")?.stop().await?;
    super::kills::is_whole(&directory.join("relay.sqlite")).await?;
    Ok(outcome)
}

impl Scene {
    async fn set(directory: &Path, seed: u64) -> anyhow::Result<Self> {
        let tune = |configuration: &mut Value| {
            configuration["outbox"] = profile::outbox();
            configuration["log"]["level"] = json!("info");
            configuration["limits"] = json!({ "anonymous_per_minute": 1_000_000, "person_per_minute": 1_000_000 });
        };
        let options = Options { grace_seconds: 0, seed: Some(seed), canaries: false, adjust: vec![tune] };
        let stack = Stack::start(directory, &options).await?;
        let hospital = Hospital::look_at(stack.sandbox.addresses.clone()).await?;
        let person = hospital.northside.of_role("practitioner", 0)?.clone();
        let clinician = Clinician::sign_in(&stack, &hospital.northside, &person).await?;
        let http = clinician::http()?;
        let mut scene = Self { stack, hospital, clinician, meetings: Vec::new(), http };
        scene.open_visits(&person).await?;
        Ok(scene)
    }

    async fn open_visits(&mut self, person: &Value) -> anyhow::Result<()> {
        let northside = self.hospital.northside.clone();
        let patients = northside.0["patients"].as_array().context("there is no patient")?;
        let text = |of: &Value, name: &str| of[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
        for patient in patients.iter().cycle().take(VISITS) {
            let before = self.threads().await?;
            let visit = self.stack.sandbox.schedule(&northside, person, patient).await?;
            let appointment = text(&visit, "appointment_id")?;
            self.clinician.enter(&self.stack, &appointment).await?;
            let thread = wait::until("the meeting is watched", async || {
                Ok(self.threads().await?.difference(&before).next().cloned())
            })
            .await?;
            let key = Key { conference: text(&visit, "csn")?, person: text(person, "emp")? };
            self.meetings.push(Meeting { thread, key, appointment, leg: None, said: Vec::new() });
        }
        Ok(())
    }

    async fn threads(&self) -> anyhow::Result<BTreeSet<String>> {
        let address = format!("{}/_sandbox/subscriptions", self.stack.sandbox.at("graph"));
        let known: Value = self.http.get(address).send().await?.error_for_status()?.json().await?;
        let known = known["subscriptions"].as_array().context("no subscriptions")?;
        Ok(known.iter().filter_map(|it| it["thread"].as_str().map(str::to_owned)).collect())
    }

    fn start(&self, place: Option<&str>, dice: &mut Dice) -> anyhow::Result<Process> {
        let directory = &self.stack.directory;
        let arguments = ["serve".into(), "--config".into(), directory.join("relay.toml").into_os_string()];
        let passage = 1 + dice.below(6);
        let failpoint = place.map(|name| ("ROOMED_FAILPOINT".into(), format!("{name}:{passage}").into()));
        Process::start("roomed-relay", arguments, failpoint, &directory.join("logs/relay.log"))
    }

    /// The clinician joins one of the meetings, or leaves it.
    async fn act(&mut self, dice: &mut Dice) -> anyhow::Result<()> {
        let n = usize::try_from(dice.below(VISITS as u64))?;
        let meeting = self.meetings.get(n).context("there is no such meeting")?;
        let (what, body) = match &meeting.leg {
            None => ("join", json!({ "oid": self.clinician.oid })),
            Some(leg) => ("leave", json!({ "leg": leg })),
        };
        let mut url = Url::parse(self.stack.sandbox.at("teams"))?;
        url.path_segments_mut().map_err(|()| anyhow::anyhow!("the address of Teams has no path"))?.extend([
            "_sandbox",
            "meetings",
            &meeting.thread,
            what,
        ]);
        let asked = clock::now().as_millisecond();
        let answer = self.http.request(Method::POST, url).json(&body).send().await?.error_for_status()?;
        let answer: Value = serde_json::from_slice(&answer.bytes().await?).unwrap_or(Value::Null);
        let accepted = clock::now().as_millisecond();
        let meeting = self.meetings.get_mut(n).context("there is no such meeting")?;
        meeting.leg = answer["leg"].as_str().map(str::to_owned);
        meeting.said.push(Asked { connected: meeting.leg.is_some(), asked, accepted });
        Ok(())
    }

    /// Until Hyperspace shows who is in the meetings, and still does once nothing can land late any more.
    async fn quiet(&self) -> anyhow::Result<bool> {
        let watch = Stopwatch::start();
        let mut since = None;
        while watch.elapsed() < QUIET {
            let marks = self.hospital.marks().await?;
            let wrong = self.meetings.iter().filter(|it| !it.said.is_empty()).any(|it| {
                let wanted = if it.leg.is_some() { "Connected" } else { "Disconnected" };
                marks.get(&it.appointment).is_none_or(|(_, shown)| shown != wanted)
            });
            let still = *since.get_or_insert_with(Stopwatch::start);
            if wrong {
                since = None;
            } else if still.elapsed() > profile::LEASE + 4 * profile::SETTLE_DELAY {
                return Ok(true);
            }
            pause(Duration::from_millis(100)).await;
        }
        Ok(false)
    }
}
