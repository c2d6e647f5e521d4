//! Practitioners and patients as Patient and Practitioner of another EHR, and the list that says who is who.

use super::{Known, Site, instant};
use crate::core::{Hospital, Organization};
use serde_json::{Value, json};

/// A site's practitioners with their Microsoft accounts.
pub(super) fn linked_practitioners(hospital: &Hospital, site: &Site) -> Value {
    let Some(organization) = hospital.organization(site.organization) else { return json!([]) };
    let all = site.practitioners.iter().filter_map(|known| {
        let person = organization.practitioner(&known.epic_id)?;
        Some(json!({
            "oid": person.oid, "name": person.name, "practitioner_id": known.id, "identifier": known.identifier,
            "epic_practitioner_id": known.epic_id,
        }))
    });
    all.collect()
}

/// A site's patients.
pub(super) fn linked_patients(hospital: &Hospital, site: &Site) -> Value {
    let Some(organization) = hospital.organization(site.organization) else { return json!([]) };
    let all = site.patients.iter().filter_map(|known| {
        let patient = organization.patient(&known.epic_id)?;
        Some(json!({
            "name": patient.name, "birth_date": patient.birth_date, "patient_id": known.id,
            "identifier": known.identifier, "epic_patient_id": known.epic_id,
        }))
    });
    all.collect()
}

/// The Patient of somebody; `None` if the hospital does not know them.
pub(crate) fn patient(organization: &Organization, site: &Site, known: &Known) -> Option<Value> {
    let it = organization.patient(&known.epic_id)?;
    Some(json!({
        "resourceType": "Patient", "id": known.id, "active": true, "gender": it.gender, "birthDate": it.birth_date,
        "identifier": [{ "use": "usual", "system": site.systems.patient, "value": known.identifier }],
        "name": [{ "use": "official", "text": it.name, "family": it.family, "given": [it.given] }],
        "telecom": [{ "system": "phone", "value": it.phone, "use": "home" }],
    }))
}

/// The Practitioner of somebody.
pub(crate) fn practitioner(organization: &Organization, site: &Site, known: &Known) -> Option<Value> {
    let it = organization.practitioner(&known.epic_id)?;
    let plain = it.name.trim_start_matches("Dr. ");
    let (given, family) = plain.split_once(' ').unwrap_or(("", plain));
    Some(json!({
        "resourceType": "Practitioner", "id": known.id, "active": true,
        "identifier": [{ "use": "usual", "system": site.systems.practitioner, "value": known.identifier }],
        "name": [{ "use": "usual", "text": it.name, "family": family, "given": [given] }],
    }))
}

/// The name shown beside a reference to a patient.
pub(crate) fn patient_name(organization: &Organization, site: &Site, id: &str) -> Option<String> {
    organization.patient(&site.patient(id)?.epic_id).map(|it| it.name.clone())
}

/// The name shown beside a reference to a practitioner.
pub(crate) fn practitioner_name(organization: &Organization, site: &Site, id: &str) -> Option<String> {
    organization.practitioner(&site.practitioner(id)?.epic_id).map(|it| it.name.clone())
}

/// `meta` with a version and the time of it.
pub(crate) fn meta(version: &str, updated: jiff::Timestamp) -> Value {
    json!({ "versionId": version, "lastUpdated": instant(updated) })
}
