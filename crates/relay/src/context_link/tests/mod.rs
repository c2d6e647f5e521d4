//! Links as OpenSSL makes them, and everything that is not one.

mod outside;
mod refusals;
mod vectors;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ContextLinks, Facts, Fault};
use crate::config::ContextLink;

/// A link's text as the one public record has it: a space before the number, a time without a zone.
const TEXT: &str = "SessionID=10007057852&ConferenceID=10007057852&ExternalID= 165790&ExternalIDType=2&AppointmentTime= 08/11/2020 02:00 PM&LinkValidityPeriod=60&InviteID=7";

/// What an analyst types; `change` lies over it.
fn rules(change: Value) -> ContextLink {
    let mut rules = json!({
        "cipher": "aes-256-cbc",
        "secret": "0123456789abcdefghijklmnopqrstuv",
        "key": { "rule": "raw" },
        "iv": { "rule": "zero" },
        "padding": "pkcs7",
        "encoding": "base64",
        "time_zone": "America/Chicago",
        "validity_minutes": 120,
        "names": { "patient": "PatientID" },
        "kinds": { "patient": "2", "proxy": "3", "practitioner": "1" },
    });
    for (key, value) in change.as_object().into_iter().flatten() {
        rules[key] = value.clone();
    }
    serde_json::from_value(rules).expect("rules as the configuration has them")
}

fn links(change: Value) -> ContextLinks {
    ContextLinks::new(&rules(change)).expect("rules that fit")
}

/// Two o'clock in Chicago.
fn two() -> Timestamp {
    "2020-08-11T19:00:00Z".parse().expect("a time")
}

/// Opens what stands in `extData` and, where there is one, in `iv`.
fn open_at(links: &ContextLinks, sealed: &str, iv: Option<&str>, now: Timestamp) -> Result<Facts, Fault> {
    let parameter = |name: &str| match name {
        "extData" => Some(sealed),
        "iv" => iv,
        _ => None,
    };
    links.open(parameter, now)
}

fn open(links: &ContextLinks, sealed: &str) -> Result<Facts, Fault> {
    open_at(links, sealed, None, two())
}
