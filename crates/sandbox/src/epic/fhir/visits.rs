//! Appointments and encounters in FHIR R4 as Epic fills them: the visit type in `serviceType` and `appointmentType`; patient,
//! practitioners and department among the participants; an Encounter for every appointment that has a patient.
//! Where a group's conference id stands is our construction: beside the CSN, under a system of its own.

use super::super::chart::Appointment;
use crate::core::Organization;
use serde_json::{Value, json};

/// The coding of an appointment's type in the hospital's own system.
fn visit_type(organization: &Organization, it: &Appointment) -> Value {
    let display = if it.is_virtual() { "Microsoft virtual visit" } else { "Office visit" };
    json!({ "coding": [{ "system": organization.visit_type_system, "code": it.kind, "display": display }], "text": display })
}

fn identifiers(organization: &Organization, it: &Appointment) -> Value {
    let own = json!({ "use": "usual", "system": organization.systems.csn, "value": it.csn });
    let group = it.group.as_ref();
    let group = group.map(|it| json!({ "use": "secondary", "system": organization.conference_system, "value": it }));
    Value::Array(std::iter::once(own).chain(group).collect())
}

fn reference(kind: &str, id: &str, display: Option<&str>) -> Value {
    json!({ "reference": format!("{kind}/{id}"), "display": display })
}

fn practitioners(organization: &Organization, it: &Appointment) -> Vec<Value> {
    let name = |id: &str| organization.practitioner(id).map(|it| it.name.as_str());
    it.practitioners().map(|id| reference("Practitioner", id, name(id))).collect()
}

pub(super) fn appointment(organization: &Organization, it: &Appointment) -> Value {
    let period = json!({ "start": it.start, "end": it.end() });
    let patient = it.patient_id.as_deref().map(|id| {
        let name = organization.patient(id).map(|it| it.name.as_str());
        reference("Patient", id, name)
    });
    let place = it.location_id.as_deref().map(|id| {
        let name = organization.department(id).map(|it| it.name);
        reference("Location", id, name)
    });
    let actors = patient.into_iter().chain(practitioners(organization, it)).chain(place);
    let participant: Vec<Value> = actors
        .map(|it| json!({ "actor": it, "required": "required", "status": "accepted", "period": period }))
        .collect();
    json!({
        "resourceType": "Appointment", "id": it.id, "identifier": identifiers(organization, it), "status": it.status,
        "serviceCategory": [{
            "coding": [{
                "system": "http://open.epic.com/FHIR/StructureDefinition/appointment-service-category",
                "code": "appointment", "display": "Appointment",
            }],
            "text": "appointment",
        }],
        "serviceType": [visit_type(organization, it)], "appointmentType": visit_type(organization, it),
        "start": it.start, "end": it.end(), "minutesDuration": it.minutes, "created": it.created,
        "participant": participant,
    })
}

pub(super) fn encounter(organization: &Organization, it: &Appointment) -> Option<Value> {
    let (code, display) = if it.is_virtual() { ("VR", "virtual") } else { ("AMB", "ambulatory") };
    let status = match it.status.as_str() {
        "arrived" | "checked-in" => "arrived",
        "fulfilled" => "finished",
        "cancelled" | "noshow" => "cancelled",
        "entered-in-error" => "entered-in-error",
        _ => "planned",
    };
    let individuals = practitioners(organization, it).into_iter().map(|it| json!({ "individual": it }));
    Some(json!({
        "resourceType": "Encounter", "id": it.encounter_id.as_ref()?, "identifier": identifiers(organization, it),
        "status": status,
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code, "display": display },
        "type": [visit_type(organization, it)],
        "subject": { "reference": format!("Patient/{}", it.patient_id.as_ref()?) },
        "participant": individuals.collect::<Vec<_>>(),
        "appointment": [{ "reference": format!("Appointment/{}", it.id) }],
        "period": { "start": it.start, "end": it.end() },
    }))
}
