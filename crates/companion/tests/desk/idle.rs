//! Whether anybody is there, by what the desktop says on its buses: GNOME's idle monitor, the screen savers and logind,
//! played by somebody on a bus of its own.

use std::time::Duration;

use roomed_companion::idle::{answer, locked_on};
use zbus::connection::Builder;
use zbus::zvariant::OwnedObjectPath;
use zbus::{Connection, fdo};

use crate::bus::Bus;

/// However slow this machine is.
const LONG: Duration = Duration::from_secs(30);

struct Monitor(u64);

#[zbus::interface(name = "org.gnome.Mutter.IdleMonitor")]
impl Monitor {
    fn get_idletime(&self) -> u64 {
        self.0
    }
}

/// `None`: one of before, which knows no `auto`.
struct Logind {
    auto: Option<&'static str>,
    of_process: &'static str,
}

const OWN: &str = "/org/freedesktop/login1/session/_32";
const ANOTHERS: &str = "/org/freedesktop/login1/session/_33";

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Logind {
    #[zbus(name = "GetSessionByPID")]
    fn session_of(&self, process: u32) -> fdo::Result<OwnedObjectPath> {
        path(Some(self.of_process).filter(|_| process == std::process::id()))
    }

    #[zbus(name = "GetSession")]
    fn session(&self, id: &str) -> fdo::Result<OwnedObjectPath> {
        path(self.auto.filter(|_| id == "auto"))
    }
}

fn path(known: Option<&str>) -> fdo::Result<OwnedObjectPath> {
    let none = || fdo::Error::Failed("no session".into());
    OwnedObjectPath::try_from(known.ok_or_else(none)?).map_err(|_| none())
}

async fn on(bus: &Bus) -> Connection {
    Builder::address(bus.address.as_str()).unwrap().build().await.unwrap()
}

#[tokio::test]
async fn gnomes_monitor_is_believed_and_nobody_is_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let bus = Bus::start(folder.path()).await;
    assert_eq!(answer(Some(&bus.address), LONG).await, None, "nobody is there");
    let (name, path) = ("org.gnome.Mutter.IdleMonitor", "/org/gnome/Mutter/IdleMonitor/Core");
    let server = Builder::address(bus.address.as_str()).unwrap().name(name).unwrap();
    let _monitor = server.serve_at(path, Monitor(754_321)).unwrap().build().await.unwrap();
    assert_eq!(answer(Some(&bus.address), LONG).await, Some(Duration::from_millis(754_321)));
}

type Signal<'a> = (&'a Connection, &'a str, &'a str, &'a str, Option<bool>);

/// Says a signal again and again until somebody has heard it.
async fn heard(bus: &Bus, system: &Bus, (from, path, interface, member, active): Signal<'_>, times: usize) -> bool {
    let (session, system) = (bus.address.clone(), system.address.clone());
    let hearing = tokio::spawn(async move { locked_on(Some(&session), Some(&system)).await });
    for _ in 0..times {
        match active {
            Some(active) => from.emit_signal(None::<&str>, path, interface, member, &active).await.unwrap(),
            None => from.emit_signal(None::<&str>, path, interface, member, &()).await.unwrap(),
        }
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        tick.tick().await;
        tick.tick().await;
        if hearing.is_finished() {
            return true;
        }
    }
    hearing.abort();
    false
}

#[tokio::test]
async fn a_screen_saver_or_logind_locks_this_session_and_no_other() {
    // Started by the person's systemd, the process is of no session of theirs; of before, there is no other word than it.
    for logind in [Logind { auto: Some(OWN), of_process: ANOTHERS }, Logind { auto: None, of_process: OWN }] {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (session, system) = (Bus::start(folder.path()).await, Bus::start(other.path()).await);
        let (desktop, stranger) = (on(&session).await, on(&system).await);
        let server = Builder::address(system.address.as_str()).unwrap().name("org.freedesktop.login1").unwrap();
        let logind = server.serve_at("/org/freedesktop/login1", logind).unwrap().build().await.unwrap();
        let saver = ("/org/freedesktop/ScreenSaver", "org.freedesktop.ScreenSaver");
        let gnome = ("/org/gnome/ScreenSaver", "org.gnome.ScreenSaver");
        let login = "org.freedesktop.login1.Session";
        for (what, locks, signal) in [
            ("a saver that is on", true, (&desktop, saver.0, saver.1, "ActiveChanged", Some(true))),
            ("GNOME's", true, (&desktop, gnome.0, gnome.1, "ActiveChanged", Some(true))),
            ("logind, of this session", true, (&logind, OWN, login, "Lock", None)),
            ("a saver that is off again", false, (&desktop, saver.0, saver.1, "ActiveChanged", Some(false))),
            ("GNOME's other signal", false, (&desktop, gnome.0, gnome.1, "WakeUpScreen", Some(true))),
            ("another session", false, (&logind, ANOTHERS, login, "Lock", None)),
            ("this session unlocked", false, (&logind, OWN, login, "Unlock", None)),
            ("somebody who is not logind", false, (&stranger, OWN, login, "Lock", None)),
        ] {
            // What is heard is heard within a few of them; what is not, never.
            let times = if locks { 2_000 } else { 60 };
            assert_eq!(heard(&session, &system, signal, times).await, locks, "{what}");
        }
    }
}

#[tokio::test]
async fn where_there_is_no_bus_nothing_is_ever_locked() {
    let folder = tempfile::tempdir().unwrap();
    let bus = Bus::start(folder.path()).await;
    let nowhere = format!("unix:path={}", folder.path().join("nobody").display());
    let hearing = tokio::spawn(async move { locked_on(Some(&nowhere), Some(&nowhere)).await });
    // Long enough to have asked both: another bus has been asked something in the meantime.
    for _ in 0..50 {
        assert_eq!(answer(Some(&bus.address), LONG).await, None);
    }
    assert!(!hearing.is_finished(), "a bus that is not there is no lock");
    hearing.abort();
}
