//! Subscriptions of the generic R4 server: a handshake, then a word for every change of a matching Appointment.

use crate::{
    desk::{Desk, text},
    ehr::Ehr,
    r4::VENDOR,
};
use axum::{Router, extract::State, http::HeaderMap, routing::post};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    sync::{RwLock, mpsc},
};

/// What a subscriber heard: the `x-secret` header and the body.
type Heard = (Option<String>, Value);

/// A subscriber that answers as it is told.
struct Subscriber {
    url: String,
    heard: mpsc::UnboundedReceiver<Heard>,
    answer: Arc<RwLock<StatusCode>>,
}

impl Subscriber {
    async fn open() -> Self {
        let (sender, heard) = mpsc::unbounded_channel();
        let answer = Arc::new(RwLock::new(StatusCode::OK));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let hook = async |State((sender, answer)): State<(mpsc::UnboundedSender<Heard>, Arc<RwLock<StatusCode>>)>,
                          headers: HeaderMap,
                          body: String| {
            let secret = headers.get("x-secret").map(|it| it.to_str().unwrap().to_owned());
            sender.send((secret, serde_json::from_str(&body).unwrap())).unwrap();
            *answer.read().await
        };
        let routes = Router::new().route("/hook", post(hook)).with_state((sender, answer.clone()));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, heard, answer }
    }

    async fn next(&mut self) -> Heard {
        tokio::time::timeout(Duration::from_secs(20), self.heard.recv()).await.expect("nothing was sent").unwrap()
    }

    /// The next event's number and what it is about.
    async fn event(&mut self) -> (String, Option<String>) {
        let (_, body) = self.next().await;
        assert_eq!(parameter(&body, "type")["valueCode"], "event-notification");
        let number = text(parameter(&body, "events-since-subscription-start"), "/valueString").to_owned();
        let focus = body["entry"][1]["fullUrl"].as_str().map(|it| it.rsplit('/').next().unwrap().to_owned());
        assert!(body["entry"].as_array().unwrap().iter().skip(1).all(|it| it["resource"].is_null()), "minimal detail");
        (number, focus)
    }
}

fn parameter<'a>(bundle: &'a Value, name: &str) -> &'a Value {
    let all = bundle["entry"][0]["resource"]["parameter"].as_array().unwrap();
    all.iter().find(|it| it["name"] == name).unwrap()
}

fn subscription(endpoint: &str, criteria: &str, content: &str) -> Value {
    json!({
        "resourceType": "Subscription", "status": "requested", "reason": "visits", "criteria": criteria,
        "channel": {
            "type": "rest-hook", "endpoint": endpoint, "header": ["X-Secret: sesame"], "payload": "application/fhir+json",
            "_payload": { "extension": [{
                "url": "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content",
                "valueCode": content,
            }] },
        },
    })
}

async fn status(ehr: &Ehr<'_>, id: &str) -> String {
    text(&ehr.get(&format!("Subscription/{id}")).await.1, "/status").to_owned()
}

#[tokio::test]
async fn a_subscriber_that_answers_the_handshake_hears_of_matching_changes_in_order() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let mut subscriber = Subscriber::open().await;
    let mine = ehr.book(json!({})).await;
    let theirs = ehr.book(json!({ "practitioner_id": ehr.it["people"][1]["practitioner_id"] })).await;
    let criteria = format!("Appointment?practitioner=Practitioner/{}", text(&mine, "/practitioner_id"));
    let created = ehr.send(Method::POST, "Subscription", &subscription(&subscriber.url, &criteria, "id-only")).await;
    assert_eq!(created.status(), StatusCode::CREATED);
    let created: Value = created.json().await.unwrap();
    let id = text(&created, "/id");
    let (secret, handshake) = subscriber.next().await;
    assert_eq!((secret.as_deref(), &handshake["type"]), (Some("sesame"), &json!("history")));
    assert_eq!(parameter(&handshake, "type")["valueCode"], "handshake");
    desk.journal_says("subscription.active").await;
    assert_eq!(status(&ehr, id).await, "active");

    let arrive = async |visit: &Value| {
        let path = format!("/appointments/{}", text(visit, "/appointment_id"));
        desk.tell(Method::PATCH, &path, &json!({ "status": "arrived" })).await;
    };
    arrive(&theirs).await;
    arrive(&mine).await;
    let about = Some(text(&mine, "/appointment_id").to_owned());
    assert_eq!(subscriber.event().await, ("1".to_owned(), about.clone()), "the other one does not match");
    // Over the API too, and a lost one leaves a gap.
    desk.fault(json!({ "target": "r4.notify", "mode": "drop_before" })).await;
    arrive(&mine).await;
    let (_, appointment) = ehr.get(&format!("Appointment/{}", text(&mine, "/appointment_id"))).await;
    ehr.send(Method::PUT, &format!("Appointment/{}", text(&mine, "/appointment_id")), &appointment).await;
    assert_eq!(subscriber.event().await, ("3".to_owned(), about));
    for (mode, numbers) in [("duplicate", ["4", "4"]), ("reorder", ["6", "5"])] {
        desk.fault(json!({ "target": "r4.notify", "mode": mode })).await;
        arrive(&mine).await;
        if mode == "reorder" {
            arrive(&mine).await;
        }
        let heard = [subscriber.event().await.0, subscriber.event().await.0];
        assert_eq!(heard, numbers, "{mode}");
    }

    let mut off = created.clone();
    off["status"] = json!("off");
    assert_eq!(ehr.send(Method::PUT, &format!("Subscription/{id}"), &off).await.status(), StatusCode::OK);
    arrive(&mine).await;
    off["status"] = json!("requested");
    ehr.send(Method::PUT, &format!("Subscription/{id}"), &off).await;
    let (_, again) = subscriber.next().await;
    assert_eq!(parameter(&again, "type")["valueCode"], "handshake", "nothing was sent while it was off");
    let gone = ehr.request(Method::DELETE, &format!("Subscription/{id}")).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert_eq!(ehr.get(&format!("Subscription/{id}")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_empty_notification_says_only_that_there_is_something() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let mut subscriber = Subscriber::open().await;
    let wanted = subscription(&subscriber.url, "Appointment?status=arrived,checked-in", "empty");
    ehr.send(Method::POST, "Subscription", &wanted).await;
    subscriber.next().await;
    desk.journal_says("subscription.active").await;
    let visit = ehr.book(json!({})).await;
    let path = format!("/appointments/{}", text(&visit, "/appointment_id"));
    desk.tell(Method::PATCH, &path, &json!({ "status": "arrived" })).await;
    let (_, body) = subscriber.next().await;
    assert_eq!(body["entry"].as_array().unwrap().len(), 1);
    assert!(!body.to_string().contains(text(&visit, "/appointment_id")), "{body}");

    // Switched off, nothing is sent and the type is gone.
    desk.tell(Method::PUT, "/r4/capabilities", &json!({ "subscriptions": false })).await;
    desk.tell(Method::PATCH, &path, &json!({ "status": "checked-in" })).await;
    assert_eq!(ehr.send(Method::POST, "Subscription", &wanted).await.status(), StatusCode::NOT_FOUND);
    let listed = ehr.get("metadata").await.1;
    assert!(listed["rest"][0]["resource"].as_array().unwrap().iter().all(|it| it["type"] != "Subscription"));
    desk.tell(Method::PUT, "/r4/capabilities", &json!({})).await;
    desk.tell(Method::PATCH, &path, &json!({ "status": "arrived" })).await;
    assert_eq!(subscriber.event().await.0, "2", "the one while it was off was not sent");
}

#[tokio::test]
async fn what_happens_before_the_handshake_is_answered_is_not_told() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let mut subscriber = Subscriber::open().await;
    let (early, late) = (ehr.book(json!({})).await, ehr.book(json!({})).await);
    let arrive = async |visit: &Value| {
        let path = format!("/appointments/{}", text(visit, "/appointment_id"));
        desk.tell(Method::PATCH, &path, &json!({ "status": "arrived" })).await;
    };
    let answer = subscriber.answer.clone();
    let thinking = answer.write().await;
    let wanted = subscription(&subscriber.url, "Appointment?status=arrived", "id-only");
    ehr.send(Method::POST, "Subscription", &wanted).await;
    subscriber.next().await;
    arrive(&early).await;
    drop(thinking);
    desk.journal_says("subscription.active").await;
    arrive(&late).await;
    assert_eq!(subscriber.event().await, ("1".to_owned(), Some(text(&late, "/appointment_id").to_owned())));
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_or_ends_in_error() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, VENDOR).await;
    let mut subscriber = Subscriber::open().await;
    let good = subscription(&subscriber.url, "Appointment?status=arrived", "id-only");
    for (pointer, value) in [
        ("/status", json!("active")),
        ("/criteria", json!("Appointment")),
        ("/criteria", json!("Encounter?status=arrived")),
        ("/channel/type", json!("email")),
        ("/channel/endpoint", json!("http://relay.example/hook")),
        ("/channel/endpoint", json!("hook")),
        ("/channel/payload", json!("application/fhir+xml")),
        ("/channel/header", json!(["sesame"])),
        ("/channel/_payload/extension/0/valueCode", json!("full-resource")),
    ] {
        let mut wrong = good.clone();
        *wrong.pointer_mut(pointer).unwrap() = value.clone();
        let answer = ehr.send(Method::POST, "Subscription", &wrong).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{pointer} {value}");
    }
    let mut unknown = good.clone();
    unknown["criteria"] = json!("Appointment?colour=red");
    assert_eq!(ehr.send(Method::POST, "Subscription", &unknown).await.status(), StatusCode::BAD_REQUEST);

    *subscriber.answer.write().await = StatusCode::FORBIDDEN;
    let created = ehr.send(Method::POST, "Subscription", &good).await;
    let created: Value = created.json().await.unwrap();
    assert_eq!(text(&created, "/status"), "requested");
    subscriber.next().await;
    desk.journal_says("subscription.error").await;
    assert_eq!(status(&ehr, text(&created, "/id")).await, "error");
}
