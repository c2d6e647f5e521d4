//! The FHIR R4 shapes, as Epic fills them: identifiers by system, the visit type in `serviceType` and `appointmentType`,
//! the patient among an Appointment's participants, an Encounter for every appointment.

use super::super::chart::Appointment;
use crate::core::{Hospital, Organization, Patient, Person};
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
        "Practitioner" => organization.people.iter().filter_map(|it| practitioner(organization, it)).collect(),
        "Appointment" => appointments().iter().map(|it| appointment(organization, it)).collect(),
        "Encounter" => appointments().iter().map(|it| encounter(organization, it)).collect(),
        "Communication" => hospital.epic.communications.of(organization.key),
        _ => Vec::new(),
    }
}

/// Whether a resource is in a patient's compartment.
pub(super) fn belongs(kind: &str, resource: &Value, patient_id: &str) -> bool {
    let reference = format!("Patient/{patient_id}");
    match kind {
        "Patient" => resource["id"] == patient_id,
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

/// The coding of an appointment's type in the hospital's own system.
fn visit_type(organization: &Organization, it: &Appointment) -> Value {
    let display = if it.is_virtual() { "Microsoft virtual visit" } else { "Office visit" };
    json!({ "coding": [{ "system": organization.visit_type_system, "code": it.kind, "display": display }], "text": display })
}

fn csn(organization: &Organization, it: &Appointment) -> Value {
    json!([{ "use": "usual", "system": organization.systems.csn, "value": it.csn }])
}

fn appointment(organization: &Organization, it: &Appointment) -> Value {
    let period = json!({ "start": it.start, "end": it.end() });
    let patient_name = organization.patient(&it.patient_id).map(|it| it.name.as_str());
    let practitioner_name = organization.practitioner(&it.practitioner_id).map(|it| it.name.as_str());
    json!({
        "resourceType": "Appointment", "id": it.id, "identifier": csn(organization, it), "status": it.status,
        "serviceCategory": [{
            "coding": [{
                "system": "http://open.epic.com/FHIR/StructureDefinition/appointment-service-category",
                "code": "appointment", "display": "Appointment",
            }],
            "text": "appointment",
        }],
        "serviceType": [visit_type(organization, it)], "appointmentType": visit_type(organization, it),
        "start": it.start, "end": it.end(), "minutesDuration": it.minutes, "created": it.created,
        "participant": [
            {
                "actor": { "reference": format!("Patient/{}", it.patient_id), "display": patient_name },
                "required": "required", "status": "accepted", "period": period,
            },
            {
                "actor": { "reference": format!("Practitioner/{}", it.practitioner_id), "display": practitioner_name },
                "required": "required", "status": "accepted", "period": period,
            },
        ],
    })
}

fn encounter(organization: &Organization, it: &Appointment) -> Value {
    let (code, display) = if it.is_virtual() { ("VR", "virtual") } else { ("AMB", "ambulatory") };
    let status = match it.status.as_str() {
        "arrived" | "checked-in" => "arrived",
        "fulfilled" => "finished",
        "cancelled" | "noshow" => "cancelled",
        "entered-in-error" => "entered-in-error",
        _ => "planned",
    };
    let practitioner_name = organization.practitioner(&it.practitioner_id).map(|it| it.name.as_str());
    json!({
        "resourceType": "Encounter", "id": it.encounter_id, "identifier": csn(organization, it), "status": status,
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code, "display": display },
        "type": [visit_type(organization, it)],
        "subject": { "reference": format!("Patient/{}", it.patient_id) },
        "participant": [{
            "individual": { "reference": format!("Practitioner/{}", it.practitioner_id), "display": practitioner_name },
        }],
        "appointment": [{ "reference": format!("Appointment/{}", it.id) }],
        "period": { "start": it.start, "end": it.end() },
    })
}
