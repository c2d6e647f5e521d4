//! A workstation that two clinicians use one after the other: `roomed --sign-out` and a launch by the other one sign out the
//! companion that is running, and neither window nor home keeps anything of who was there before.

use std::io::Write;
use std::path::PathBuf;

use e2e::scan::{self, Canary};
use e2e::window::{Window, companions};
use serde_json::Value;

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

#[tokio::test]
async fn the_next_clinician_finds_nothing_of_the_one_before() {
    let room = Room::new().await.unwrap();
    let config = PathBuf::from(std::env::var_os("XDG_CONFIG_HOME").unwrap()).join("roomed/companion.toml");
    let mut config = std::fs::OpenOptions::new().append(true).open(config).unwrap();
    config.write_all(b"keep_sign_in = \"memory\"\n").unwrap();
    let (first, second) = (room.me().unwrap(), room.northside.of_role("practitioner", 1).unwrap());

    let (window, _) = room.in_visit(0).await.unwrap();
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
