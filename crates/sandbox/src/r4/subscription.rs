//! R4 Subscriptions as a server keeps them: on Appointments only, rest-hook only, minimal payloads only, as the Subscriptions
//! Backport IG shapes them. What is sent, and how a subscription becomes active, is in `notify.rs`. Left out: topics,
//! heartbeats, `$events` and `$status`; a subscription past its `end` is just not served.

use super::{kinds::kind, notify, write::PAGE};
use crate::{
    core::{Shared, lock},
    fhir::{Outcome, search::Asked},
    web::Parameters,
};
use jiff::Timestamp;
use serde_json::Value;
use std::{collections::HashMap, sync::Arc, sync::Mutex};
use tokio::sync::mpsc;
use url::Url;

const PAYLOAD_CONTENT: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content";

/// How much a notification says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// That something happened.
    Empty,
    /// And to which resource.
    IdOnly,
}

/// What a subscription asked for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    criteria: String,
    pub(super) endpoint: Url,
    pub(super) headers: Vec<(String, String)>,
    pub(super) content: Content,
    end: Option<Timestamp>,
}

struct Line {
    wanted: Arc<Wanted>,
    /// Which activation this is: an update begins a new one.
    generation: u64,
    active: bool,
    sender: mpsc::UnboundedSender<String>,
}

type Key = (&'static str, String);

/// The subscriptions that are served or about to be.
#[derive(Default)]
pub(super) struct Lines(Mutex<HashMap<Key, Line>>);

impl Lines {
    /// Begins to serve one, or to serve it as it now wants; a word on how to reach it.
    fn open(&self, site: &'static str, id: &str, wanted: Arc<Wanted>) -> (u64, mpsc::UnboundedReceiver<String>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut lines = lock(&self.0);
        let key = (site, id.to_owned());
        let generation = lines.get(&key).map_or(0, |it| it.generation) + 1;
        lines.insert(key, Line { wanted, generation, active: false, sender });
        (generation, receiver)
    }

    fn close(&self, site: &'static str, id: &str) {
        lock(&self.0).remove(&(site, id.to_owned()));
    }

    /// From now on it is told of changes; false if another activation has taken its place.
    pub(super) fn activate(&self, site: &'static str, id: &str, generation: u64) -> bool {
        let mut lines = lock(&self.0);
        let line = lines.get_mut(&(site, id.to_owned())).filter(|it| it.generation == generation);
        line.map(|it| it.active = true).is_some()
    }

    /// Whether an activation is still the newest.
    pub(super) fn current(&self, site: &'static str, id: &str, generation: u64) -> bool {
        lock(&self.0).get(&(site, id.to_owned())).is_some_and(|it| it.generation == generation)
    }
}

/// Takes a Subscription's wishes apart, or refuses them.
fn wanted(it: &Value) -> Result<Wanted, Outcome> {
    let refused = |text: &str, at: &str| Outcome::unprocessable("business-rule", text).at(at.to_owned());
    let criteria = it["criteria"].as_str().unwrap_or_default();
    let query = criteria.strip_prefix("Appointment?").filter(|it| !it.is_empty());
    let query = query.ok_or_else(|| refused("Only criteria Appointment?... are served.", "Subscription.criteria"))?;
    read(query, |_| Ok(()))?;
    let channel = &it["channel"];
    if channel["type"] != "rest-hook" {
        return Err(refused("Only rest-hook is served.", "Subscription.channel.type"));
    }
    let endpoint = channel["endpoint"].as_str().and_then(|it| Url::parse(it).ok()).filter(is_safe);
    let endpoint = endpoint
        .ok_or_else(|| refused("The endpoint must be https, or http on loopback.", "Subscription.channel.endpoint"))?;
    if !channel["payload"].is_null()
        && !["application/fhir+json", "application/json"].iter().any(|it| channel["payload"] == *it)
    {
        return Err(refused("Only JSON is sent.", "Subscription.channel.payload"));
    }
    let extensions = channel["_payload"]["extension"].as_array().into_iter().flatten();
    let content =
        match extensions.into_iter().find(|it| it["url"] == PAYLOAD_CONTENT).map(|it| it["valueCode"].as_str()) {
            None | Some(Some("empty")) => Content::Empty,
            Some(Some("id-only")) => Content::IdOnly,
            Some(_) => {
                return Err(refused("Only empty and id-only payloads are sent.", "Subscription.channel.payload"));
            }
        };
    let mut headers = Vec::new();
    for header in channel["header"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let (name, value) =
            header.split_once(':').ok_or_else(|| refused("A header is Name: value.", "Subscription.channel.header"))?;
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    let end = it["end"].as_str().and_then(|it| it.parse().ok());
    Ok(Wanted { criteria: query.to_owned(), endpoint, headers, content, end })
}

fn is_safe(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(url::Host::Ipv4(it)) => it.is_loopback(),
        Some(url::Host::Ipv6(it)) => it.is_loopback(),
        Some(url::Host::Domain(it)) => it == "localhost",
        None => false,
    };
    url.scheme() == "https" || url.scheme() == "http" && loopback
}

/// Reads criteria as the search they are.
fn read<T>(query: &str, then: impl FnOnce(&Asked<'_>) -> Result<T, Outcome>) -> Result<T, Outcome> {
    let parameters = Parameters::parse(query);
    let table = kind("Appointment", true).map(|it| it.params).unwrap_or_default();
    then(&Asked::read(table, PAGE, &parameters)?)
}

/// Refuses a Subscription that cannot be served, or that claims another status than a client may.
pub(super) fn check(resource: &Value, status: &str) -> Result<(), Outcome> {
    if resource["status"] != status {
        let text = "A client asks with status requested, or ends it with off.";
        return Err(Outcome::unprocessable("business-rule", text).at("Subscription.status"));
    }
    wanted(resource).map(|_| ())
}

/// A resource has changed (`now`) or gone: begins, ends, or feeds subscriptions. Called under the store's lock.
pub(super) fn changed(hospital: &Shared, site: &'static str, kind: &str, id: &str, now: Option<&Value>) {
    let lines = &hospital.r4.subscriptions;
    match (kind, now) {
        ("Subscription", Some(it)) if it["status"] == "requested" => {
            let Ok(wanted) = wanted(it).map(Arc::new) else { return };
            let (generation, parcels) = lines.open(site, id, wanted.clone());
            notify::begin(hospital, site, id, generation, wanted, parcels);
        }
        ("Subscription", _) => lines.close(site, id),
        ("Appointment", Some(it)) if hospital.r4.capabilities().subscriptions => {
            let time = hospital.clock.now();
            for ((_, _), line) in lock(&lines.0).iter().filter(|((of, _), line)| *of == site && line.active) {
                let over = line.wanted.end.is_some_and(|end| end <= time);
                if !over && read(&line.wanted.criteria, |asked| asked.meets(it)).unwrap_or(false) {
                    let _ = line.sender.send(id.to_owned());
                }
            }
        }
        _ => {}
    }
}
