//! Search: the parameters Epic advertises for the held types, of which those that matter to video visits work.
//! A parameter this server does not know is refused, and so is a search without any criterion that narrows it.

use super::{gate::Reach, resources};
use crate::{
    core::{Hospital, Organization},
    epic::outcome::Outcome,
    fhir::matching::{begins, coded, id_of, identifier, refers, within},
    web::Parameters,
};
use serde_json::{Value, json};

const DEFAULT_COUNT: usize = 100;

/// One of these must be given.
fn criteria(kind: &str) -> &'static [&'static str] {
    match kind {
        "Appointment" => &["_id", "identifier", "patient", "actor", "practitioner"],
        "Encounter" => &["_id", "identifier", "patient", "subject", "appointment"],
        "Communication" => &["_id", "identifier", "patient", "subject", "encounter"],
        "RelatedPerson" => &["_id", "patient", "name"],
        "Location" => &["_id", "identifier", "name"],
        _ => &["_id", "identifier", "family", "name"],
    }
}

/// The searchset of everything within reach that meets all parameters.
pub(super) fn bundle(
    hospital: &Hospital,
    organization: &Organization,
    kind: &'static str,
    reach: &Reach,
    parameters: &Parameters,
    base: &str,
) -> Result<Value, Outcome> {
    let mut found = resources::all(hospital, organization, kind);
    let (mut count, mut offset) = (DEFAULT_COUNT, 0);
    for (name, values) in parameters.all() {
        for value in values {
            match name {
                "_count" => count = value.parse().map_err(|_| Outcome::parameter(name))?,
                // Epic's own name for the place in a paged answer.
                "sessionID" => offset = value.parse().map_err(|_| Outcome::parameter(name))?,
                "_format" if value.contains("json") => {}
                _ => found = narrow(kind, name, value, found)?,
            }
        }
    }
    if !criteria(kind).iter().any(|it| parameters.one(it).is_some_and(|value| !value.is_empty())) {
        return Err(Outcome::required(&format!("One of these is required: {}", criteria(kind).join(", "))));
    }
    if let Reach::Own(own) = reach {
        let asked = ["patient", "subject"].iter().find_map(|it| parameters.one(it)).map(id_of);
        if asked.is_some_and(|it| it != own) {
            return Err(Outcome::not_authorized());
        }
        found.retain(|it| resources::belongs(kind, it, own));
    }
    Ok(searchset(kind, &found, count.clamp(1, 1000), offset, parameters, base))
}

fn searchset(kind: &str, found: &[Value], count: usize, offset: usize, parameters: &Parameters, base: &str) -> Value {
    let page = found.iter().skip(offset).take(count);
    let mut entry: Vec<Value> = page
        .map(|it| {
            let url = format!("{base}/{kind}/{}", it["id"].as_str().unwrap_or_default());
            json!({ "fullUrl": url, "resource": it, "search": { "mode": "match" } })
        })
        .collect();
    if found.is_empty() {
        entry.push(json!({ "resource": Outcome::nothing_found(), "search": { "mode": "outcome" } }));
    }
    let mut link = vec![json!({ "relation": "self", "url": link(kind, parameters, base, None) })];
    if offset + count < found.len() {
        link.push(json!({ "relation": "next", "url": self::link(kind, parameters, base, Some(offset + count)) }));
    }
    json!({ "resourceType": "Bundle", "type": "searchset", "total": found.len(), "link": link, "entry": entry })
}

fn link(kind: &str, parameters: &Parameters, base: &str, next: Option<usize>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, values) in parameters.all().filter(|(name, _)| next.is_none() || *name != "sessionID") {
        for value in values {
            query.append_pair(name, value);
        }
    }
    if let Some(next) = next {
        query.append_pair("sessionID", &next.to_string());
    }
    format!("{base}/{kind}?{}", query.finish())
}

/// Keeps what meets one parameter; a comma means *or*.
fn narrow(kind: &str, name: &str, value: &str, found: Vec<Value>) -> Result<Vec<Value>, Outcome> {
    let test = test(kind, name).ok_or_else(|| Outcome::parameter(name))?;
    let mut kept = Vec::new();
    for resource in found {
        let mut meets = false;
        for wanted in value.split(',') {
            meets |= test(&resource, wanted).ok_or_else(|| Outcome::parameter(name))?;
        }
        if meets {
            kept.push(resource);
        }
    }
    Ok(kept)
}

/// Whether a resource meets a value; `None` when the value makes no sense.
type Test = fn(&Value, &str) -> Option<bool>;

fn test(kind: &str, name: &str) -> Option<Test> {
    let test: Test = match (kind, name) {
        (_, "_id") => |it, wanted| Some(it["id"] == wanted),
        (_, "identifier") => identifier,
        ("Appointment", "patient") => |it, wanted| Some(acts(it, "Patient", wanted)),
        ("Appointment", "practitioner") => |it, wanted| Some(acts(it, "Practitioner", wanted)),
        ("Appointment", "location") => |it, wanted| Some(acts(it, "Location", wanted)),
        ("Appointment", "actor") => |it, wanted| {
            let (kind, _) = wanted.rsplit_once('/')?;
            Some(acts(it, kind.rsplit('/').next()?, wanted))
        },
        ("Appointment" | "Encounter" | "Communication" | "Location", "status") => {
            |it, wanted| Some(it["status"] == wanted)
        }
        ("Appointment", "date") => |it, wanted| within(it["start"].as_str()?, wanted),
        ("Appointment", "service-category") => |it, wanted| Some(coded(&it["serviceCategory"][0], wanted)),
        ("Appointment", "service-type") => |it, wanted| Some(coded(&it["serviceType"][0], wanted)),
        ("Appointment", "appointment-type") => |it, wanted| Some(coded(&it["appointmentType"], wanted)),
        ("Encounter" | "Communication", "patient" | "subject") => |it, wanted| Some(refers(&it["subject"], wanted)),
        ("Encounter", "appointment") => |it, wanted| Some(refers(&it["appointment"][0], wanted)),
        ("Encounter", "practitioner" | "participant") => {
            |it, wanted| Some(refers(&it["participant"][0]["individual"], wanted))
        }
        ("Encounter", "class") => |it, wanted| Some(wanted.rsplit('|').next() == it["class"]["code"].as_str()),
        ("Encounter", "date") => |it, wanted| within(it["period"]["start"].as_str()?, wanted),
        ("Communication", "encounter") => |it, wanted| Some(refers(&it["encounter"], wanted)),
        ("Communication", "sent") => |it, wanted| within(it["sent"].as_str().unwrap_or("1970-01-01T00:00:00Z"), wanted),
        ("RelatedPerson", "patient") => |it, wanted| Some(refers(&it["patient"], wanted)),
        ("RelatedPerson", "relationship") => |it, wanted| Some(coded(&it["relationship"][0], wanted)),
        ("Location", "name") => |it, wanted| Some(begins(&it["name"], wanted)),
        ("RelatedPerson", "active") => |it, wanted| Some(it["active"] == wanted.parse::<bool>().ok()?),
        ("Patient", "birthdate") => |it, wanted| Some(it["birthDate"] == wanted),
        ("Patient" | "Practitioner", "family") => |it, wanted| Some(begins(&it["name"][0]["family"], wanted)),
        ("Patient" | "Practitioner", "given") => |it, wanted| Some(begins(&it["name"][0]["given"][0], wanted)),
        ("Patient" | "Practitioner" | "RelatedPerson", "name") => |it, wanted| {
            let name = &it["name"][0];
            Some(begins(&name["family"], wanted) || begins(&name["given"][0], wanted))
        },
        _ => return None,
    };
    Some(test)
}

fn acts(appointment: &Value, kind: &str, wanted: &str) -> bool {
    let reference = format!("{kind}/{}", id_of(wanted));
    resources::actors(appointment).any(|it| it == reference)
}
