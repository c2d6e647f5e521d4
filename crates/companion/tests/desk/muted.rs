//! Whether notifications come through: what this desktop's service says of itself, played by one on a bus of its own, and
//! what the window is told of it, again and again.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use roomed_companion::muting::on;
use roomed_companion::view::NotificationsView as N;
use roomed_protocol::{NoticeKind, Presence};
use zbus::connection::Builder;
use zbus::{Connection, fdo};

use crate::bus::Bus;
use crate::desktop::{Desk, until};
use crate::world::{World, ready, visit};

/// Somebody who shows notifications.
struct Presenter {
    name: &'static str,
    inhibited: Option<bool>,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Presenter {
    fn get_server_information(&self) -> (String, String, String, String) {
        (self.name.into(), "somebody".into(), "1.0".into(), "1.2".into())
    }

    #[zbus(property)]
    fn inhibited(&self) -> fdo::Result<bool> {
        self.inhibited.ok_or_else(|| fdo::Error::UnknownProperty("there is none".into()))
    }
}

/// What dunst has beside it.
struct Dunst(bool);

#[zbus::interface(name = "org.dunstproject.cmd0")]
impl Dunst {
    #[zbus(property, name = "paused")]
    fn paused(&self) -> bool {
        self.0
    }
}

impl Bus {
    async fn with(&self, service: Presenter, paused: Option<bool>) -> Connection {
        let (name, path) = ("org.freedesktop.Notifications", "/org/freedesktop/Notifications");
        let mut server = Builder::address(self.address.as_str()).unwrap().serve_at(path, service).unwrap();
        if let Some(paused) = paused {
            server = server.serve_at(path, Dunst(paused)).unwrap();
        }
        server.name(name).unwrap().build().await.unwrap()
    }
}

/// A `gsettings` that knows this of our program.
fn gsettings(folder: &Path, enable: &str) -> PathBuf {
    let script = folder.join("gsettings");
    let key = "org.gnome.desktop.notifications.application:/org/gnome/desktop/notifications/application/roomed/ enable";
    std::fs::write(&script, format!("#!/bin/sh\n[ \"$*\" = \"get {key}\" ] && echo {enable}\n")).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    script
}

#[tokio::test]
async fn each_desktop_is_asked_in_its_own_way_and_believed_only_as_far_as_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let bus = Bus::start(folder.path()).await;
    let here = Builder::address(bus.address.as_str()).unwrap().build().await.unwrap();
    assert_eq!(on(&here, &gsettings(folder.path(), "true")).await, N::Unavailable, "nobody is there");
    for (name, inhibited, paused, enable, expected) in [
        ("Plasma", Some(true), None, "true", N::DoNotDisturb),
        ("Plasma", Some(false), None, "true", N::Shown),
        ("dunst", None, Some(true), "true", N::DoNotDisturb),
        ("dunst", None, Some(false), "true", N::Shown),
        ("dunst", None, None, "true", N::Unknown),
        ("gnome-shell", None, None, "false", N::SwitchedOff),
        ("gnome-shell", None, None, "true", N::Unknown),
        ("mako", None, None, "false", N::Unknown),
    ] {
        let service = bus.with(Presenter { name, inhibited }, paused).await;
        let said = on(&here, &gsettings(folder.path(), enable)).await;
        assert_eq!(said, expected, "{name} {inhibited:?} {paused:?} {enable}");
        service.close().await.unwrap();
    }
}

#[tokio::test]
async fn the_window_says_that_alerts_are_silenced_for_as_long_as_they_are() {
    let (world, desk) = (World::start().await, Desk::new());
    let says = |it| *desk.notifications.standing.lock().unwrap() = Some(it);
    says(N::DoNotDisturb);
    let handle = desk.signed_in(&world).await;
    until(&handle, "before anybody waits", |s| s.notifications == N::DoNotDisturb).await;
    says(N::Shown);
    until(&handle, "that it is over, without an alert", |s| s.notifications == N::Shown && s.alert.is_none()).await;

    world.put_visit(visit("v1", Presence::Waiting, false));
    world.hint(world.commit("v1", ready(false)));
    until(&handle, "the alert", |s| s.alert.is_some()).await;
    says(N::SwitchedOff);
    until(&handle, "it at the next repeat", |s| s.notifications == N::SwitchedOff && s.alert.is_some()).await;
    says(N::Unknown);
    world.hint(world.commit("v1", NoticeKind::AlertWithdrawn));
    until(&handle, "nothing that is not known", |s| s.notifications == N::Unknown && s.alert.is_none()).await;
}
