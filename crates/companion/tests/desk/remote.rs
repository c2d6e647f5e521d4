//! `roomed --sign-out` and the companion that runs, on a bus of their own: it hears what came of it, and not before.

use roomed_companion::remote::{RemoteError, serve, sign_out};
use roomed_companion::secrets::SecretError;
use roomed_companion::view::SessionView;

use crate::bus::Bus;
use crate::desktop::Desk;
use crate::world::World;

impl Bus {
    /// Whoever has this name on it, for as long as it is held.
    async fn named(&self, name: &'static str) -> zbus::Connection {
        let client = zbus::connection::Builder::address(self.address.as_str()).unwrap();
        client.name(name).unwrap().build().await.unwrap()
    }
}

#[tokio::test]
async fn it_answers_once_it_has_signed_out_and_says_what_went_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let bus = Bus::start(folder.path()).await;
    assert_eq!(sign_out(Some(&bus.address)).await, Ok(false), "nobody runs");

    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    // Asked while it starts: the shell is there, and the companion not yet.
    let starting = bus.named("org.roomed.companion.SingleInstance").await;
    let asked = tokio::spawn({
        let address = bus.address.clone();
        async move { sign_out(Some(&address)).await }
    });
    let serving = tokio::spawn({
        let (address, handle) = (bus.address.clone(), handle.clone());
        async move { serve(Some(&address), Some(handle)).await.map(drop) }
    });
    assert_eq!(asked.await.unwrap(), Ok(true));
    assert_eq!(handle.state().borrow().session, SessionView::SignedOut);
    assert!(desk.keychain.entries.lock().unwrap().is_empty(), "it was removed before the answer came");

    handle.sign_in().await.unwrap();
    desk.keychain.fail(Some(SecretError::Locked));
    let refused = sign_out(Some(&bus.address)).await.unwrap_err();
    assert!(matches!(&refused, RemoteError::Refused(words) if words.contains("Unlock the keychain")), "{refused:?}");
    serving.abort();
    drop(starting);
}

#[tokio::test]
async fn without_a_bus_it_is_not_known_whether_one_runs() {
    assert_eq!(sign_out(Some("unix:path=/nowhere/bus")).await, Err(RemoteError::NoBus));
}
