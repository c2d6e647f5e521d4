//! Signed in once: the sign-in is found again in the keychain, is nowhere else, and where there is no keychain the window
//! says so and goes on in memory.

use std::process::Stdio;

use e2e::wait;
use e2e::window::end_companions;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::room::Room;

/// Entries of ours in the session's keychain, as another program lists them.
async fn entries() -> anyhow::Result<usize> {
    let listed =
        Command::new("secret-tool").args(["search", "--all", "service", "org.roomed.companion"]).output().await?;
    Ok(String::from_utf8_lossy(&listed.stdout).lines().filter(|line| line.starts_with("secret = ")).count())
}

#[tokio::test]
async fn a_sign_in_outlives_the_companion_in_the_keychain_and_nowhere_else() {
    let room = Room::new().await.unwrap();
    let window = room.desktop.open_window().await.unwrap();
    window.see("#sign-in").await.unwrap();
    room.sign_in(&window).await.unwrap();
    // The token in one chunk, which chunk is valid, and who signed in last.
    wait::until("the keychain holds the sign-in", async || Ok((entries().await? == 3).then_some(()))).await.unwrap();
    window.close().await.unwrap();
    end_companions().await.unwrap();
    assert_eq!(room.refresh_tokens_in_files().await.unwrap(), []);

    let asked = room.desktop.asked();
    let window = room.desktop.open_window().await.unwrap();
    window.see("#connection[data-state='live']").await.unwrap();
    assert_eq!(room.desktop.asked(), asked, "no browser is needed for it");
    room.stack.sandbox.saw("token.issued", |it| it.detail["grant"] == "refresh_token").await.unwrap();
    // Rotated at that refresh; the old one and the new one are both looked for.
    assert_eq!(room.refresh_tokens_in_files().await.unwrap(), []);
    window.close().await.unwrap();
    end_companions().await.unwrap();

    room.sign_out_by_command().await.unwrap();
    assert_eq!(entries().await.unwrap(), 0);
    let window = room.desktop.open_window().await.unwrap();
    window.see("#sign-in").await.unwrap();
    assert!(window.see("section[data-session='signed-out']").await.is_ok());
    window.close().await.unwrap();
}

/// A session bus on which nobody offers anything.
pub(crate) struct BareBus {
    pub(crate) address: String,
    _daemon: Child,
}

impl BareBus {
    pub(crate) async fn start(room: &Room) -> anyhow::Result<Self> {
        let (file, socket) = (room.stack.directory.join("bus.conf"), room.stack.directory.join("bus"));
        let configuration = format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen><policy context=\"default\">\
             <allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/></policy></busconfig>",
            socket.display()
        );
        std::fs::write(&file, configuration)?;
        let mut daemon = Command::new("dbus-daemon")
            .args(["--nofork", "--print-address", "--config-file"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut address = String::new();
        let output = daemon.stdout.take().expect("its output is piped");
        BufReader::new(output).read_line(&mut address).await?;
        anyhow::ensure!(!address.trim().is_empty(), "the bus did not start");
        Ok(Self { address: address.trim().to_owned(), _daemon: daemon })
    }
}

#[tokio::test]
async fn without_a_keychain_the_window_says_so_and_signs_in_in_memory() {
    let room = Room::new().await.unwrap();
    let bus = BareBus::start(&room).await.unwrap();
    let window = room.desktop.open_window_in(&[("DBUS_SESSION_BUS_ADDRESS", &bus.address)]).await.unwrap();
    window.see("[data-session='signed-out'] [data-note='keychain']").await.unwrap();
    assert!(window.text("[data-note='keychain']").await.unwrap().contains("no keychain"));
    room.picture(&window, "companion-no-keychain").await.unwrap();
    room.sign_in(&window).await.unwrap();
    window.see("li[data-note='keychain']").await.unwrap();
    room.picture(&window, "companion-no-keychain-signed-in").await.unwrap();
    assert_eq!(room.refresh_tokens_in_files().await.unwrap(), []);
    window.close().await.unwrap();
}
