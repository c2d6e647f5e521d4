//! The FHIR R4 shapes, as Millennium fills them: video links in contained HealthcareServices, in whatever order it likes,
//! each with a participant that points at it. Links are told apart by `type.text` only.

use super::{Appointment, Links};
use crate::{
    core::{Hospital, Organization},
    fhir::{Site, instant, people},
};
use serde_json::{Value, json};

/// The types that are held.
pub(super) const HELD: [&str; 4] = ["Appointment", "Encounter", "Patient", "Practitioner"];

/// Every resource of a type at a site, or the one with that id.
pub(super) fn all(hospital: &Hospital, site: &Site, kind: &str, id: Option<&str>) -> Vec<Value> {
    let Some(organization) = hospital.organization(site.organization) else { return Vec::new() };
    let wanted = |it: &str| id.is_none_or(|id| id == it);
    let appointments = |id: fn(&Appointment) -> &str| {
        hospital.oracle.appointments(|it| it.organization == site.organization && wanted(id(it)))
    };
    match kind {
        "Appointment" => {
            appointments(|it| &it.id).iter().map(|it| appointment(hospital, organization, site, it)).collect()
        }
        "Encounter" => appointments(|it| &it.encounter_id).iter().map(|it| encounter(site, it)).collect(),
        "Patient" => {
            let all = site
                .patients
                .iter()
                .filter(|it| wanted(&it.id))
                .filter_map(|it| people::patient(organization, site, it));
            all.map(|it| unchanging(hospital, it)).collect()
        }
        "Practitioner" => {
            let all = site
                .practitioners
                .iter()
                .filter(|it| wanted(&it.id))
                .filter_map(|it| people::practitioner(organization, site, it));
            all.map(|it| unchanging(hospital, it)).collect()
        }
        _ => Vec::new(),
    }
}

/// People have been there since the sandbox's clock began.
fn unchanging(hospital: &Hospital, mut resource: Value) -> Value {
    resource["meta"] = people::meta("0", hospital.clock.origin());
    resource
}

pub(super) fn appointment(hospital: &Hospital, organization: &Organization, site: &Site, it: &Appointment) -> Value {
    let code_set = site.visit_type_system.replace("/14249", "/14250");
    let kind = |code: &str, text: &str| json!({ "coding": [{ "system": code_set, "code": code, "display": text, "userSelected": true }], "text": text });
    let performer = |n: usize| {
        let (code, display) = if n == 0 { ("PPRF", "primary performer") } else { ("SPRF", "secondary performer") };
        json!({
            "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": code, "display": display,
            }],
        })
    };
    let period = json!({ "start": instant(it.start), "end": instant(it.end()) });
    let practitioner = |(n, id): (usize, &String)| {
        json!({
            "type": [kind("4574", "Resource"), performer(n)],
            "actor": {
                "reference": format!("Practitioner/{id}"), "display": people::practitioner_name(organization, site, id),
            },
            "required": "required", "status": "accepted",
        })
    };
    let mut participant: Vec<Value> = it.practitioner_ids.iter().enumerate().map(practitioner).collect();
    participant.extend(it.patient_id.iter().map(|id| {
        json!({
            "type": [kind("4572", "Patient")],
            "actor": { "reference": format!("Patient/{id}"), "display": people::patient_name(organization, site, id) },
            "required": "required", "status": "accepted",
        })
    }));
    let mut resource = json!({
        "resourceType": "Appointment", "id": it.id, "meta": people::meta(&it.version(), it.updated),
        "status": it.status, "serviceType": [site.visit_type(it.is_virtual)], "requestedPeriod": [period],
        "start": instant(it.start), "end": instant(it.end()), "minutesDuration": it.minutes,
    });
    if it.status == "proposed" {
        // Only asked for so far: app-3 lets it do without.
        for name in ["start", "end"] {
            resource.as_object_mut().map(|it| it.remove(name));
        }
    }
    if hospital.oracle.behaviour().identifiers {
        resource["identifier"] = json!([{ "system": site.systems.csn, "value": it.number }]);
    }
    if let Some(links) = &it.links {
        let mut rooms = rooms(links);
        // Which comes first is no promise: it is another one after every change.
        if hospital.random.stable_below(&format!("rooms {} {}", it.id, it.version()), 2) == 1 {
            rooms.reverse();
        }
        participant.extend(rooms.iter().map(|room| {
            let reference = format!("#{}", room["id"].as_str().unwrap_or_default());
            json!({ "type": room["type"], "actor": { "reference": reference }, "status": "accepted" })
        }));
        resource["contained"] = Value::from(rooms);
    }
    resource["participant"] = Value::from(participant);
    resource
}

fn rooms(links: &Links) -> Vec<Value> {
    let room = |id: &str, whose: &str, url: &str| {
        json!({
            "resourceType": "HealthcareService", "id": id, "type": [{ "text": format!("{whose} Virtual Meeting Room") }],
            "telecom": [{
                "system": "url", "value": url, "period": { "start": links.start, "end": links.end },
            }],
        })
    };
    vec![room("28", "Patient", &links.patient), room("31", "Provider", &links.provider)]
}

fn encounter(site: &Site, it: &Appointment) -> Value {
    let (code, display) = if it.is_virtual { ("VR", "virtual") } else { ("AMB", "ambulatory") };
    let status = match it.status.as_str() {
        "arrived" | "checked-in" => "arrived",
        "fulfilled" => "finished",
        "cancelled" | "noshow" => "cancelled",
        "entered-in-error" => "entered-in-error",
        _ => "planned",
    };
    // Millennium does not say which appointment an encounter came from.
    let individual = |id: &String| json!({ "individual": { "reference": format!("Practitioner/{id}") } });
    let mut encounter = json!({
        "resourceType": "Encounter", "id": it.encounter_id,
        "meta": people::meta(&it.booking_version.to_string(), it.updated), "status": status,
        "identifier": [{ "use": "usual", "system": site.systems.csn, "value": it.number }],
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code, "display": display },
        "type": [site.visit_type(it.is_virtual)],
        "participant": it.practitioner_ids.iter().map(individual).collect::<Vec<_>>(),
        "period": { "start": instant(it.start), "end": instant(it.end()) },
    });
    if let Some(patient) = &it.patient_id {
        encounter["subject"] = json!({ "reference": format!("Patient/{patient}") });
    }
    encounter
}
