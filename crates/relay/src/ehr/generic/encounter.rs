//! What a visit looks like as an R4 `Encounter`, and what an intent changes about one: pure, from JSON to JSON, so that
//! everything an EHR keeps there survives. `participant.individual` can be no Patient in R4, so the patient's presence is the
//! period at a virtual location ("time period during which the patient was present at the location"), and a clinician's is
//! `participant.period`. Only entries that we made are ever changed.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::{Said, resources};
use super::place::Place;
use crate::outbox::{About, Attendance, Presence, Role};

/// Our entries are known by this text: in a participant's type, and beside the reference to the location.
pub(super) const OURS: &str = "Video visit";

/// Forwards only; what is not in here, or stands behind, is not changed.
const STAGES: [&str; 5] = ["planned", "arrived", "triaged", "in-progress", "finished"];

/// The Encounter of a visit that has none yet, before anything happened.
pub(super) fn fresh(key: &str, appointment: &str, patient: Option<&str>) -> Value {
    let mut encounter = json!({
        "resourceType": "Encounter",
        "identifier": [resources::identifier(key)],
        "status": "planned",
        "class": resources::coding("v3-ActCode", "VR", "virtual"),
        "appointment": [{ "reference": format!("Appointment/{appointment}") }],
    });
    if let Some(patient) = patient {
        encounter["subject"] = json!({ "reference": format!("Patient/{patient}") });
    }
    encounter
}

/// The one that is the visit's, of those with its appointment: ours, else the only virtual one, else the only one.
pub(super) fn of_visit(mut found: Vec<Value>, key: &str) -> Result<Option<Value>, Said> {
    if let Some(ours) = found.iter().position(|it| resources::carries(it, key)) {
        return Ok(Some(found.swap_remove(ours)));
    }
    found.retain(|it| it["status"] != "entered-in-error");
    if found.len() > 1 {
        found.retain(|it| it["class"]["code"] == "VR");
    }
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => Err(Said::Never {
            reason: "The EHR has several encounters of this appointment: say which is meant.".into(),
        }),
    }
}

/// Whether an intent without any Encounter needs none: what never began has nothing to say.
pub(super) fn is_nothing(about: &About) -> bool {
    matches!(about, About::Stage { stage, .. } if ["planned", "cancelled", "noshow"].contains(&stage.as_str()))
}

/// Makes the intent so. False: it is so already.
pub(super) fn apply(encounter: &mut Value, about: &About, place: &Place) -> Result<bool, Said> {
    match about {
        About::Attendance(who) if who.role == Role::Patient => Ok(locate(encounter, who, place)),
        About::Attendance(who) => Ok(participate(encounter, who)),
        About::Stage { stage, at } => advance(encounter, stage, *at),
        About::Links { .. } => Ok(false),
    }
}

/// Whether our virtual location is among the Encounter's.
pub(super) fn has_place(encounter: &Value) -> bool {
    encounter["location"].as_array().is_some_and(|all| all.iter().any(is_our_location))
}

fn is_our_location(entry: &Value) -> bool {
    let reference = entry["location"]["reference"].as_str().unwrap_or_default();
    entry["location"]["display"] == OURS || reference == super::place::CONTAINED
}

fn locate(encounter: &mut Value, who: &Attendance, place: &Place) -> bool {
    let known = encounter["location"].as_array().and_then(|all| all.iter().find(|it| is_our_location(it)));
    let reference = known.map_or_else(|| place.reference(), |it| it["location"].clone());
    let new = json!({ "location": reference });
    if !presence(encounter, "location", who, &is_our_location, new) {
        return false;
    }
    for entry in encounter["location"].as_array_mut().into_iter().flatten().filter(|it| is_our_location(it)) {
        let is_over = entry["period"].get("end").is_some();
        entry["status"] = Value::from(if is_over { "completed" } else { "active" });
    }
    place.contain_in(encounter);
    true
}

fn participate(encounter: &mut Value, who: &Attendance) -> bool {
    let individual = format!("Practitioner/{}", who.fhir_id);
    let is_theirs = |entry: &Value| {
        let types = entry["type"].as_array().map(Vec::as_slice).unwrap_or_default();
        entry["individual"]["reference"]
            .as_str()
            .is_some_and(|it| it == individual || it.ends_with(&format!("/{individual}")))
            && types.iter().any(|it| it["text"] == OURS)
    };
    let kind = json!({ "coding": [resources::coding("v3-ParticipationType", "PART", "Participation")], "text": OURS });
    let new = json!({ "type": [kind], "individual": { "reference": individual } });
    presence(encounter, "participant", who, &is_theirs, new)
}

/// One entry per stay: an open one says "there", a closed one "no longer". Setting what stands changes nothing.
fn presence(
    encounter: &mut Value,
    list: &str,
    who: &Attendance,
    is_theirs: &dyn Fn(&Value) -> bool,
    mut new: Value,
) -> bool {
    let at = resources::instant(who.at);
    let mut entries: Vec<Value> = encounter[list].as_array().cloned().unwrap_or_default();
    let last = entries.iter_mut().rfind(|it| is_theirs(it));
    let is_open = last.as_ref().is_some_and(|it| it["period"].get("end").is_none());
    match (who.presence, last) {
        (Presence::Connected, Some(_)) if is_open => return false,
        // They never left: what was told since is taken back.
        (Presence::Connected, Some(stay)) if stay["period"]["start"] == at => {
            stay["period"].as_object_mut().map(|it| it.remove("end"));
        }
        (Presence::Connected, _) => {
            new["period"] = json!({ "start": at });
            entries.push(new);
        }
        (Presence::Disconnected, Some(_)) if !is_open => return false,
        (Presence::Disconnected, Some(stay)) => {
            let start = stay["period"]["start"].as_str().unwrap_or_default().to_owned();
            // A period ends no sooner than it starts (per-1).
            let end = if is_before(&at, &start) { start } else { at };
            stay["period"]["end"] = Value::from(end);
        }
        // When they came was never told, as it was over by then.
        (Presence::Disconnected, None) => {
            new["period"] = json!({ "end": at });
            entries.push(new);
        }
    }
    encounter[list] = Value::from(entries);
    true
}

fn is_before(one: &str, other: &str) -> bool {
    match (one.parse::<Timestamp>(), other.parse::<Timestamp>()) {
        (Ok(one), Ok(other)) => one < other,
        _ => false,
    }
}

/// Who can do something about an Encounter that has come to an end. That it was our own word for a patient who never came
/// stands nowhere in it: the EHR may have said so as well, so it is not taken back from here.
fn not_from_here(status: &str) -> &'static str {
    match status {
        "cancelled" => {
            "The encounter is cancelled in the EHR (so Roomed, too, writes it when a patient does not come), and the visit goes \
             on. Whoever keeps the schedule there sets the encounter to planned; then this can be tried again."
        }
        _ => "The encounter is in error in the EHR: whoever keeps the chart there says which encounter is meant.",
    }
}

fn advance(encounter: &mut Value, stage: &str, at: Timestamp) -> Result<bool, Said> {
    let rank = |status: &str| STAGES.iter().position(|it| *it == status);
    let stands = encounter["status"].as_str().unwrap_or_default().to_owned();
    let wanted = match stage {
        // R4 has no such status of an Encounter.
        "noshow" => "cancelled",
        // The EHR's own word, in a row that a relay of before wrote.
        "cancelled" => return Ok(false),
        other => other,
    };
    if stands == wanted {
        return Ok(false);
    }
    let now = match stands.as_str() {
        "onleave" => rank("in-progress"),
        "unknown" => rank("planned"),
        status => rank(status),
    };
    match (now, rank(wanted)) {
        // Called off before it began.
        (Some(0), None) if wanted == "cancelled" => {}
        // The EHR is further on.
        (Some(now), Some(wanted)) if wanted <= now => return Ok(false),
        (Some(_), Some(_)) => {}
        (Some(_), None) => {
            let reason = "The encounter has begun in the EHR, so it is not cancelled from here.";
            return Err(Said::Never { reason: reason.into() });
        }
        (None, _) => return Err(Said::Never { reason: not_from_here(&stands).into() }),
    }
    encounter["status"] = Value::from(wanted);
    let at = resources::instant(at);
    if wanted == "in-progress" && encounter["period"].get("start").is_none() {
        encounter["period"]["start"] = Value::from(at);
    } else if wanted == "finished" && encounter["period"].get("end").is_none() {
        let start = encounter["period"]["start"].as_str().unwrap_or_default().to_owned();
        encounter["period"]["end"] = Value::from(if is_before(&at, &start) { start } else { at });
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
