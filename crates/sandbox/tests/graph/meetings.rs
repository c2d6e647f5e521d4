//! onlineMeetings: who may, what a body may say, identity by externalId, the patients' link.

use crate::desk::{Desk, ROLES};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn create_or_get_knows_a_meeting_by_tenant_organizer_and_external_id() {
    let desk = Desk::open().await;
    let path = format!("{}/createOrGet", desk.meetings_path());
    let body = json!({"externalId": "e-1", "subject": "Virtual visit", "startDateTime": "2030-01-05T14:30:00Z",
        "endDateTime": "2030-01-05T15:00:00Z"});
    let first = desk.post(&path, body.clone()).await;
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(first.body["externalId"], "e-1");
    assert_eq!(first.body["participants"]["organizer"]["identity"]["user"]["id"], desk.organizer);
    assert!(first.body["joinWebUrl"].as_str().unwrap().contains("/l/meetup-join/19%3ameeting_"));
    let again = desk.post(&path, body).await;
    assert_eq!((again.status, &again.body["id"]), (200, &first.body["id"]));
    let other = desk.post(&path, json!({"externalId": "e-2"})).await;
    assert_eq!(other.status, 201);
    assert_ne!(other.body["id"], first.body["id"]);
}

#[tokio::test]
async fn a_deleted_meeting_is_found_by_nobody_and_lets_nobody_in() {
    let desk = Desk::open().await;
    let meeting = desk.meeting("e-1").await;
    let inside = desk.join(&meeting, json!({"oid": desk.organizer})).await;
    let own = format!("{}/{}", desk.meetings_path(), meeting["id"].as_str().unwrap());
    assert_eq!(desk.delete(&own).await.status, 204);
    assert_eq!(desk.delete(&own).await.status, 404, "once");
    assert_eq!(desk.get(&own).await.status, 404);
    assert_eq!(desk.patch(&own, json!({"subject": "Again"})).await.status, 404);
    for who in [json!({"oid": desk.organizer}), json!({"guest": "Guest"})] {
        assert_eq!(desk.teams(&meeting, "/join", who).await.status, 404);
    }
    // Nothing is promised of those who were in its call.
    let legs = desk.teams(&meeting, "", serde_json::Value::Null).await.body["legs"].clone();
    assert_eq!((legs.as_array().map(Vec::len), &legs[0]["leg"]), (Some(1), &json!(inside)));
    let anew = desk.meeting("e-1").await;
    assert_ne!(anew["id"], meeting["id"]);
    desk.join(&anew, json!({"guest": "Guest"})).await;
}

#[tokio::test]
async fn create_or_get_refuses_what_graph_refuses() {
    let desk = Desk::open().await;
    let path = format!("{}/createOrGet", desk.meetings_path());
    for (body, what) in [
        (json!({}), "externalId"),
        (json!({"externalId": " "}), "externalId"),
        (json!({"externalId": "a", "lobbyBypassSettings": {"scope": "organizer"}}), "lobbyBypassSettings"),
        (json!({"externalId": "a", "endDateTime": "2030-01-05T15:00:00Z"}), "startDateTime"),
        (
            json!({"externalId": "a", "startDateTime": "2030-01-05T15:00:00Z", "endDateTime": "2030-01-05T14:00:00Z"}),
            "later",
        ),
        (json!({"externalId": "a", "startDateTime": "tomorrow"}), "Edm.DateTimeOffset"),
        (json!({"externalId": "a", "participants": {"organizer": {}}}), "organizer"),
    ] {
        let refused = desk.post(&path, body).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        let error = &refused.body["error"];
        assert_eq!(error["code"], "BadRequest");
        assert!(error["message"].as_str().unwrap().contains(what), "{refused:?}");
        assert!(error["innerError"]["request-id"].as_str().is_some_and(|it| it.len() == 36));
    }
}

#[tokio::test]
async fn tokens_and_the_access_policy_are_checked() {
    let desk = Desk::open().await;
    let path = format!("{}/createOrGet", desk.meetings_path());
    let body = json!({"externalId": "e"});
    let graph = "https://graph.microsoft.com";
    for (audience, roles, status, code) in [
        ("api://other", &ROLES[..], 401, "InvalidAuthenticationToken"),
        (graph, &["OnlineMeetings.Read.All"][..], 403, "Authorization_RequestDenied"),
    ] {
        let token = desk.token(audience, roles, &desk.app);
        let refused = desk.graph_as(&token, Method::POST, &path, Some(body.clone())).await;
        assert_eq!((refused.status, &refused.body["error"]["code"]), (status, &json!(code)));
    }
    assert_eq!(desk.graph_as("nonsense", Method::POST, &path, Some(body.clone())).await.status, 401);

    // Granted for the organizer only; and a switch takes it away
    let other = format!("/v1.0/users/{}/onlineMeetings/createOrGet", desk.clinician);
    let refused = desk.post(&other, body.clone()).await;
    let message = format!("App {} is not authorized to Create meeting on behalf of user {}.", desk.app, desk.clinician);
    assert_eq!((refused.status, &refused.body["error"]["message"]), (403, &json!(message)));
    assert_eq!(desk.switch("/access-policy", json!({"oid": desk.clinician})).await.status, 204);
    assert_eq!(desk.post(&other, body.clone()).await.status, 201);
    desk.fault(json!({"target": "graph.access_policy", "mode": "refuse"}));
    assert_eq!(desk.post(&path, body.clone()).await.status, 403);
    assert_eq!(desk.post(&path, body.clone()).await.status, 201);
    let by_name = desk.post("/v1.0/users/maya.okafor@northside.example/onlineMeetings/createOrGet", body).await;
    assert_eq!(by_name.status, 404);
}

#[tokio::test]
async fn patch_takes_the_documented_settings_and_no_others() {
    let desk = Desk::open().await;
    let meeting = desk.meeting("e").await;
    let path = format!("{}/{}", desk.meetings_path(), meeting["id"].as_str().unwrap());
    let settings = json!({
        "lobbyBypassSettings": {"scope": "organizer", "isDialInBypassEnabled": false}, "allowedPresenters": "organizer",
        "allowMeetingChat": "limited", "recordAutomatically": false, "allowRecording": false, "allowTranscription": false,
        "participants": {"attendees": [{"identity": {"user": {"id": desk.clinician}}, "role": "coorganizer"}]},
    });
    let patched = desk.patch(&path, settings.clone()).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    let read = desk.get(&path).await.body;
    for name in ["lobbyBypassSettings", "allowedPresenters", "allowMeetingChat", "allowRecording"] {
        assert_eq!(read[name], settings[name], "{name}");
    }
    assert_eq!(read["participants"]["attendees"][0]["role"], "coorganizer");
    for bad in [
        json!({"lobbyBypassSettings": {"scope": "nobody"}}),
        json!({"lobbyBypassSettings": {"scope": "unknownFutureValue"}}),
        json!({"allowedPresenters": "me"}),
        json!({"allowMeetingChat": true}),
        json!({"allowRecording": "no"}),
        json!({"joinWebUrl": "https://example.org"}),
        json!({"joinMeetingIdSettings": {"isPasscodeRequired": true}}),
        json!({"externalId": "x"}),
        json!({"startDateTime": "2030-01-05T14:30:00Z"}),
        json!({"participants": {"attendees": [{"upn": "guest@elsewhere.example", "role": "coorganizer"}]}}),
        json!({"lobby": "open"}),
    ] {
        let refused = desk.patch(&path, bad.clone()).await;
        assert_eq!((refused.status, &refused.body["error"]["code"]), (400, &json!("BadRequest")), "{bad}");
    }
    assert_eq!(desk.get(&path).await.body, read);

    let filter =
        format!("?$filter=JoinWebUrl%20eq%20'{}'", crate::desk::encode(meeting["joinWebUrl"].as_str().unwrap()));
    let found = desk.get(&format!("{}{filter}", desk.meetings_path())).await;
    assert_eq!(found.body["value"][0]["id"], meeting["id"], "{found:?}");
    assert_eq!(desk.delete(&path).await.status, 204);
    assert_eq!(desk.get(&path).await.status, 404);
}

#[tokio::test]
async fn the_patients_link_has_two_spellings_and_a_switch() {
    let desk = Desk::open().await;
    let meeting = desk.meeting("e").await;
    let path = format!("{}/{}/getVirtualAppointmentJoinWebUrl", desk.meetings_path(), meeting["id"].as_str().unwrap());
    let plain = desk.get(&path).await;
    let bracketed = desk.get(&format!("{path}()")).await;
    assert_eq!((plain.status, &plain.body), (200, &bracketed.body));
    let url = plain.body["value"].as_str().unwrap();
    assert!(url.contains(&format!("/webrtc-svc/api/route?tid={}&convId=19:meeting_", desk.tid)), "{url}");
    let page = desk.http.get(url).send().await.unwrap();
    assert!(page.status().is_redirection());
    desk.fault(json!({"target": "graph.virtual_join_url", "mode": "refuse"}));
    assert_eq!(desk.get(&path).await.status, 403);
}

#[tokio::test]
async fn injected_faults_speak_graphs_language() {
    let desk = Desk::open().await;
    desk.fault(json!({"target": "graph.create", "mode": "status", "status": 429, "retry_after": 3}));
    let url = format!("{}{}/createOrGet", desk.running.addresses.graph, desk.meetings_path());
    let token = desk.token("https://graph.microsoft.com", &ROLES, &desk.app);
    let request = || desk.http.post(&url).bearer_auth(&token).json(&json!({"externalId": "e"}));
    let throttled = request().send().await.unwrap();
    assert_eq!((throttled.status().as_u16(), throttled.headers()["retry-after"].to_str().unwrap()), (429, "3"));
    assert_eq!(throttled.json::<Value>().await.unwrap()["error"]["code"], "TooManyRequests");
    // The answer is lost but the meeting is there: the reason why createOrGet is the one to call
    desk.fault(json!({"target": "graph.create", "mode": "drop_after_apply"}));
    assert!(request().send().await.is_err());
    assert_eq!(request().send().await.unwrap().status(), 200);
}
