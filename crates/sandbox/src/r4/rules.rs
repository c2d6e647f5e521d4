//! Business rules beyond shapes: FHIR's own invariants on the types that are written here, and codes that bindings of lesser
//! strength leave open but nobody would get through a real server.

use crate::fhir::Outcome;
use jiff::Timestamp;
use serde_json::Value;

const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
/// v3-ActEncounterCode.
const CLASSES: [&str; 11] = ["AMB", "EMER", "FLD", "HH", "IMP", "ACUTE", "NONAC", "OBSENC", "PRENC", "SS", "VR"];
const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";

/// Checks a resource whose shape is right.
pub(super) fn check(resource: &Value) -> Result<(), Outcome> {
    match resource["resourceType"].as_str().unwrap_or_default() {
        "Appointment" => appointment(resource),
        "Encounter" => encounter(resource),
        "AuditEvent" => audit_event(resource),
        _ => Ok(()),
    }
}

fn appointment(it: &Value) -> Result<(), Outcome> {
    let status = it["status"].as_str().unwrap_or_default();
    for participant in it["participant"].as_array().into_iter().flatten() {
        if participant["type"].is_null() && participant["actor"].is_null() {
            return Err(broken("app-1: a participant has a type or an actor", "Appointment.participant"));
        }
    }
    let time = |name: &str| it[name].as_str().and_then(|it| it.parse::<Timestamp>().ok());
    match (time("start"), time("end")) {
        (Some(start), Some(end)) if start > end => return Err(broken("it ends before it starts", "Appointment.end")),
        (Some(_), Some(_)) => {}
        (None, None) if ["proposed", "cancelled", "waitlist"].contains(&status) => {}
        (None, None) => return Err(broken("app-3: this status needs start and end", "Appointment.start")),
        _ => return Err(broken("app-2: start and end, or neither", "Appointment.start")),
    }
    if !it["cancelationReason"].is_null() && !["cancelled", "noshow"].contains(&status) {
        return Err(broken("app-4: only what is cancelled has a reason for it", "Appointment.cancelationReason"));
    }
    Ok(())
}

fn encounter(it: &Value) -> Result<(), Outcome> {
    let code = it["class"]["code"].as_str();
    if it["class"]["system"].is_null() || code.is_none() {
        return Err(broken("class needs system and code", "Encounter.class"));
    }
    if it["class"]["system"] == ACT_CODE && !code.is_some_and(|it| CLASSES.contains(&it)) {
        let text = "class has a code that is not in v3-ActEncounterCode";
        return Err(Outcome::unprocessable("code-invalid", text).at("Encounter.class"));
    }
    Ok(())
}

fn audit_event(it: &Value) -> Result<(), Outcome> {
    if it["type"]["system"].is_null() || it["type"]["code"].is_null() {
        return Err(broken("type needs system and code", "AuditEvent.type"));
    }
    coded(&it["type"], 110_100..=110_114, "AuditEvent.type")?;
    for subtype in it["subtype"].as_array().into_iter().flatten() {
        coded(subtype, 110_120..=110_142, "AuditEvent.subtype")?;
    }
    for entity in it["entity"].as_array().into_iter().flatten() {
        if !entity["name"].is_null() && !entity["query"].is_null() {
            return Err(broken("sev-1: an entity has a name or a query", "AuditEvent.entity"));
        }
    }
    Ok(())
}

/// A code of DICOM's must be one of those FHIR lists; other systems are free.
fn coded(coding: &Value, range: std::ops::RangeInclusive<u32>, at: &str) -> Result<(), Outcome> {
    let code = coding["code"].as_str().and_then(|it| it.parse::<u32>().ok());
    if coding["system"] == DCM && !code.is_some_and(|it| range.contains(&it)) {
        let text = format!("{at} has a DICOM code that is not in FHIR's value set");
        return Err(Outcome::unprocessable("code-invalid", text).at(at));
    }
    Ok(())
}

fn broken(text: &str, at: &str) -> Outcome {
    Outcome::unprocessable("invariant", text).at(at)
}
