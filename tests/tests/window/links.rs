//! Deep links as the desktop hands them over: three at once at a cold and at a warm start, and those that are refused
//! before anything is asked of anybody.

use e2e::wait;
use e2e::window::end_companions;

use crate::room::{Appointment, Room};

/// The addresses of the EHR that the browser has been asked for.
async fn asked_of_the_ehr(room: &Room, times: usize) -> anyhow::Result<Vec<String>> {
    wait::until(&format!("the browser is asked for {times} pages of the EHR"), async || {
        let mut all = room.desktop.addresses();
        all.retain(|address| address.contains("/oauth2/authorize"));
        Ok((all.len() >= times).then_some(all))
    })
    .await
}

async fn schedule(room: &Room, many: usize) -> anyhow::Result<Vec<Appointment>> {
    let mut all = Vec::new();
    for n in 0..many {
        all.push(room.schedule(0, n, 2 * i64::try_from(n)?).await?);
    }
    Ok(all)
}

/// How many visits the relay holds a proven launch for.
async fn proven(room: &Room, times: usize) -> anyhow::Result<()> {
    let eyes = room.eyes().await?;
    wait::until(&format!("{times} launches are proven"), async || {
        let visits = eyes.get("/visits").await?["visits"].as_array().cloned().unwrap_or_default();
        Ok((visits.iter().filter(|it| it["proven"] == true).count() == times).then_some(()))
    })
    .await
}

#[tokio::test]
async fn three_links_at_a_cold_start_are_three_launches() {
    let room = Room::new().await.unwrap();
    // Signed in once, then not running. Of the visits the relay holds, one is of an earlier launch.
    room.linked().await.unwrap();
    room.signed_in().await.unwrap().close().await.unwrap();
    end_companions().await.unwrap();
    let mut links = Vec::new();
    for appointment in schedule(&room, 3).await.unwrap() {
        links.push(room.begin(&appointment).await.unwrap());
    }
    for link in &links {
        room.open(link).unwrap();
    }
    for address in asked_of_the_ehr(&room, 3).await.unwrap() {
        room.follow(&address).await.unwrap();
    }
    proven(&room, 4).await.unwrap();
    assert_eq!(asked_of_the_ehr(&room, 3).await.unwrap().len(), 3);
    end_companions().await.unwrap();
}

#[tokio::test]
async fn three_links_at_a_warm_start_are_two_launches_and_a_refusal() {
    let room = Room::new().await.unwrap();
    let window = room.signed_in().await.unwrap();
    let mut links = Vec::new();
    for appointment in schedule(&room, 2).await.unwrap() {
        links.push(room.begin(&appointment).await.unwrap());
    }
    room.open(&links[0]).unwrap();
    room.open("roomed://launch?this=is&not=a+launch").unwrap();
    room.open(&links[1]).unwrap();
    window.see("#problem[data-code='link-refused']").await.unwrap();
    for address in asked_of_the_ehr(&room, 2).await.unwrap() {
        room.follow(&address).await.unwrap();
    }
    // Neither has ever been linked: asked once, for both.
    window.click("#first-link-yes").await.unwrap();
    proven(&room, 2).await.unwrap();
    window.see("#patient-name").await.unwrap();
    window.close().await.unwrap();
}

#[tokio::test]
async fn garbage_and_unknown_ehrs_are_refused_without_a_word_to_anybody() {
    let mut room = Room::new().await.unwrap();
    let window = room.signed_in().await.unwrap();
    let asked = room.desktop.asked();
    room.open("roomed:launch?launch=%00").unwrap();
    window.see("#problem[data-code='link-refused']").await.unwrap();
    room.picture(&window, "companion-error").await.unwrap();
    window.click("#dismiss-problem").await.unwrap();

    // Not even the relay: it would refuse as well, and nobody could tell whose word it was.
    room.stack.stop_relay().await.unwrap();
    window.see("#connection:not([data-state='live'])").await.unwrap();
    let stranger = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    let iss = format!("http://{}/api/FHIR/R4", stranger.local_addr().unwrap());
    let link: String = url::form_urlencoded::Serializer::new("roomed://launch?".to_owned())
        .extend_pairs([("iss", iss.as_str()), ("launch", "abc")])
        .finish();
    room.open(&link).unwrap();
    window.see("#problem[data-code='unknown-iss']").await.unwrap();
    room.picture(&window, "companion-unknown-ehr").await.unwrap();
    let called = stranger.accept().map(|_| ()).unwrap_err();
    assert_eq!(called.kind(), std::io::ErrorKind::WouldBlock, "the unknown EHR was called");
    assert_eq!(room.desktop.asked(), asked, "the browser was asked for something");
    window.close().await.unwrap();
}
