//! Oracle Health: a narrow search, and a PATCH with one right way and many wrong ones.

use crate::{
    desk::{Desk, text},
    ehr::{Ehr, etag, fhir},
};
use reqwest::{Method, Response, StatusCode, header};
use serde_json::{Value, json};

const VENDOR: &str = "oracle-health";

async fn patch(ehr: &Ehr<'_>, id: &str, version: &str, operations: &Value) -> Response {
    let request = ehr.request(Method::PATCH, &format!("Appointment/{id}")).header(header::IF_MATCH, version);
    let request = request.header(header::CONTENT_TYPE, "application/json-patch+json");
    request.body(operations.to_string()).send().await.unwrap()
}

async fn version(ehr: &Ehr<'_>, id: &str) -> String {
    etag(&ehr.request(Method::GET, &format!("Appointment/{id}")).send().await.unwrap())
}

fn status(to: &str) -> Value {
    json!([{ "op": "replace", "path": "/status", "value": to }])
}

fn links(op: &str, provider: &str, patient: &str) -> Value {
    json!([
        { "op": op, "path": "/contained/0/telecom/0/value", "value": provider },
        { "op": op, "path": "/contained/1/telecom/0/value", "value": patient },
        { "op": op, "path": "/contained/0/telecom/0/period/start", "value": "2026-05-04T10:00:00.000Z" },
        { "op": op, "path": "/contained/0/telecom/0/period/end", "value": "2026-05-04T10:30:00.000Z" },
    ])
}

/// The links by the rooms' names, as a reader must find them.
fn rooms(appointment: &Value) -> [String; 2] {
    ["Provider Virtual Meeting Room", "Patient Virtual Meeting Room"].map(|name| {
        let rooms = appointment["contained"].as_array().unwrap();
        let room = rooms.iter().find(|it| it["type"][0]["text"] == name).unwrap();
        let reference = format!("#{}", text(room, "/id"));
        let participants = appointment["participant"].as_array().unwrap();
        assert!(participants.iter().any(|it| it["actor"]["reference"] == reference.as_str()));
        text(room, "/telecom/0/value").to_owned()
    })
}

#[tokio::test]
async fn appointments_are_found_by_someone_and_a_time_or_by_id() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let made = ehr.book(json!({})).await;
    let (id, start) = (text(&made, "/appointment_id"), text(&made, "/start"));
    let (patient, practitioner) = (text(&made, "/patient_id"), text(&made, "/practitioner_id"));
    let number = format!("{}%7C{}", text(&ehr.it, "/identifier_systems/csn"), text(&made, "/csn"));
    for (query, total) in [
        (format!("_id={id}"), 1),
        (format!("identifier={number}"), 1),
        (format!("patient={patient}&date=ge{start}"), 1),
        (format!("patient=Patient/{patient}&date=ge2020-01-01T00:00:00Z&date=lt2020-01-02T00:00:00Z"), 0),
        (format!("practitioner={practitioner}&date=ge{start}&status=booked,arrived"), 1),
        (format!("practitioner={practitioner}&date=ge{start}&status=cancelled"), 0),
    ] {
        let (status, found) = ehr.get(&format!("Appointment?{query}")).await;
        assert_eq!((status, &found["total"]), (StatusCode::OK, &json!(total)), "{query}");
    }
    for query in [
        format!("patient={patient}"),
        format!("date=ge{start}"),
        format!("patient={patient}&practitioner={practitioner}&date=ge{start}"),
        format!("patient={patient}&patient={patient}&date=ge{start}"),
        format!("patient={patient}&date={start}"),
        format!("patient={patient}&date={}", &start[..10]),
        format!("patient={patient}&date=ge{}", &start[..10]),
        format!("patient={patient}&date=ge{start}&date=ge{start}"),
        format!("_id={id}&patient={patient}&date=ge{start}"),
        format!("_id={id}&actor=Patient/{patient}"),
        "status=booked".to_owned(),
    ] {
        assert_eq!(ehr.get(&format!("Appointment?{query}")).await.0, StatusCode::BAD_REQUEST, "{query}");
    }
    assert_eq!(ehr.get(&format!("Encounter?patient={patient}")).await.1["total"], 1);
    assert_eq!(ehr.get(&format!("Encounter?appointment={id}")).await.0, StatusCode::BAD_REQUEST);

    let (_, read) = ehr.get(&format!("Appointment/{id}")).await;
    assert_eq!(read["serviceType"][0]["coding"][0]["code"], ehr.it["virtual_visit_types"][0]["code"]);
    assert!(read["contained"].is_null(), "no links yet");
    desk.tell(Method::PUT, "/oracle/behaviour", &json!({ "identifiers": false })).await;
    assert_eq!(ehr.get(&format!("Appointment?identifier={number}")).await.0, StatusCode::BAD_REQUEST);
    assert!(ehr.get(&format!("Appointment/{id}")).await.1["identifier"].is_null());
}

#[tokio::test]
async fn a_status_moves_only_as_the_table_says() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let all = [
        "proposed",
        "pending",
        "booked",
        "arrived",
        "fulfilled",
        "cancelled",
        "noshow",
        "entered-in-error",
        "checked-in",
        "waitlist",
    ];
    let table: [(&str, &[&str]); 4] = [
        ("proposed", &["booked", "cancelled"]),
        ("booked", &["arrived", "checked-in", "cancelled"]),
        ("arrived", &["checked-in", "cancelled"]),
        ("checked-in", &["fulfilled", "cancelled"]),
    ];
    for from in all {
        let allowed = table.iter().find(|(it, _)| *it == from).map_or(&[][..], |(_, to)| to);
        for to in all {
            let made = ehr.book(json!({ "status": from })).await;
            let id = text(&made, "/appointment_id");
            let before = version(&ehr, id).await;
            let answer = patch(&ehr, id, &before, &status(to)).await;
            let (_, read) = ehr.get(&format!("Appointment/{id}")).await;
            if allowed.contains(&to) {
                assert_eq!((answer.status(), text(&read, "/status")), (StatusCode::OK, to), "{from} to {to}");
                assert_eq!(etag(&answer), version(&ehr, id).await);
                assert_ne!(etag(&answer), before);
                assert!(answer.headers().contains_key(header::LAST_MODIFIED));
                assert_eq!(answer.text().await.unwrap(), "");
            } else {
                assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{from} to {to}");
                assert_eq!((text(&read, "/status"), version(&ehr, id).await), (from, before));
            }
        }
    }
}

#[tokio::test]
async fn a_patch_needs_its_media_type_its_version_and_its_scopes() {
    let desk = Desk::open().await;
    let mut ehr = Ehr::enter(&desk, VENDOR).await;
    let made = ehr.book(json!({})).await;
    let id = text(&made, "/appointment_id");
    let path = format!("Appointment/{id}");
    let wrong = fhir(ehr.request(Method::PATCH, &path), &status("arrived")).header(header::IF_MATCH, "W/\"0\"");
    assert_eq!(wrong.send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let bare = ehr.request(Method::PATCH, &path).header(header::CONTENT_TYPE, "application/json-patch+json");
    let bare = bare.body(status("arrived").to_string()).send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::PRECONDITION_FAILED);
    for tag in ["\"0\"", "0", "W/0", "*", "W/\"\""] {
        assert_eq!(patch(&ehr, id, tag, &status("arrived")).await.status(), StatusCode::PRECONDITION_FAILED, "{tag}");
    }
    assert_eq!(patch(&ehr, id, "W/\"7\"", &status("arrived")).await.status(), StatusCode::CONFLICT);
    desk.tell(Method::PUT, "/oracle/behaviour", &json!({ "stale": 412 })).await;
    assert_eq!(patch(&ehr, id, "W/\"7\"", &status("arrived")).await.status(), StatusCode::PRECONDITION_FAILED);
    // Somebody at the front desk was faster.
    let before = version(&ehr, id).await;
    desk.tell(Method::PATCH, &format!("/appointments/{id}"), &json!({ "status": "booked" })).await;
    assert_eq!(patch(&ehr, id, &before, &status("arrived")).await.status(), StatusCode::PRECONDITION_FAILED);
    let now = version(&ehr, id).await;
    assert_eq!(patch(&ehr, "1", &now, &status("arrived")).await.status(), StatusCode::NOT_FOUND);

    for scope in ["system/Appointment.read", "system/Appointment.write", "system/Appointment.rs", "system/Patient.read"]
    {
        let (_, body) = ehr.keys.ask_elsewhere(&desk, &ehr.it, scope, |_| {}).await;
        ehr.token = text(&body, "/access_token").to_owned();
        assert_eq!(patch(&ehr, id, &now, &status("arrived")).await.status(), StatusCode::FORBIDDEN, "{scope}");
    }
    let (_, body) = ehr.keys.ask_elsewhere(&desk, &ehr.it, "system/Appointment.ru", |_| {}).await;
    ehr.token = text(&body, "/access_token").to_owned();
    assert_eq!(patch(&ehr, id, &now, &status("arrived")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn links_come_all_four_together_added_once_and_replaced_ever_after() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let made = ehr.book(json!({})).await;
    let id = text(&made, "/appointment_id");
    let (provider, patient) = ("https://visit.example/p", "https://visit.example/q");
    let add = links("add", provider, patient);
    let without =
        |at: usize| Value::from([&add.as_array().unwrap()[..at], &add.as_array().unwrap()[at + 1..]].concat());
    let with = |at: usize, name: &str, value: Value| {
        let mut other = add.clone();
        other[at][name] = value;
        other
    };
    let mut both = add.clone();
    both.as_array_mut().unwrap().push(status("arrived")[0].clone());
    let mut twice = add.clone();
    twice.as_array_mut().unwrap().push(add[0].clone());
    let tag = version(&ehr, id).await;
    let long = format!("https://visit.example/{}", "x".repeat(255 - 22));
    assert_eq!(long.len(), 255);
    for (what, operations) in [
        ("no provider", without(0)),
        ("no patient", without(1)),
        ("no start", without(2)),
        ("no end", without(3)),
        ("mixed", with(1, "op", json!("replace"))),
        ("removed", with(1, "op", json!("remove"))),
        ("replaced too early", links("replace", provider, patient)),
        ("too long", with(0, "value", json!(format!("{long}x")))),
        ("no address", with(0, "value", json!("visit"))),
        ("no text", with(1, "value", json!(7))),
        ("no time", with(2, "value", json!("tomorrow"))),
        ("ends before", with(3, "value", json!("2026-05-04T09:00:00Z"))),
        ("elsewhere", with(0, "path", json!("/contained/2/telecom/0/value"))),
        ("a comment", json!([{ "op": "replace", "path": "/comment", "value": "hello" }])),
        ("with a status", both),
        ("one twice", twice),
        ("nothing", json!([])),
    ] {
        let answer = patch(&ehr, id, &tag, &operations).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{what}");
    }
    for malformed in [json!({}), json!([{ "op": "add" }]), json!("x")] {
        assert_eq!(patch(&ehr, id, &tag, &malformed).await.status(), StatusCode::BAD_REQUEST, "{malformed}");
    }
    assert_eq!(version(&ehr, id).await, tag, "nothing of that was done");

    let answer = patch(&ehr, id, &tag, &links("add", &long, patient)).await;
    assert_eq!((answer.status(), etag(&answer).as_str()), (StatusCode::OK, "W/\"0-1\""));
    let (_, read) = ehr.get(&format!("Appointment/{id}")).await;
    assert_eq!(rooms(&read), [long.as_str(), patient]);
    assert_eq!(read["contained"][1]["telecom"][0]["period"]["start"], "2026-05-04T10:00:00.000Z");
    assert_eq!(patch(&ehr, id, "W/\"0-1\"", &add).await.status(), StatusCode::CONFLICT, "added before");

    let office = ehr.book(json!({ "type": "OFFICE" })).await;
    let refused = patch(&ehr, text(&office, "/appointment_id"), "W/\"0\"", &add).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "no video visit");

    // Which room comes first is another one now and then; the links stay with their names.
    let mut orders = std::collections::BTreeSet::new();
    for round in 0..12 {
        let (provider, patient) =
            (format!("https://visit.example/p{round}"), format!("https://visit.example/q{round}"));
        let answer = patch(&ehr, id, &version(&ehr, id).await, &links("replace", &provider, &patient)).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let (_, read) = ehr.get(&format!("Appointment/{id}")).await;
        assert_eq!(rooms(&read), [provider, patient]);
        orders.insert(text(&read, "/contained/0/id").to_owned());
    }
    assert_eq!(orders.into_iter().collect::<Vec<_>>(), ["28", "31"]);
}
