//! Two real browsers on one place: whoever takes over is told, whoever is taken over is told, and nobody else notices.

use e2e::browser::PHONE;

use crate::clinic::{Clinic, DESK, prepared, ready};

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
    assert_eq!(visit.presence().await.unwrap(), "waiting", "the patient has not left");
    // The first one is put away: its page going is not the patient going.
    phone.close().await.unwrap();
    visit.join().await.unwrap();
    desk.see("html[data-stage='called']").await.unwrap();
    assert_eq!(visit.alerts().await.unwrap(), 1, "one patient, one alert");
    let told = clinic.stack.sandbox.write_backs().await.unwrap();
    assert!(told.len() <= 1, "the chart never saw anybody leave: {told:?}");
    desk.close().await.unwrap();
}
