//! A *Join* from outside the window (a notification's, or a launch with the patient ready) goes straight in, unless it could
//! be the wrong visit: then the window comes forward with the question, and nothing is joined.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use roomed_companion::Handle;
use roomed_protocol::{Presence, VisitView};

use crate::desktop::{Desk, becomes, until};
use crate::world::{World, ready, visit};

/// A visit that the clinician is in.
fn joined(id: &str) -> VisitView {
    let mut visit = visit(id, Presence::Connected, true);
    visit.participants[1].presence = Presence::Connected;
    visit
}

/// A desk with this other visit, where the patient of `v1` is ready and *Join* of the notification is pressed.
async fn pressed(others: &[VisitView]) -> (Arc<World>, Desk, Handle) {
    let (world, desk) = (World::start().await, Desk::new());
    others.iter().cloned().for_each(|other| world.put_visit(other));
    let handle = desk.signed_in(&world).await;
    world.put_visit(visit("v1", Presence::Waiting, true));
    world.hint(world.commit("v1", ready(true)));
    until(&handle, "the visit", |s| s.visits.iter().any(|one| one.id == "v1")).await;
    becomes("a notification", || desk.notifications.up.load(Ordering::SeqCst) == 1).await;
    desk.notifications.press("Patient ready");
    (world, desk, handle)
}

#[tokio::test]
async fn a_pressed_notification_asks_when_it_could_be_the_wrong_visit() {
    let mut finished = joined("v2");
    finished.stage = roomed_protocol::StageView::Finished;
    let mut closing = joined("v2");
    closing.closing = true;
    for (others, asks) in [
        (vec![], false),
        (vec![visit("v2", Presence::Absent, true)], false),
        (vec![finished], false),
        (vec![closing], false),
        (vec![joined("v2")], true),
        (vec![visit("v2", Presence::Waiting, false)], true),
    ] {
        let (world, desk, handle) = pressed(&others).await;
        until(&handle, "the panel", |s| s.open_visit.as_deref() == Some("v1") && s.confirm_join.is_some() == asks)
            .await;
        assert_eq!(world.asked("POST /visits/v1/join"), usize::from(!asks), "{others:?}");
        if !asks {
            continue;
        }
        assert!(desk.front.0.load(Ordering::SeqCst) > 0, "the window comes forward");
        assert!(handle.state().borrow().alert.is_some(), "nobody has seen to the patient yet");

        handle.dismiss_join();
        assert!(handle.state().borrow().confirm_join.is_none());
        handle.join("v1").await.unwrap();
        assert_eq!(world.asked("POST /visits/v1/join"), 1);
        assert!(handle.state().borrow().alert.is_none());
    }
}

#[tokio::test]
async fn a_launch_with_the_patient_ready_asks_while_another_visit_is_on() {
    for still_in in [true, false] {
        let (world, desk) = (World::start().await, Desk::new());
        world.put_visit(if still_in { joined("v1") } else { visit("v1", Presence::Absent, true) });
        world.state.lock().unwrap().patient_waits = true;
        let handle = desk.signed_in(&world).await;
        handle.link(&world.link("launch-1"));
        let state = until(&handle, "the launched visit", |s| {
            s.open_visit.as_deref() == Some("v2") && (s.confirm_join.is_some() == still_in) && s.launching.is_none()
        });
        let state = state.await;
        assert_eq!(state.confirm_join.as_deref(), still_in.then_some("v2"));
        if still_in {
            assert_eq!(world.asked("POST /visits/v2/join"), 0);
            handle.join("v2").await.unwrap();
            assert!(handle.state().borrow().confirm_join.is_none(), "it is answered");
        } else {
            becomes("straight in", || world.asked("POST /visits/v2/join") == 1).await;
        }
    }
}

#[tokio::test]
async fn a_launch_drops_the_question_about_another_visit() {
    let (world, desk) = (World::start().await, Desk::new());
    let mut on = joined("v2");
    on.proven = true;
    world.put_visit(on);
    let handle = desk.signed_in(&world).await;
    world.put_visit(visit("v1", Presence::Waiting, true));
    world.hint(world.commit("v1", ready(true)));
    becomes("a notification", || desk.notifications.up.load(Ordering::SeqCst) == 1).await;
    until(&handle, "the visit", |s| s.visits.len() == 2).await;
    desk.notifications.press("Patient ready");
    until(&handle, "the question", |s| s.confirm_join.as_deref() == Some("v1")).await;
    handle.link(&world.link("launch-1"));
    let state = until(&handle, "the launched visit", |s| s.open_visit.as_deref() == Some("v3")).await;
    assert_eq!(state.confirm_join, None);
}
