//! Who comes, and comes back: people of another tenant, two guests of one name, a lobby that the roster does not know.

use crate::desk::Desk;
use crate::receiver::Inbox;
use crate::subscriptions::body;
use crate::unsealed::Certificate;
use serde_json::{Value, json};

async fn scoped(desk: &Desk, scope: &str, external: &str) -> Value {
    let meeting = desk.meeting(external).await;
    let path = format!("{}/{}", desk.meetings_path(), meeting["id"].as_str().unwrap());
    assert_eq!(desk.patch(&path, json!({"lobbyBypassSettings": {"scope": scope}})).await.status, 200);
    desk.join(&meeting, json!({"oid": desk.organizer})).await;
    meeting
}

async fn leg(desk: &Desk, meeting: &Value, leg: &str) -> Value {
    let state = desk.teams(meeting, "", Value::Null).await.body;
    state["legs"].as_array().unwrap().iter().find(|it| it["leg"] == leg).cloned().unwrap_or(Value::Null)
}

#[tokio::test]
async fn a_neighbour_comes_as_themselves_or_as_a_guest_account() {
    let desk = Desk::open().await;
    let neighbour = desk.running.hospital.organization("harbor").unwrap().people[0].oid.clone();
    for (value, scope, place) in [
        ("federated", "organizer", "lobby"),
        ("federated", "organization", "lobby"),
        ("federated", "organizationAndFederated", "in"),
        ("federated", "everyone", "in"),
        ("invited", "organizer", "lobby"),
        ("invited", "organizationExcludingGuests", "lobby"),
        ("invited", "organization", "in"),
        ("invited", "organizationAndFederated", "in"),
    ] {
        desk.throw("guest_tenants", value);
        let meeting = scoped(&desk, scope, &format!("{scope} {value}")).await;
        let joined = desk.join(&meeting, json!({"oid": neighbour})).await;
        let it = leg(&desk, &meeting, &joined).await;
        assert_eq!(it["place"], place, "{value} {scope}");
        assert_eq!(it["oid"] == neighbour, value == "federated", "{value}");
        assert_eq!((&it["kind"], &it["displayName"]), (&json!("user"), &json!("Dr. Daniel Cho")), "{value}");
        assert_eq!(desk.teams(&meeting, "/end", json!({})).await.status, 204);
    }
}

#[tokio::test]
async fn two_guests_may_have_one_name_and_any_name() {
    let desk = Desk::open().await;
    let meeting = scoped(&desk, "everyone", "e").await;
    let first = desk.join(&meeting, json!({"guest": "Camila Lopez"})).await;
    let second = desk.join(&meeting, json!({"guest": "Camila Lopez"})).await;
    assert_ne!(first, second);
    let doctor = desk.join(&meeting, json!({"guest": "Dr. Maya Okafor"})).await;
    let it = leg(&desk, &meeting, &doctor).await;
    assert_eq!(
        (&it["kind"], &it["oid"], &it["place"]),
        (&json!("guest"), &Value::Null, &json!("in")),
        "a name is no identity"
    );
    assert_eq!(desk.teams(&meeting, "/end", json!({"by": doctor})).await.status, 403);
}

#[tokio::test]
async fn who_comes_back_is_a_new_participant_unless_switched() {
    let desk = Desk::open().await;
    let meeting = scoped(&desk, "organizer", "e").await;
    for (value, same) in [("new-id", false), ("old-id", true)] {
        desk.throw("rejoin", value);
        for act in ["/remove", "/leave"] {
            let name = json!({"guest": format!("Guest {value} {act}")});
            let before = desk.join(&meeting, name.clone()).await;
            assert_eq!(desk.teams(&meeting, act, json!({"leg": before})).await.status, 204);
            let after = desk.join(&meeting, name.clone()).await;
            assert_eq!(before == after, same, "{value} {act}");
            assert_eq!(leg(&desk, &meeting, &after).await["place"], "lobby", "{value} {act}: the lobby again");
            // While the one is there, the other of this name is somebody else.
            assert_ne!(desk.join(&meeting, name).await, after, "{value} {act}");
        }
    }
}

#[tokio::test]
async fn where_the_roster_knows_no_lobby_people_appear_when_they_are_let_in() {
    let (desk, inbox, certificate) = (Desk::open().await, Inbox::open().await, Certificate::rsa());
    desk.throw("lobby_visible", "no");
    let meeting = scoped(&desk, "organizer", "e").await;
    let made = desk.post("/beta/subscriptions", body(&desk, &inbox, &certificate, &meeting)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let gone = desk.join(&meeting, json!({"guest": "Gone"})).await;
    assert_eq!(desk.teams(&meeting, "/leave", json!({"leg": gone})).await.status, 204);
    let guest = desk.join(&meeting, json!({"guest": "Camila"})).await;
    assert_eq!(desk.teams(&meeting, "/admit", json!({"leg": guest})).await.status, 204);
    let posts = inbox.posts(1).await;
    let event = certificate.open(&posts[0].1["value"][0]["encryptedContent"]).unwrap();
    let told = event["participants@delta"].as_array().unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["id"], &told[0]["isInLobby"]), (&json!(guest), &json!(false)), "nothing before that");
    desk.throw("lobby_visible", "yes");
    let late = desk.join(&meeting, json!({"guest": "Late"})).await;
    let posts = inbox.posts(2).await;
    let event = certificate.open(&posts[1].1["value"][0]["encryptedContent"]).unwrap();
    assert_eq!(
        (&event["participants@delta"][0]["id"], &event["participants@delta"][0]["isInLobby"]),
        (&json!(late), &json!(true))
    );
}
