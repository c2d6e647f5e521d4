//! Citrix: a visit is begun in a browser that shares nothing with the companion's computer (another home, no program for
//! `roomed:`), offered to the companion over its socket, and opened there by the one who is asked.

use std::path::Path;

use e2e::browser::{Browser, picture_as_it_is};
use e2e::wait;
use fantoccini::Locator;

use crate::patient::Patient;
use crate::room::Room;

/// A browser on a computer of its own.
async fn elsewhere(room: &Room) -> anyhow::Result<Browser> {
    let home = room.stack.directory.join("citrix");
    let places = ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"];
    std::fs::create_dir_all(&home)?;
    let environment: Vec<(&str, &Path)> = places.iter().map(|name| (*name, home.as_path())).collect();
    let log = room.stack.directory.join("logs/chromium.log");
    Browser::start_in("en-US,en", &home.join("profile"), &log, (900, 800), &environment).await
}

/// The way on without the companion. In a tab of its own: Chromium's question whether to open `roomed:`, which takes every
/// click, goes away with it.
async fn onwards(browser: &Browser, launch: &str) -> anyhow::Result<()> {
    let page = &browser.page;
    let first = page.window().await?;
    page.switch_to_window(page.new_window(true).await?.handle).await?;
    browser.open(launch).await?;
    let next = wait::until("the launch page knows the way without the companion", async || {
        Ok(page.find(Locator::Css("a#in-browser")).await?.prop("href").await?)
    })
    .await?;
    page.close_window().await?;
    page.switch_to_window(first).await?;
    browser.open(&next).await
}

#[tokio::test]
async fn a_visit_begun_where_no_companion_is_opens_in_the_companion_that_is_asked() {
    let room = Room::new().await.unwrap();
    let me = room.me().unwrap();
    let appointment = room.schedule(0, 0, 0).await.unwrap();
    let browser = elsewhere(&room).await.unwrap();
    onwards(&browser, &room.launch_page(me, &appointment).await.unwrap()).await.unwrap();
    // Proven, and nobody is there yet who could be asked.
    let account = format!("button[data-account='{}']", me["upn"].as_str().unwrap());
    browser.click(&account).await.unwrap();
    browser.see("#first-link-yes").await.unwrap();
    picture_as_it_is(&browser.page, &room.shot("web-first-link").unwrap()).await.unwrap();
    browser.click("#first-link-yes").await.unwrap();
    browser.see("#no-companion").await.unwrap();
    picture_as_it_is(&browser.page, &room.shot("web-visit-no-companion").unwrap()).await.unwrap();

    let window = room.signed_in().await.unwrap();
    let asked = room.desktop.asked();
    browser.page.refresh().await.unwrap();
    browser.see("#offer").await.unwrap();
    picture_as_it_is(&browser.page, &room.shot("web-visit-offer").unwrap()).await.unwrap();
    browser.click("#offer").await.unwrap();
    browser.see("[data-offer='waiting']").await.unwrap();
    browser.picture(&room.shot("web-offer-waiting").unwrap()).await.unwrap();
    window.see("#offer").await.unwrap();
    room.picture(&window, "companion-offered").await.unwrap();

    // The patient comes meanwhile: opening it then goes straight in, like any launch.
    Patient::enter(&room, room.patient(0).unwrap(), &appointment.id).await.unwrap().ready().await.unwrap();
    window.see("[data-participant='patient'][data-presence='waiting'], #alert").await.unwrap();
    window.click("#offer-yes").await.unwrap();
    room.desktop.asked_for("/l/meetup-join/", asked).await.unwrap();
    browser.see("[data-offer='taken']").await.unwrap();
    picture_as_it_is(&browser.page, &room.shot("web-offer-taken").unwrap()).await.unwrap();
    wait::until("the question is gone", async || {
        Ok(window.page.find(Locator::Id("offer")).await.is_err().then_some(()))
    })
    .await
    .unwrap();
    window.see("[data-participant='patient']").await.unwrap();
    room.picture(&window, "companion-offer-taken").await.unwrap();
    assert!(window.page.find(Locator::Id("patient-name")).await.is_err(), "no name came from the browser");
    assert!(room.desktop.addresses().iter().all(|it| !it.contains("/oauth2/authorize?")), "the EHR was asked again");
    browser.close().await.unwrap();
    window.close().await.unwrap();
}

#[tokio::test]
async fn whoever_says_no_in_the_browser_is_asked_by_microsoft_who_they_are() {
    let room = Room::new().await.unwrap();
    let me = room.me().unwrap();
    let account = format!("button[data-account='{}']", me["upn"].as_str().unwrap());
    let appointment = room.schedule(0, 0, 0).await.unwrap();
    let browser = elsewhere(&room).await.unwrap();
    onwards(&browser, &room.launch_page(me, &appointment).await.unwrap()).await.unwrap();
    browser.click(&account).await.unwrap();
    browser.click("#first-link-no").await.unwrap();
    browser.see("#other").await.unwrap();
    assert_eq!(browser.text("h1").await.unwrap(), "Nothing was linked");
    picture_as_it_is(&browser.page, &room.shot("web-nothing-linked").unwrap()).await.unwrap();
    // On their own, and from the chart once more: Microsoft shows who could be meant, and signs nobody in by itself.
    browser.click("#other").await.unwrap();
    browser.see(&account).await.unwrap();
    let again = room.schedule(0, 1, 0).await.unwrap();
    onwards(&browser, &room.launch_page(me, &again).await.unwrap()).await.unwrap();
    browser.click(&account).await.unwrap();
    browser.see("#first-link-yes").await.unwrap();
    assert!(browser.complaints().await.unwrap().iter().all(|it| !it.contains("Content Security Policy")));
    browser.close().await.unwrap();
}
