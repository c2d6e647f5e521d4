//! `SetExternalConnectionStatus`: one way to say it right, many to say it wrong, and a number nobody can guess.

use crate::desk::{Desk, patient, person, text};
use crate::pages::{Live, sign_in};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

pub(crate) struct Call<'a> {
    desk: &'a Desk,
    appointment: Value,
    query: Vec<(&'static str, String)>,
}

impl<'a> Call<'a> {
    async fn patient_connected(desk: &'a Desk) -> Self {
        let appointment = desk.appointment("MOKAFOR").await;
        Self::about(desk, &appointment, text(&appointment, "/csn"))
    }

    /// The appointment's patient, if it has one, is connected to a conference.
    pub(crate) fn about(desk: &'a Desk, appointment: &Value, conference: &str) -> Self {
        let id = &appointment["patient_id"];
        let wpr = if id.is_null() { String::new() } else { text(patient(&desk.northside, id), "/wpr").to_owned() };
        let appointment = appointment.clone();
        let query = vec![
            ("ConferenceID", conference.to_owned()),
            ("ExternalID", wpr),
            ("ExternalIDType", "2".to_owned()),
            ("VendorName", "Roomed".to_owned()),
            ("ConnectionStatus", "1".to_owned()),
        ];
        Self { desk, appointment, query }
    }

    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        for it in &mut self.query {
            if it.0 == name {
                it.1 = value.to_string();
            }
        }
        self
    }

    fn request(&self, method: Method) -> reqwest::RequestBuilder {
        let status = &self.desk.northside["ehr"]["connection_status"];
        let url = format!("{}{}", text(&self.desk.northside, "/ehr/interconnect"), text(status, "/path"));
        self.desk
            .http
            .request(method, url)
            .query(&self.query)
            .basic_auth(text(status, "/auth/user"), Some(text(status, "/auth/password")))
            .header("Epic-Client-ID", text(status, "/epic_client_id"))
    }

    pub(crate) async fn send(&self) -> Response {
        self.request(Method::GET).send().await.unwrap()
    }

    async fn marks(&self) -> Value {
        let all = self.desk.ask("/appointments").await;
        let all = all["appointments"].as_array().unwrap().clone();
        all.into_iter().find(|it| it["appointment_id"] == self.appointment["appointment_id"]).unwrap()["marks"].clone()
    }
}

#[tokio::test]
async fn marks_follow_the_newest_state_of_each_participant() {
    let desk = Desk::open().await;
    let disconnected = desk.northside["ehr"]["connection_status"]["disconnected"].as_u64().unwrap();
    assert!((2..=99).contains(&disconnected));
    let call = Call::patient_connected(&desk).await;
    let nobody = json!({ "patient": "Not connected", "practitioner": "Not connected" });
    assert_eq!(call.marks().await, nobody);
    // A schedule that is open shows it by itself.
    let mut live = Live::of(&desk, &sign_in(&desk, "MOKAFOR").await).await;
    let id = text(&call.appointment, "/appointment_id").to_owned();
    live.shows(&id, |row| row["marks"] == nobody).await;
    let answer = call.send().await;
    assert_eq!((answer.status(), answer.text().await.unwrap().as_str()), (StatusCode::OK, ""));
    live.shows(&id, |row| row["marks"] == json!({ "patient": "Connected", "practitioner": "Not connected" })).await;
    let emp = text(person(&desk.northside, "MOKAFOR"), "/emp");
    let call = call.with("ExternalIDType", 1).with("ExternalID", emp);
    assert_eq!(call.send().await.status(), StatusCode::OK);
    assert_eq!(call.marks().await, json!({ "patient": "Connected", "practitioner": "Connected" }));
    let call = call.with("ConnectionStatus", disconnected);
    assert_eq!(call.send().await.status(), StatusCode::OK);
    assert_eq!(call.marks().await, json!({ "patient": "Connected", "practitioner": "Disconnected" }));

    let written = desk.ask("/write-backs").await;
    let written: Vec<_> = written
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["external_id_type"].as_u64(), it["connection_status"].as_u64()))
        .collect();
    assert_eq!(written, [(Some(2), Some(1)), (Some(1), Some(1)), (Some(1), Some(disconnected))]);
}

#[tokio::test]
async fn whatever_is_not_quite_right_is_refused_and_writes_nothing() {
    let desk = Desk::open().await;
    let disconnected = desk.northside["ehr"]["connection_status"]["disconnected"].as_u64().unwrap();
    let harbor = desk.appointment("DCHO").await;
    let office = desk.ask("/appointments").await["appointments"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["type"] == "OFFICE")
        .unwrap()
        .clone();
    let other_patient = patient(&desk.northside, &desk.appointment("JLINDQVIST").await["patient_id"])["wpr"]
        .as_str()
        .unwrap()
        .to_owned();
    let a_number_too_many = (disconnected + 1).to_string();
    for (name, value, code) in [
        ("ConferenceID", "1853", "INVALID-CONFERENCE-ID"),
        ("ConferenceID", text(&harbor, "/csn"), "INVALID-CONFERENCE-ID"),
        ("ConferenceID", text(&office, "/csn"), "INVALID-CONFERENCE-ID"),
        ("ExternalID", "19", "INVALID-EXTERNAL-ID"),
        ("ExternalID", other_patient.as_str(), "INVALID-EXTERNAL-ID"),
        ("ExternalIDType", "1", "INVALID-EXTERNAL-ID"),
        ("ExternalIDType", "3", "INVALID-EXTERNAL-ID-TYPE"),
        ("ExternalIDType", "WPR", "INVALID-EXTERNAL-ID-TYPE"),
        ("VendorName", "roomed", "INVALID-VENDOR-NAME"),
        ("ConnectionStatus", "0", "INVALID-CONNECTION-STATUS"),
        ("ConnectionStatus", a_number_too_many.as_str(), "INVALID-CONNECTION-STATUS"),
        ("ConnectionStatus", "", "MISSING-PARAMETER"),
    ] {
        let answer = Call::patient_connected(&desk).await.with(name, value).send().await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{name}={value}");
        let body: Value = answer.json().await.unwrap();
        assert!(text(&body, "/ExceptionMessage").contains(code), "{name}={value}: {body}");
    }
    let call = Call::patient_connected(&desk).await;
    for extra in [("Reason", "x"), ("ConferenceID", "1")] {
        assert_eq!(call.request(Method::GET).query(&[extra]).send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    }
    let bare = |call: &Call<'_>| {
        let mut request = call.request(Method::GET).build().unwrap();
        request.headers_mut().remove("epic-client-id");
        request
    };
    assert_eq!(desk.http.execute(bare(&call)).await.unwrap().status(), StatusCode::FORBIDDEN);
    let mut nobody = bare(&call);
    nobody.headers_mut().remove("authorization");
    assert_eq!(desk.http.execute(nobody).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let mut without_emp = call.request(Method::GET).build().unwrap();
    without_emp.headers_mut().insert("authorization", "Basic dXNlcjpwYXNzd29yZA==".parse().unwrap());
    assert_eq!(desk.http.execute(without_emp).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    for method in [Method::POST, Method::PUT] {
        assert_eq!(call.request(method).send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    }
    assert_eq!(desk.ask("/write-backs").await, json!([]));
    assert_eq!(call.marks().await["patient"], "Not connected");
}

#[tokio::test]
async fn an_answer_can_be_lost_before_or_after_the_chart_knows() {
    let desk = Desk::open().await;
    let call = Call::patient_connected(&desk).await;
    let count = async || desk.ask("/write-backs").await.as_array().unwrap().len();
    let target = "epic.connection_status";
    desk.fault(json!({ "target": target, "mode": "drop_before" })).await;
    assert!(call.request(Method::GET).send().await.is_err());
    assert_eq!(count().await, 0);
    desk.fault(json!({ "target": target, "mode": "drop_after_apply" })).await;
    assert!(call.request(Method::GET).send().await.is_err());
    assert_eq!(count().await, 1);
    desk.fault(json!({ "target": target, "mode": "status", "status": 503, "retry_after": 7, "times": 2 })).await;
    for _ in 0..2 {
        assert_eq!(call.send().await.headers()["retry-after"], "7");
    }
    assert_eq!((call.send().await.status(), count().await), (StatusCode::OK, 2));
}

#[tokio::test]
async fn each_start_has_its_own_number_for_disconnected() {
    let mut numbers = Vec::new();
    for _ in 0..6 {
        let running = roomed_sandbox::Sandbox::start(roomed_sandbox::Options::default()).await.unwrap();
        numbers.push(running.hospital.organizations[0].disconnected);
    }
    numbers.dedup();
    assert!(numbers.len() > 1, "six starts in a row had the same number");
}
