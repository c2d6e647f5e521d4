//! What subscribers hear of a call, in order, decrypted; who waits, who passes, who may admit and end.

use crate::desk::Desk;
use crate::receiver::Inbox;
use crate::subscriptions::body;
use crate::unsealed::Certificate;
use serde_json::{Value, json};

#[tokio::test]
async fn a_visit_is_told_in_order_and_only_once_a_tenant_user_is_in() {
    let (desk, inbox, certificate) = (Desk::open().await, Inbox::open().await, Certificate::rsa());
    let meeting = desk.meeting("e").await;
    let path = format!("{}/{}", desk.meetings_path(), meeting["id"].as_str().unwrap());
    let settings = json!({"lobbyBypassSettings": {"scope": "organizer"},
        "participants": {"attendees": [{"identity": {"user": {"id": desk.clinician}}, "role": "coorganizer"}]}});
    assert_eq!(desk.patch(&path, settings).await.status, 200);
    let made = desk.post("/beta/subscriptions", body(&desk, &inbox, &certificate, &meeting)).await;
    assert_eq!(made.status, 201, "{made:?}");

    let guest = desk.join(&meeting, json!({"guest": "Camila"})).await;
    assert_eq!(desk.teams(&meeting, "/admit", json!({})).await.status, 404, "nobody is there to admit");
    let clinician = desk.join(&meeting, json!({"oid": desk.clinician})).await;
    assert_eq!(desk.teams(&meeting, "/admit", json!({})).await.status, 204);
    assert_eq!(desk.teams(&meeting, "/leave", json!({"leg": guest})).await.status, 204);
    let again = desk.join(&meeting, json!({"guest": "Camila"})).await;
    assert_eq!(desk.teams(&meeting, "/end", json!({})).await.status, 204);

    let posts = inbox.posts(8).await;
    let mut events = Vec::new();
    let mut keys = Vec::new();
    for (to, post) in &posts {
        assert_eq!(to, "/graph/notifications?from=test");
        let item = &post["value"][0];
        assert_eq!(item["clientState"], "state-1");
        assert_eq!((&item["subscriptionId"], &item["tenantId"]), (&made.body["id"], &json!(desk.tid)));
        assert_eq!(item["encryptedContent"]["encryptionCertificateId"], "certificate-1");
        let event = certificate.open(&item["encryptedContent"]).unwrap();
        assert_eq!(event["id"], item["resourceData"]["id"]);
        assert_eq!(event["@odata.type"], "#microsoft.graph.callevent");
        keys.push(item["encryptedContent"]["dataKey"].clone());
        events.push(event);
        check_token(&desk, &post["validationTokens"]);
    }
    keys.dedup();
    assert_eq!(keys.len(), 8, "a fresh key for every item");

    let told: Vec<String> =
        events.iter().map(|it| said(it, &[(&guest, "guest"), (&clinician, "clinician"), (&again, "again")])).collect();
    assert_eq!(
        told,
        [
            "callStarted",
            "rosterUpdated: clinician in",
            "rosterUpdated: guest lobby",
            "rosterUpdated: guest in",
            "rosterUpdated: guest Participant has left the meeting call.",
            "rosterUpdated: again lobby",
            "rosterUpdated: clinician Participant has left the meeting call., again Participant has left the meeting call.",
            "callEnded",
        ]
    );
    let user = &events[1]["participants@delta"][0]["info"]["identity"]["user"];
    assert_eq!((&user["id"], &user["tenantId"]), (&json!(desk.clinician), &json!(desk.tid)));
    let guest = &events[2]["participants@delta"][0]["info"]["identity"];
    assert_eq!(guest, &json!({"guest": {"displayName": "Camila"}}));
    let sequence: Vec<i64> = events
        .iter()
        .flat_map(|it| it["participants@delta"].as_array().cloned().unwrap_or_default())
        .map(|it| it["rosterSequenceNumber"].as_i64().unwrap())
        .collect();
    assert!(sequence.windows(2).all(|it| it[0] < it[1]), "{sequence:?}");

    desk.journal("attendance.reported", 1).await;
    let reports = desk.get(&format!("{path}/attendanceReports?$expand=attendanceRecords")).await.body;
    assert_eq!(reports["value"][0]["totalParticipantCount"], 2, "the second guest was never let in: {reports}");
}

fn check_token(desk: &Desk, tokens: &Value) {
    let token = tokens[0].as_str().unwrap();
    let claims = desk.running.hospital.entra.key.verify(token, desk.running.hospital.clock.unix()).unwrap();
    assert_eq!(claims["aud"], desk.app);
    assert_eq!(claims["appid"], "0bf30f3b-4a52-48df-9a82-234910c4a086");
    assert_eq!(claims["iss"], format!("https://sts.windows.net/{}/", desk.tid));
}

fn said(event: &Value, names: &[(&String, &str)]) -> String {
    let kind = event["eventType"].as_str().unwrap();
    let Some(people) = event["participants@delta"].as_array() else { return kind.to_owned() };
    let lines = people.iter().map(|it| {
        let name = names.iter().find(|(leg, _)| it["id"] == **leg).unwrap().1;
        let reason = it["removedState"]["reason"].as_str();
        format!("{name} {}", reason.unwrap_or(if it["isInLobby"] == true { "lobby" } else { "in" }))
    });
    format!("{kind}: {}", lines.collect::<Vec<_>>().join(", "))
}

#[tokio::test]
async fn the_lobby_lets_pass_whom_the_scope_names() {
    let desk = Desk::open().await;
    let harbor = desk.running.hospital.organization("harbor").unwrap().people[0].oid.clone();
    let colleague = desk.running.hospital.organization("northside").unwrap().people[1].oid.clone();
    for (scope, guest, neighbour, same) in [
        ("organizer", "lobby", "lobby", "lobby"),
        ("organization", "lobby", "lobby", "in"),
        ("organizationAndFederated", "lobby", "in", "in"),
        ("everyone", "in", "in", "in"),
        ("invited", "lobby", "lobby", "lobby"),
    ] {
        let meeting = desk.meeting(scope).await;
        let path = format!("{}/{}", desk.meetings_path(), meeting["id"].as_str().unwrap());
        assert_eq!(desk.patch(&path, json!({"lobbyBypassSettings": {"scope": scope}})).await.status, 200);
        let early = desk.teams(&meeting, "/join", json!({"guest": "Early"})).await;
        assert_eq!(early.body["place"], "waiting", "{scope}: no guest starts a call");
        desk.join(&meeting, json!({"oid": desk.organizer})).await;
        let state = desk.teams(&meeting, "", Value::Null).await.body;
        assert_eq!(state["legs"][0]["place"], guest, "{scope}");
        for (who, place) in [(&harbor, neighbour), (&colleague, same)] {
            let joined = desk.teams(&meeting, "/join", json!({"oid": who})).await;
            assert_eq!(joined.body["place"], place, "{scope}");
        }
    }
}

#[tokio::test]
async fn rights_in_the_call_follow_roles() {
    let desk = Desk::open().await;
    let colleague = desk.running.hospital.organization("northside").unwrap().people[1].oid.clone();
    let meeting = desk.meeting("e").await;
    let path = format!("{}/{}", desk.meetings_path(), meeting["id"].as_str().unwrap());
    let settings = json!({"allowedLobbyAdmitters": "organizerAndCoOrganizers",
        "participants": {"attendees": [{"identity": {"user": {"id": desk.clinician}}, "role": "coorganizer"}]}});
    assert_eq!(desk.patch(&path, settings).await.status, 200);
    let plain = desk.join(&meeting, json!({"oid": colleague})).await;
    let guest = desk.join(&meeting, json!({"guest": "Derrick"})).await;
    assert_eq!(desk.teams(&meeting, "/admit", json!({"by": plain, "leg": guest})).await.status, 403);
    assert_eq!(desk.teams(&meeting, "/admit", json!({"by": guest, "leg": guest})).await.status, 403);
    assert_eq!(desk.teams(&meeting, "/end", json!({"by": plain})).await.status, 403);
    let clinician = desk.join(&meeting, json!({"oid": desk.clinician})).await;
    assert_eq!(desk.teams(&meeting, "/admit", json!({"by": clinician, "leg": guest})).await.status, 204);
    // The last Teams user goes: the guest keeps the call alive; the last of all ends it
    for leg in [&plain, &clinician] {
        assert_eq!(desk.teams(&meeting, "/leave", json!({"leg": leg})).await.status, 204);
    }
    assert!(desk.teams(&meeting, "", Value::Null).await.body["started"].is_string());
    assert_eq!(desk.teams(&meeting, "/inactive", json!({"leg": guest})).await.status, 204);
    assert_eq!(desk.teams(&meeting, "", Value::Null).await.body["started"], Value::Null);
}
