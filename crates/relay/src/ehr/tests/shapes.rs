//! Every resource that leaves: what the vendors' files really send in every branch, taken from the wire of a server that
//! keeps what it is given.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::fake::{ALL, Asked, Can, PLAIN, PUT, Place, Reply, attendance, found, intent, reply, stage, statement};
use crate::config::Vendor;
use crate::ehr::Said;
use crate::outbox::{About, Presence, Role, WriteBack};
use crate::store::Channel;

const STAGES: [&str; 7] = ["planned", "arrived", "triaged", "in-progress", "finished", "cancelled", "noshow"];

/// Each with the name of the branch it came from.
pub(super) async fn all() -> &'static [(String, Value)] {
    static ALL: OnceCell<Vec<(String, Value)>> = OnceCell::const_new();
    ALL.get_or_init(gather).await
}

async fn gather() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (name, can) in [
        ("conditional create", ALL),
        ("update as create", PUT),
        ("plain", PLAIN),
        ("no versions", Can { versioned: false, ..ALL }),
        ("transaction", Can { transaction: true, ..ALL }),
        ("transaction, update as create only", Can { transaction: true, ..PUT }),
        ("transaction without update as create", Can { transaction: true, put: false, ..ALL }),
    ] {
        for patient in [Some("p1"), None] {
            all.extend(generic(name, can, patient).await);
        }
    }
    all.extend(epic().await);
    all.extend(oracle().await);
    all
}

fn attendances() -> Vec<About> {
    let at = |role, presence, hour: u32| attendance(role, presence, &format!("2026-11-22T{hour}:00:00.123456789Z"));
    let (there, gone) = (Presence::Connected, Presence::Disconnected);
    [Role::Patient, Role::Practitioner]
        .into_iter()
        .flat_map(|role| [at(role, there, 10), at(role, gone, 11), at(role, there, 12), at(role, gone, 13)])
        .collect()
}

fn tagged(name: &str, bodies: Vec<Asked>) -> Vec<(String, Value)> {
    let changes = bodies.into_iter().filter(|it| !it.what.starts_with("GET"));
    changes.map(|it| (format!("{name}: {}", it.what), it.body)).collect()
}

/// An Encounter as it was last sent, in a bundle or not.
fn last_encounter(before: &[Asked]) -> Option<Value> {
    let of = |asked: &Asked| match asked.body["resourceType"].as_str() {
        Some("Encounter") => Some(asked.body.clone()),
        Some("Bundle") => asked.body.pointer("/entry/1/resource").cloned(),
        _ => None,
    };
    let mut last = before.iter().rev().find_map(of)?;
    // A server resolves what a transaction left open.
    for entry in last.get_mut("location").and_then(Value::as_array_mut).into_iter().flatten() {
        let reference = &mut entry["location"]["reference"];
        if reference.as_str().unwrap().starts_with("urn:") {
            *reference = json!("Location/l1");
        }
    }
    last["id"] = json!("e1");
    last["meta"] = json!({ "versionId": "1" });
    Some(last)
}

fn keeping(can: Can, theirs: Option<Value>) -> impl Fn(&Asked, &[Asked]) -> Reply + Send + Sync {
    move |asked, before| match asked.what.split_once(' ').unwrap() {
        ("GET", "metadata") => statement(can),
        ("GET", path) => match last_encounter(before).or(theirs.clone()).filter(|_| path.starts_with("Encounter")) {
            Some(standing) if path.contains('?') => found(&[standing]),
            Some(standing) => reply(200, standing),
            None if path.contains('?') => found(&[]),
            None => reply(404, Value::Null),
        },
        ("POST", "") => reply(200, json!({ "entry": [{}, { "response": { "status": "201 Created" } }] })),
        _ => reply(201, Value::Null),
    }
}

async fn generic(name: &str, can: Can, patient: Option<&str>) -> Vec<(String, Value)> {
    let theirs = json!({ "resourceType": "Encounter", "id": "e1", "meta": { "versionId": "1" }, "status": "planned",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR" },
        "appointment": [{ "reference": "Appointment/a1" }], "subject": { "reference": "Patient/p1" },
        "participant": [{ "individual": { "reference": "Practitioner/d1" } }] });
    let mut all = Vec::new();
    for (whose, theirs) in [("ours", None), ("theirs", Some(theirs))] {
        let change = |ehr: &mut crate::config::EhrConfig| ehr.communication = true;
        for abouts in [attendances(), STAGES.map(stage).to_vec(), vec![stage("cancelled")], vec![stage("noshow")]] {
            let place = Place::start(Vendor::FhirR4, change, keeping(can, theirs.clone())).await;
            for about in abouts {
                for channel in [Channel::State, Channel::Audit, Channel::Message] {
                    let intent = WriteBack { patient: patient.map(str::to_owned), ..intent(channel, about.clone()) };
                    let said = place.say(&intent, "k", false).await;
                    assert!(
                        matches!(said, Said::Accepted | Said::Unsupported { .. } | Said::Never { .. }),
                        "{name} {whose}: {said:?}"
                    );
                }
            }
            all.extend(tagged(&format!("{name}, {whose}"), place.asked()));
        }
    }
    all
}

async fn epic() -> Vec<(String, Value)> {
    let place = Place::start(Vendor::Epic, |ehr| ehr.communication = true, keeping(PLAIN, None)).await;
    for about in attendances() {
        for patient in [Some("p1".to_owned()), None] {
            let intent = WriteBack { patient, ..intent(Channel::Message, about.clone()) };
            assert_eq!(place.say(&intent, "k", false).await, Said::Accepted);
        }
    }
    tagged("epic", place.asked())
}

/// Oracle is sent operations, so the Appointment that they make is looked at.
async fn oracle() -> Vec<(String, Value)> {
    let links = About::Links {
        provider: "https://r.example/launch".into(),
        patient: "https://r.example/patient".into(),
        from: "2026-11-22T10:00:00Z".parse().unwrap(),
        until: "2026-11-22T10:30:00Z".parse().unwrap(),
    };
    let arrived = attendance(Role::Patient, Presence::Connected, "2026-11-22T10:00:00Z");
    let mut all = Vec::new();
    for (channel, about) in [(Channel::State, arrived), (Channel::Link, links)] {
        let place = Place::start(
            Vendor::OracleHealth,
            |_| {},
            |asked, _| match asked.what.starts_with("GET") {
                true => reply(200, appointment()),
                false => reply(200, Value::Null),
            },
        )
        .await;
        assert_eq!(place.say(&intent(channel, about), "k", false).await, Said::Accepted);
        for patch in place.asked().into_iter().filter(|it| it.what.starts_with("PATCH")) {
            let mut patched = appointment();
            for operation in patch.body.as_array().unwrap() {
                *patched.pointer_mut(operation["path"].as_str().unwrap()).unwrap() = operation["value"].clone();
            }
            assert_ne!(patched, appointment());
            all.push((format!("oracle: {}", patch.what), patched));
        }
    }
    assert_eq!(all.len(), 2);
    all
}

fn appointment() -> Value {
    let room = |whose: &str, id: &str| {
        json!({ "resourceType": "HealthcareService", "id": id, "type": [{ "text": format!("{whose} Virtual Meeting Room") }],
            "telecom": [{ "system": "url", "value": "https://old.example/",
                "period": { "start": "2026-11-22T09:00:00Z", "end": "2026-11-22T09:30:00Z" } }] })
    };
    let participant = |actor: &str| json!({ "actor": { "reference": actor }, "status": "accepted" });
    json!({ "resourceType": "Appointment", "id": "a1", "meta": { "versionId": "4" }, "status": "booked",
        "contained": [room("Provider", "31"), room("Patient", "28")],
        "start": "2026-11-22T10:00:00Z", "end": "2026-11-22T10:30:00Z",
        "participant": [participant("Patient/p1"), participant("Practitioner/d1"), participant("#28"), participant("#31")] })
}

#[tokio::test]
async fn every_kind_of_resource_is_among_them() {
    let all = all().await;
    let kinds: std::collections::BTreeSet<&str> =
        all.iter().filter_map(|(_, it)| it["resourceType"].as_str()).collect();
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        ["Appointment", "AuditEvent", "Bundle", "Communication", "Encounter"]
    );
    let has = |kind: &str, test: &dyn Fn(&Value) -> bool| {
        assert!(all.iter().any(|(_, it)| it["resourceType"] == kind && test(it)), "{kind}");
    };
    has("Encounter", &|it| it["contained"].is_array());
    has("Encounter", &|it| it["status"] == "finished");
    has("Encounter", &|it| it["status"] == "cancelled");
    has("Encounter", &|it| it["participant"][0]["period"]["end"].is_string());
    has("Bundle", &|it| it.pointer("/entry/1/request/ifMatch").is_some());
    has("Bundle", &|it| {
        it.pointer("/entry/1/resource/location/0/location/reference")
            .is_some_and(|it| it.as_str().is_some_and(|it| it.starts_with("urn:uuid:")))
    });
    has("AuditEvent", &|it| it["subtype"][0]["code"] == "110125");
}
