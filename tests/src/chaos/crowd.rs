//! People who come and go in many visits at once, as Graph's roster would tell it: each is said again until some node says
//! that it was kept. What was said and kept is written down here: that is the truth the EHR is held against.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::checker::{Asked, Key};
use super::dice::Dice;
use super::door::Node;
use super::hospital::Hospital;
use crate::clock;

/// A source gives up when no node has kept what it says for so long: then the episode has failed.
const INSISTENCE: Duration = Duration::from_secs(90);
/// Sources hold their peace while so many rows wait: what is made once does not give way to something newer, so on a busy
/// machine it would only pile up.
const MOST_OPEN: u64 = 200;
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// A change that was refused since the disk is full says so.
const NO_ROOM: &str = "disk is full";
/// A roster of one visit holds 200 legs; two people share it.
const MOST_STAYS: u64 = 95;

/// Somebody in a visit.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// How the EHR's setter knows them.
    pub(super) key: Key,
    /// The appointment.
    pub(super) appointment: String,
    /// The relay's visit.
    pub(super) visit: String,
    /// Their place in it.
    pub(super) who: String,
    /// Their object id; a patient has none.
    pub(super) oid: Option<String>,
    /// The EHR's FHIR id of them.
    pub(super) fhir_id: String,
}

impl Part {
    /// The stream of their state.
    pub(super) fn state(&self) -> String {
        format!("{}/{}/state", self.visit, self.who)
    }
}

/// What is known of one of them.
#[derive(Debug, Default)]
struct Known {
    said: Vec<Asked>,
    stays: u64,
}

/// All of them, and the nodes they are heard by.
pub(super) struct Crowd {
    /// In which one order.
    pub(super) parts: Vec<Part>,
    nodes: Vec<Arc<Node>>,
    known: Vec<Mutex<Known>>,
    accepted: AtomicU64,
    refused: AtomicU64,
    no_room: AtomicU64,
    open: AtomicU64,
    enough: AtomicBool,
}

impl Crowd {
    /// Opens `visits` visits at Epic, a patient and a clinician in each, through the first node.
    pub(super) async fn gather(hospital: &Hospital, nodes: &[Arc<Node>], visits: usize) -> anyhow::Result<Self> {
        let northside = &hospital.northside;
        let patients = northside.0["patients"].as_array().context("there are no patients")?.clone();
        let mut parts = Vec::new();
        for n in 0..visits {
            let practitioner = northside.of_role("practitioner", n % 3)?;
            let patient = patients.get(n % patients.len()).context("there is no patient")?;
            let appointment = hospital.schedule(practitioner, patient).await?;
            parts
                .extend(open(hospital, nodes, northside.text("/ehr/iss")?, &appointment, practitioner, patient).await?);
        }
        Ok(Self::of(nodes, parts))
    }

    /// These people, with nothing said yet.
    pub(super) fn of(nodes: &[Arc<Node>], parts: Vec<Part>) -> Self {
        let known = parts.iter().map(|_| Mutex::default()).collect();
        Self {
            parts,
            nodes: nodes.to_vec(),
            known,
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            no_room: AtomicU64::new(0),
            open: AtomicU64::new(0),
            enough: AtomicBool::new(false),
        }
    }

    /// How many comings and goings were accepted.
    pub(super) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::SeqCst)
    }

    /// How often a node said that it could not keep something.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::SeqCst)
    }

    /// How often that was because there was no room for it (SQLite's words for `ENOSPC`).
    pub(super) fn found_no_room(&self) -> u64 {
        self.no_room.load(Ordering::SeqCst)
    }

    /// Nobody begins anything more.
    pub(super) fn is_enough(&self) {
        self.enough.store(true, Ordering::SeqCst);
    }

    /// `at_once` sources say things until it [`Self::is_enough`]; each has its own people.
    pub(super) fn begin(self: &Arc<Self>, at_once: usize, seed: u64, pause: Duration) -> JoinSet<anyhow::Result<()>> {
        self.enough.store(false, Ordering::SeqCst);
        let mut sources = JoinSet::new();
        for source in 0..at_once {
            let crowd = Arc::clone(self);
            let mut dice = Dice::of(seed, &format!("source {source}"));
            sources.spawn(async move {
                let own: Vec<usize> = (0..crowd.parts.len()).filter(|n| n % at_once == source).collect();
                while !crowd.enough.load(Ordering::SeqCst) {
                    let Some(part) = dice.one(&own) else { return Ok(()) };
                    if crowd.open.load(Ordering::SeqCst) < MOST_OPEN {
                        crowd.turn(*part, dice.below(2)).await?;
                    }
                    clock::pause(pause).await;
                }
                Ok(())
            });
        }
        let crowd = Arc::clone(self);
        sources.spawn(async move {
            while !crowd.enough.load(Ordering::SeqCst) {
                crowd.look().await;
                clock::pause(LOOK).await;
            }
            Ok(())
        });
        sources
    }

    /// How many rows wait, by whichever node says it.
    async fn look(&self) {
        for node in &self.nodes {
            if let Some(Ok(counts)) = node.ask("counts", &json!({})).await {
                self.open.store(counts["open"].as_u64().unwrap_or_default(), Ordering::SeqCst);
                return;
            }
        }
    }

    /// Somebody comes, or goes: the other of what was last said. `first` is the node that is asked first.
    pub(super) async fn turn(&self, n: usize, first: u64) -> anyhow::Result<()> {
        let part = self.parts.get(n).context("there is nobody of that number")?;
        let (connected, leg, at) = {
            let mut known = self.known(n)?;
            let connected = known.said.last().is_none_or(|it| !it.connected);
            if connected && known.stays == MOST_STAYS {
                return Ok(());
            }
            known.stays += u64::from(connected);
            let now = clock::now().as_millisecond();
            let at = known.said.last().map_or(now, |last| now.max(last.asked + 2));
            known.said.push(Asked { connected, asked: at, accepted: i64::MAX });
            (connected, format!("leg-{n}-{}", known.stays), at)
        };
        // An event is of the past when it is heard of.
        while clock::now().as_millisecond() <= at {
            clock::pause(Duration::from_millis(1)).await;
        }
        let wish = json!({
            "visit": part.visit, "who": part.who, "oid": part.oid, "leg": leg, "connected": connected, "at": at,
        });
        self.insist(&wish, first).await?;
        if let Some(said) = self.known(n)?.said.last_mut() {
            said.accepted = clock::now().as_millisecond();
        }
        self.accepted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn insist(&self, wish: &Value, first: u64) -> anyhow::Result<Value> {
        let watch = clock::Stopwatch::start();
        let mut turn = usize::try_from(first).unwrap_or_default();
        while watch.elapsed() < INSISTENCE {
            let node = self.nodes.get(turn % self.nodes.len()).context("there is no node")?;
            turn += 1;
            match node.ask("say", wish).await {
                Some(Ok(answer)) => return Ok(answer),
                Some(Err(words)) => {
                    self.refused.fetch_add(1, Ordering::SeqCst);
                    self.no_room.fetch_add(words.contains(NO_ROOM).into(), Ordering::SeqCst);
                    clock::pause(Duration::from_millis(20)).await;
                }
                None if self.nodes.len() > 1 => clock::pause(Duration::from_millis(5)).await,
                None => {
                    node.is_up_within(Duration::from_millis(500)).await;
                }
            }
        }
        anyhow::bail!("nobody kept an event within {} s", INSISTENCE.as_secs())
    }

    /// What was said and kept, by the setter's keys.
    pub(super) fn truth(&self) -> anyhow::Result<BTreeMap<Key, Vec<Asked>>> {
        let mut truth = BTreeMap::new();
        for (n, part) in self.parts.iter().enumerate() {
            let said = self.said(n)?;
            if !said.is_empty() {
                truth.insert(part.key.clone(), said);
            }
        }
        Ok(truth)
    }

    /// How somebody came and went.
    pub(super) fn said(&self, n: usize) -> anyhow::Result<Vec<Asked>> {
        Ok(self.known(n)?.said.clone())
    }

    /// Where somebody is, if anything was ever said of them.
    pub(super) fn is_connected(&self, n: usize) -> anyhow::Result<Option<bool>> {
        Ok(self.known(n)?.said.last().map(|it| it.connected))
    }

    fn known(&self, n: usize) -> anyhow::Result<std::sync::MutexGuard<'_, Known>> {
        let known = self.known.get(n).context("there is nobody of that number")?;
        Ok(known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Opens the visit of an appointment with a clinician who has launched it; answers with the two.
pub(super) async fn open(
    hospital: &Hospital,
    nodes: &[Arc<Node>],
    iss: &str,
    appointment: &Value,
    practitioner: &Value,
    patient: &Value,
) -> anyhow::Result<[Part; 2]> {
    let text = |of: &Value, name: &str| of[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
    let id = text(appointment, "appointment_id")?;
    let conference = text(appointment, "csn").unwrap_or_else(|_| id.clone());
    let oid = text(practitioner, "oid")?;
    let wish = json!({
        "organization": hospital.northside.text("/key")?, "iss": iss, "appointment": id,
        "clinicians": [{ "fhir_id": practitioner["practitioner_id"], "oid": oid }],
    });
    let node = nodes.first().context("there is no node")?;
    let opened = node.get("open", &wish).await?;
    let visit = text(&opened, "visit")?;
    let part = |person: String, who: String, oid: Option<String>, fhir_id: String| Part {
        key: Key { conference: conference.clone(), person },
        appointment: id.clone(),
        visit: visit.clone(),
        who,
        oid,
        fhir_id,
    };
    let identifier = |of: &Value, epic: &str| text(of, epic).or_else(|_| text(of, "identifier"));
    let clinician = opened["clinicians"][0].as_str().context("no clinician came in")?.to_owned();
    Ok([
        part(identifier(patient, "wpr")?, text(&opened, "patient")?, None, text(patient, "patient_id")?),
        part(identifier(practitioner, "emp")?, clinician, Some(oid), text(practitioner, "practitioner_id")?),
    ])
}
