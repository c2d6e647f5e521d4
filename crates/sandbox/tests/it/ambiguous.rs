//! Fault switches at the EHRs' writes and token endpoints: what was done and what the caller learns of it come apart, in
//! every way they can.

use crate::{
    backend::Keys,
    desk::{Desk, patient, text},
    ehr::{ALL, Ehr, fhir},
    r4::communication,
};
use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;

/// One write at one EHR that can be repeated.
struct Write<'a> {
    ehr: Ehr<'a>,
    /// The narrow name of the door, and the EHR's word.
    target: &'static str,
    word: &'static str,
    visit: Value,
}

impl<'a> Write<'a> {
    async fn each(desk: &'a Desk) -> Vec<Self> {
        let mut all = Vec::new();
        for (vendor, target, word) in [
            ("oracle-health", "oracle.patch", "oracle"),
            ("fhir-r4", "r4.create", "r4"),
            ("fhir-r4", "r4.update", "r4"),
            ("fhir-r4", "r4.transaction", "r4"),
            ("fhir-r4", "epic.connection_status", "epic"),
        ] {
            let ehr = Ehr::enter(desk, vendor).await;
            let visit = if word == "epic" { desk.appointment("MOKAFOR").await } else { ehr.book(json!({})).await };
            all.push(Self { ehr, target, word, visit });
        }
        all
    }

    async fn request(&self) -> RequestBuilder {
        let ehr = &self.ehr;
        let event = communication(&self.visit, "one");
        match self.target {
            "oracle.patch" => {
                let path = format!("Appointment/{}", text(&self.visit, "/appointment_id"));
                let version = text(&ehr.get(&path).await.1, "/meta/versionId").to_owned();
                let op = if version == "0" { "add" } else { "replace" };
                let operation = |path: &str, value: &str| json!({ "op": op, "path": path, "value": value });
                let body = json!([
                    operation("/contained/0/telecom/0/value", "https://visit.example/p"),
                    operation("/contained/1/telecom/0/value", "https://visit.example/q"),
                    operation("/contained/0/telecom/0/period/start", "2026-05-04T10:00:00Z"),
                    operation("/contained/0/telecom/0/period/end", "2026-05-04T10:30:00Z"),
                ]);
                let request = ehr.request(Method::PATCH, &path).header(header::IF_MATCH, format!("W/\"{version}\""));
                request.header(header::CONTENT_TYPE, "application/json-patch+json").body(body.to_string())
            }
            "r4.create" => fhir(ehr.request(Method::POST, "Communication"), &event),
            "r4.update" => {
                let path = format!("Appointment/{}", text(&self.visit, "/appointment_id"));
                let body = ehr.get(&path).await.1;
                fhir(ehr.request(Method::PUT, &path), &body)
            }
            "r4.transaction" => {
                let entry = json!({ "resource": event, "request": { "method": "POST", "url": "Communication" } });
                let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] });
                fhir(ehr.request(Method::POST, ""), &bundle)
            }
            _ => {
                let (desk, organization) = (ehr.desk, &ehr.desk.northside);
                let status = &organization["ehr"]["connection_status"];
                let url = format!("{}{}", text(organization, "/ehr/interconnect"), text(status, "/path"));
                let wpr = text(patient(organization, &self.visit["patient_id"]), "/wpr");
                let query = [
                    ("ConferenceID", text(&self.visit, "/csn")),
                    ("ExternalID", wpr),
                    ("ExternalIDType", "2"),
                    ("VendorName", "Roomed"),
                    ("ConnectionStatus", "1"),
                ];
                let request =
                    desk.http.get(url).query(&query).header("Epic-Client-ID", text(status, "/epic_client_id"));
                request.basic_auth(text(status, "/auth/user"), Some(text(status, "/auth/password")))
            }
        }
    }

    async fn send(&self) -> reqwest::Result<reqwest::Response> {
        self.request().await.send().await
    }

    async fn count(&self) -> usize {
        self.ehr.effects().await.len()
    }

    async fn strike(&self, more: Value) {
        let mut fault = json!({ "target": self.target });
        fault.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ehr.desk.fault(fault).await;
    }
}

#[tokio::test]
async fn every_write_can_be_done_without_the_caller_knowing() {
    let desk = Desk::open().await;
    for write in Write::each(&desk).await {
        let name = write.target;
        assert!(write.send().await.unwrap().status().is_success(), "{name} undisturbed");
        let mut done = write.count().await;
        // Done, and the answer lost, false or late.
        write.strike(json!({ "mode": "drop_after_apply" })).await;
        assert!(write.send().await.is_err(), "{name}");
        done += 1;
        assert_eq!(write.count().await, done, "{name} dropped after");
        write.strike(json!({ "mode": "status_after_apply" })).await;
        assert_eq!(write.send().await.unwrap().status(), StatusCode::INTERNAL_SERVER_ERROR, "{name}");
        done += 1;
        assert_eq!(write.count().await, done, "{name} false answer");
        write.strike(json!({ "mode": "delay_after_apply", "delay_ms": 60_000 })).await;
        let impatient = write.request().await.timeout(Duration::from_millis(300)).send().await;
        assert!(impatient.unwrap_err().is_timeout(), "{name}");
        done += 1;
        let known = desk.ask(&format!("/effects?since={}&wait_ms=20000", done - 1)).await;
        assert_eq!(known["newest"].as_u64(), Some(done as u64), "{name} timed out");

        // Not done.
        for (status, retry_after) in [(500, None), (503, Some(7)), (429, Some(2))] {
            write.strike(json!({ "mode": "status", "status": status, "retry_after": retry_after })).await;
            let answer = write.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{name}");
            let told = answer.headers().get("retry-after").map(|it| it.to_str().unwrap().parse::<u32>().unwrap());
            assert_eq!(told, retry_after, "{name}");
        }
        write.strike(json!({ "mode": "drop_before" })).await;
        assert!(write.send().await.is_err(), "{name}");
        assert_eq!(write.count().await, done, "{name} not done");

        // Done later than the caller was cut off. Nothing may have happened when the error arrives.
        write.strike(json!({ "mode": "late", "delay_ms": 30_000 })).await;
        assert!(write.send().await.is_err(), "{name}");
        assert_eq!(write.count().await, done, "{name} has not landed yet");
        desk.advance(30).await;
        let landed = desk.ask(&format!("/effects?since={done}&wait_ms=20000")).await;
        assert_eq!(landed["newest"].as_u64(), Some(done as u64 + 1), "{name} landed");

        assert!(write.send().await.unwrap().status().is_success(), "{name} undisturbed again");
    }
}

#[tokio::test]
async fn a_late_write_meets_the_chart_as_it_is_when_it_lands() {
    let desk = Desk::open().await;
    let write = Write::each(&desk).await.remove(0);
    let stale = write.request().await;
    write.strike(json!({ "mode": "late", "delay_ms": 30_000 })).await;
    assert!(stale.send().await.is_err());
    assert!(write.send().await.unwrap().status().is_success());
    desk.advance(30).await;
    // The late one had the version of before: it is refused where nobody hears it.
    assert_eq!(desk.journal_says("fhir.refused").await["status"], 409);
    let (_, read) = write.ehr.get(&format!("Appointment/{}", text(&write.visit, "/appointment_id"))).await;
    assert_eq!((text(&read, "/meta/versionId"), write.count().await), ("0-1", 1));
}

#[tokio::test]
async fn wider_names_strike_too_and_only_what_they_are_about() {
    let desk = Desk::open().await;
    for write in Write::each(&desk).await {
        let name = write.target;
        let group = format!("{}.write", write.word);
        let subject = if write.word == "epic" { text(&write.visit, "/csn") } else { text(&write.visit, "/patient_id") };
        let subject = if name == "oracle.patch" { text(&write.visit, "/appointment_id") } else { subject };
        desk.fault(json!({ "target": group, "mode": "poison", "times": 0, "matching": subject })).await;
        for _ in 0..2 {
            assert_eq!(write.send().await.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        }
        desk.tell(Method::DELETE, &format!("/faults?target={group}"), &Value::Null).await;
        desk.fault(json!({ "target": group, "mode": "poison", "times": 0, "matching": "somebody-else" })).await;
        assert!(write.send().await.unwrap().status().is_success(), "{name}");

        let request = write.request().await;
        desk.fault(json!({ "target": write.word, "mode": "revoke" })).await;
        assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "{name}");
        if write.word != "epic" {
            assert_eq!(write.ehr.get("Patient?_id=1").await.0, StatusCode::UNAUTHORIZED, "the token is gone");
        }
        desk.tell(Method::DELETE, "/faults", &Value::Null).await;
    }
}

#[tokio::test]
async fn an_outage_is_total_and_of_one_ehr() {
    let desk = Desk::open().await;
    let keys = Keys::publish(&desk).await;
    let [oracle, r4] = [0, 1].map(|it| desk.northside["more_ehrs"][it].clone());
    let meta = async |ehr: &Value| desk.http.get(format!("{}/metadata", text(ehr, "/iss"))).send().await;
    for (down, up) in [(&oracle, &r4), (&r4, &oracle)] {
        let word = text(down, "/ehr");
        desk.fault(json!({ "target": word, "mode": "drop_before", "times": 0 })).await;
        assert!(meta(down).await.is_err());
        let token = desk.http.post(text(down, "/token_endpoint")).form(&[("grant_type", "client_credentials")]);
        assert!(token.send().await.is_err());
        let read = desk.http.get(format!("{}/Patient/1", text(down, "/iss"))).send().await;
        assert!(read.is_err());
        assert_eq!(meta(up).await.unwrap().status(), StatusCode::OK);
        assert_eq!(keys.ask_elsewhere(&desk, up, ALL, |_| {}).await.0, StatusCode::OK);
        desk.tell(Method::DELETE, &format!("/faults?target={word}"), &Value::Null).await;
        assert_eq!(meta(down).await.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_token_can_be_issued_without_the_caller_knowing() {
    let desk = Desk::open().await;
    let keys = Keys::publish(&desk).await;
    for (at, target) in [(0, "oracle.token"), (1, "r4.token")] {
        let ehr = desk.northside["more_ehrs"][at].clone();
        desk.fault(json!({ "target": target, "mode": "status_after_apply", "status": 502 })).await;
        let form = [("grant_type", "client_credentials")];
        assert_eq!(desk.form(text(&ehr, "/token_endpoint"), &form).await.status(), StatusCode::BAD_GATEWAY);
        desk.fault(json!({ "target": target, "mode": "refuse" })).await;
        let (status, body) = keys.ask_elsewhere(&desk, &ehr, ALL, |it| it["jti"] = json!("x")).await;
        assert_eq!((status, text(&body, "/error")), (StatusCode::UNAUTHORIZED, "invalid_client"));
        // Refused by the switch it was not looked at; the assertion is still good.
        assert_eq!(keys.ask_elsewhere(&desk, &ehr, ALL, |it| it["jti"] = json!("x")).await.0, StatusCode::OK);
    }
    let faults = desk.ask("/faults").await;
    assert_eq!((&faults["faults"], &faults["struck"]["r4.token"]["refuse"]), (&json!([]), &json!(1)));
}

#[tokio::test]
async fn a_share_of_requests_is_struck_and_the_same_ones_for_the_same_seed() {
    let mut patterns = Vec::new();
    for _ in 0..2 {
        let desk = Desk::open().await;
        let write = Write::each(&desk).await.remove(1);
        write.strike(json!({ "mode": "drop_after_apply", "times": 0, "percent": 40, "seed": 11 })).await;
        let mut pattern = Vec::new();
        for _ in 0..40 {
            pattern.push(write.send().await.is_ok());
        }
        assert_eq!(write.count().await, 40, "each was done, whatever its caller heard");
        patterns.push(pattern);
    }
    assert_eq!(patterns[0], patterns[1]);
    let lost = patterns[0].iter().filter(|it| !**it).count();
    assert!((8..=24).contains(&lost), "{lost} of 40 at 40 percent");
}
