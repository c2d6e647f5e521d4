//! Alerts that make no sign because the desktop holds them back: the window says so, by a real dunst that is paused and by a
//! bus without anybody who shows notifications, and stops saying so when it is over.

use e2e::wait;
use fantoccini::Locator;
use tokio::process::Command;

use crate::keychain::BareBus;
use crate::patient::Patient;
use crate::room::Room;

/// Lets notifications through again, whatever becomes of the test.
struct Paused;

impl Paused {
    async fn begin() -> Self {
        set("true").await;
        Self
    }

    async fn end(self) {
        set("false").await;
    }
}

async fn set(paused: &str) {
    assert!(Command::new("dunstctl").args(["set-paused", paused]).status().await.unwrap().success());
}

impl Drop for Paused {
    fn drop(&mut self) {
        let _ = std::process::Command::new("dunstctl").args(["set-paused", "false"]).status();
    }
}

#[tokio::test]
async fn while_the_desktop_is_set_to_do_not_disturb_the_window_says_so() {
    let room = Room::new().await.unwrap();
    let (window, appointment) = room.in_visit(0).await.unwrap();
    assert!(window.page.find(Locator::Css("[data-note='muted']")).await.is_err());
    let paused = Paused::begin().await;
    Patient::enter(&room, room.patient(0).unwrap(), &appointment.id).await.unwrap().ready().await.unwrap();
    window.see("#alert").await.unwrap();
    assert!(window.text("[data-note='muted']").await.unwrap().contains("do not disturb"));
    room.picture(&window, "companion-muted").await.unwrap();
    paused.end().await;
    wait::until("the window no longer says so", async || {
        Ok(window.page.find(Locator::Css("[data-note='muted']")).await.is_err().then_some(()))
    })
    .await
    .unwrap();
    window.close().await.unwrap();
}

#[tokio::test]
async fn where_nobody_shows_notifications_the_window_says_so_before_anybody_waits() {
    let room = Room::new().await.unwrap();
    let bus = BareBus::start(&room).await.unwrap();
    let window = room.desktop.open_window_in(&[("DBUS_SESSION_BUS_ADDRESS", &bus.address)]).await.unwrap();
    room.sign_in(&window).await.unwrap();
    assert!(window.text("[data-note='notifications']").await.unwrap().contains("shows no notifications"));
    window.close().await.unwrap();
}
