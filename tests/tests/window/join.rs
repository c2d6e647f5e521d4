//! The one press that matters: by keyboard alone, into the Teams client where there is one, and for a colleague's visit
//! only after a question.

use e2e::wait;
use e2e::window::Window;
use tokio::process::Command;

use crate::patient::Patient;
use crate::room::Room;

/// A key as the keyboard sends it to whatever has the focus.
pub(crate) async fn press(key: &str) {
    Command::new("xdotool").args(["key", key]).status().await.unwrap();
}

/// The id of what has the focus.
pub(crate) async fn focused(window: &Window) -> anyhow::Result<String> {
    let id = window.page.execute("return document.activeElement?.id ?? ''", Vec::new()).await?;
    Ok(id.as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn join_is_reached_and_pressed_by_keyboard_alone() {
    let room = Room::new().await.unwrap();
    let (window, appointment) = room.in_visit(0).await.unwrap();
    Patient::enter(&room, room.patient(0).unwrap(), &appointment.id).await.unwrap().ready().await.unwrap();
    window.see("#alert").await.unwrap();
    window.see("#join").await.unwrap();
    let id = window.on_screen().await.unwrap();
    Command::new("xdotool").args(["windowfocus", "--sync", &id]).status().await.unwrap();
    wait::until("the focus is on Join", async || {
        press("Tab").await;
        Ok((focused(&window).await? == "join").then_some(()))
    })
    .await
    .unwrap();
    room.picture(&window, "companion-keyboard").await.unwrap();
    let asked = room.desktop.asked();
    press("Return").await;
    room.desktop.asked_for("/l/meetup-join/", asked).await.unwrap();
    window.close().await.unwrap();
}

#[tokio::test]
async fn join_opens_teams_where_it_is_installed_and_the_browser_elsewhere() {
    let room = Room::new().await.unwrap();
    let (window, _) = room.in_visit(0).await.unwrap();
    window.click("#join").await.unwrap();
    let page = room.desktop.asked_for("/l/meetup-join/", 0).await.unwrap();
    assert!(page.starts_with(room.stack.sandbox.at("teams")));

    let (asked, given) = (room.desktop.asked(), room.desktop.register("msteams").await.unwrap());
    window.click("#join").await.unwrap();
    let link = wait::until("the Teams client is given a link", async || {
        Ok(std::fs::read_to_string(&given)?.lines().next().map(str::to_owned))
    });
    assert!(link.await.unwrap().starts_with("msteams:/l/meetup-join/"));
    assert_eq!(room.desktop.asked(), asked, "the browser was asked as well");
    window.close().await.unwrap();
}

#[tokio::test]
async fn a_colleagues_visit_is_opened_only_after_the_question() {
    let room = Room::new().await.unwrap();
    let window = room.signed_in().await.unwrap();
    let appointment = room.schedule(1, 0, 0).await.unwrap();
    room.launch(&room.begin(&appointment).await.unwrap()).await.unwrap();
    window.see("#cover-yes").await.unwrap();
    room.picture(&window, "companion-covering").await.unwrap();
    window.click("#cover-yes").await.unwrap();
    window.click("#first-link-yes").await.unwrap();
    window.see("#patient-name").await.unwrap();
    assert!(window.text("main").await.unwrap().contains("You are covering for a colleague."));
    window.close().await.unwrap();
}
