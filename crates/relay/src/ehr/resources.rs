//! The FHIR R4 resources that more than one vendor's file sends, and the keys under which they are found again. Codes:
//! DICOM PS3.16 (audit), IHE BALP (agents and entities), HL7 v3 ParticipationMode. No name, no number and no reason of
//! anybody's visit is in them: references only.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::outbox::{Attendance, Presence, Role};

/// The namespace of our deterministic ids, and so of our identifiers.
const NAMESPACE: Uuid = Uuid::from_u128(0xcae1_1015_4f7d_4ba5_9985_b62e_dc59_7632);

/// `Identifier.system` of everything we make.
pub(super) const SYSTEM: &str = "urn:uuid:cae11015-4f7d-4ba5-9985-b62edc597632";

const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const TERMINOLOGY: &str = "http://terminology.hl7.org/CodeSystem";
const BALP_ENTITY: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";

/// A version-5 UUID: the same organization, EHR and key give the same id, on every node and after every restart.
pub(super) fn deterministic(organization: &str, iss: &str, key: &str) -> String {
    Uuid::new_v5(&NAMESPACE, format!("{organization}/{iss}/{key}").as_bytes()).to_string()
}

/// FHIR's instant, to the millisecond.
pub(super) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A coding of a code system at terminology.hl7.org.
pub(super) fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({ "system": format!("{TERMINOLOGY}/{system}"), "code": code, "display": display })
}

/// Our identifier.
pub(super) fn identifier(key: &str) -> Value {
    json!({ "system": SYSTEM, "value": key })
}

/// The search for it.
pub(super) fn identifier_token(key: &str) -> String {
    format!("{SYSTEM}|{key}")
}

/// Whether a resource carries our key, as an identifier or (where there is none) as a BALP request id.
pub(super) fn carries(resource: &Value, key: &str) -> bool {
    let ours = |it: &Value| it["system"] == SYSTEM && it["value"] == key;
    let all = |name: &str| resource[name].as_array().map(Vec::as_slice).unwrap_or_default();
    all("identifier").iter().any(ours) || all("entity").iter().any(|it| ours(&it["what"]["identifier"]))
}

/// Somebody came or went, as an `AuditEvent`: DICOM's network entry, attach or detach.
pub(super) fn audit_event(key: &str, who: &Attendance, patient: Option<&str>, appointment: &str) -> Value {
    let dicom = |code: &str, display: &str| json!({ "system": DICOM, "code": code, "display": display });
    let subtype = match who.presence {
        Presence::Connected => dicom("110124", "Attach"),
        Presence::Disconnected => dicom("110125", "Detach"),
    };
    let us = json!({ "type": "Device", "identifier": identifier("relay"), "display": "Roomed relay" });
    let mut entity = vec![
        json!({
            "what": { "reference": format!("Appointment/{appointment}") },
            "type": coding("audit-entity-type", "2", "System Object"),
            "role": coding("object-role", "4", "Domain Resource"),
        }),
        json!({
            "what": { "identifier": identifier(key) },
            "type": { "system": BALP_ENTITY, "code": "XrequestId", "display": "The X-Request-Id value used" },
        }),
    ];
    if let Some(patient) = patient {
        entity.insert(
            0,
            json!({
                "what": { "reference": format!("Patient/{patient}") },
                "type": coding("audit-entity-type", "1", "Person"),
                "role": coding("object-role", "1", "Patient"),
            }),
        );
    }
    json!({
        "resourceType": "AuditEvent",
        "type": dicom("110108", "Network Entry"),
        "subtype": [subtype],
        "action": "E",
        // When it happened, so that what is sent again is the same.
        "recorded": instant(who.at),
        "outcome": "0",
        "agent": [
            { "type": { "coding": [dicom("110153", "Source Role ID")] }, "who": us, "requestor": false },
            {
                "type": { "coding": [coding("extra-security-role-type", "humanuser", "human user")] },
                "who": { "reference": person(who) },
                "requestor": true,
            },
        ],
        "source": { "observer": us, "type": [coding("security-source-type", "4", "Application Server")] },
        "entity": entity,
    })
}

/// The same as a `Communication`. It holds only what Epic's R4 takes as well.
pub(super) fn communication(key: &str, who: &Attendance, patient: Option<&str>) -> Value {
    let text = match (who.role, who.presence) {
        (Role::Patient, Presence::Connected) => "The patient is connected to the video visit.",
        (Role::Patient, Presence::Disconnected) => "The patient is no longer connected to the video visit.",
        (Role::Practitioner, Presence::Connected) => "A clinician is connected to the video visit.",
        (Role::Practitioner, Presence::Disconnected) => "A clinician is no longer connected to the video visit.",
    };
    let mut resource = json!({
        "resourceType": "Communication",
        "identifier": [identifier(key)],
        "status": "completed",
        "category": [{ "coding": [coding("communication-category", "notification", "Notification")] }],
        "medium": [{ "coding": [coding("v3-ParticipationMode", "VIDEOCONF", "videoconferencing")] }],
        "sent": instant(who.at),
        "sender": { "reference": person(who) },
        "payload": [{ "contentString": text }],
    });
    if let Some(patient) = patient {
        resource["subject"] = json!({ "reference": format!("Patient/{patient}") });
    }
    resource
}

fn person(who: &Attendance) -> String {
    match who.role {
        Role::Patient => format!("Patient/{}", who.fhir_id),
        Role::Practitioner => format!("Practitioner/{}", who.fhir_id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_same_for_the_same_and_others_for_others() {
        let id = deterministic("northside", "https://ehr.example/r4", "k");
        assert_eq!(id, "145ef74c-7d13-5be6-8be4-7979ebe030da", "it is in EHRs by now");
        assert_ne!(id, deterministic("harbor", "https://ehr.example/r4", "k"));
        assert_ne!(id, deterministic("northside", "https://ehr.example/r4", "l"));
        assert_eq!(SYSTEM, format!("urn:uuid:{NAMESPACE}"));
    }
}
