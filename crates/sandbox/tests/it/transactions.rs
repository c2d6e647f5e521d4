//! Transactions of the generic R4 server: all of it or nothing.

use crate::{
    desk::{Desk, text},
    ehr::Ehr,
    r4::{VENDOR, audit_event, communication},
};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

const PLACE: &str = "urn:uuid:6d3d2a3c-3a5e-4d2c-9a58-0c9f6f0f7a01";

fn entry(method: &str, url: &str, resource: Value) -> Value {
    json!({ "resource": resource, "request": { "method": method, "url": url } })
}

/// A Location, the Encounter updated to be there, a Communication and an AuditEvent.
async fn arrival(ehr: &Ehr<'_>, visit: &Value, value: &str) -> Value {
    let path = format!("Encounter/{}", text(visit, "/encounter_id"));
    let (_, mut encounter) = ehr.get(&path).await;
    let version = format!("W/\"{}\"", text(&encounter, "/meta/versionId"));
    encounter["status"] = json!("arrived");
    encounter["location"] = json!([{ "location": { "reference": PLACE }, "status": "active" }]);
    let mut place = entry("POST", "Location", json!({ "resourceType": "Location", "name": "Virtual" }));
    place["fullUrl"] = json!(PLACE);
    let mut update = entry("PUT", &path, encounter);
    update["request"]["ifMatch"] = json!(version);
    let mut told = entry("POST", "Communication", communication(visit, value));
    told["request"]["ifNoneExist"] = json!(format!("identifier=urn:roomed|{value}"));
    let id = "0a6b1f3e-6f5c-5d51-8a3f-0d2c1b7e9f10";
    let mut event = audit_event(visit);
    event["id"] = json!(id);
    let event = entry("PUT", &format!("AuditEvent/{id}"), event);
    // The update stands before the create it needs: a transaction has an order of its own.
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": [update, place, told, event] })
}

async fn post(ehr: &Ehr<'_>, bundle: &Value) -> Response {
    let url = text(&ehr.it, "/iss").to_owned();
    let request = ehr.desk.http.post(url).bearer_auth(&ehr.token);
    crate::ehr::fhir(request, bundle).send().await.unwrap()
}

#[tokio::test]
async fn all_of_it_is_done_and_references_lead_to_what_was_made() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let visit = ehr.book(json!({})).await;
    let bundle = arrival(&ehr, &visit, "one").await;
    let answer = post(&ehr, &bundle).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["type"], "transaction-response");
    let told: Vec<&str> = answer["entry"].as_array().unwrap().iter().map(|it| text(it, "/response/status")).collect();
    assert_eq!(told, ["200 OK", "201 Created", "201 Created", "201 Created"]);
    assert_eq!(answer["entry"][0]["response"]["etag"], "W/\"2\"");
    let place = text(&answer["entry"][1], "/response/location").to_owned();
    let (_, encounter) = ehr.get(&format!("Encounter/{}", text(&visit, "/encounter_id"))).await;
    let reference = text(&encounter, "/location/0/location/reference");
    assert!(place.contains(&format!("/{reference}/_history/1")), "{place} {reference}");
    let kinds: Vec<String> = ehr.effects().await.iter().map(|it| text(it, "/resource_type").to_owned()).collect();
    assert_eq!(kinds, ["Location", "Communication", "Encounter", "AuditEvent"], "creates come first");

    // Said again with the new version: the Communication is there already, the AuditEvent has its id.
    let again = post(&ehr, &arrival(&ehr, &visit, "one").await).await;
    let again: Value = again.json().await.unwrap();
    assert_eq!(again["entry"][2]["response"]["status"], "200 OK");
    assert_eq!(again["entry"][3]["response"]["status"], "200 OK");
    let found = ehr.get("Communication?identifier=one").await.1;
    assert_eq!((&found["total"], &ehr.get("AuditEvent?action=E").await.1["total"]), (&json!(1), &json!(1)));
    // The first bundle once more: its version is stale.
    assert_eq!(post(&ehr, &bundle).await.status(), StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn one_bad_entry_undoes_them_all() {
    let desk = Desk::open().await;
    let mut ehr = Ehr::enter(&desk, VENDOR).await;
    let visit = ehr.book(json!({})).await;
    let good = arrival(&ehr, &visit, "one").await;
    let with = |at: usize, pointer: &str, value: Value| {
        let mut other = good.clone();
        *other["entry"][at].pointer_mut(pointer).unwrap() = value;
        other
    };
    let mut twice = good.clone();
    let again = twice["entry"][3].clone();
    twice["entry"].as_array_mut().unwrap().push(again);
    for (what, bundle, status) in [
        ("stale", with(0, "/request/ifMatch", json!("W/\"9\"")), 412),
        ("no tag", with(0, "/request/ifMatch", json!("1")), 400),
        ("no such urn", with(1, "/fullUrl", json!("urn:uuid:0a6b1f3e-6f5c-5d51-8a3f-0d2c1b7e9f11")), 422),
        ("invalid", with(2, "/resource/status", json!("done")), 422),
        ("leads nowhere", with(2, "/resource/subject/reference", json!("Patient/nobody")), 422),
        (
            "a patient as participant",
            {
                let patient = format!("Patient/{}", text(&visit, "/patient_id"));
                with(0, "/resource/participant/0/individual/reference", json!(patient))
            },
            422,
        ),
        ("another id", with(3, "/resource/id", json!("another")), 400),
        ("unknown type", with(3, "/request/url", json!("Spaceship/1")), 404),
        ("conditional update", with(3, "/request/url", json!("AuditEvent?_id=1")), 405),
        ("a read", with(2, "/request/method", json!("GET")), 405),
        ("a patch", with(3, "/request/method", json!("PATCH")), 405),
        ("one twice", twice, 400),
        (
            "a batch",
            {
                let mut it = good.clone();
                it["type"] = json!("batch");
                it
            },
            400,
        ),
        ("no entries", json!({ "resourceType": "Bundle", "type": "transaction" }), 400),
        (
            "no request",
            {
                let mut it = good.clone();
                it["entry"][2].as_object_mut().unwrap().remove("request");
                it
            },
            400,
        ),
    ] {
        let answer = post(&ehr, &bundle).await;
        assert_eq!(answer.status().as_u16(), status, "{what}");
        assert_eq!(text(&answer.json().await.unwrap(), "/resourceType"), "OperationOutcome", "{what}");
        assert_eq!(ehr.effects().await, Vec::<Value>::new(), "{what}");
        for kind in ["Location", "Communication", "AuditEvent"] {
            assert_eq!(ehr.get(kind).await.1["total"], 0, "{what}: {kind}");
        }
    }
    let (_, encounter) = ehr.get(&format!("Encounter/{}", text(&visit, "/encounter_id"))).await;
    assert_eq!((text(&encounter, "/status"), text(&encounter, "/meta/versionId")), ("planned", "1"));

    let full = ehr.token.clone();
    let (_, narrow) = ehr.keys.ask_elsewhere(&desk, &ehr.it, "system/Communication.c system/Encounter.u", |_| {}).await;
    ehr.token = text(&narrow, "/access_token").to_owned();
    assert_eq!(post(&ehr, &good).await.status(), StatusCode::FORBIDDEN, "each entry needs its scope");
    ehr.token = full;
    desk.tell(Method::PUT, "/r4/capabilities", &json!({ "transaction": false })).await;
    assert_eq!(post(&ehr, &good).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(ehr.get("metadata").await.1["rest"][0]["interaction"].is_null());
    desk.tell(Method::PUT, "/r4/capabilities", &json!({})).await;
    assert_eq!(post(&ehr, &good).await.status(), StatusCode::OK);
}
