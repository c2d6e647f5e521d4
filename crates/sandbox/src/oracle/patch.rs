//! `PATCH /Appointment/{id}`: JSON Patch, but only the operations Oracle's page lists. Without `If-Match` 412, with a stale one
//! 409. The four operations on video links come together, all add or all replace: add once, replace ever after. A status
//! and links in one patch are refused too; the page does not say.

use super::{Appointment, Links};
use crate::{
    core::{Effect, Ehr, Hospital, Written, lock},
    fhir::{Outcome, Site, if_match, media_type, stamp},
};
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

const LONGEST_URL: usize = 255;
const PROVIDER: &str = "/contained/0/telecom/0/value";
const PATIENT: &str = "/contained/1/telecom/0/value";
const START: &str = "/contained/0/telecom/0/period/start";
const END: &str = "/contained/0/telecom/0/period/end";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    op: String,
    path: String,
    value: Value,
}

/// What a patch wants.
enum Wanted {
    Status(String),
    Links { links: Links, replace: bool },
}

/// Answers a PATCH; the caller's scopes have been looked at.
pub(super) fn apply(
    hospital: &Hospital,
    site: &Site,
    id: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, Outcome> {
    if media_type(headers) != "application/json-patch+json" {
        return Err(Outcome::media_type("application/json-patch+json"));
    }
    let now = hospital.clock.now();
    // Looked up and changed under one lock, as the version check is worth nothing otherwise.
    let mut all = lock(&hospital.oracle.appointments);
    let found = all.iter_mut().find(|it| it.organization == site.organization && it.id == id);
    let appointment = found.ok_or_else(Outcome::no_resource)?;
    let version = if_match(headers).ok_or_else(|| Outcome::precondition("If-Match is required."))??;
    if version != appointment.version() {
        let stale = hospital.oracle.behaviour().stale;
        let status = StatusCode::from_u16(stale).unwrap_or(StatusCode::CONFLICT);
        return Err(Outcome::new(status, "conflict", "The version in If-Match is not the current one."));
    }
    match wanted(body)? {
        Wanted::Status(status) => {
            check_move(&appointment.status, &status)?;
            appointment.status = status;
            appointment.rebooked(now);
        }
        Wanted::Links { links, replace } => {
            check_links(appointment, replace)?;
            appointment.link(links, now);
        }
    }
    let (version, effect) = (appointment.version(), effect(site, appointment));
    hospital.effects.record(now, Ehr::Oracle, site.organization, effect);
    let detail = json!({ "organization": site.organization, "appointment_id": id, "version": version });
    hospital.log("oracle", "appointment.patched", detail);
    let mut response = StatusCode::OK.into_response();
    stamp(response.headers_mut(), Some(&version), now);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

fn effect(site: &Site, it: &Appointment) -> Effect {
    Effect::Update(Written {
        resource_type: "Appointment",
        id: it.id.clone(),
        identifiers: vec![format!("{}|{}", site.systems.csn, it.number)],
        version: Some(it.version()),
        status: Some(it.status.clone()),
        links: it.links.as_ref().map(describe),
    })
}

/// Links as the control API shows them.
pub(super) fn describe(links: &Links) -> Value {
    json!({ "provider": links.provider, "patient": links.patient, "start": links.start, "end": links.end })
}

fn check_move(from: &str, to: &str) -> Result<(), Outcome> {
    let allowed: &[&str] = match from {
        "proposed" => &["booked", "cancelled"],
        "booked" => &["arrived", "checked-in", "cancelled"],
        "arrived" => &["checked-in", "cancelled"],
        "checked-in" => &["fulfilled", "cancelled"],
        _ => &[],
    };
    if allowed.contains(&to) {
        return Ok(());
    }
    let text = format!("An appointment cannot go from {from} to {to}.");
    Err(Outcome::unprocessable("business-rule", text).at("Appointment.status"))
}

fn check_links(appointment: &Appointment, replace: bool) -> Result<(), Outcome> {
    if !appointment.is_virtual {
        return Err(Outcome::unprocessable("business-rule", "Only a Video Visit appointment has video links."));
    }
    match (&appointment.links, replace) {
        (Some(_), false) => {
            let text = "The links have been added before; replace them.";
            Err(Outcome::new(StatusCode::CONFLICT, "conflict", text))
        }
        (None, true) => Err(Outcome::unprocessable("business-rule", "There are no links to replace yet; add them.")),
        _ => Ok(()),
    }
}

fn wanted(body: &[u8]) -> Result<Wanted, Outcome> {
    let document: Value = serde_json::from_slice(body).map_err(|_| Outcome::bad("The body is not JSON."))?;
    let operations: Vec<Operation> = serde_json::from_value(document)
        .map_err(|_| Outcome::bad("The body is not a JSON Patch of op, path, value."))?;
    if let [only] = operations.as_slice()
        && only.path == "/status"
    {
        let status = only.value.as_str().filter(|_| only.op == "replace");
        let status = status.ok_or_else(|| unsupported("/status can only be replaced, by a code."))?;
        return Ok(Wanted::Status(status.to_owned()));
    }
    links(&operations)
}

fn links(operations: &[Operation]) -> Result<Wanted, Outcome> {
    if let Some(other) = operations.iter().find(|it| ![PROVIDER, PATIENT, START, END].contains(&it.path.as_str())) {
        return Err(unsupported(format!("An operation on {} is not supported here.", other.path)));
    }
    let one = |path: &str| {
        let mut of = operations.iter().filter(|it| it.path == path);
        match (of.next(), of.next()) {
            (Some(it), None) => it.value.as_str().map(str::to_owned),
            _ => None,
        }
    };
    let all = (one(PROVIDER), one(PATIENT), one(START), one(END));
    let (Some(provider), Some(patient), Some(start), Some(end)) = all else {
        return Err(unsupported("The operations for both links, start and end are required together, each once."));
    };
    let replace = operations[0].op == "replace";
    if !operations.iter().all(|it| it.op == if replace { "replace" } else { "add" }) {
        return Err(unsupported("All four operations must be add, or all must be replace."));
    }
    for url in [&provider, &patient] {
        let is_web = Url::parse(url).is_ok_and(|it| matches!(it.scheme(), "http" | "https"));
        if !is_web || url.len() > LONGEST_URL {
            let text = format!("A link is a web address of at most {LONGEST_URL} characters.");
            return Err(Outcome::unprocessable("value", text));
        }
    }
    let time =
        |it: &str| it.parse::<jiff::Timestamp>().map_err(|_| Outcome::unprocessable("value", "No date and time."));
    if time(&start)? >= time(&end)? {
        return Err(Outcome::unprocessable("value", "The period ends before it starts."));
    }
    Ok(Wanted::Links { links: Links { provider, patient, start, end }, replace })
}

fn unsupported(text: impl Into<String>) -> Outcome {
    Outcome::unprocessable("not-supported", text)
}
