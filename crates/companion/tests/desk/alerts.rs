//! Alerts: what they say, that they come back until somebody has seen them, and what a press does.

use std::sync::atomic::Ordering;

use roomed_companion::ports::{AlertAction, AlertText};
use roomed_companion::view::NotificationsView;
use roomed_protocol::{NoticeKind, Presence};

use crate::desktop::{Desk, becomes, until};
use crate::world::{World, ready, visit};

#[tokio::test]
async fn an_alert_says_the_time_only_and_comes_back_until_acknowledged() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    world.put_visit(visit("v1", Presence::Waiting, false));
    world.hint(world.commit("v1", ready(false)));
    until(&handle, "the alert", |s| s.alert.as_ref().is_some_and(|a| a.visit == "v1")).await;
    let shown = || desk.notifications.shown.lock().unwrap().len();
    becomes("two repeats", || shown() >= 3).await;
    let wanted = AlertText { summary: "Patient ready".into(), body: "10:30".into(), action: AlertAction::Open };
    assert!(desk.notifications.shown.lock().unwrap().iter().all(|t| *t == wanted));
    assert!(desk.notifications.up.load(Ordering::SeqCst) <= 1, "a repeat replaces the one before");

    handle.acknowledge("v1").await.unwrap();
    assert!(handle.state().borrow().alert.is_none());
    becomes("nothing on the screen", || desk.notifications.up.load(Ordering::SeqCst) == 0).await;
    assert!(handle.state().borrow().visits[0].acknowledged);
}

#[tokio::test]
async fn an_alert_withdrawn_elsewhere_goes_away_here() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    world.put_visit(visit("v1", Presence::Waiting, false));
    world.hint(world.commit("v1", ready(false)));
    becomes("a notification", || desk.notifications.up.load(Ordering::SeqCst) == 1).await;
    world.hint(world.commit("v1", NoticeKind::AlertWithdrawn));
    until(&handle, "no alert", |s| s.alert.is_none()).await;
    becomes("nothing on the screen", || desk.notifications.up.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn pressing_open_opens_the_visit_and_counts_as_seen() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    world.put_visit(visit("v1", Presence::Waiting, false));
    world.hint(world.commit("v1", ready(false)));
    becomes("a notification", || desk.notifications.up.load(Ordering::SeqCst) == 1).await;
    desk.notifications.press_last();
    let state = until(&handle, "the panel", |s| s.open_visit.is_some() && s.alert.is_none()).await;
    assert_eq!(state.open_visit.as_deref(), Some("v1"));
    becomes("the relay told", || world.asked("POST /visits/v1/acknowledge") == 1).await;
    assert_eq!(world.asked("POST /visits/v1/join"), 0);
    assert!(desk.front.0.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn pressing_join_opens_teams_and_without_teams_the_browser() {
    for (teams, wanted) in [(true, "msteams:/l/meetup-join/v1".to_owned()), (false, "/meet/v1".to_owned())] {
        let (world, desk) = (World::start().await, Desk::new());
        desk.browser.teams.store(teams, Ordering::SeqCst);
        let handle = desk.signed_in(&world).await;
        world.put_visit(visit("v1", Presence::Waiting, true));
        world.hint(world.commit("v1", ready(true)));
        becomes("a notification", || desk.notifications.up.load(Ordering::SeqCst) == 1).await;
        assert_eq!(desk.notifications.shown.lock().unwrap()[0].action, AlertAction::Join);
        desk.notifications.press_last();
        until(&handle, "the alert gone", |s| s.alert.is_none() && s.open_visit.is_some()).await;
        assert!(desk.opened().last().unwrap().ends_with(&wanted));
    }
}

#[tokio::test]
async fn a_proven_launch_turns_open_into_join() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    world.put_visit(visit("v1", Presence::Waiting, false));
    world.hint(world.commit("v1", ready(false)));
    until(&handle, "the alert", |s| s.alert.as_ref().is_some_and(|a| !a.proven)).await;
    world.put_visit(visit("v1", Presence::Waiting, true));
    world.hint(world.commit("v1", NoticeKind::VisitChanged));
    until(&handle, "join", |s| s.alert.as_ref().is_some_and(|a| a.proven)).await;
    becomes("the button", || desk.notifications.shown.lock().unwrap().last().unwrap().action == AlertAction::Join)
        .await;
}

#[tokio::test]
async fn without_notifications_the_window_still_tells() {
    let (world, desk) = (World::start().await, Desk::new());
    desk.notifications.broken.store(true, Ordering::SeqCst);
    let handle = desk.signed_in(&world).await;
    world.put_visit(visit("v1", Presence::Waiting, false));
    world.hint(world.commit("v1", ready(false)));
    until(&handle, "the words for it", |s| s.notifications == NotificationsView::Unavailable && s.alert.is_some())
        .await;
    desk.notifications.broken.store(false, Ordering::SeqCst);
    until(&handle, "shown again", |s| s.notifications == NotificationsView::Shown).await;
}

#[tokio::test]
async fn never_more_than_three_at_once_and_the_longest_waiting_in_the_window() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    for n in 1..=5 {
        world.put_visit(visit(&format!("v{n}"), Presence::Waiting, false));
        world.commit(&format!("v{n}"), ready(false));
    }
    world.hint(5);
    let state = until(&handle, "all visits", |s| s.visits.len() == 5).await;
    assert_eq!(state.alert.unwrap().visit, "v1");
    becomes("three on the screen", || desk.notifications.up.load(Ordering::SeqCst) == 3).await;
    becomes("repeats", || desk.notifications.shown.lock().unwrap().len() >= 8).await;
    assert!(desk.notifications.up.load(Ordering::SeqCst) <= 3);
    for n in 1..=3 {
        handle.acknowledge(&format!("v{n}")).await.unwrap();
    }
    assert_eq!(handle.state().borrow().alert.as_ref().unwrap().visit, "v4");
    becomes("the other two", || desk.notifications.up.load(Ordering::SeqCst) == 2).await;
}
