//! The Teams meetings of the visits that the real relay serves, and the two people of each: a clinician who is known by their
//! account, and a patient who is a guest. Who is in them is the truth; the relay hears of it by Graph's notifications.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::checker::{Asked, Key};
use super::dice::Dice;
use super::patient::Patient;
use crate::clinician::{self, Clinician};
use crate::clock;
use crate::stack::{Organization, Stack};
use crate::wait;

/// Somebody's place in a meeting.
struct Seat {
    key: Key,
    /// The stream of the messages about them, by the relay's names of visit and person.
    messages: String,
    leg: Option<String>,
    said: Vec<Asked>,
}

struct Meeting {
    thread: String,
    appointment: String,
    patient: Patient,
    /// The patient's, then the clinician's.
    seats: [Seat; 2],
}

const PATIENT: usize = 0;
const CLINICIAN: usize = 1;

/// All of them.
pub(super) struct Meetings {
    teams: Url,
    clinician: String,
    all: Vec<Meeting>,
    http: reqwest::Client,
}

impl Meetings {
    /// Opens `visits` visits: the clinician launches them from the chart, the patient comes from MyChart.
    pub(super) async fn open(stack: &Stack, northside: &Organization, visits: usize) -> anyhow::Result<Self> {
        let person = northside.of_role("practitioner", 0)?.clone();
        let clinician = Clinician::sign_in(stack, northside, &person).await?;
        let http = clinician::http()?;
        let patients = northside.0["patients"].as_array().context("there is no patient")?;
        let text = |of: &Value, name: &str| of[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
        let mut all = Vec::new();
        for patient in patients.iter().cycle().take(visits) {
            let before = threads(stack, &http).await?;
            let visit = stack.sandbox.schedule(northside, &person, patient).await?;
            let appointment = text(&visit, "appointment_id")?;
            let entered = clinician.enter(stack, &appointment).await?;
            let thread = wait::until("the meeting is watched", async || {
                Ok(threads(stack, &http).await?.difference(&before).next().cloned())
            })
            .await?;
            let conference = text(&visit, "csn")?;
            let seat = |person, role| {
                let key = Key { conference: conference.clone(), person };
                anyhow::Ok(Seat { key, messages: messages(&entered, role)?, leg: None, said: Vec::new() })
            };
            let seats = [seat(text(patient, "wpr")?, "patient")?, seat(text(&person, "emp")?, "practitioner")?];
            let patient = Patient::enter(stack, patient, &appointment).await?;
            all.push(Meeting { thread, appointment, patient, seats });
        }
        Ok(Self { teams: Url::parse(stack.sandbox.at("teams"))?, clinician: clinician.oid, all, http })
    }

    /// Somebody joins one of the meetings, or leaves it.
    pub(super) async fn act(&mut self, dice: &mut Dice) -> anyhow::Result<()> {
        let (n, who) = (usize::try_from(dice.below(self.all.len() as u64))?, usize::try_from(dice.below(2))?);
        let meeting = self.all.get(n).context("there is no such meeting")?;
        let [patient, clinician] = &meeting.seats;
        let asked = clock::now().as_millisecond();
        let leg = match (who, &meeting.seats[who].leg) {
            (_, Some(leg)) => self.ask(meeting, "leave", &json!({ "leg": leg })).await.map(|_| None)?,
            (CLINICIAN, None) => Some(self.join(meeting, &json!({ "oid": self.clinician })).await?),
            // A guest waits in the lobby until somebody of the hospital lets them in.
            _ if clinician.leg.is_none() || patient.leg.is_some() || !meeting.patient.is_handed_over().await => {
                return Ok(());
            }
            _ => {
                let leg = self.join(meeting, &json!({ "guest": "Guest" })).await?;
                self.ask(meeting, "admit", &json!({ "leg": leg })).await?;
                Some(leg)
            }
        };
        let accepted = clock::now().as_millisecond();
        let seat = self.all.get_mut(n).and_then(|it| it.seats.get_mut(who)).context("there is no such seat")?;
        seat.said.push(Asked { connected: leg.is_some(), asked, accepted });
        seat.leg = leg;
        Ok(())
    }

    async fn join(&self, meeting: &Meeting, comer: &Value) -> anyhow::Result<String> {
        let joined = self.ask(meeting, "join", comer).await?;
        joined["leg"].as_str().map(str::to_owned).context("nobody came")
    }

    async fn ask(&self, meeting: &Meeting, what: &str, body: &Value) -> anyhow::Result<Value> {
        let mut url = self.teams.clone();
        url.path_segments_mut().map_err(|()| anyhow::anyhow!("the address of Teams has no path"))?.extend([
            "_sandbox",
            "meetings",
            &meeting.thread,
            what,
        ]);
        let answer = self.http.request(Method::POST, url).json(body).send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&answer.bytes().await?).unwrap_or(Value::Null))
    }

    /// Who came and went, by the setter's keys.
    pub(super) fn truth(&self) -> BTreeMap<Key, Vec<Asked>> {
        let seats = self.all.iter().flat_map(|it| &it.seats).filter(|it| !it.said.is_empty());
        seats.map(|it| (it.key.clone(), it.said.clone())).collect()
    }

    /// How many messages there must be in each stream: one of every coming and going, and no other.
    pub(super) fn messages(&self) -> BTreeMap<String, RangeInclusive<u64>> {
        let seats = self.all.iter().flat_map(|it| &it.seats);
        seats.map(|it| (it.messages.clone(), it.said.len() as u64)).map(|(of, said)| (of, said..=said)).collect()
    }

    /// How often a patient came or went.
    pub(super) fn of_patients(&self) -> u64 {
        self.all.iter().map(|it| it.seats[PATIENT].said.len() as u64).sum()
    }

    /// Whether Graph has nothing left to tell of them: it tries again after up to 15 s, and until then the chart may already
    /// show what is so by what was told before.
    pub(super) async fn are_told(&self, stack: &Stack) -> anyhow::Result<bool> {
        let known = watches(stack, &self.http).await?;
        let left = |it: &Value| it["undelivered"].as_u64().context("Graph does not say what is left to tell");
        known.iter().map(left).try_fold(true, |all, left| Ok(all && left? == 0))
    }

    /// Whether these marks of Hyperspace show who is in the meetings.
    pub(super) fn are_shown(&self, marks: &BTreeMap<String, (String, String)>) -> bool {
        self.all.iter().all(|meeting| {
            let shown = marks.get(&meeting.appointment);
            let is_right = |seat: &Seat, shown: &String| {
                seat.said.is_empty() || shown == if seat.leg.is_some() { "Connected" } else { "Disconnected" }
            };
            let [patient, clinician] = &meeting.seats;
            shown.is_some_and(|(of_patient, of_clinician)| {
                is_right(patient, of_patient) && is_right(clinician, of_clinician)
            })
        })
    }
}

/// The stream of the messages about whoever has this role in the visit that the relay has just let somebody enter.
fn messages(entered: &Value, role: &str) -> anyhow::Result<String> {
    let people = entered["participants"].as_array().context("a visit without people")?;
    let id = people.iter().find(|it| it["role"] == role).and_then(|it| it["id"].as_str());
    let visit = entered["id"].as_str().context("a visit without an id")?;
    Ok(format!("{visit}/{}/message", id.with_context(|| format!("a visit without a {role}"))?))
}

/// The meetings that somebody watches, by their threads.
async fn threads(stack: &Stack, http: &reqwest::Client) -> anyhow::Result<BTreeSet<String>> {
    let known = watches(stack, http).await?;
    Ok(known.iter().filter_map(|it| it["thread"].as_str().map(str::to_owned)).collect())
}

async fn watches(stack: &Stack, http: &reqwest::Client) -> anyhow::Result<Vec<Value>> {
    let address = format!("{}/_sandbox/subscriptions", stack.sandbox.at("graph"));
    let known: Value = http.get(address).send().await?.error_for_status()?.json().await?;
    known["subscriptions"].as_array().cloned().context("no subscriptions")
}
