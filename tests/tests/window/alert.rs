//! *Patient ready* while nobody looks: the desktop's notification, its named action, its repetition and its end.

use std::path::PathBuf;

use e2e::wait;
use tokio::process::Command;

use crate::patient::Patient;
use crate::room::Room;

/// What the session's notification daemon picks from its menu.
pub(crate) fn pick(line: &str) {
    let file = PathBuf::from(std::env::var_os("ROOMED_DUNST_ACTION").unwrap());
    std::fs::write(file, format!("{line}\n")).unwrap();
}

#[tokio::test]
async fn the_named_action_of_a_notification_joins_while_the_window_is_minimised() {
    let room = Room::new().await.unwrap();
    let (window, appointment) = room.in_visit(0).await.unwrap();
    let id = window.on_screen().await.unwrap();
    Command::new("xdotool").args(["windowminimize", "--sync", &id]).status().await.unwrap();

    Patient::enter(&room, room.patient(0).unwrap(), &appointment.id).await.unwrap().ready().await.unwrap();
    let seen = room.bus.saw("Patient ready").await.unwrap();
    assert_eq!(seen.body, appointment.local_start(), "time and role only");
    assert!(seen.actions.chunks(2).any(|it| it == ["join", "Join"]), "{:?}", seen.actions);

    // dunst's menu: "#Label (Summary) [id,action]".
    pick(",join]");
    let asked = room.desktop.asked();
    Command::new("dunstctl").arg("context").status().await.unwrap();
    room.desktop.asked_for("/l/meetup-join/", asked).await.unwrap();
    window.close().await.unwrap();
}

/// What the tray shows: the pixels of its one icon, once it stands still.
async fn tray(what: &str, matches: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    wait::until(&format!("the tray shows {what}"), async || {
        let corner = ["-silent", "-window", "root", "-crop", "34x30+1246+869", "-depth", "8", "rgb:-"];
        let taken = Command::new("import-im6.q16").args(corner).output().await?;
        anyhow::ensure!(taken.status.success(), "no picture of the tray");
        let coloured = taken.stdout.chunks(3).any(|pixel| pixel != &taken.stdout[..3]);
        Ok((coloured && matches(&taken.stdout)).then_some(taken.stdout))
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn the_tray_shows_that_somebody_waits_until_it_has_been_seen() {
    let room = Room::new().await.unwrap();
    let (window, appointment) = room.in_visit(0).await.unwrap();
    let idle = tray("an icon", |_| true).await;
    Patient::enter(&room, room.patient(0).unwrap(), &appointment.id).await.unwrap().ready().await.unwrap();
    window.see("#alert").await.unwrap();
    tray("another icon", |shown| shown != idle).await;
    window.click("#acknowledge").await.unwrap();
    tray("the first icon again", |shown| shown == idle).await;
    window.close().await.unwrap();
}

#[tokio::test]
async fn an_alert_repeats_until_somebody_has_seen_it() {
    let room = Room::new().await.unwrap();
    let (window, first) = room.in_visit(0).await.unwrap();
    Patient::enter(&room, room.patient(0).unwrap(), &first.id).await.unwrap().ready().await.unwrap();
    room.alerted(&first, 2).await.unwrap();
    window.click("#acknowledge").await.unwrap();
    let before = room.alerts(&first);

    // Another patient, who is alerted twice: for that long the first has been quiet.
    let second = room.schedule(0, 1, 7).await.unwrap();
    Patient::enter(&room, room.patient(1).unwrap(), &second.id).await.unwrap().ready().await.unwrap();
    room.alerted(&second, 3).await.unwrap();
    // One may have been on its way when the button was pressed.
    assert!(room.alerts(&first) <= before + 1, "it was repeated after it had been seen");
    window.close().await.unwrap();
}
