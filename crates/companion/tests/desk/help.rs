//! Somebody asks for help: an alert of its own that repeats until somebody takes it on, here or elsewhere.

use std::sync::atomic::Ordering;

use roomed_companion::ports::{AlertAction, AlertText};
use roomed_companion::view::{AlertAbout, AppState};
use roomed_protocol::NoticeKind;

use crate::desktop::{Desk, becomes, live, until};
use crate::world::{World, asks_for_help, in_need, ready};

fn help(state: &AppState) -> bool {
    state.alert.as_ref().is_some_and(|alert| alert.visit == "v1" && alert.about == AlertAbout::Help)
}

#[tokio::test]
async fn a_request_for_help_is_alerted_until_it_is_taken_on() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    // The arrival was seen to long ago, and is shown beside it all the same when it was not.
    world.put_visit(in_need("v1"));
    world.commit("v1", ready(true));
    world.hint(world.commit("v1", asks_for_help()));
    until(&handle, "the alert", help).await;
    let wanted = AlertText { summary: "Patient asks for help".into(), body: "10:30".into(), action: AlertAction::Open };
    let shown = || desk.notifications.shown.lock().unwrap().iter().filter(|text| **text == wanted).count();
    becomes("a repeat", || shown() >= 2).await;
    becomes("both on the screen", || desk.notifications.up.load(Ordering::SeqCst) == 2).await;

    handle.acknowledge("v1").await.unwrap();
    until(&handle, "help still wanted", help).await;
    becomes("one on the screen", || desk.notifications.up.load(Ordering::SeqCst) == 1).await;
    desk.notifications.press("Patient asks for help");
    until(&handle, "the panel", |s| s.open_visit.as_deref() == Some("v1")).await;
    assert!(help(&handle.state().borrow()), "reading it is not taking it on");
    assert_eq!(world.asked("POST /visits/v1/join"), 0);

    handle.help_taken("v1", "Patient").await.unwrap();
    until(&handle, "no alert", |s| s.alert.is_none()).await;
    becomes("nothing on the screen", || desk.notifications.up.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn help_taken_on_elsewhere_goes_away_here_and_an_old_request_is_not_alerted_again() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    world.put_visit(in_need("v1"));
    world.hint(world.commit("v1", asks_for_help()));
    until(&handle, "the alert", help).await;
    let mut helped = in_need("v1");
    helped.participants[0].help_since = None;
    world.put_visit(helped);
    world.hint(world.commit("v1", NoticeKind::VisitChanged));
    until(&handle, "no alert", |s| s.alert.is_none()).await;

    // Another desk reads all notices from the first on: the request among them was taken on.
    let later = Desk::new();
    let fresh = later.signed_in(&world).await;
    live(&fresh).await;
    assert!(fresh.state().borrow().alert.is_none());
    assert!(later.notifications.shown.lock().unwrap().is_empty());
}

#[tokio::test]
async fn who_asked_while_the_companion_was_away_is_alerted_when_it_is_back() {
    let (world, desk) = (World::start().await, Desk::new());
    world.put_visit(in_need("v1"));
    world.commit("v1", asks_for_help());
    let handle = desk.signed_in(&world).await;
    until(&handle, "the alert", help).await;
    becomes("a notification", || !desk.notifications.shown.lock().unwrap().is_empty()).await;
}
