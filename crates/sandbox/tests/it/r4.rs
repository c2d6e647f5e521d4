//! The generic R4 server: create, read, update and search, and what each switch of its capabilities makes of them.

use crate::{
    desk::{Desk, text},
    ehr::{Ehr, etag, fhir},
};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

pub(crate) const VENDOR: &str = "fhir-r4";

/// A Communication about a booked visit, with this business identifier.
pub(crate) fn communication(visit: &Value, value: &str) -> Value {
    json!({
        "resourceType": "Communication", "status": "completed",
        "identifier": [{ "system": "urn:roomed", "value": value }],
        "subject": { "reference": format!("Patient/{}", text(visit, "/patient_id")) },
        "encounter": { "reference": format!("Encounter/{}", text(visit, "/encounter_id")) },
        "sent": "2026-05-04T10:30:00Z",
    })
}

/// An AuditEvent that says that somebody was attached to the network.
pub(crate) fn audit_event(visit: &Value) -> Value {
    json!({
        "resourceType": "AuditEvent",
        "type": { "system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110108" },
        "subtype": [{ "system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110124" }],
        "action": "E", "recorded": "2026-05-04T10:30:00.000Z", "outcome": "0",
        "agent": [{ "requestor": true, "who": { "reference": format!("Practitioner/{}", text(visit, "/practitioner_id")) } }],
        "source": { "observer": { "display": "Roomed" } },
        "entity": [{ "what": { "reference": format!("Encounter/{}", text(visit, "/encounter_id")) } }],
    })
}

async fn total(ehr: &Ehr<'_>, path: &str) -> Value {
    let (status, found) = ehr.get(path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {found}");
    found["total"].clone()
}

#[tokio::test]
async fn what_is_created_can_be_read_found_and_updated() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let visit = ehr.book(json!({})).await;
    let (patient, encounter) = (text(&visit, "/patient_id"), text(&visit, "/encounter_id"));
    let created = ehr.send(Method::POST, "Communication", &communication(&visit, "one")).await;
    assert_eq!((created.status(), etag(&created).as_str()), (StatusCode::CREATED, "W/\"1\""));
    let location = created.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let mut resource: Value = created.json().await.unwrap();
    let id = text(&resource, "/id").to_owned();
    assert_eq!(location, format!("{}/Communication/{id}/_history/1", text(&ehr.it, "/iss")));
    for (path, found) in [
        ("Communication?identifier=urn:roomed%7Cone".to_owned(), 1),
        ("Communication?identifier=one".to_owned(), 1),
        ("Communication?identifier=urn:other%7Cone".to_owned(), 0),
        (format!("Communication?patient={patient}&status=completed"), 1),
        (format!("Communication?patient={patient}&status=stopped"), 0),
        (format!("Communication?encounter=Encounter/{encounter}"), 1),
        (format!("Communication?encounter={patient}"), 0),
        (format!("Communication?_id={id},other"), 1),
        (format!("Encounter?appointment=Appointment/{}", text(&visit, "/appointment_id")), 1),
        (format!("Encounter?identifier={}", text(&visit, "/csn")), 1),
        ("Encounter?class=VR".to_owned(), 1),
        ("Encounter?class=AMB".to_owned(), 0),
        (format!("Appointment?actor=Patient/{patient}&date=ge{}", text(&visit, "/start")), 1),
        (format!("Appointment?practitioner={patient}"), 0),
    ] {
        assert_eq!(total(&ehr, &path).await, found, "{path}");
    }
    for path in ["Communication?colour=red", "Communication?sent=tomorrow", "Encounter?_include=Encounter:patient"] {
        assert_eq!(ehr.get(path).await.0, StatusCode::BAD_REQUEST, "{path}");
    }

    resource["status"] = json!("entered-in-error");
    let updated = ehr.send(Method::PUT, &format!("Communication/{id}"), &resource).await;
    assert_eq!((updated.status(), etag(&updated).as_str()), (StatusCode::OK, "W/\"2\""));
    let (_, read) = ehr.get(&format!("Communication/{id}")).await;
    assert_eq!((text(&read, "/status"), text(&read, "/meta/versionId")), ("entered-in-error", "2"));
    assert_eq!(total(&ehr, "Communication?identifier=one").await, 1);
    let elsewhere = ehr.send(Method::PUT, "Communication/another", &resource).await;
    assert_eq!(elsewhere.status(), StatusCode::BAD_REQUEST, "the id of the address is not that of the body");

    let plain = ehr.request(Method::POST, "Communication").body(resource.to_string()).send().await.unwrap();
    assert_eq!(plain.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let minimal = fhir(ehr.request(Method::POST, "Communication"), &resource).header("prefer", "return=minimal");
    assert_eq!(minimal.send().await.unwrap().text().await.unwrap(), "");
}

#[tokio::test]
async fn a_long_answer_comes_in_pages() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let visit = ehr.book(json!({})).await;
    for n in 0..5 {
        ehr.send(Method::POST, "Communication", &communication(&visit, &format!("n{n}"))).await;
    }
    let mut path = format!("Communication?patient={}&_count=2", text(&visit, "/patient_id"));
    let mut seen = Vec::new();
    loop {
        let (_, page) = ehr.get(&path).await;
        let entries = page["entry"].as_array().unwrap();
        seen.extend(entries.iter().map(|it| text(it, "/resource/identifier/0/value").to_owned()));
        let next = page["link"].as_array().unwrap().iter().find(|it| it["relation"] == "next");
        let Some(next) = next else { break };
        path = text(next, "/url").strip_prefix(&format!("{}/", text(&ehr.it, "/iss"))).unwrap().to_owned();
    }
    assert_eq!(seen, ["n0", "n1", "n2", "n3", "n4"]);
}

#[tokio::test]
async fn if_none_exist_creates_once_or_where_it_is_not_known_every_time() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let visit = ehr.book(json!({})).await;
    let create = async |value: &str, condition: &str| {
        let request = fhir(ehr.request(Method::POST, "Communication"), &communication(&visit, value));
        request.header("If-None-Exist", condition).send().await.unwrap()
    };
    let first = create("one", "identifier=urn:roomed|one").await;
    assert_eq!(first.status(), StatusCode::CREATED);
    let first: Value = first.json().await.unwrap();
    let second = create("one", "identifier=urn%3Aroomed%7Cone").await;
    assert_eq!((second.status(), etag(&second).as_str()), (StatusCode::OK, "W/\"1\""));
    assert_eq!(second.json::<Value>().await.unwrap()["id"], first["id"]);
    assert_eq!(create("two", "").await.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(create("two", "colour=red").await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(total(&ehr, "Communication?identifier=one").await, 1);

    desk.tell(Method::PUT, "/r4/capabilities", &json!({ "conditionalCreate": false })).await;
    let (_, statement) = ehr.get("metadata").await;
    let listed = statement["rest"][0]["resource"].as_array().unwrap().iter();
    assert!(listed.clone().all(|it| it["conditionalCreate"] == false));
    assert_eq!(create("one", "identifier=urn:roomed|one").await.status(), StatusCode::CREATED, "a duplicate");
    assert_eq!(total(&ehr, "Communication?identifier=one").await, 2);

    desk.tell(Method::PUT, "/r4/capabilities", &json!({})).await;
    assert_eq!(create("one", "identifier=urn:roomed|one").await.status(), StatusCode::PRECONDITION_FAILED, "two match");
}

#[tokio::test]
async fn an_id_of_the_clients_is_taken_only_where_update_creates() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let visit = ehr.book(json!({})).await;
    let put = async |id: &str| {
        let mut event = audit_event(&visit);
        event["id"] = json!(id);
        ehr.send(Method::PUT, &format!("AuditEvent/{id}"), &event).await.status()
    };
    let id = "0a6b1f3e-6f5c-5d51-8a3f-0d2c1b7e9f10";
    assert_eq!(put(id).await, StatusCode::CREATED);
    assert_eq!(put(id).await, StatusCode::OK, "again is the same one");
    let found = format!("AuditEvent?entity=Encounter/{}", text(&visit, "/encounter_id"));
    assert_eq!(total(&ehr, &found).await, 1);
    assert_eq!(total(&ehr, &format!("{found}&subtype=110125")).await, 0);
    assert_eq!(put("not_an_id").await, StatusCode::BAD_REQUEST);
    desk.tell(Method::PUT, "/r4/capabilities", &json!({ "updateCreate": false })).await;
    assert_eq!(put("another").await, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(put(id).await, StatusCode::OK);
    assert_eq!(total(&ehr, &found).await, 1);
    // Appointments come from the schedule, whatever is switched on.
    desk.tell(Method::PUT, "/r4/capabilities", &json!({})).await;
    let (_, mut appointment) = ehr.get(&format!("Appointment/{}", text(&visit, "/appointment_id"))).await;
    appointment["id"] = json!("mine");
    assert_eq!(ehr.send(Method::PUT, "Appointment/mine", &appointment).await.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn versions_are_checked_as_far_as_the_server_keeps_them() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let visit = ehr.book(json!({})).await;
    let path = format!("Encounter/{}", text(&visit, "/encounter_id"));
    let put = async |tag: Option<&str>| {
        let (_, mut encounter) = ehr.get(&path).await;
        encounter["status"] = json!("arrived");
        let request = fhir(ehr.request(Method::PUT, &path), &encounter);
        let request = tag.into_iter().fold(request, |it, tag| it.header(header::IF_MATCH, tag));
        request.send().await.unwrap()
    };
    for (versioning, tag, expected) in [
        ("versioned", None, StatusCode::OK),
        ("versioned", Some("W/\"2\""), StatusCode::OK),
        ("versioned", Some("W/\"2\""), StatusCode::PRECONDITION_FAILED),
        ("versioned", Some("3"), StatusCode::PRECONDITION_FAILED),
        ("versioned-update", None, StatusCode::BAD_REQUEST),
        ("versioned-update", Some("W/\"2\""), StatusCode::PRECONDITION_FAILED),
        ("versioned-update", Some("W/\"3\""), StatusCode::OK),
        ("no-version", Some("W/\"1\""), StatusCode::OK),
        ("no-version", None, StatusCode::OK),
    ] {
        desk.tell(Method::PUT, "/r4/capabilities", &json!({ "versioning": versioning })).await;
        let answer = put(tag).await;
        assert_eq!(answer.status(), expected, "{versioning} {tag:?}");
        let (_, statement) = ehr.get("metadata").await;
        assert_eq!(statement["rest"][0]["resource"][1]["versioning"], versioning);
        let read = ehr.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(read.headers().contains_key(header::ETAG), versioning != "no-version");
        let read: Value = read.json().await.unwrap();
        assert_eq!(read["meta"]["versionId"].is_null(), versioning == "no-version");
    }
    let unknown = fhir(ehr.request(Method::PUT, "AuditEvent/new"), &{
        let mut event = audit_event(&visit);
        event["id"] = json!("new");
        event
    });
    desk.tell(Method::PUT, "/r4/capabilities", &json!({})).await;
    let unknown = unknown.header(header::IF_MATCH, "W/\"1\"").send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn the_schedule_can_be_changed_from_both_sides() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let visit = ehr.book(json!({ "encounter": false })).await;
    assert!(visit["encounter_id"].is_null());
    let id = text(&visit, "/appointment_id");
    let start = "2030-01-01T10:00:00Z";
    let change = json!({ "ehr": "r4", "status": "arrived", "start": start, "end": "2030-01-01T10:45:00Z" });
    let changed = desk.tell(Method::PATCH, &format!("/appointments/{id}"), &change).await;
    assert_eq!((&changed["version"], &changed["minutes"]), (&json!("2"), &json!(45)));
    let (_, mut appointment) = ehr.get(&format!("Appointment/{id}")).await;
    assert_eq!((text(&appointment, "/status"), text(&appointment, "/end")), ("arrived", "2030-01-01T10:45:00.000Z"));
    appointment["status"] = json!("checked-in");
    assert_eq!(ehr.send(Method::PUT, &format!("Appointment/{id}"), &appointment).await.status(), StatusCode::OK);
    let listed = desk.ask("/appointments?ehr=r4").await;
    assert_eq!(
        (&listed["appointments"][0]["status"], &listed["appointments"][0]["ehr"]),
        (&json!("checked-in"), &json!("r4"))
    );
    let all = desk.ask("/appointments").await;
    assert!(all["appointments"].as_array().unwrap().iter().any(|it| it["ehr"] == "epic"));
    assert_eq!(desk.ask("/appointments?ehr=oracle").await["appointments"], json!([]));
}
