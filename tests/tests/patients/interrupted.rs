//! A phone whose line is cut for half a minute, and one that is locked: the patient is found again by themselves, and the
//! clinician is alerted all the same. The times are printed; no test asserts one.

use std::time::Duration;

use e2e::browser::Browser;
use e2e::clock::Stopwatch;
use e2e::line::Line;
use e2e::wait;
use serde_json::json;

use crate::clinic::{Clinic, pressed_until_waiting, ready};

/// What the issue asks for.
const CUT: Duration = Duration::from_secs(30);
/// Longer than a page that answers nothing is taken for there.
const FROZEN: Duration = Duration::from_secs(40);

#[tokio::test]
async fn im_ready_while_the_line_is_cut_for_half_a_minute_alerts_afterwards() {
    let clinic = Clinic::open().await.unwrap();
    let (visit, phone) = clinic.on_the_ready_screen().await.unwrap();
    let pressing = async {
        phone.click("#ready").await.unwrap();
        // Not silently lost: the page says that it has not got through.
        phone.see("#trouble:not(:empty)").await.unwrap();
        phone.picture(&clinic.shot("ready-unreachable").unwrap()).await.unwrap();
        assert_eq!(visit.alerts().await.unwrap(), 0, "nothing can have come through");
    };
    let cut = async { clinic.line.cut_for(CUT).await.unwrap() };
    tokio::join!(cut, pressing);
    let watch = Stopwatch::start();
    pressed_until_waiting(&phone).await.unwrap();
    visit.alerted().await.unwrap();
    println!("line cut for {} s: alerted {} ms after it was whole again", CUT.as_secs(), watch.elapsed().as_millis());
    assert_eq!(visit.alerts().await.unwrap(), 1);
    visit.patient_is("waiting").await.unwrap();
    phone.close().await.unwrap();
}

#[tokio::test]
async fn whoever_waits_goes_on_waiting_after_a_cut_and_is_called() {
    let clinic = Clinic::open().await.unwrap();
    let (visit, phone) = clinic.on_the_ready_screen().await.unwrap();
    ready(&phone).await.unwrap();
    visit.alerted().await.unwrap();
    sockets_made(&phone).await;
    // The clinician joins while the phone hears nothing, and what was held back for it never arrives: a page that did not
    // connect anew would wait for ever.
    let joining = async { visit.join().await.unwrap() };
    tokio::join!(clinic.line.dead_after(CUT), joining);
    phone.see("#offline").await.unwrap();
    phone.picture(&clinic.shot("waiting-offline").unwrap()).await.unwrap();
    let said = phone.text("#offline").await.unwrap();
    assert!(said.contains("You keep your place."), "{said}");
    clinic.line.is(Line::Whole);
    let watch = Stopwatch::start();
    phone.see("html[data-stage='called'], #display-name").await.unwrap();
    println!("line cut for {} s: called {} ms after it was whole again", CUT.as_secs(), watch.elapsed().as_millis());
    assert!(sockets_made(&phone).await > 0, "it was called over a socket of before");
    phone.close().await.unwrap();
}

/// How many sockets its page has made since this was last asked.
async fn sockets_made(phone: &Browser) -> usize {
    let seen = phone.seen_by_devtools().await.unwrap();
    seen.iter().filter(|it| it["method"] == "Network.webSocketCreated").count()
}

#[tokio::test]
async fn a_locked_phone_is_missed_and_comes_back_by_itself() {
    let clinic = Clinic::open().await.unwrap();
    let (visit, phone) = clinic.on_the_ready_screen().await.unwrap();
    ready(&phone).await.unwrap();
    visit.patient_is("waiting").await.unwrap();
    // What a phone does in a pocket: the page stands still, then its connections go.
    phone.devtools("Page.setWebLifecycleState", json!({ "state": "frozen" })).await.unwrap();
    clinic.line.is(Line::Closed);
    visit.patient_is("disconnected").await.unwrap();
    clinic.line.is(Line::Whole);
    phone.devtools("Page.setWebLifecycleState", json!({ "state": "active" })).await.unwrap();
    let watch = Stopwatch::start();
    visit.patient_is("waiting").await.unwrap();
    println!("phone unlocked: seen as waiting {} ms later", watch.elapsed().as_millis());
    phone.see("html[data-screen='waiting']").await.unwrap();
    phone.close().await.unwrap();
}

#[tokio::test]
async fn a_frozen_page_is_still_there_and_hears_the_call_when_it_wakes() {
    let clinic = Clinic::open().await.unwrap();
    let (visit, phone) = clinic.on_the_ready_screen().await.unwrap();
    ready(&phone).await.unwrap();
    visit.alerted().await.unwrap();
    phone.page.execute("globalThis.beats = 0; setInterval(() => (globalThis.beats += 1), 250)", vec![]).await.unwrap();
    phone.devtools("Page.setWebLifecycleState", json!({ "state": "frozen" })).await.unwrap();
    visit.join().await.unwrap();
    // A page that answers nothing is given up after two pings, fifteen seconds apart, and the three seconds that anybody
    // may be gone. Frozen, its script stands still and its browser goes on answering.
    let watch = Stopwatch::start();
    wait::until("the relay has looked for it several times", async || {
        assert_eq!(visit.presence().await?, "waiting", "after {} s", watch.elapsed().as_secs());
        Ok((watch.elapsed() > FROZEN).then_some(()))
    })
    .await
    .unwrap();
    phone.devtools("Page.setWebLifecycleState", json!({ "state": "active" })).await.unwrap();
    let beats = phone.page.execute("return globalThis.beats", vec![]).await.unwrap().as_u64().unwrap();
    assert!(u128::from(beats) * 250 < FROZEN.as_millis() / 2, "it was not frozen: its clock struck {beats} times");
    phone.see("html[data-stage='called'], #display-name").await.unwrap();
    assert_eq!(visit.alerts().await.unwrap(), 1);
    phone.close().await.unwrap();
}
