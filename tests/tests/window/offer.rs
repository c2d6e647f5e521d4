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
    Browser::start_in(&home.join("profile"), &log, (900, 800), &environment).await
}

/// Presses a button until it has led on: a busy Chromium loses a click on a page that it has not drawn yet.
async fn pressed(browser: &Browser, button: &str, then: &str) {
    let seen = async |css: &str| Ok::<_, anyhow::Error>(browser.page.find_all(Locator::Css(css)).await?.pop());
    wait::until(&format!("{button} leads to {then}"), async || {
        if let Some(button) = seen(button).await? {
            button.click().await?;
        }
        Ok(seen(then).await?.map(drop))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_visit_begun_where_no_companion_is_opens_in_the_companion_that_is_asked() {
    let room = Room::new().await.unwrap();
    let me = room.me().unwrap();
    let appointment = room.schedule(0, 0, 0).await.unwrap();
    let browser = elsewhere(&room).await.unwrap();
    browser.open(&room.launch_page(me, &appointment).await.unwrap()).await.unwrap();
    browser.click("#in-browser").await.unwrap();
    // Proven, and nobody is there yet who could be asked.
    let account = format!("button[data-account='{}']", me["upn"].as_str().unwrap());
    pressed(&browser, &account, "#no-companion").await;
    picture_as_it_is(&browser.page, &room.shot("web-visit-no-companion").unwrap()).await.unwrap();

    let window = room.signed_in().await.unwrap();
    let asked = room.desktop.asked();
    browser.page.refresh().await.unwrap();
    browser.see("#offer").await.unwrap();
    picture_as_it_is(&browser.page, &room.shot("web-visit-offer").unwrap()).await.unwrap();
    pressed(&browser, "#offer", "[data-offer='waiting']").await;
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
