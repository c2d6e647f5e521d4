//! Judges what is made once: an `AuditEvent` and a `Communication` of every coming and going at the R4 server, a
//! `Communication` at Epic. Rows of the outbox, the crowd's own count of what was accepted, and what came to be.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use serde_json::Value;

use super::checker::{self, Promise, Stands, Verdict};
use super::crowd::Crowd;
use super::others::Other;
use super::scene::{Scene, Seen};

/// Where something is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// Epic, if the organization wants messages.
    Epic,
    /// The generic server.
    FhirR4,
}

impl At {
    /// In the sandbox's effects.
    fn word(self) -> &'static str {
        match self {
            Self::Epic => "epic",
            Self::FhirR4 => "r4",
        }
    }

    /// The outbox's doors, and what comes of a row at each.
    fn doors(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Epic => &[("message", "Communication")],
            Self::FhirR4 => &[("audit", "AuditEvent"), ("message", "Communication")],
        }
    }

    /// The FHIR base.
    pub(super) fn iss(self, scene: &Scene) -> anyhow::Result<String> {
        let northside = &scene.hospital.northside;
        match self {
            Self::Epic => northside.text("/ehr/iss").map(str::to_owned),
            Self::FhirR4 => Other::FhirR4.iss(northside),
        }
    }
}

/// How many of the comings and goings that were accepted are to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// All of them.
    Each,
    /// The last one, and of those before it as many as the relay's clock let happen: by a clock that is behind nobody has
    /// left yet, and who is there again before they did was never gone. Nor is there a most: who has left
    /// is there again by a clock that was set back, and leaves once more when it is right; both are said.
    Newest,
}

/// Judges what a crowd made.
pub(super) fn judge(scene: &Scene, at: At, crowd: &Crowd, told: Told, seen: &Seen) -> anyhow::Result<Verdict> {
    let mut accepted = BTreeMap::new();
    for (n, part) in crowd.parts.iter().enumerate() {
        let said = crowd.said(n)?.len() as u64;
        // Two that cancel each other out may both go untold.
        let least = if told == Told::Each { said } else { said % 2 };
        let most = if told == Told::Each { said } else { u64::MAX };
        for (channel, _) in at.doors() {
            accepted.insert(format!("{}/{}/{channel}", part.visit, part.who), least..=most);
        }
    }
    Ok(compare(at, &at.iss(scene)?, &seen.rows, &accepted, &seen.effects.creates))
}

/// How many things came to be.
pub(super) fn made(effects: &[Value]) -> u64 {
    effects.iter().filter(|it| it["kind"] == "create").count() as u64
}

/// How many rows that make something were tried more than once: the ones that could have been doubled.
pub(super) fn tried_again(rows: &[Value]) -> u64 {
    let again =
        |row: &&Value| (row["channel"] == "audit" || row["channel"] == "message") && row["attempts"].as_u64() > Some(1);
    rows.iter().filter(again).count() as u64
}

/// `accepted` by stream: from so many to so many.
pub(super) fn compare(
    at: At,
    iss: &str,
    rows: &[Value],
    accepted: &BTreeMap<String, RangeInclusive<u64>>,
    effects: &[Value],
) -> Verdict {
    let mut promises = Vec::new();
    let mut kinds: HashMap<&str, &str> = HashMap::new();
    for row in rows.iter().filter(|row| row["ehr"] == iss) {
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        let Some((_, kind)) = at.doors().iter().find(|(channel, _)| *channel == text("channel")) else { continue };
        let stands = match (text("state"), row["possible_double"] == true) {
            ("delivered", _) => Stands::Delivered,
            ("parked", true) => Stands::PossibleDouble,
            ("parked", false) => Stands::Parked,
            _ => Stands::Open,
        };
        kinds.insert(text("id"), kind);
        promises.push(Promise { key: text("id").to_owned(), stream: text("stream").to_owned(), stands });
    }
    let mut applied = Vec::new();
    // Made once as well, though by whoever comes first: a visit's Encounter, the connection's Location.
    let mut shared: HashMap<(&str, &str), u64> = HashMap::new();
    for it in effects.iter().filter(|it| it["kind"] == "create" && it["ehr"] == at.word()) {
        let names = it["identifiers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut keys = names.iter().filter_map(|it| it.as_str()?.rsplit('|').next());
        match it["resource_type"].as_str().unwrap_or_default() {
            kind @ ("Encounter" | "Location") => keys.for_each(|key| *shared.entry((kind, key)).or_default() += 1),
            kind => {
                let key = keys.find(|key| kinds.get(key).is_some_and(|it| *it == kind)).map(str::to_owned);
                applied.push(key.unwrap_or_else(|| format!("a {kind} of no row")));
            }
        }
    }
    let mut verdict = checker::creates(accepted, &promises, &applied);
    verdict.judged.doubled += shared.len() as u64;
    for ((kind, _), times) in shared.into_iter().filter(|(_, times)| *times > 1) {
        verdict.doubled += 1;
        verdict.find(format!("doubled: one {kind} was made {times} times"));
    }
    verdict
}
