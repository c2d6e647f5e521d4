//! A window that was closed: its page is gone from the memory, the companion goes on in the tray and still alerts, and the
//! window is made again, with everything in it, when it is wanted. Without WebDriver, which would hold the page.

use std::process::Stdio;
use std::time::Duration;

use e2e::stack::binary;
use e2e::wait;
use e2e::window::{companions, end_companions, on_screen, web_processes};
use tokio::process::{Child, Command};

use crate::alert::pick;
use crate::patient::Patient;
use crate::room::Room;

/// What is drawn in the window: RGB. Whoever takes a picture holds the display for as long as it lasts, so one that waits for
/// a window that has just gone is ended.
async fn pixels(id: &str) -> anyhow::Result<Vec<u8>> {
    let mut import = Command::new("import-im6.q16");
    import.args(["-silent", "-window", id, "-depth", "8", "rgb:-"]).kill_on_drop(true);
    let taken = tokio::time::timeout(Duration::from_secs(5), import.output()).await??;
    anyhow::ensure!(taken.status.success(), "no picture");
    Ok(taken.stdout)
}

/// Part of the pixels that are not of the commonest colour of the corner: text, buttons, rows.
fn drawn(pixels: &[u8]) -> usize {
    let Some(ground) = pixels.rchunks(3).next() else { return 0 };
    pixels.chunks(3).filter(|pixel| *pixel != ground).count()
}

/// A companion that a person has started, not a test's driver.
async fn started(room: &Room) -> anyhow::Result<(Child, u32)> {
    let file = room.stack.directory.join("logs/companion.log");
    let log = std::fs::OpenOptions::new().create(true).append(true).open(file)?;
    let mut command = Command::new(binary("roomed")?);
    command.env("ROOMED_LOG", "trace").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
    let child = command.spawn()?;
    let id = wait::until("the companion runs", async || Ok(companions()?.first().copied())).await?;
    Ok((child, id))
}

/// How often the page has said that it has drawn.
fn drawings(room: &Room) -> usize {
    let log = std::fs::read_to_string(room.stack.directory.join("logs/companion.log")).unwrap_or_default();
    log.matches("the page has drawn").count()
}

/// Waits for the n-th page of this companion to have drawn itself, with what is known of the day.
async fn painted(room: &Room, n: usize) -> anyhow::Result<Vec<u8>> {
    wait::until("the list is painted", async || {
        if drawings(room) < n {
            return Ok(None);
        }
        let pixels = pixels(&on_screen().await?).await?;
        Ok((drawn(&pixels) > 2_000).then_some(pixels))
    })
    .await
}

/// Closes the window as a person does, and waits until its page is gone.
async fn hidden(companion: u32) -> anyhow::Result<()> {
    let id = on_screen().await?;
    Command::new("xdotool").args(["windowactivate", "--sync", &id, "key", "alt+F4"]).status().await?;
    wait::until("no page is held any more", async || Ok(web_processes(companion)?.is_empty().then_some(()))).await?;
    anyhow::ensure!(companions()? == [companion], "the companion ended with its window");
    Ok(())
}

#[tokio::test]
async fn a_closed_window_holds_no_page_and_comes_back_with_everything_in_it() {
    let room = Room::new().await.unwrap();
    room.in_visit(30).await.unwrap().0.close().await.unwrap();
    end_companions().await.unwrap();
    let first = drawings(&room) + 1;
    let (_child, companion) = started(&room).await.unwrap();
    let before = painted(&room, first).await.unwrap();
    assert_eq!(web_processes(companion).unwrap().len(), 1);

    // A second start shows the one there is.
    hidden(companion).await.unwrap();
    assert!(Command::new(binary("roomed").unwrap()).status().await.unwrap().success());
    painted(&room, first + 1).await.unwrap();
    assert_eq!(web_processes(companion).unwrap().len(), 1);
    wait::until("the same day is drawn again", async || {
        let after = pixels(&on_screen().await?).await?;
        let same = before.chunks(3).zip(after.chunks(3)).filter(|(one, other)| one == other).count();
        Ok((after.len() == before.len() && same * 3 > before.len() / 100 * 97).then_some(()))
    })
    .await
    .unwrap();

    // Alerts come while nobody has a page, and a pressed one opens the visit in a new one.
    hidden(companion).await.unwrap();
    let now = room.schedule(0, 1, 0).await.unwrap();
    let link = room.begin(&now).await.unwrap();
    Patient::enter(&room, room.patient(1).unwrap(), &now.id).await.unwrap().ready().await.unwrap();
    room.alerted(&now, 1).await.unwrap();
    assert!(web_processes(companion).unwrap().is_empty(), "an alert needs no page");
    pick(",open]");
    Command::new("dunstctl").arg("context").status().await.unwrap();
    painted(&room, first + 2).await.unwrap();

    // A link goes its way while there is no window, and then there is one.
    hidden(companion).await.unwrap();
    let asked = room.desktop.asked();
    room.launch(&link).await.unwrap();
    room.desktop.asked_for("/l/meetup-join/", asked).await.unwrap();
    room.open("roomed://launch?this=is&not=a+launch").unwrap();
    painted(&room, first + 3).await.unwrap();
    end_companions().await.unwrap();
}
