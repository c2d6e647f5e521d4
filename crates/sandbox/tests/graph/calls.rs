//! An app that joins a meeting to remove people: what it needs, what it sees, and what the roster tells of it.

use crate::desk::{Answer, Desk, ROLES};
use crate::receiver::Inbox;
use crate::subscriptions::body;
use crate::unsealed::Certificate;
use reqwest::Method;
use serde_json::{Value, json};

const CALLS: &str = "/v1.0/communications/calls";
const JOIN: [&str; 1] = ["Calls.JoinGroupCall.All"];

async fn call(desk: &Desk, method: Method, path: &str, body: Option<Value>) -> Answer {
    desk.graph_as(&desk.token("https://graph.microsoft.com", &JOIN, &desk.app), method, path, body).await
}

fn request(desk: &Desk, meeting: &Value) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.call", "callbackUri": "https://relay.example/calls",
        "requestedModalities": ["audio"], "tenantId": desk.tid,
        "mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
        "chatInfo": {"@odata.type": "#microsoft.graph.chatInfo", "threadId": meeting["chatInfo"]["threadId"], "messageId": "0"},
        "meetingInfo": {
            "@odata.type": "#microsoft.graph.organizerMeetingInfo",
            "organizer": {"user": {"id": desk.organizer, "tenantId": desk.tid}},
        },
    })
}

/// A meeting with the clinician and two guests of one name inside, and one in the lobby.
async fn full(desk: &Desk, scope: &str) -> Value {
    let meeting = desk.meeting(scope).await;
    let path = format!("{}/{}", desk.meetings_path(), meeting["id"].as_str().unwrap());
    let settings = json!({"lobbyBypassSettings": {"scope": scope},
        "participants": {"attendees": [{"identity": {"user": {"id": desk.clinician}}, "role": "coorganizer"}]}});
    assert_eq!(desk.patch(&path, settings).await.status, 200);
    desk.join(&meeting, json!({"oid": desk.clinician})).await;
    for _ in 0..2 {
        desk.join(&meeting, json!({"guest": "Maria"})).await;
        assert_eq!(desk.teams(&meeting, "/admit", json!({})).await.status, 204);
    }
    desk.join(&meeting, json!({"guest": "Late"})).await;
    meeting
}

#[tokio::test]
async fn an_app_joins_removes_everybody_and_hangs_up() {
    let (desk, inbox, certificate) = (Desk::open().await, Inbox::open().await, Certificate::rsa());
    desk.throw("removal", "past-lobby");
    let meeting = full(&desk, "organizer").await;
    let made = desk.post("/beta/subscriptions", body(&desk, &inbox, &certificate, &meeting)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let joined = call(&desk, Method::POST, CALLS, Some(request(&desk, &meeting))).await;
    assert_eq!((joined.status, &joined.body["state"]), (201, &json!("establishing")), "{joined:?}");
    let own = format!("{CALLS}/{}", joined.body["id"].as_str().unwrap());
    assert_eq!(call(&desk, Method::GET, &own, None).await.body["state"], "established");

    let people = call(&desk, Method::GET, &format!("{own}/participants"), None).await.body;
    let people = people["value"].as_array().unwrap().clone();
    assert_eq!(people.len(), 5);
    let me = people.iter().find(|it| it["id"] == joined.body["myParticipantId"]).unwrap();
    assert_eq!(me["info"]["identity"]["application"]["id"], desk.app);
    let named = people.iter().filter(|it| it["info"]["identity"]["guest"]["displayName"] == "Maria");
    let ids: std::collections::BTreeSet<String> = named.map(|it| it["id"].to_string()).collect();
    assert_eq!(ids.len(), 2, "two of one name are two participants");
    assert_eq!(people.iter().filter(|it| it["isInLobby"] == true).count(), 1);

    for it in people.iter().filter(|it| it["id"] != joined.body["myParticipantId"]) {
        let path = format!("{own}/participants/{}", it["id"].as_str().unwrap());
        assert_eq!(call(&desk, Method::DELETE, &path, None).await.status, 204);
        assert_eq!(call(&desk, Method::DELETE, &path, None).await.status, 404, "once");
    }
    let left = desk.teams(&meeting, "", Value::Null).await.body;
    assert_eq!((left["legs"].as_array().unwrap().len(), &left["legs"][0]["kind"]), (1, &json!("app")));
    assert!(left["started"].is_string(), "the app keeps the call alive");
    assert_eq!(call(&desk, Method::DELETE, &own, None).await.status, 204);
    assert_eq!(desk.teams(&meeting, "", Value::Null).await.body["started"], Value::Null);
    assert_eq!(call(&desk, Method::GET, &own, None).await.status, 404);

    // Subscribers saw the app come, four people go, the app go, and the end.
    let posts = inbox.posts(7).await;
    let events: Vec<Value> =
        posts.iter().map(|(_, it)| certificate.open(&it["value"][0]["encryptedContent"]).unwrap()).collect();
    assert_eq!(events[0]["participants@delta"][0]["info"]["identity"]["application"]["id"], desk.app);
    let gone =
        |it: &Value| it["participants@delta"][0]["removedState"]["reason"] == "Participant has left the meeting call.";
    assert_eq!(events.iter().filter(|it| gone(it)).count(), 5);
    assert_eq!(events[6]["eventType"], "callEnded");
    desk.journal("attendance.reported", 1).await;
    let path = format!("{}/{}/attendanceReports", desk.meetings_path(), meeting["id"].as_str().unwrap());
    assert_eq!(
        desk.get(&path).await.body["value"][0]["totalParticipantCount"],
        2,
        "no app, and the two Marias are one"
    );
}

#[tokio::test]
async fn what_the_tenant_has_not_allowed_is_refused() {
    let desk = Desk::open().await;
    let meeting = full(&desk, "organization").await;
    let other = desk.token("https://graph.microsoft.com", &ROLES, &desk.app);
    let refused = desk.graph_as(&other, Method::POST, CALLS, Some(request(&desk, &meeting))).await;
    assert_eq!((refused.status, &refused.body["error"]["code"]), (403, &json!("Authorization_RequestDenied")));
    desk.throw("removal", "consented");
    let joined = call(&desk, Method::POST, CALLS, Some(request(&desk, &meeting))).await;
    let own = format!("{CALLS}/{}", joined.body["id"].as_str().unwrap());
    assert_eq!(call(&desk, Method::GET, &own, None).await.body["state"], "established", "the tenant's own pass");
    let people = call(&desk, Method::GET, &format!("{own}/participants"), None).await.body;
    let someone = people["value"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("{own}/participants/{someone}");
    assert_eq!(call(&desk, Method::DELETE, &path, None).await.status, 403, "the cmdlet was not run");
    assert_eq!(desk.teams(&meeting, "", Value::Null).await.body["legs"].as_array().unwrap().len(), 5);
    desk.throw("removal", "on");
    assert_eq!(call(&desk, Method::DELETE, &path, None).await.status, 204);
    // Another application's call is none of ours.
    let stranger = desk.token("https://graph.microsoft.com", &JOIN, "00000000-0000-0000-0000-00000000abcd");
    assert_eq!(desk.graph_as(&stranger, Method::DELETE, &own, None).await.status, 404);
    // The roster's ids are not the calls API's.
    let leg = desk.teams(&meeting, "", Value::Null).await.body["legs"][0]["leg"].as_str().unwrap().to_owned();
    assert_eq!(call(&desk, Method::DELETE, &format!("{own}/participants/{leg}"), None).await.status, 404);
    for (name, value) in [
        ("callbackUri", json!("http://relay.example/calls")),
        ("callbackUri", Value::Null),
        ("requestedModalities", json!([])),
        ("mediaConfig", json!({"@odata.type": "#microsoft.graph.appHostedMediaConfig"})),
        ("meetingInfo", json!({"@odata.type": "#microsoft.graph.tokenMeetingInfo", "token": "x"})),
        ("tenantId", json!("another")),
        ("surprise", json!(1)),
    ] {
        let mut wrong = request(&desk, &meeting);
        wrong[name] = value;
        let status = call(&desk, Method::POST, CALLS, Some(wrong)).await.status;
        assert_eq!(status, if name == "tenantId" { 403 } else { 400 }, "{name}");
    }
    let mut nowhere = request(&desk, &meeting);
    nowhere["chatInfo"]["threadId"] = json!("19:meeting_x@thread.v2");
    assert_eq!(call(&desk, Method::POST, CALLS, Some(nowhere)).await.status, 404);
}

#[tokio::test]
async fn an_app_waits_at_the_lobby_like_anybody_of_the_tenant() {
    let desk = Desk::open().await;
    desk.throw("removal", "on");
    let meeting = full(&desk, "organizer").await;
    let joined = call(&desk, Method::POST, CALLS, Some(request(&desk, &meeting))).await;
    let own = format!("{CALLS}/{}", joined.body["id"].as_str().unwrap());
    assert_eq!(call(&desk, Method::GET, &own, None).await.body["state"], "establishing");
    assert_eq!(call(&desk, Method::GET, &format!("{own}/participants"), None).await.status, 400);
    let state = desk.teams(&meeting, "", Value::Null).await.body;
    let app = state["legs"].as_array().unwrap().iter().find(|it| it["kind"] == "app").unwrap()["leg"].clone();
    assert_eq!(desk.teams(&meeting, "/admit", json!({"leg": app})).await.status, 204);
    assert_eq!(call(&desk, Method::GET, &own, None).await.body["state"], "established");
    // Somebody sends it away: then there is no such call any more.
    assert_eq!(desk.teams(&meeting, "/remove", json!({"leg": app})).await.status, 204);
    assert_eq!(call(&desk, Method::GET, &own, None).await.status, 404);
}

#[tokio::test]
async fn permissions_for_calls_stand_in_the_token_only_where_they_were_granted() {
    let desk = Desk::open().await;
    let app = &desk.running.hospital.entra.apps;
    let roles = async || {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", app.relay_client_id.as_str()),
            ("client_secret", app.relay_client_secret.as_str()),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let url = format!("{}/{}/oauth2/v2.0/token", desk.running.addresses.entra, desk.tid);
        let answer: Value = desk.http.post(url).form(&form).send().await.unwrap().json().await.unwrap();
        let claims = roomed_sandbox::core::unverified_claims(answer["access_token"].as_str().unwrap()).unwrap();
        claims["roles"].as_array().unwrap().iter().any(|it| it == "Calls.JoinGroupCall.All")
    };
    assert!(!roles().await);
    desk.throw("removal", "consented");
    assert!(roles().await);
}
