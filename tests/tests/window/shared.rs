//! A workstation that two clinicians use one after the other: `roomed --sign-out` and a launch by the other one sign out the
//! companion that is running, and neither window nor home keeps anything of who was there before.

use std::io::Write;
use std::path::PathBuf;

use e2e::scan::{self, Canary};
use e2e::stack::Options;
use e2e::wait;
use e2e::window::{Window, companions};
use serde_json::Value;
use tokio::process::Command;

use crate::inside::gone;
use crate::join::{focused, press};
use crate::room::Room;

/// On the window's page, wherever it stands.
async fn page(window: &Window) -> String {
    window.page.source().await.unwrap()
}

/// What of a person must not be found once they are gone.
fn traces(person: &Value) -> Vec<Canary> {
    let of = |field: &str| person[field].as_str().map(|value| Canary::new(&format!("clinician.{field}"), value));
    ["name", "display_name", "upn", "oid", "emp_user"].iter().filter_map(|field| of(field)).collect()
}

/// A companion that keeps nothing.
async fn workstation() -> Room {
    let room = Room::new().await.unwrap();
    let config = PathBuf::from(std::env::var_os("XDG_CONFIG_HOME").unwrap()).join("roomed/companion.toml");
    let mut config = std::fs::OpenOptions::new().append(true).open(config).unwrap();
    config.write_all(b"keep_sign_in = \"memory\"\n").unwrap();
    room
}

/// Says that they are both, and signs in to Microsoft once more for it.
async fn confirms(room: &Room, window: &Window, person: &Value) {
    let asked = room.desktop.asked();
    window.click("#first-link-yes").await.unwrap();
    let address = room.pick_account(person, asked).await.unwrap();
    assert!(address.query_pairs().any(|it| it == ("prompt".into(), "login".into())), "whoever was here is taken");
}

#[tokio::test]
async fn on_the_first_day_nobody_is_linked_to_whoever_is_signed_in() {
    let room = workstation().await;
    let (maya, jonas) = (room.me().unwrap(), room.northside.of_role("practitioner", 1).unwrap());
    let window = room.desktop.open_window().await.unwrap();
    room.sign_in_as(&window, jonas).await.unwrap();
    let hers = room.schedule(0, 0, 0).await.unwrap();
    room.launch(&room.begin_as(maya, &hers).await.unwrap()).await.unwrap();
    window.see("#first-link").await.unwrap();
    let words = window.text("#first-link").await.unwrap();
    for person in [maya, jonas] {
        assert!(words.contains(person["name"].as_str().unwrap()), "{words}");
    }
    room.picture(&window, "companion-first-link").await.unwrap();

    // By keyboard alone, to No: signed out, and nothing of either is left.
    let id = window.on_screen().await.unwrap();
    Command::new("xdotool").args(["windowfocus", "--sync", &id]).status().await.unwrap();
    wait::until("the focus is on No", async || {
        press("Tab").await;
        Ok((focused(&window).await? == "first-link-no").then_some(()))
    })
    .await
    .unwrap();
    press("Return").await;
    window.see("[data-ended='not-the-same']").await.unwrap();
    room.picture(&window, "companion-not-the-same").await.unwrap();
    let left = page(&window).await;
    for trace in [traces(maya), traces(jonas)].concat() {
        assert!(scan::bytes("the window", left.as_bytes(), &[trace]).is_empty(), "{left}");
    }
    let eyes = room.eyes().await.unwrap();
    assert_eq!(eyes.get("/visits").await.unwrap()["visits"], serde_json::json!([]));

    // She signs in herself, is asked, and is not believed by a press alone.
    room.sign_in_as(&window, maya).await.unwrap();
    room.launch(&room.begin_as(maya, &hers).await.unwrap()).await.unwrap();
    confirms(&room, &window, maya).await;
    window.see("#patient-name").await.unwrap();
    assert_eq!(eyes.get("/visits").await.unwrap()["visits"][0]["proven"], true);
    window.close().await.unwrap();
}

#[tokio::test]
async fn a_question_that_nobody_answers_ends_and_says_where_to_begin_again() {
    let short: fn(&mut Value) = |configuration| configuration["launch"]["one_time_seconds"] = 8.into();
    let room = Room::with(Options { adjust: vec![short], ..Options::default() }).await.unwrap();
    let window = room.signed_in().await.unwrap();
    let hers = room.schedule(0, 0, 0).await.unwrap();
    room.launch(&room.begin(&hers).await.unwrap()).await.unwrap();
    window.see("#first-link").await.unwrap();
    window.see("#problem[data-code='nonce-refused']").await.unwrap();
    gone(&window, "#first-link").await;
    let said = window.text("#problem").await.unwrap();
    assert!(said.contains("Go back to the chart and press Begin virtual visit once more."), "{said}");
    assert!(said.contains("nothing was linked"), "{said}");
    room.picture(&window, "companion-first-link-over").await.unwrap();
    assert_eq!(room.eyes().await.unwrap().get("/visits").await.unwrap()["visits"], serde_json::json!([]));
    window.close().await.unwrap();
}

#[tokio::test]
async fn the_next_clinician_finds_nothing_of_the_one_before() {
    let room = workstation().await;
    let (first, second) = (room.me().unwrap(), room.northside.of_role("practitioner", 1).unwrap());

    let window = room.signed_in().await.unwrap();
    let theirs = room.schedule(0, 0, 0).await.unwrap();
    room.launch(&room.begin(&theirs).await.unwrap()).await.unwrap();
    confirms(&room, &window, first).await;
    window.see("#patient-name").await.unwrap();
    let patient = window.text("#patient-name").await.unwrap();
    let initials = window.text("button.initials").await.unwrap();
    room.sign_out_by_command().await.unwrap();
    window.see("section[data-session='signed-out']").await.unwrap();
    let left = page(&window).await;
    assert!(!left.contains(&patient) && !left.contains(&format!(">{initials}<")), "still on the page");
    assert_eq!(companions().unwrap().len(), 1, "it goes on running, for whoever comes next");

    room.sign_in_as(&window, second).await.unwrap();
    assert_ne!(window.text("button.initials").await.unwrap(), initials);
    let own = room.schedule(1, 1, 0).await.unwrap();
    room.launch(&room.begin_as(second, &own).await.unwrap()).await.unwrap();
    confirms(&room, &window, second).await;
    window.see("#patient-name").await.unwrap();
    assert_ne!(window.text("#patient-name").await.unwrap(), patient);

    // The first one comes back and begins a visit from the chart, without signing anybody out.
    let again = room.schedule(0, 2, 10).await.unwrap();
    room.launch(&room.begin_as(first, &again).await.unwrap()).await.unwrap();
    window.see("[data-ended='another-ehr-user']").await.unwrap();
    room.picture(&window, "companion-another-ehr-user").await.unwrap();
    assert!(window.page.find(fantoccini::Locator::Css("[data-visit]")).await.is_err(), "visits are still shown");

    let published = room.stack.sandbox.get("/canaries").await.unwrap();
    let all =
        [scan::canaries(&published), traces(first), traces(second), vec![Canary::new("patient", &patient)]].concat();
    assert!(all.len() > 20, "the sandbox publishes what to look for");
    assert_eq!(Room::in_home(&all).unwrap(), []);
    window.close().await.unwrap();
}

#[tokio::test]
async fn a_session_that_is_locked_signs_out_whoever_was_there() {
    let room = workstation().await;
    let window = room.signed_in().await.unwrap();
    // A screen saver of this desktop says that it is off, then that it is on.
    let says = async |on: &str| {
        let mut signal = Command::new("dbus-send");
        signal.args(["--session", "--type=signal", "/org/freedesktop/ScreenSaver"]);
        signal.args(["org.freedesktop.ScreenSaver.ActiveChanged", &format!("boolean:{on}")]);
        assert!(signal.status().await.unwrap().success());
    };
    says("false").await;
    assert!(window.page.find(fantoccini::Locator::Css("button.initials")).await.is_ok(), "it is nobody's lock");
    says("true").await;
    window.see("[data-ended='locked']").await.unwrap();
    room.picture(&window, "companion-locked").await.unwrap();
    window.close().await.unwrap();
}
