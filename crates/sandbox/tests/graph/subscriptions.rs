//! `/subscriptions` for meetingCallEvents: rules of the body, handshake, one per meeting, life and renewal.

use crate::desk::{Desk, encode};
use crate::receiver::{Handshake, Inbox};
use crate::unsealed::Certificate;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A body that is right in every respect, for an hour.
pub(crate) fn body(desk: &Desk, inbox: &Inbox, certificate: &Certificate, meeting: &Value) -> Value {
    json!({
        "changeType": "updated",
        "notificationUrl": format!("{}/graph/notifications?from=test", inbox.base),
        "lifecycleNotificationUrl": format!("{}/graph/lifecycle", inbox.base),
        "resource": format!(
            "communications/onlineMeetings(joinWebUrl='{}')/meetingCallEvents",
            encode(meeting["joinWebUrl"].as_str().unwrap())
        ),
        "includeResourceData": true,
        "encryptionCertificate": certificate.public,
        "encryptionCertificateId": "certificate-1",
        "expirationDateTime": in_minutes(desk, 60).to_string(),
        "clientState": "state-1",
    })
}

fn in_minutes(desk: &Desk, minutes: i64) -> Timestamp {
    desk.running.hospital.clock.now() + SignedDuration::from_mins(minutes)
}

#[tokio::test]
async fn a_body_that_breaks_a_rule_is_refused_before_any_handshake() {
    let (desk, inbox, certificate) = (Desk::open().await, Inbox::open().await, Certificate::rsa());
    let meeting = desk.meeting("e").await;
    let good = body(&desk, &inbox, &certificate, &meeting);
    let link = meeting["joinWebUrl"].as_str().unwrap();
    let resource = |link: &str| json!(format!("communications/onlineMeetings(joinWebUrl='{link}')/meetingCallEvents"));
    let day = json!(in_minutes(&desk, 24 * 60).to_string());
    for (changes, status) in [
        (json!({"changeType": "created"}), 400),
        (json!({"includeResourceData": false}), 400),
        (json!({"includeResourceData": null}), 400),
        (json!({"encryptionCertificate": null}), 400),
        (json!({"encryptionCertificateId": null}), 400),
        (json!({"encryptionCertificate": "not base64"}), 400),
        (json!({"encryptionCertificate": "AAAA"}), 400),
        (json!({"encryptionCertificate": Certificate::elliptic().public}), 400),
        (json!({"encryptionCertificateId": "x".repeat(129)}), 400),
        (json!({"clientState": "x".repeat(129)}), 400),
        (json!({"notificationUrl": "http://relay.example/graph"}), 400),
        (json!({"notificationUrl": "/graph"}), 400),
        (json!({"expirationDateTime": in_minutes(&desk, -1).to_string()}), 400),
        (json!({"expirationDateTime": in_minutes(&desk, 4322).to_string()}), 400),
        (json!({"expirationDateTime": day, "lifecycleNotificationUrl": null}), 400),
        (json!({"resource": resource(link)}), 400),
        (json!({"resource": "communications/calls"}), 400),
        (json!({"resource": resource(&encode(&link.replace("meeting_", "meeting_x")))}), 404),
        (json!({"applicationId": "mine"}), 400),
    ] {
        let mut bad = good.clone();
        bad.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let refused = desk.post("/beta/subscriptions", bad).await;
        assert_eq!(refused.status, status, "{changes} {refused:?}");
    }
    let once_encoded = resource(&link.replace("http://", "").replace('/', "%2F"));
    let mut bad = good;
    bad["resource"] = once_encoded;
    assert!(desk.post("/beta/subscriptions", bad).await.status >= 400);
    assert!(inbox.validated().is_empty());
}

#[tokio::test]
async fn both_endpoints_are_validated_before_the_201() {
    let (desk, inbox, certificate) = (Desk::open().await, Inbox::open().await, Certificate::rsa());
    let meeting = desk.meeting("e").await;
    let good = body(&desk, &inbox, &certificate, &meeting);
    for how in [Handshake::RawQuery, Handshake::Html, Handshake::Accepted] {
        inbox.shake(how);
        let refused = desk.post("/beta/subscriptions", good.clone()).await;
        assert_eq!((refused.status, &refused.body["error"]["code"]), (400, &json!("ValidationError")), "{refused:?}");
    }
    inbox.shake(Handshake::Proper);
    let made = desk.post("/v1.0/subscriptions", good.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(inbox.validated()[3..], ["/graph/notifications", "/graph/lifecycle"]);
    assert_eq!(made.body["encryptionCertificate"], Value::Null);
    assert_eq!(made.body["clientState"], "state-1");

    // One per application and meeting; another application has its own
    let second = desk.post("/beta/subscriptions", good.clone()).await;
    assert_eq!((second.status, &second.body["error"]["code"]), (403, &json!("Forbidden")));
    let other = desk.token("https://graph.microsoft.com", &["OnlineMeetings.Read.All"], "another-app");
    let theirs = desk.graph_as(&other, reqwest::Method::POST, "/beta/subscriptions", Some(good.clone())).await;
    assert_eq!(theirs.status, 201);
    let mine = format!("/beta/subscriptions/{}", made.body["id"].as_str().unwrap());
    assert_eq!(desk.graph_as(&other, reqwest::Method::DELETE, &mine, None).await.status, 404);
    assert_eq!(desk.delete(&mine).await.status, 204);
    assert_eq!(desk.post("/beta/subscriptions", good).await.status, 201);
}

#[tokio::test]
async fn a_subscription_lives_45_minutes_at_least_and_ends_when_it_is_not_renewed() {
    let (desk, inbox, certificate) = (Desk::open().await, Inbox::open().await, Certificate::rsa());
    let meeting = desk.meeting("e").await;
    let mut asked = body(&desk, &inbox, &certificate, &meeting);
    asked["expirationDateTime"] = json!(in_minutes(&desk, 5).to_string());
    let made = desk.post("/beta/subscriptions", asked).await;
    let expires: Timestamp = made.body["expirationDateTime"].as_str().unwrap().parse().unwrap();
    assert!(expires > in_minutes(&desk, 44));
    let path = format!("/beta/subscriptions/{}", made.body["id"].as_str().unwrap());

    let too_long = json!({"expirationDateTime": in_minutes(&desk, 4325).to_string()});
    assert_eq!(desk.patch(&path, too_long).await.status, 400);
    assert_eq!(desk.patch(&path, json!({"clientState": "other"})).await.status, 400);
    let renewed = desk.patch(&path, json!({"expirationDateTime": in_minutes(&desk, 120).to_string()})).await;
    assert_eq!(renewed.status, 200, "{renewed:?}");

    desk.running.hospital.clock.advance(106 * 60);
    let (to, warning) = inbox.posts(1).await.remove(0);
    assert_eq!(
        (to.as_str(), &warning["value"][0]["lifecycleEvent"]),
        ("/graph/lifecycle", &json!("reauthorizationRequired"))
    );
    assert_eq!(warning["value"][0]["clientState"], "state-1");
    assert_eq!(desk.graph(reqwest::Method::POST, &format!("{path}/reauthorize"), None).await.status, 204);
    desk.running.hospital.clock.advance(15 * 60);
    desk.journal("subscription.expired", 1).await;
    assert_eq!(desk.patch(&path, json!({"expirationDateTime": in_minutes(&desk, 60).to_string()})).await.status, 404);
}
