//! The meeting pages' own protocol: the chooser's strictness, a seat's view, silence when a page is closed.

use crate::desk::{Desk, answer, encode, within};
use serde_json::{Value, json};

/// The next view on an event stream.
async fn view(stream: &mut reqwest::Response) -> Value {
    let mut text = String::new();
    within("a view", async {
        loop {
            text.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
            let complete = text.rsplit_once("\n\n").map(|it| it.0).unwrap_or_default();
            let newest = complete.split("\n\n").filter(|it| it.starts_with("event: view")).last();
            if let Some(data) = newest.and_then(|it| it.split_once("data: ")) {
                return serde_json::from_str(data.1).unwrap();
            }
        }
    })
    .await
}

async fn seat(desk: &Desk, meeting: &Value, comer: Value) -> (String, String) {
    let thread = encode(meeting["chatInfo"]["threadId"].as_str().unwrap());
    let url = format!("{}/api/meetings/{thread}/seats", desk.running.addresses.teams);
    let taken = answer(desk.http.post(url).json(&comer)).await;
    assert_eq!(taken.status, 201, "{taken:?}");
    let text = |name: &str| taken.body[name].as_str().unwrap().to_owned();
    (format!("{}/api/seats/{}", desk.running.addresses.teams, text("seat")), text("leg"))
}

#[tokio::test]
async fn a_link_that_does_not_belong_to_the_meeting_finds_none() {
    let desk = Desk::open().await;
    let meeting = desk.meeting("e").await;
    let link = meeting["joinWebUrl"].as_str().unwrap();
    let page = desk.http.get(link).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let html = page.text().await.unwrap();
    assert!(html.contains("join-browser") && html.contains("msteams:/l/meetup-join/"), "{html}");
    for wrong in [link.replace(&desk.organizer, &desk.clinician), link.replace("19%3a", "18%3a")] {
        assert_eq!(desk.http.get(&wrong).send().await.unwrap().status(), 404, "{wrong}");
    }
}

#[tokio::test]
async fn a_guest_waits_is_admitted_and_goes_silent() {
    let desk = Desk::open().await;
    let meeting = desk.meeting("e").await;
    let nobody = json!({"as": "guest", "displayName": "  "});
    let thread = encode(meeting["chatInfo"]["threadId"].as_str().unwrap());
    let url = format!("{}/api/meetings/{thread}/seats", desk.running.addresses.teams);
    assert_eq!(answer(desk.http.post(url).json(&nobody)).await.status, 400);

    let (guest_seat, guest) = seat(&desk, &meeting, json!({"as": "guest", "displayName": "Camila"})).await;
    let mut guest_page = desk.http.get(format!("{guest_seat}/events")).send().await.unwrap();
    assert_eq!(view(&mut guest_page).await["stage"], "waiting");
    let (clinician_seat, _) =
        seat(&desk, &meeting, json!({"as": "account", "upn": "maya.okafor@northside.example"})).await;
    let mut clinician_page = desk.http.get(format!("{clinician_seat}/events")).send().await.unwrap();
    let seen = view(&mut clinician_page).await;
    assert_eq!((&seen["stage"], &seen["lobby"][0]["leg"]), (&json!("in-call"), &json!(guest)));
    let waiting = view(&mut guest_page).await;
    assert_eq!((&waiting["stage"], &waiting["people"]), (&json!("lobby"), &json!([])), "the lobby sees nobody");
    assert_eq!(answer(desk.http.post(format!("{guest_seat}/admit/{guest}"))).await.status, 403);
    assert_eq!(answer(desk.http.post(format!("{clinician_seat}/admit/{guest}"))).await.status, 204);
    assert_eq!(view(&mut guest_page).await["stage"], "in-call");

    // The page is closed without a word: five seconds of the sandbox's clock later the roster says so
    drop(guest_page);
    let reason = "Participant entered an inactive state in the roster.";
    let clock = &desk.running.hospital.clock;
    let gone = within("the roster to notice", async {
        loop {
            clock.advance(6);
            let seen = view(&mut clinician_page).await;
            if seen["people"].as_array().unwrap().len() == 1 {
                return seen;
            }
        }
    })
    .await;
    assert_eq!(gone["stage"], "in-call");
    let roster = desk.journal("roster", 4).await;
    assert_eq!(roster.last().unwrap()["participants"][0]["removed"], reason);
}

#[tokio::test]
async fn ending_the_meeting_reaches_every_page() {
    let desk = Desk::open().await;
    let meeting = desk.meeting("e").await;
    let (organizer_seat, _) = seat(&desk, &meeting, json!({"as": "account", "upn": upn(&desk)})).await;
    let (guest_seat, _) = seat(&desk, &meeting, json!({"as": "guest", "displayName": "Camila"})).await;
    let mut guest_page = desk.http.get(format!("{guest_seat}/events")).send().await.unwrap();
    assert_eq!(view(&mut guest_page).await["stage"], "lobby");
    assert_eq!(answer(desk.http.post(format!("{guest_seat}/end"))).await.status, 403);
    assert_eq!(answer(desk.http.post(format!("{organizer_seat}/end"))).await.status, 204);
    assert_eq!(view(&mut guest_page).await["stage"], "ended");
}

fn upn(desk: &Desk) -> String {
    desk.running.hospital.organization("northside").unwrap().organizer.upn.clone()
}
