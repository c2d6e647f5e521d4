//! Oracle's search is narrow: an Appointment by `_id`, or by one patient or practitioner within a date range; each of these
//! once. Dates need a prefix and a time of day. Encounters cannot be asked for by appointment.

use super::resources;
use crate::{
    core::Hospital,
    fhir::{
        Outcome, Site,
        search::{Asked, How, Param, param},
    },
    web::Parameters,
};
use serde_json::Value;

/// Oracle's own name for the place in a paged answer.
const PAGE: &str = "-pageContext";

const APPOINTMENT: &[Param] = &[
    param("_id", How::Id),
    param("patient", How::Reference(&["participant.actor"], Some("Patient"))),
    param("practitioner", How::Reference(&["participant.actor"], Some("Practitioner"))),
    param("date", How::Date("start")),
    param("status", How::Code("status")),
];
const IDENTIFIER: Param = param("identifier", How::Identifier("identifier"));
const ENCOUNTER: &[Param] = &[
    param("_id", How::Id),
    IDENTIFIER,
    param("patient", How::Reference(&["subject"], Some("Patient"))),
    param("subject", How::Reference(&["subject"], Some("Patient"))),
    param("status", How::Code("status")),
    param("date", How::Date("period.start")),
];
const PEOPLE: &[Param] = &[
    param("_id", How::Id),
    IDENTIFIER,
    param("family", How::Text(&["name.family"])),
    param("given", How::Text(&["name.given"])),
    param("name", How::Text(&["name.family", "name.given"])),
];

/// The parameters of a type.
pub(super) fn table(hospital: &Hospital, kind: &str) -> Vec<Param> {
    match kind {
        "Appointment" if hospital.oracle.behaviour().identifiers => {
            APPOINTMENT.iter().chain(std::iter::once(&IDENTIFIER)).copied().collect()
        }
        "Appointment" => APPOINTMENT.to_vec(),
        "Encounter" => ENCOUNTER.to_vec(),
        _ => PEOPLE.to_vec(),
    }
}

/// The searchset for a query.
pub(super) fn bundle(hospital: &Hospital, site: &Site, kind: &'static str, query: &str) -> Result<Value, Outcome> {
    let parameters = Parameters::parse(query);
    let table = table(hospital, kind);
    let asked = Asked::read(&table, PAGE, &parameters)?;
    if kind == "Appointment" {
        check(&asked)?;
    } else if asked.names().next().is_none() {
        return Err(Outcome::bad("A search needs a parameter that narrows it."));
    }
    let mut found = Vec::new();
    for resource in resources::all(hospital, site, kind, None) {
        if asked.meets(&resource)? {
            found.push(resource);
        }
    }
    let base = (hospital.oracle.server.base)(hospital, site);
    Ok(asked.bundle(&format!("{base}/{kind}"), &found))
}

fn check(asked: &Asked<'_>) -> Result<(), Outcome> {
    let count = |name: &str| asked.names().filter(|it| *it == name).count();
    let of_someone = count("patient") + count("practitioner");
    if count("_id") + count("identifier") == 1 && of_someone == 0 {
        return Ok(());
    }
    if of_someone != 1 || count("_id") + count("identifier") > 0 {
        return Err(Outcome::bad("Exactly one of _id, patient and practitioner is required, once."));
    }
    let dates: Vec<&str> = asked.of("date").collect();
    let timed = |it: &&&str, prefix: &str| it.starts_with(prefix) && it.contains('T');
    let fits = match dates.as_slice() {
        [one] => ["eq", "gt", "ge", "lt", "le"].iter().any(|prefix| timed(&one, prefix)),
        [_, _] => ["ge", "lt"].iter().all(|prefix| dates.iter().filter(|it| timed(it, prefix)).count() == 1),
        _ => false,
    };
    if !fits {
        return Err(Outcome::bad(
            "date is required with patient or practitioner: once with a prefix and a time, or twice, with ge and lt.",
        ));
    }
    Ok(())
}
