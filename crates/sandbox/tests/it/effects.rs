//! The record of effects, for whoever has to prove that nothing was lost, doubled or reordered.

use crate::{
    desk::{Desk, patient, text},
    ehr::Ehr,
    r4::{VENDOR, audit_event, communication},
};
use reqwest::{Method, StatusCode};
use roomed_sandbox::core::{Effect, Ehr as Which, Written};
use serde_json::{Value, json};

#[tokio::test]
async fn connection_statuses_are_recorded_in_order_with_what_stands() {
    let desk = Desk::open().await;
    let status = &desk.northside["ehr"]["connection_status"];
    let disconnected = status["disconnected"].as_u64().unwrap();
    let visit = desk.appointment("MOKAFOR").await;
    let wpr = text(patient(&desk.northside, &visit["patient_id"]), "/wpr");
    let url = format!("{}{}", text(&desk.northside, "/ehr/interconnect"), text(status, "/path"));
    let said = [1, disconnected, 1];
    for number in said.into_iter().chain([0]) {
        let number = number.to_string();
        let query = [
            ("ConferenceID", text(&visit, "/csn")),
            ("ExternalID", wpr),
            ("ExternalIDType", "2"),
            ("VendorName", "Roomed"),
            ("ConnectionStatus", number.as_str()),
        ];
        let request = desk.http.get(&url).query(&query).header("Epic-Client-ID", text(status, "/epic_client_id"));
        request.basic_auth(text(status, "/auth/user"), Some(text(status, "/auth/password"))).send().await.unwrap();
    }
    let effects = desk.ask("/effects").await;
    let effects = effects["effects"].as_array().unwrap();
    let seen: Vec<_> = effects.iter().map(|it| (it["seq"].as_u64().unwrap(), it["status"].as_u64().unwrap())).collect();
    assert_eq!(seen, [(1, said[0]), (2, said[1]), (3, said[2])], "what was refused is not among them");
    assert_eq!((&effects[0]["kind"], &effects[0]["ehr"]), (&json!("connection-status"), &json!("epic")));
    let standing = desk.ask("/standing?ehr=epic").await;
    let standing = &standing["epic"]["connection_statuses"];
    assert_eq!(standing.as_array().unwrap().len(), 1);
    assert_eq!(
        (&standing[0]["conference_id"], &standing[0]["external_id"], &standing[0]["status"], &standing[0]["effects"]),
        (&visit["csn"], &json!(wpr), &json!(1), &json!(3))
    );
}

#[tokio::test]
async fn creates_are_counted_by_business_identifier() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let visit = ehr.book(json!({})).await;
    assert_eq!(ehr.effects().await, Vec::<Value>::new(), "what the hospital does itself is no effect of ours");
    for (value, times) in [("one", 1), ("two", 2)] {
        for _ in 0..times {
            ehr.send(Method::POST, "Communication", &communication(&visit, value)).await;
        }
    }
    let mut event = audit_event(&visit);
    event["id"] = json!("event");
    for expected in [StatusCode::CREATED, StatusCode::OK] {
        assert_eq!(ehr.send(Method::PUT, "AuditEvent/event", &event).await.status(), expected);
    }
    let path = format!("Encounter/{}", text(&visit, "/encounter_id"));
    let mut encounter = ehr.get(&path).await.1;
    encounter["status"] = json!("in-progress");
    ehr.send(Method::PUT, &path, &encounter).await;

    let effects = ehr.effects().await;
    let kinds: Vec<&str> = effects.iter().map(|it| text(it, "/kind")).collect();
    assert_eq!(kinds, ["create", "create", "create", "create", "update", "update"]);
    let last = &effects[5];
    assert_eq!(
        (text(last, "/resource_type"), text(last, "/status"), text(last, "/version"), &last["id"]),
        ("Encounter", "in-progress", "2", &visit["encounter_id"])
    );
    let standing = desk.ask("/standing").await;
    let creates = standing["r4"]["creates"].as_array().unwrap();
    let of = |identifier: &str| creates.iter().find(|it| it["identifier"] == identifier).unwrap()["creates"].clone();
    assert_eq!(
        (of("urn:roomed|one"), of("urn:roomed|two"), of("id|event")),
        (json!(1), json!(2), json!(1)),
        "an update is no create"
    );
    let encounters = &standing["r4"]["encounters"][0];
    assert_eq!((text(encounters, "/status"), text(encounters, "/version")), ("in-progress", "2"));
    assert_eq!(standing["r4"]["appointments"][0]["status"], "booked");
    assert_eq!(standing["oracle"]["appointments"], json!([]));
}

#[tokio::test]
async fn links_at_oracle_are_recorded_and_stand() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, "oracle-health").await;
    let visit = ehr.book(json!({})).await;
    let operation = |path: &str, value: &str| json!({ "op": "add", "path": path, "value": value });
    let body = json!([
        operation("/contained/0/telecom/0/value", "https://visit.example/p"),
        operation("/contained/1/telecom/0/value", "https://visit.example/q"),
        operation("/contained/0/telecom/0/period/start", "2026-05-04T10:00:00Z"),
        operation("/contained/0/telecom/0/period/end", "2026-05-04T10:30:00Z"),
    ]);
    let request = ehr.request(Method::PATCH, &format!("Appointment/{}", text(&visit, "/appointment_id")));
    let request = request.header("If-Match", "W/\"0\"").header("Content-Type", "application/json-patch+json");
    assert_eq!(request.body(body.to_string()).send().await.unwrap().status(), StatusCode::OK);
    let links = json!({
        "provider": "https://visit.example/p", "patient": "https://visit.example/q",
        "start": "2026-05-04T10:00:00Z", "end": "2026-05-04T10:30:00Z",
    });
    let effects = ehr.effects().await;
    assert_eq!((effects.len(), &effects[0]["links"], &effects[0]["version"]), (1, &links, &json!("0-1")));
    let number = format!("{}|{}", text(&ehr.it, "/identifier_systems/csn"), text(&visit, "/csn"));
    assert_eq!(effects[0]["identifiers"], json!([number]));
    let standing = desk.ask("/standing?ehr=oracle").await;
    assert_eq!(standing["oracle"]["appointments"][0]["links"], links);
    assert!(standing["r4"].is_null());
}

#[tokio::test]
async fn tens_of_thousands_are_read_in_pages_without_a_gap() {
    let desk = Desk::open().await;
    const MANY: u64 = 30_000;
    let hospital = &desk.running.hospital;
    for n in 0..MANY {
        let effect = Effect::Create(Written {
            resource_type: "Communication",
            id: n.to_string(),
            identifiers: vec![format!("urn:roomed|{}", n % 10_000)],
            version: None,
            status: None,
            links: None,
        });
        hospital.effects.record(hospital.clock.now(), Which::R4, "northside", effect);
    }
    let (mut since, mut pages, mut seen) = (0, 0, 0);
    loop {
        let page = desk.ask(&format!("/effects?since={since}&limit=7000")).await;
        for it in page["effects"].as_array().unwrap() {
            seen += 1;
            assert_eq!(it["seq"].as_u64(), Some(seen));
        }
        pages += 1;
        since = page["next"].as_u64().unwrap();
        if page["more"] == false {
            break;
        }
    }
    assert_eq!((seen, pages), (MANY, 5));
    let standing = desk.ask("/standing?ehr=r4").await;
    let creates = standing["r4"]["creates"].as_array().unwrap();
    assert!(creates.len() == 10_000 && creates.iter().all(|it| it["creates"] == 3));
}
