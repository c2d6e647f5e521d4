//! Deliveries that go wrong on purpose: spoilt in one respect each, doubled, swapped, lost, refused and tried again.

use crate::desk::Desk;
use crate::receiver::Inbox;
use crate::subscriptions::body;
use crate::unsealed::Certificate;
use serde_json::{Value, json};
use std::sync::Arc;

struct Watched {
    desk: Desk,
    inbox: Arc<Inbox>,
    certificate: Certificate,
    meeting: Value,
}

async fn watched() -> Watched {
    let (desk, inbox, certificate) = (Desk::open().await, Inbox::open().await, Certificate::rsa());
    let meeting = desk.meeting("e").await;
    assert_eq!(desk.post("/beta/subscriptions", body(&desk, &inbox, &certificate, &meeting)).await.status, 201);
    Watched { desk, inbox, certificate, meeting }
}

impl Watched {
    fn kinds(&self, posts: &[(String, Value)]) -> Vec<String> {
        let open = |post: &Value| self.certificate.open(&post["value"][0]["encryptedContent"]).unwrap();
        posts.iter().map(|(_, post)| open(post)["eventType"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn each_spoil_spoils_one_thing() {
    let it = watched().await;
    let hospital = it.desk.running.hospital.clone();
    let claims = |post: &Value| {
        hospital.entra.key.verify(post["validationTokens"][0].as_str().unwrap_or(""), hospital.clock.unix())
    };
    let modes = [
        "wrong_client_state",
        "bad_signature",
        "unknown_certificate",
        "forged_token",
        "token_wrong_appid",
        "token_wrong_audience",
        "token_wrong_tenant",
        "token_expired",
        "token_missing",
    ];
    for (n, mode) in modes.into_iter().enumerate() {
        assert_eq!(it.desk.switch("/forge", json!({"mode": mode})).await.body["told"], 1);
        let (_, post) = it.inbox.posts(n + 1).await.remove(n);
        let item = &post["value"][0];
        assert_eq!(item["clientState"] != "state-1", mode == "wrong_client_state", "{mode}");
        assert_eq!(it.certificate.open(&item["encryptedContent"]).is_none(), mode == "bad_signature", "{mode}");
        let id = &item["encryptedContent"]["encryptionCertificateId"];
        assert_eq!(id != "certificate-1", mode == "unknown_certificate", "{mode}");
        let claims = claims(&post);
        assert_eq!(claims.is_err(), ["forged_token", "token_expired", "token_missing"].contains(&mode), "{mode}");
        let Ok(claims) = claims else { continue };
        let sender = "0bf30f3b-4a52-48df-9a82-234910c4a086";
        assert_eq!(claims["appid"] != sender, mode == "token_wrong_appid", "{mode}");
        assert_eq!(claims["aud"] != it.desk.app, mode == "token_wrong_audience", "{mode}");
        assert_eq!(claims["tid"] != it.desk.tid, mode == "token_wrong_tenant", "{mode}");
    }
    assert_eq!(it.desk.switch("/forge", json!({"mode": "something"})).await.status, 400);
    // The switch for the next genuine notification
    assert_eq!(it.desk.switch("/notify-faults", json!({"mode": "wrong_client_state"})).await.status, 204);
    it.desk.join(&it.meeting, json!({"oid": it.desk.clinician})).await;
    let posts = it.inbox.posts(modes.len() + 2).await;
    assert_ne!(posts[modes.len()].1["value"][0]["clientState"], "state-1");
    assert_eq!(posts[modes.len() + 1].1["value"][0]["clientState"], "state-1");
}

#[tokio::test]
async fn notifications_come_twice_swapped_or_not_at_all() {
    let it = watched().await;
    it.desk.fault(json!({"target": "graph.notify", "mode": "duplicate"}));
    let clinician = it.desk.join(&it.meeting, json!({"oid": it.desk.clinician})).await;
    let posts = it.inbox.posts(3).await;
    assert_eq!(it.kinds(&posts), ["callStarted", "callStarted", "rosterUpdated"]);
    assert_eq!(
        posts[0].1["value"][0]["resourceData"], posts[1].1["value"][0]["resourceData"],
        "the same notification twice"
    );

    it.desk.fault(json!({"target": "graph.notify", "mode": "reorder"}));
    it.desk.teams(&it.meeting, "/leave", json!({"leg": clinician})).await;
    let posts = it.inbox.posts(5).await;
    assert_eq!(it.kinds(&posts[3..]), ["callEnded", "rosterUpdated"]);

    it.desk.fault(json!({"target": "graph.notify", "mode": "drop_before"}));
    it.desk.join(&it.meeting, json!({"oid": it.desk.clinician})).await;
    let posts = it.inbox.posts(6).await;
    assert_eq!(it.kinds(&posts[5..]), ["rosterUpdated"]);
}

#[tokio::test]
async fn a_refused_notification_is_tried_again_on_the_sandboxs_clock() {
    let it = watched().await;
    it.inbox.answer(&[503, 500]);
    it.desk.join(&it.meeting, json!({"oid": it.desk.clinician})).await;
    it.desk.journal("notification.failed", 1).await;
    it.desk.running.hospital.clock.advance(1);
    it.desk.journal("notification.failed", 2).await;
    it.desk.running.hospital.clock.advance(2);
    let posts = it.inbox.posts(4).await;
    assert_eq!(it.kinds(&posts), ["callStarted", "callStarted", "callStarted", "rosterUpdated"]);
}

#[tokio::test]
async fn a_paused_subscription_loses_events_until_reauthorized() {
    let it = watched().await;
    let asked = json!({"event": "reauthorizationRequired", "pause": true});
    assert_eq!(it.desk.switch("/lifecycle", asked).await.body["told"], 1);
    let (to, post) = it.inbox.posts(1).await.remove(0);
    assert_eq!(
        (to.as_str(), &post["value"][0]["lifecycleEvent"]),
        ("/graph/lifecycle", &json!("reauthorizationRequired"))
    );
    let clinician = it.desk.join(&it.meeting, json!({"oid": it.desk.clinician})).await;
    it.desk.journal("notification.dropped", 2).await;
    let id = post["value"][0]["subscriptionId"].as_str().unwrap();
    let path = format!("/beta/subscriptions/{id}/reauthorize");
    assert_eq!(it.desk.graph(reqwest::Method::POST, &path, None).await.status, 204);
    it.desk.teams(&it.meeting, "/leave", json!({"leg": clinician})).await;
    let posts = it.inbox.posts(3).await;
    assert_eq!(it.kinds(&posts[1..]), ["rosterUpdated", "callEnded"]);
    assert_eq!(it.desk.switch("/lifecycle", json!({"event": "subscriptionRemoved"})).await.body["told"], 1);
    it.inbox.posts(4).await;
    assert_eq!(it.desk.delete(&format!("/beta/subscriptions/{id}")).await.status, 404);
}
