//! The relay does not answer: open visits can still be joined, what may come a minute late is kept, shown and sent, and what
//! must not come late is refused and never sent by itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use roomed_companion::view::{ConnectionState, PendingAction, PendingState};
use roomed_companion::{Handle, LateRequest, SayRequest};
use roomed_protocol::{Presence, Preset, ProblemCode};

use crate::desktop::{Desk, becomes, live, until};
use crate::world::{World, ready, visit};

/// A desk with a proven visit and one that nobody has begun.
async fn desk() -> (Arc<World>, Desk, Handle) {
    let (world, desk) = (World::start().await, Desk::new());
    world.put_visit(visit("v1", Presence::Waiting, true));
    world.put_visit(visit("v2", Presence::Absent, false));
    let handle = desk.signed_in(&world).await;
    until(&handle, "the address of the meeting", |s| s.joinable == ["v1"]).await;
    (world, desk, handle)
}

pub(crate) async fn cut(world: &World, handle: &Handle) {
    world.state.lock().unwrap().relay_down = true;
    world.drop_sockets();
    until(handle, "the loss", |s| s.connection.state != ConnectionState::Live).await;
}

pub(crate) async fn mend(world: &World, handle: &Handle) {
    world.state.lock().unwrap().relay_down = false;
    live(handle).await;
}

const LATE: &str = r#"POST /late {"visits":["v1"],"minutes":10}"#;

fn late() -> LateRequest {
    LateRequest { visits: vec!["v1".into()], minutes: 10 }
}

#[tokio::test]
async fn a_proven_visit_is_joined_without_the_relay_and_the_patient_is_called_when_it_is_back() {
    let (world, desk, handle) = desk().await;
    cut(&world, &handle).await;
    handle.join("v1").await.unwrap();
    assert_eq!(desk.opened().last().unwrap(), "msteams:/l/meetup-join/v1");
    let state = handle.state().borrow().clone();
    assert_eq!(state.open_visit.as_deref(), Some("v1"));
    assert_eq!(state.pending[0].action, PendingAction::Join);
    assert!(state.problem.is_none());
    assert_eq!(world.asked("POST /visits/v1/join"), 0);

    let refused = handle.join("v2").await.unwrap_err();
    assert_eq!(refused.code, ProblemCode::RelayUnreachable, "nobody has proven a launch of it");

    mend(&world, &handle).await;
    until(&handle, "the patient called", |s| s.pending.is_empty()).await;
    assert_eq!(world.asked("POST /visits/v1/join"), 1);
    assert_eq!(desk.opened().iter().filter(|it| it.starts_with("msteams:")).count(), 1, "Teams is not opened again");
}

#[tokio::test]
async fn a_meeting_that_was_not_there_yet_is_asked_for_again() {
    let (world, desk) = (World::start().await, Desk::new());
    world.state.lock().unwrap().no_meeting = true;
    world.put_visit(visit("v1", Presence::Waiting, true));
    let handle = desk.signed_in(&world).await;
    becomes("the question", || world.asked("GET /visits/v1/join") == 1).await;
    assert!(handle.state().borrow().joinable.is_empty());
    world.state.lock().unwrap().no_meeting = false;
    world.hint(world.commit("v1", roomed_protocol::NoticeKind::VisitChanged));
    until(&handle, "the address of the meeting", |s| s.joinable == ["v1"]).await;
}

#[tokio::test]
async fn what_may_come_late_is_shown_and_sent_once_when_the_relay_is_back() {
    let (world, desk, handle) = desk().await;
    world.hint(world.commit("v1", ready(true)));
    until(&handle, "the alert", |s| s.alert.is_some()).await;
    cut(&world, &handle).await;
    handle.acknowledge("v1").await.unwrap();
    handle.late(&late()).await.unwrap();
    // Pressed twice is meant once.
    handle.late(&late()).await.unwrap();
    handle.say("v1", &SayRequest { to: None, preset: Preset::AlmostReady, minutes: None }).await.unwrap();
    let state = handle.state().borrow().clone();
    let kept: Vec<_> = state.pending.iter().map(|one| (one.action, one.state)).collect();
    let waits = |action| (action, PendingState::Waiting);
    assert_eq!(kept, [PendingAction::Acknowledge, PendingAction::Late, PendingAction::Say].map(waits));
    assert!(state.alert.is_none(), "seen here, be it told or not");
    becomes("no notification", || desk.notifications.up.load(Ordering::SeqCst) == 0).await;
    assert_eq!(state.pending[1].start, "2026-11-22T08:30:00Z");

    mend(&world, &handle).await;
    let state = until(&handle, "nothing left", |s| s.pending.is_empty()).await;
    assert_eq!(
        (world.asked("POST /visits/v1/acknowledge"), world.asked(LATE), world.asked("POST /visits/v1/say")),
        (1, 1, 1)
    );
    assert!(state.visits.iter().any(|one| one.id == "v1" && one.acknowledged));
}

#[tokio::test]
async fn what_is_too_old_is_never_sent_and_says_so_until_it_is_read() {
    let (world, _desk, handle) = desk().await;
    world.hint(world.commit("v1", ready(true)));
    until(&handle, "the alert", |s| s.alert.is_some()).await;
    cut(&world, &handle).await;
    handle.late(&late()).await.unwrap();
    handle.acknowledge("v1").await.unwrap();
    let pressed: Timestamp = handle.state().borrow().pending[0].since.parse().unwrap();
    let gone = |one: &roomed_companion::view::PendingView| one.state == PendingState::Expired;
    let state = until(&handle, "given up", |s| s.pending.len() == 2 && s.pending.iter().all(gone)).await;
    // What the window is told after a minute; the clock of these tests only ever goes forward.
    let lost: Timestamp = state.connection.since.as_deref().unwrap().parse().unwrap();
    assert!(pressed.duration_since(lost) < SignedDuration::from_secs(60));
    assert!(state.alert.is_some(), "nobody could be told that it was seen: it stands again");

    mend(&world, &handle).await;
    // A press of now goes through, so anything that was to be sent would have been.
    handle.late(&LateRequest { visits: vec!["v1".into()], minutes: 20 }).await.unwrap();
    assert_eq!((world.asked(LATE), world.asked("POST /visits/v1/acknowledge")), (0, 0));
    let ids: Vec<String> = handle.state().borrow().pending.iter().map(|one| one.id.clone()).collect();
    assert_eq!(ids.len(), 2);
    ids.iter().for_each(|id| handle.dismiss_pending(id));
    assert!(handle.state().borrow().pending.is_empty());
}

#[tokio::test]
async fn ending_for_all_is_never_kept_for_later() {
    let (world, _desk, handle) = desk().await;
    cut(&world, &handle).await;
    let refused = handle.end("v1").await.unwrap_err();
    assert_eq!(refused.code, ProblemCode::NotWhileOffline);
    assert_eq!(handle.undo_end("v1").await.unwrap_err().code, ProblemCode::NotWhileOffline);
    assert_eq!(handle.revoke_invitation("v1", "guest").await.unwrap_err().code, ProblemCode::NotWhileOffline);
    assert!(handle.state().borrow().pending.is_empty());
    mend(&world, &handle).await;
    // After the next press everything older would have been sent.
    handle.late(&late()).await.unwrap();
    assert_eq!((world.asked("POST /visits/v1/end"), world.asked("DELETE /visits")), (0, 0));
}

#[tokio::test]
async fn a_message_whose_answer_was_lost_is_not_said_twice() {
    let (world, _desk, handle) = desk().await;
    let request = SayRequest { to: None, preset: Preset::AlmostReady, minutes: None };
    cut(&world, &handle).await;
    handle.say("v1", &request).await.unwrap();
    // The relay had taken it before it went away.
    let mut visit = visit("v1", Presence::Waiting, true);
    visit.messages.push(crate::world::said(r#"{"preset":"almost-ready"}"#, Timestamp::MAX));
    world.put_visit(visit);
    mend(&world, &handle).await;
    until(&handle, "nothing left", |s| s.pending.is_empty()).await;
    assert_eq!(world.asked("POST /visits/v1/say"), 0);
}

#[tokio::test]
async fn signing_out_forgets_what_was_kept_and_how_visits_are_joined() {
    let (world, desk, handle) = desk().await;
    cut(&world, &handle).await;
    handle.late(&late()).await.unwrap();
    handle.sign_out().await.unwrap();
    assert!(handle.state().borrow().pending.is_empty() && handle.state().borrow().joinable.is_empty());
    assert!(handle.join("v1").await.is_err());
    assert!(desk.opened().iter().all(|it| !it.starts_with("msteams:")));
    world.state.lock().unwrap().relay_down = false;
    handle.sign_in().await.unwrap();
    live(&handle).await;
    assert_eq!(world.asked(LATE), 0);
}
