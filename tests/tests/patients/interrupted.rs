//! A phone whose line is cut for half a minute, and one that is locked: the patient is found again by themselves, and the
//! clinician is alerted all the same. The times are printed; no test asserts one.

use std::time::Duration;

use e2e::browser::{Browser, PHONE};
use e2e::clock::Stopwatch;
use e2e::line::Line;
use serde_json::json;

use crate::clinic::{Clinic, Visit, prepared, pressed_until_waiting, ready};

/// What the issue asks for.
const CUT: Duration = Duration::from_secs(30);

async fn on_the_ready_screen(clinic: &Clinic) -> (Visit, Browser) {
    let appointment = clinic.schedule().await.unwrap();
    let visit = clinic.begun(&appointment).await.unwrap();
    let phone = clinic.browser("phone", PHONE).await.unwrap();
    phone.open(&clinic.portal_link(&appointment).await.unwrap()).await.unwrap();
    prepared(&phone).await.unwrap();
    (visit, phone)
}

#[tokio::test]
async fn im_ready_while_the_line_is_cut_for_half_a_minute_alerts_afterwards() {
    let clinic = Clinic::open().await.unwrap();
    let (visit, phone) = on_the_ready_screen(&clinic).await;
    let pressing = async {
        phone.click("#ready").await.unwrap();
        // Not silently lost: the page says that it has not got through.
        phone.see("#trouble:not(:empty)").await.unwrap();
        phone.picture(&clinic.shot("ready-unreachable").unwrap()).await.unwrap();
        assert_eq!(visit.alerts().await.unwrap(), 0, "nothing can have come through");
    };
    tokio::join!(clinic.line.cut_for(CUT), pressing);
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
    let (visit, phone) = on_the_ready_screen(&clinic).await;
    ready(&phone).await.unwrap();
    visit.alerted().await.unwrap();
    // The clinician joins while the phone hears nothing.
    let joining = async { visit.join().await.unwrap() };
    tokio::join!(clinic.line.cut_for(CUT), joining);
    let watch = Stopwatch::start();
    phone.see("html[data-stage='called'], html[data-stage='in-meeting']").await.unwrap();
    println!("line cut for {} s: called {} ms after it was whole again", CUT.as_secs(), watch.elapsed().as_millis());
    phone.close().await.unwrap();
}

#[tokio::test]
async fn a_locked_phone_is_missed_and_comes_back_by_itself() {
    let clinic = Clinic::open().await.unwrap();
    let (visit, phone) = on_the_ready_screen(&clinic).await;
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
    let (visit, phone) = on_the_ready_screen(&clinic).await;
    ready(&phone).await.unwrap();
    visit.alerted().await.unwrap();
    phone.devtools("Page.setWebLifecycleState", json!({ "state": "frozen" })).await.unwrap();
    visit.join().await.unwrap();
    assert_eq!(visit.presence().await.unwrap(), "waiting", "a page that only stands still is there");
    phone.devtools("Page.setWebLifecycleState", json!({ "state": "active" })).await.unwrap();
    phone.see("html[data-stage='called'], html[data-stage='in-meeting']").await.unwrap();
    assert_eq!(visit.alerts().await.unwrap(), 1);
    phone.close().await.unwrap();
}
