//! Devices on a real relay, in real browsers: refused, not there at all, gone in the middle, and a page that is reloaded; what
//! staff read of it; and two browsers on one place, where whoever takes over is told, whoever is taken over is told, and
//! nobody else notices. The screens themselves are looked at in `ui/tests/visit`.

use e2e::browser::{Browser, Devices, PHONE};
use e2e::clock::Stopwatch;
use e2e::wait;
use fantoccini::Locator;

use crate::clinic::{Clinic, DESK, Visit, prepared, ready};

/// A visit that is begun, the staff's list, and its patient's phone on the first screen.
async fn on_the_first_screen(clinic: &Clinic, devices: Devices) -> (Visit, Browser, Browser) {
    let appointment = clinic.schedule().await.unwrap();
    let visit = clinic.begun(&appointment).await.unwrap();
    let staff = clinic.staff().await.unwrap();
    let phone = clinic.phone_with(devices, "phone").await.unwrap();
    phone.open(&clinic.portal_link(&appointment).await.unwrap()).await.unwrap();
    phone.see("#start").await.unwrap();
    (visit, staff, phone)
}

/// What the staff's list says of the patient's camera and microphone is this, as a warning where anything is wrong; of a slow
/// line, as a busy machine has it, nothing is asked.
async fn staff_read(staff: &Browser, wrong: &[&str]) {
    wait::until(&format!("the staff's list says {wrong:?}"), async || {
        let line = staff.page.find(Locator::Css("[data-visit] [data-test]:not([data-test='none'])")).await?;
        let (said, mark) = (line.text().await?, line.attr("data-test").await?);
        let of_devices = said.split(", ").filter(|it| it.starts_with("Camera") || it.starts_with("Microphone"));
        let right = of_devices.eq(wrong.iter().copied()) && (wrong.is_empty() || mark.as_deref() == Some("wrong"));
        Ok(right.then_some(()))
    })
    .await
    .unwrap();
}

async fn presses(page: &Browser, buttons: &[&str]) {
    for button in buttons {
        page.click(button).await.unwrap();
    }
}

/// From the screen with the question to *I'm ready*, with everything working.
const THROUGH_THE_TEST: [&str; 5] = ["#allow-devices", "#continue", "#play-sound", "#heard-yes", "#checked"];

#[tokio::test]
async fn a_refusal_is_helped_with_and_staff_read_it_until_it_is_mended() {
    let clinic = Clinic::open().await.unwrap();
    let (visit, staff, phone) = on_the_first_screen(&clinic, Devices::Asked).await;
    for what in ["camera", "microphone"] {
        phone.permits(what, false).await.unwrap();
    }
    presses(&phone, &["#start", "#allow-devices"]).await;
    let help = phone.text("[role='alert']:has([data-why='blocked'])").await.unwrap();
    assert!(help.contains("Your camera is blocked.") && help.contains("choose Allow"), "{help}");
    phone.picture(&clinic.shot("blocked").unwrap()).await.unwrap();
    staff_read(&staff, &["Camera blocked", "Microphone blocked"]).await;
    staff.picture(&clinic.shot("staff-blocked").unwrap()).await.unwrap();
    // They follow the help.
    for what in ["camera", "microphone"] {
        phone.permits(what, true).await.unwrap();
    }
    presses(&phone, &THROUGH_THE_TEST).await;
    staff_read(&staff, &[]).await;
    assert_eq!(visit.alerts().await.unwrap(), 0, "a test is no arrival");
    ready(&phone).await.unwrap();
    visit.alerted().await.unwrap();
    phone.close().await.unwrap();
    staff.close().await.unwrap();
}

#[tokio::test]
async fn without_camera_and_microphone_they_can_go_on_and_staff_know() {
    let clinic = Clinic::open().await.unwrap();
    let (visit, staff, phone) = on_the_first_screen(&clinic, Devices::Missing).await;
    presses(&phone, &["#start", "#allow-devices"]).await;
    let help = phone.text("[role='alert']:has([data-why='none'])").await.unwrap();
    assert!(help.contains("We found no camera."), "{help}");
    phone.picture(&clinic.shot("no-camera").unwrap()).await.unwrap();
    presses(&phone, &["#skip-devices", "#skip-sound"]).await;
    phone.see("#found-microphone[data-result='missing']").await.unwrap();
    phone.picture(&clinic.shot("no-camera-checked").unwrap()).await.unwrap();
    staff_read(&staff, &["Camera missing", "Microphone missing"]).await;
    phone.click("#checked").await.unwrap();
    ready(&phone).await.unwrap();
    visit.alerted().await.unwrap();
    visit.patient_is("waiting").await.unwrap();
    phone.close().await.unwrap();
    staff.close().await.unwrap();
}

#[tokio::test]
async fn a_camera_that_goes_while_they_wait_is_said_on_both_sides_and_keeps_their_place() {
    let clinic = Clinic::open().await.unwrap();
    let (visit, staff, phone) = on_the_first_screen(&clinic, Devices::Asked).await;
    for what in ["camera", "microphone"] {
        phone.permits(what, true).await.unwrap();
    }
    phone.click("#start").await.unwrap();
    presses(&phone, &THROUGH_THE_TEST).await;
    ready(&phone).await.unwrap();
    visit.patient_is("waiting").await.unwrap();
    staff_read(&staff, &[]).await;
    // No fake device can be pulled out; what the browser takes away ends the same way, by the track's own end.
    phone.permits("camera", false).await.unwrap();
    phone.see("#device-trouble.box").await.unwrap();
    let said = phone.text("#device-trouble").await.unwrap();
    assert!(said.contains("Your camera has stopped."), "{said}");
    phone.picture(&clinic.shot("camera-stopped").unwrap()).await.unwrap();
    staff_read(&staff, &["Camera missing"]).await;
    phone.permits("camera", true).await.unwrap();
    phone.click("#device-again").await.unwrap();
    phone.see("#preview").await.unwrap();
    staff_read(&staff, &[]).await;
    phone.see("html[data-stage='waiting']").await.unwrap();
    assert_eq!(visit.presence().await.unwrap(), "waiting");
    assert_eq!(visit.alerts().await.unwrap(), 1);
    phone.close().await.unwrap();
    staff.close().await.unwrap();
}

/// What the wait clock shows, in seconds.
async fn waited(phone: &Browser) -> anyhow::Result<u64> {
    let shown = phone.text("#clock").await?;
    let (minutes, seconds) = shown.split_once(':').unwrap_or_default();
    Ok(minutes.parse::<u64>()? * 60 + seconds.parse::<u64>()?)
}

#[tokio::test]
async fn a_reload_while_they_wait_keeps_the_place_and_the_clock() {
    let clinic = Clinic::open().await.unwrap();
    let (visit, phone) = clinic.on_the_ready_screen().await.unwrap();
    ready(&phone).await.unwrap();
    visit.alerted().await.unwrap();
    let since = async || {
        let all = visit.clinician.get(&visit.path).await.unwrap();
        let patient = all["participants"].as_array().unwrap().iter().find(|it| it["role"] == "patient");
        patient.unwrap()["since"].clone()
    };
    let before = since().await;
    assert!(before.is_string(), "they wait since some moment");
    // Long enough that a clock which begins anew is seen to.
    wait::until("they have waited for eight seconds", async || Ok((waited(&phone).await? >= 8).then_some(())))
        .await
        .unwrap();
    for _ in 0..2 {
        let watch = Stopwatch::start();
        phone.page.refresh().await.unwrap();
        phone.see("html[data-screen='waiting']").await.unwrap();
        let shown = waited(&phone).await.unwrap();
        assert!(shown >= 8, "the clock shows {shown} s, {} ms after a reload", watch.elapsed().as_millis());
    }
    // Longer than the gap that a reload may make: had it begun, it would be over.
    wait::until("they have waited for fourteen seconds", async || Ok((waited(&phone).await? >= 14).then_some(())))
        .await
        .unwrap();
    assert_eq!((visit.presence().await.unwrap().as_str(), since().await), ("waiting", before));
    assert_eq!(visit.alerts().await.unwrap(), 1, "and nobody is told again");
    visit.join().await.unwrap();
    phone.see("html[data-stage='called']").await.unwrap();
    phone.close().await.unwrap();
}

#[tokio::test]
async fn a_second_device_takes_over_and_the_first_says_so() {
    let clinic = Clinic::open().await.unwrap();
    let appointment = clinic.schedule().await.unwrap();
    let visit = clinic.begun(&appointment).await.unwrap();
    let phone = clinic.browser("phone", PHONE).await.unwrap();
    phone.open(&clinic.portal_link(&appointment).await.unwrap()).await.unwrap();
    let desk = clinic.browser("desk", DESK).await.unwrap();
    desk.open(&clinic.portal_link(&appointment).await.unwrap()).await.unwrap();
    prepared(&phone).await.unwrap();
    ready(&phone).await.unwrap();
    visit.patient_is("waiting").await.unwrap();

    // The other one says where the place is, and one press brings it there.
    desk.see("html[data-screen='another-device']").await.unwrap();
    desk.picture(&clinic.shot("second-device").unwrap()).await.unwrap();
    desk.click("#take-over").await.unwrap();
    desk.see("html[data-screen='waiting']").await.unwrap();
    phone.see("html[data-screen='another-device']").await.unwrap();
    phone.picture(&clinic.shot("first-device").unwrap()).await.unwrap();
    // The first one is put away: its page going is not the patient going, also not once the gap that anybody may make (three
    // seconds here) is long over.
    phone.close().await.unwrap();
    let before = waited(&desk).await.unwrap();
    wait::until("they have waited for six seconds more", async || {
        Ok((waited(&desk).await? >= before + 6).then_some(()))
    })
    .await
    .unwrap();
    assert_eq!(visit.presence().await.unwrap(), "waiting", "the patient has not left");
    visit.join().await.unwrap();
    desk.see("html[data-stage='called']").await.unwrap();
    assert_eq!(visit.alerts().await.unwrap(), 1, "one patient, one alert");
    let told = clinic.stack.sandbox.write_backs().await.unwrap();
    assert!(told.len() <= 1, "the chart never saw anybody leave: {told:?}");
    desk.close().await.unwrap();
}
