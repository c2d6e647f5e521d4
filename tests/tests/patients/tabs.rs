//! One browser in two visits, a tab for each: what is seen and done in a tab is of that tab's visit only.

use e2e::browser::PHONE;

use crate::clinic::{Clinic, prepared, ready};

#[tokio::test]
async fn a_browser_in_two_visits_acts_in_each_tab_in_that_ones_only() {
    let clinic = Clinic::open().await.unwrap();
    let (one, child) = (clinic.schedule().await.unwrap(), clinic.patient_of(1).unwrap());
    let made = clinic.stack.sandbox.schedule(&clinic.northside, clinic.practitioner().unwrap(), child).await.unwrap();
    let other = made["appointment_id"].as_str().unwrap().to_owned();
    let (first, second) = (clinic.begun(&one).await.unwrap(), clinic.begun(&other).await.unwrap());
    let phone = clinic.browser("phone", PHONE).await.unwrap();
    phone.open(&clinic.portal_link(&one).await.unwrap()).await.unwrap();
    prepared(&phone).await.unwrap();
    let page = phone.page.current_url().await.unwrap();

    // A parent opens the visit of another child beside it.
    let tab = phone.page.new_window(true).await.unwrap();
    let before = phone.page.window().await.unwrap();
    phone.page.switch_to_window(tab.handle.clone()).await.unwrap();
    phone.open(&clinic.portal_link_of(child, &other).await.unwrap()).await.unwrap();
    prepared(&phone).await.unwrap();
    assert_ne!(phone.page.current_url().await.unwrap(), page);

    // Back in the first tab, which has looked again by then.
    phone.page.switch_to_window(before).await.unwrap();
    phone.page.refresh().await.unwrap();
    ready(&phone).await.unwrap();
    first.patient_is("waiting").await.unwrap();
    assert_ne!(second.presence().await.unwrap(), "waiting", "the tab acted in the other visit");

    // Who opens the bare address is led to the last one.
    phone.page.switch_to_window(tab.handle).await.unwrap();
    let last = phone.page.current_url().await.unwrap();
    phone.open(&format!("{}/v/", clinic.public)).await.unwrap();
    assert_eq!(phone.page.current_url().await.unwrap(), last);
    ready(&phone).await.unwrap();
    second.patient_is("waiting").await.unwrap();
    phone.page.clone().close().await.unwrap();
}
