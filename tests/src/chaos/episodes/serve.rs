//! `kill -9` of the real `roomed-relay serve`, at random moments and at every named place in turn, while clinicians and
//! patients join and leave the Teams meetings of several visits. Events come as Graph sends them: sealed, one after the
//! other, and again until they are acknowledged. The truth is who is in the meetings. Each coming and going is a state, and a
//! message made once.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use sqlx::{Connection, Row, SqliteConnection};

use super::super::checker;
use super::super::creates::{self, At};
use super::super::dice::Dice;
use super::super::door::Conditions;
use super::super::hospital::Hospital;
use super::super::ledger;
use super::super::meetings::Meetings;
use super::super::outcome::Outcome;
use super::super::places::to_die_at;
use super::super::profile;
use crate::clock::{Stopwatch, pause};
use crate::stack::{Options, Process, Stack};

const VISITS: usize = 16;
/// Graph tries again after up to 15 s, line by line; then the newest states still have to be delivered.
const QUIET: Duration = Duration::from_secs(180);
/// A failpoint that is not reached by then will not be.
const REACHED: Duration = Duration::from_secs(4);
/// While so many rows wait, nobody comes or goes: messages do not give way to newer ones, and would only pile up.
const MOST_OPEN: u64 = 60;

/// Kills the relay `kills` times.
pub(crate) async fn run(directory: &Path, kills: u32, seed: u64) -> anyhow::Result<Outcome> {
    let mut stack = start(directory, seed).await?;
    let hospital = Hospital::look_at(stack.sandbox.addresses.clone()).await?;
    let mut meetings = Meetings::open(&stack, &hospital.northside, VISITS).await?;
    hospital.fault(&profile::too_late("epic.communication", 8.0, seed)).await?;
    let since = hospital.newest_effect().await?;
    let mut dice = Dice::of(seed, "serve");
    let mut outcome = Outcome::new("serve");
    stack.kill_relay().await?;
    for n in 0..kills {
        // Half of them at the place that was died at least often so far.
        let place = (n % 2 == 1).then(|| outcome.places.least().0);
        let conditions = place.map(|name| to_die_at(name, 1 + dice.below(6))).unwrap_or_default();
        let mut life = relay(&stack, conditions)?;
        // It may die at its place before it listens.
        let lives = life.first_line().await.is_ok();
        let until = if place.is_some() { REACHED } else { Duration::from_millis(dice.below(600)) };
        let (watch, mut ended) =
            (Stopwatch::start(), life.end_within(if lives { Duration::ZERO } else { REACHED }).await?);
        while ended.is_none() && watch.elapsed() < until {
            if open(&stack).await.is_some_and(|it| it < MOST_OPEN) {
                meetings.act(&mut dice).await?;
            }
            ended = life.end_within(Duration::from_millis(5 + dice.below(35))).await?;
        }
        let died_there = outcome.places.died_at(place.unwrap_or_default(), ended);
        anyhow::ensure!(died_there || ended.is_none(), "the relay ended by itself; see {}/logs", directory.display());
        life.kill().await?;
        outcome.count("kills", 1);
        meetings.act(&mut dice).await?;
    }
    let mut life = relay(&stack, Conditions::default())?;
    life.first_line().await?;
    let quiet = quiet(&stack, &hospital, &meetings).await?;
    life.stop().await?;
    let effects = hospital.effects(since).await?;
    let mut verdict = checker::setters(&meetings.truth(), &effects.statuses, &BTreeSet::new());
    verdict.invented += effects.unknown;
    // Graph's own waits are in there: its age says nothing about the relay.
    verdict.stale_ms.clear();
    if !quiet {
        verdict.find(format!("Hyperspace and the meetings did not agree, or rows waited, after {} s", QUIET.as_secs()));
        verdict.lost = verdict.lost.max(1);
    }
    let file = directory.join("relay.sqlite");
    ledger::of_file(&file).await?;
    let rows = rows(&file).await?;
    let open = rows.iter().filter(|row| row["state"] == "waiting" || row["state"] == "in-flight").count();
    verdict.did_not_end(open as u64);
    let iss = hospital.northside.text("/ehr/iss")?;
    verdict.add(creates::compare(At::Epic, iss, &rows, &meetings.messages(), &effects.creates));
    outcome.count("creates", creates::made(&effects.creates));
    outcome.count("creates_tried_again", creates::tried_again(&rows));
    outcome.count("accepted", meetings.truth().values().map(|it| it.len() as u64).sum());
    outcome.count("of_patients", meetings.of_patients());
    outcome.verdict = verdict;
    anyhow::ensure!(meetings.of_patients() > 0, "no patient came");
    Ok(outcome)
}

async fn start(directory: &Path, seed: u64) -> anyhow::Result<Stack> {
    let tune = |configuration: &mut Value| {
        configuration["outbox"] = profile::outbox();
        configuration["log"]["level"] = json!("info");
        configuration["limits"] = json!({ "anonymous_per_minute": 1_000_000, "person_per_minute": 1_000_000 });
        // What the meeting says, and nothing else, is told.
        configuration["visit"]["connected_at"] = json!("admitted");
        configuration["ehr"]["poll_seconds"] = json!(0);
        configuration["organizations"][0]["ehr"][0]["communication"] = json!(true);
    };
    let options =
        Options { grace_seconds: 0, seed: Some(seed), canaries: false, adjust: vec![tune], ..Options::default() };
    Stack::start(directory, &options).await
}

/// One life of the relay.
fn relay(stack: &Stack, conditions: Conditions) -> anyhow::Result<Process> {
    let directory = &stack.directory;
    let arguments = ["serve".into(), "--config".into(), directory.join("relay.toml").into_os_string()];
    Process::start("roomed-relay", arguments, conditions.environment, &directory.join("logs/relay.log"))
}

/// How many rows wait, by the relay's own figures; nothing while it is dead.
async fn open(stack: &Stack) -> Option<u64> {
    let figures = reqwest::get(format!("{}/metrics", stack.relay)).await.ok()?.text().await.ok()?;
    let of = |state: &str| {
        let name = format!("roomed_outbox_entries{{state=\"{state}\"}} ");
        figures.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u64>().ok())
    };
    Some(of("waiting")? + of("in-flight")? + of("waiting-for-identifier")?)
}

/// Until Graph has told everything, Hyperspace shows who is in the meetings and nothing waits, and that is still so once
/// nothing can land late any more.
async fn quiet(stack: &Stack, hospital: &Hospital, meetings: &Meetings) -> anyhow::Result<bool> {
    let (watch, mut since) = (Stopwatch::start(), None);
    while watch.elapsed() < QUIET {
        let still = *since.get_or_insert_with(Stopwatch::start);
        let shown = meetings.are_told(stack).await? && meetings.are_shown(&hospital.marks().await?);
        if open(stack).await != Some(0) || !shown {
            since = None;
        } else if still.elapsed() > profile::LEASE + 4 * profile::SETTLE_DELAY {
            return Ok(true);
        }
        pause(Duration::from_millis(100)).await;
    }
    Ok(false)
}

/// The outbox as it lies in the file, for there is no door to ask.
async fn rows(file: &Path) -> anyhow::Result<Vec<Value>> {
    use roomed_relay::store::{Channel, EntryState};

    let mut database = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await?;
    let all = "SELECT id, ehr, stream, channel, state, possible_double, attempts FROM outbox ORDER BY seq";
    let rows = sqlx::query(all).fetch_all(&mut database).await?;
    database.close().await?;
    let row = |row: &sqlx::sqlite::SqliteRow| {
        let (channel, state) =
            (Channel::of_number(row.try_get("channel")?), EntryState::of_number(row.try_get("state")?));
        let text = |name: &str| row.try_get::<String, _>(name);
        Ok(json!({
            "id": text("id")?, "ehr": text("ehr")?, "stream": text("stream")?,
            "channel": channel.context("a row of no channel")?.as_str(),
            "state": state.context("a row of no state")?.as_str(),
            "possible_double": row.try_get::<bool, _>("possible_double")?, "attempts": row.try_get::<i64, _>("attempts")?,
        }))
    };
    rows.iter().map(row).collect()
}
