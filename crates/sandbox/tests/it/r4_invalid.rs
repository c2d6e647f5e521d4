//! The generic R4 server refuses what is not valid R4: each of these differs from a good resource in one thing.

use crate::{
    desk::{Desk, text},
    ehr::Ehr,
    r4::{VENDOR, audit_event, communication},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A change: a pointer to what is set, or taken away by null.
type Change = (&'static str, Value);

fn changed(good: &Value, (pointer, value): &Change) -> Value {
    let mut other = good.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = other.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(it), Value::Null) => {
            assert!(it.remove(name).is_some(), "{pointer}");
        }
        (Value::Object(it), value) => {
            it.insert(name.to_owned(), value.clone());
        }
        (Value::Array(it), value) => it[name.parse::<usize>().unwrap()] = value.clone(),
        _ => panic!("{pointer}"),
    }
    other
}

async fn refused(ehr: &Ehr<'_>, good: &Value, changes: Vec<Change>) {
    let kind = text(good, "/resourceType");
    assert_eq!(ehr.send(Method::POST, kind, good).await.status(), StatusCode::CREATED, "{kind} as it should be");
    let before = ehr.effects().await.len();
    for change in changes {
        let answer = ehr.send(Method::POST, kind, &changed(good, &change)).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{kind} with {change:?}");
        assert_eq!(text(&answer.json().await.unwrap(), "/resourceType"), "OperationOutcome");
    }
    assert_eq!(ehr.effects().await.len(), before, "nothing refused has an effect");
}

#[tokio::test]
async fn an_encounter_is_refused_for_one_wrong_thing() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let visit = ehr.book(json!({})).await;
    let (_, mut good) = ehr.get(&format!("Encounter/{}", text(&visit, "/encounter_id"))).await;
    good["period"] = json!({ "start": "2026-05-04T10:00:00Z" });
    let patient = format!("Patient/{}", text(&visit, "/patient_id"));
    let location = json!({ "resourceType": "Location", "status": "active", "name": "Virtual", "mode": "instance" });
    let location: Value = ehr.send(Method::POST, "Location", &location).await.json().await.unwrap();
    let place = format!("Location/{}", text(&location, "/id"));
    good["location"] = json!([{ "location": { "reference": place }, "status": "active" }]);
    let changes = vec![
        ("/status", Value::Null),
        ("/status", json!("connected")),
        ("/status", json!(["arrived"])),
        ("/class", Value::Null),
        ("/class/code", Value::Null),
        ("/class/code", json!("VIRTUAL")),
        ("/colour", json!("red")),
        ("/period/colour", json!("red")),
        ("/period", json!({})),
        ("/period/end", json!("2026-05-04T09:00:00Z")),
        ("/period/start", json!("10:00")),
        ("/participant", json!([])),
        ("/participant", json!({ "individual": { "display": "somebody" } })),
        ("/participant/0/individual", json!({ "reference": patient })),
        ("/participant/0/individual", json!({ "type": "Patient", "display": "the patient" })),
        ("/participant/0/individual", json!({})),
        ("/participant/0/individual/reference", json!("Practitioner/nobody")),
        ("/participant/0/individual/reference", json!("nobody")),
        ("/participant/0/individual/reference", json!("urn:uuid:0a6b1f3e-6f5c-5d51-8a3f-0d2c1b7e9f10")),
        ("/participant/0/individual/reference", json!("#contained")),
        ("/subject", json!({ "reference": place })),
        ("/subject/reference", json!("Patient/nobody")),
        ("/location/0/location", Value::Null),
        ("/location/0/location", json!({ "reference": patient })),
        ("/location/0/status", json!("busy")),
        ("/serviceProvider", json!({ "reference": "Organization/1" })),
        ("/statusHistory", json!([{ "status": "planned" }])),
        ("/identifier/0/use", json!("mine")),
        ("/contained", json!([{ "resourceType": "Location", "id": "unused" }])),
        ("/contained", json!([{ "resourceType": "Spaceship", "id": "x" }])),
        ("/extension", json!([{ "url": "urn:x" }])),
        ("/extension", json!([{ "valueString": "x" }])),
        ("/modifierExtension", json!([{ "url": "urn:x", "valueBoolean": true }])),
        ("/implicitRules", json!("urn:rules")),
        ("/_status", json!({ "value": "x" })),
    ];
    refused(&ehr, &good, changes).await;

    // What is legal is taken: contained resources, extensions, companions of primitives, absolute references to here.
    let mut legal = good.clone();
    legal["contained"] = json!([{ "resourceType": "Location", "id": "room", "name": "Room" }]);
    legal["location"][0]["location"] = json!({ "reference": "#room" });
    legal["extension"] = json!([{ "url": "urn:x", "valueString": "y" }]);
    legal["_status"] = json!({ "extension": [{ "url": "urn:x", "valueBoolean": true }] });
    legal["subject"]["reference"] = json!(format!("{}/{patient}", text(&ehr.it, "/iss")));
    let made = ehr.send(Method::POST, "Encounter", &legal).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    assert_eq!(made.json::<Value>().await.unwrap()["subject"]["reference"], patient.as_str());
}

#[tokio::test]
async fn an_audit_event_and_a_communication_are_refused_for_one_wrong_thing() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let visit = ehr.book(json!({})).await;
    let patient = json!({ "reference": format!("Patient/{}", text(&visit, "/patient_id")) });
    let encounter = json!({ "reference": format!("Encounter/{}", text(&visit, "/encounter_id")) });
    let changes = vec![
        ("/type", Value::Null),
        ("/type/code", json!("110999")),
        ("/type/system", Value::Null),
        ("/subtype/0/code", json!("110108")),
        ("/recorded", Value::Null),
        ("/recorded", json!("2026-05-04")),
        ("/recorded", json!("2026-05-04T10:30:00")),
        ("/agent", Value::Null),
        ("/agent/0/requestor", Value::Null),
        ("/agent/0/requestor", json!("true")),
        ("/agent/0/who", encounter.clone()),
        ("/source", Value::Null),
        ("/source/observer", Value::Null),
        ("/source/observer", encounter.clone()),
        ("/action", json!("X")),
        ("/outcome", json!(0)),
        ("/outcome", json!("1")),
        ("/identifier", json!([{ "system": "urn:roomed", "value": "1" }])),
        ("/entity/0/what/reference", json!("Encounter/nobody")),
        ("/entity/0/detail", json!([{ "type": "x" }])),
        ("/entity/0/detail", json!([{ "type": "x", "valueString": "y", "valueBase64Binary": "eQ==" }])),
        ("/entity/0/detail", json!([{ "type": "x", "valueBoolean": true }])),
    ];
    refused(&ehr, &audit_event(&visit), changes).await;

    let mut good = communication(&visit, "one");
    good["payload"] = json!([{ "contentString": "hello" }]);
    good["sender"] = json!({ "display": "Roomed" });
    let changes = vec![
        ("/status", Value::Null),
        ("/status", json!("done")),
        ("/subject", encounter.clone()),
        ("/encounter", patient.clone()),
        ("/encounter/reference", json!("Encounter/nobody")),
        ("/recipient", json!([encounter])),
        ("/recipient", patient),
        ("/payload/0", json!({ "contentInteger": 1 })),
        ("/payload/0", json!({ "contentString": "" })),
        ("/sent", json!(1)),
        ("/priority", json!("soon")),
        ("/identifier", json!({ "value": "one" })),
    ];
    refused(&ehr, &good, changes).await;
    for (kind, body) in [("Communication", audit_event(&visit)), ("AuditEvent", json!([]))] {
        assert_eq!(ehr.send(Method::POST, kind, &body).await.status(), StatusCode::BAD_REQUEST, "{kind}");
    }
}

#[tokio::test]
async fn an_appointment_keeps_fhirs_invariants() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let visit = ehr.book(json!({})).await;
    let path = format!("Appointment/{}", text(&visit, "/appointment_id"));
    let (_, good) = ehr.get(&path).await;
    for change in [
        ("/participant", Value::Null),
        ("/participant/0", json!({ "status": "accepted" })),
        ("/participant/0/status", json!("connected")),
        ("/participant/0/actor", json!({ "reference": path.clone() })),
        ("/end", Value::Null),
        ("/start", json!("2026-05-04")),
        ("/status", json!("in-progress")),
        ("/cancelationReason", json!({ "text": "no time" })),
        ("/minutesDuration", json!("30")),
        ("/end", json!("2020-01-01T00:00:00Z")),
    ] {
        let answer = ehr.send(Method::PUT, &path, &changed(&good, &change)).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{change:?}");
    }
    let bare = changed(&changed(&good, &("/start", Value::Null)), &("/end", Value::Null));
    let answer = ehr.send(Method::PUT, &path, &bare).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(&answer.json().await.unwrap(), "/issue/0/diagnostics").starts_with("app-3"));
    let cancelled = changed(&bare, &("/status", json!("cancelled")));
    let cancelled = changed(&cancelled, &("/cancelationReason", json!({ "text": "no time" })));
    assert_eq!(ehr.send(Method::PUT, &path, &cancelled).await.status(), StatusCode::OK);
}
