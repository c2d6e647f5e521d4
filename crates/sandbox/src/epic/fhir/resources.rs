//! Who and where, in FHIR R4 as Epic fills it: identifiers by system, a RelatedPerson for each patient somebody acts for,
//! departments as Location. Appointments and encounters are in `visits.rs`.

use super::visits;
use crate::core::{Department, Hospital, Organization, Patient, Person, Proxy, RelatedPerson};
use serde_json::{Value, json};

/// Whether Epic's CapabilityStatement lists a type at all.
pub(super) fn listed(name: &str) -> bool {
    let text = include_str!("../../../data/epic-fhir-r4-capabilitystatement.json");
    let Ok(statement) = serde_json::from_str::<Value>(text) else { return false };
    statement["rest"][0]["resource"].as_array().is_some_and(|it| it.iter().any(|listed| listed["type"] == name))
}

/// Every resource of a type at a hospital; they are few.
pub(super) fn all(hospital: &Hospital, organization: &Organization, kind: &str) -> Vec<Value> {
    let appointments = || hospital.epic.chart.appointments(|it| it.organization == organization.key);
    match kind {
        "Patient" => organization.patients.iter().map(|it| patient(hospital, organization, it)).collect(),
        "RelatedPerson" => organization.proxies.iter().flat_map(|it| related_persons(organization, it)).collect(),
        "Practitioner" => organization.people.iter().filter_map(|it| practitioner(organization, it)).collect(),
        "Location" => organization.departments.iter().map(|it| location(organization, it)).collect(),
        "Appointment" => appointments().iter().map(|it| visits::appointment(organization, it)).collect(),
        "Encounter" => appointments().iter().filter_map(|it| visits::encounter(organization, it)).collect(),
        "Communication" => hospital.epic.communications.of(organization.key),
        _ => Vec::new(),
    }
}

/// Whether a resource is in a patient's compartment.
pub(super) fn belongs(kind: &str, resource: &Value, patient_id: &str) -> bool {
    let reference = format!("Patient/{patient_id}");
    match kind {
        "Patient" => resource["id"] == patient_id,
        "RelatedPerson" => resource["patient"]["reference"] == reference.as_str(),
        "Appointment" => actors(resource).any(|it| it == reference),
        _ => resource["subject"]["reference"] == reference.as_str(),
    }
}

/// The references of an Appointment's participants.
pub(super) fn actors(appointment: &Value) -> impl Iterator<Item = &str> {
    appointment["participant"].as_array().into_iter().flatten().filter_map(|it| it["actor"]["reference"].as_str())
}

fn patient(hospital: &Hospital, organization: &Organization, it: &Patient) -> Value {
    let identifier = |kind: &str, system: String, value: &str| json!({ "use": "usual", "type": { "text": kind }, "system": system, "value": value });
    let mut identifiers = vec![identifier("MRN", format!("{}.5.737384.0", organization.systems.patient), &it.mrn)];
    if hospital.epic.is_identified(&it.patient_id) {
        identifiers.insert(0, identifier("WPR", organization.systems.patient.clone(), &it.wpr));
    }
    json!({
        "resourceType": "Patient", "id": it.patient_id, "active": true, "gender": it.gender, "birthDate": it.birth_date,
        "identifier": identifiers,
        "name": [{ "use": "official", "text": it.name, "family": it.family, "given": [it.given] }],
        "telecom": [{ "system": "phone", "value": it.phone, "use": "home" }],
    })
}

fn practitioner(organization: &Organization, it: &Person) -> Option<Value> {
    let plain = it.name.trim_start_matches("Dr. ");
    let (given, family) = plain.split_once(' ').unwrap_or(("", plain));
    Some(json!({
        "resourceType": "Practitioner", "id": it.practitioner_id.as_ref()?, "active": true,
        "identifier": [
            { "use": "usual", "type": { "text": "INTERNAL" }, "system": organization.systems.practitioner, "value": it.emp },
        ],
        "name": [{ "use": "usual", "text": it.name, "family": family, "given": [given] }],
    }))
}

/// One for each patient the proxy acts for, as FHIR has it.
fn related_persons(organization: &Organization, proxy: &Proxy) -> Vec<Value> {
    let one = |it: &RelatedPerson| {
        let coding = json!({
            "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": it.relationship,
            "display": it.relationship_words,
        });
        let display = organization.patient(&it.patient_id).map(|it| it.name.as_str());
        json!({
            "resourceType": "RelatedPerson", "id": it.related_person_id, "active": true,
            "patient": { "reference": format!("Patient/{}", it.patient_id), "display": display },
            "relationship": [{ "coding": [coding], "text": it.relationship_words }],
            "name": [{ "use": "usual", "text": proxy.name, "family": proxy.family, "given": [proxy.given] }],
        })
    };
    proxy.related.iter().map(one).collect()
}

fn location(organization: &Organization, it: &Department) -> Value {
    json!({
        "resourceType": "Location", "id": it.location_id, "status": "active", "mode": "instance", "name": it.name,
        "identifier": [{ "use": "usual", "system": organization.department_system, "value": it.number }],
    })
}
