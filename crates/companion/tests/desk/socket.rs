//! The inbox over a socket that gets lost: what was missed is pulled by cursor, once and in order.

use jiff::Timestamp;
use roomed_companion::view::{AppState, ConnectionState};
use roomed_protocol::{NoticeKind, Presence, ProblemCode};

use crate::desktop::{Desk, live, until};
use crate::world::{World, problem, ready, visit};

#[tokio::test]
async fn doubled_and_stale_hints_change_nothing() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    world.put_visit(visit("v1", Presence::Waiting, false));
    let seq = world.commit("v1", ready(false));
    for _ in 0..5 {
        world.hint(seq);
    }
    world.hint(0);
    // What comes in is worked off in order, so a companion that has gone after this and is back has been through all of
    // them. Nothing else may be committed meanwhile: a doubled hint that pulls would pull that, and look like its own.
    world.to_sockets.send("{\"type\":\"going-away\",\"within_seconds\":1}".into()).unwrap();
    let back = |s: &AppState| s.connection.state == ConnectionState::Live && world.state.lock().unwrap().sockets == 2;
    let state = until(&handle, "the second connection", back).await;
    assert_eq!((state.visits.len(), state.cursor), (1, seq));
    // Two for the two connections, and in between one for all the hints.
    assert_eq!(world.state.lock().unwrap().pulls, [0, 0, seq]);
}

#[tokio::test]
async fn what_happened_while_the_line_was_down_is_replayed_from_the_cursor() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    world.put_visit(visit("v1", Presence::Waiting, false));
    let first = world.commit("v1", ready(false));
    world.hint(first);
    until(&handle, "the alert", |s| s.alert.is_some()).await;

    world.state.lock().unwrap().relay_down = true;
    world.drop_sockets();
    let state = until(&handle, "the loss", |s| s.connection.state != ConnectionState::Live).await;
    assert!(state.connection.since.is_some());
    until(&handle, "offline", |s| s.connection.state == ConnectionState::Offline).await;
    world.commit("v1", NoticeKind::AlertWithdrawn);
    world.put_visit(visit("v2", Presence::Waiting, false));
    let last = world.commit("v2", ready(false));
    world.state.lock().unwrap().relay_down = false;

    let state = until(&handle, "the replay", |s| s.cursor == last && s.connection.state == ConnectionState::Live).await;
    assert_eq!(state.alert.unwrap().visit, "v2");
    assert_eq!(state.visits.len(), 2);
    assert_eq!(world.state.lock().unwrap().pulls.last(), Some(&first));
}

#[tokio::test]
async fn a_long_absence_comes_in_pages() {
    let (world, desk) = (World::start().await, Desk::new());
    world.state.lock().unwrap().page_size = 2;
    world.put_visit(visit("v1", Presence::Waiting, false));
    for _ in 0..4 {
        world.commit("v1", NoticeKind::VisitChanged);
    }
    let last = world.commit("v1", ready(false));
    let handle = desk.signed_in(&world).await;
    let state = until(&handle, "all pages", |s| s.cursor == last).await;
    assert_eq!(state.alert.unwrap().visit, "v1");
    assert_eq!(world.state.lock().unwrap().pulls, [0, 2, 4]);
}

#[tokio::test]
async fn an_unknown_message_is_passed_over_and_a_relay_that_stops_is_left_in_peace() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    let _ = world.to_sockets.send("{\"type\":\"of-a-later-version\",\"x\":1}".into());
    let _ = world.to_sockets.send("not even json".into());
    let _ = world.to_sockets.send("{\"type\":\"going-away\",\"within_seconds\":1}".into());
    until(&handle, "the loss", |s| s.connection.state != ConnectionState::Live).await;
    live(&handle).await;
    assert_eq!(world.state.lock().unwrap().sockets, 2);
}

#[tokio::test]
async fn the_longest_waiting_comes_first() {
    let (world, desk) = (World::start().await, Desk::new());
    let came_back = |id: &str, arrived: &str, since: &str| {
        let mut v = visit(id, Presence::Waiting, false);
        v.arrived_at = Some(arrived.into());
        for who in v.participants.iter_mut().filter(|it| it.presence == Presence::Waiting) {
            who.since = Some(since.into());
        }
        v
    };
    let waiting = |id: &str, since: &str| came_back(id, since, since);
    let planned = |id: &str, start: &str| {
        let mut v = visit(id, Presence::Absent, false);
        v.start = start.into();
        v
    };
    world.put_visit(planned("later", "2026-11-22T10:00:00Z"));
    world.put_visit(planned("sooner", "2026-11-22T07:00:00Z"));
    world.put_visit(waiting("short", "2026-11-22T08:29:00Z"));
    world.put_visit(waiting("long", "2026-11-22T08:10:00Z"));
    // Who left and came back has not waited since the first arrival.
    world.put_visit(came_back("back", "2026-11-22T08:00:00Z", "2026-11-22T08:20:00Z"));
    let handle = desk.signed_in(&world).await;
    let order: Vec<String> = handle.state().borrow().visits.iter().map(|v| v.id.clone()).collect();
    assert_eq!(order, ["long", "back", "short", "sooner", "later"]);
}

#[tokio::test]
async fn when_the_line_goes_silent_the_window_says_when_the_relay_was_last_heard() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    assert_eq!(handle.state().borrow().heard_at, None, "a live connection has just been heard");
    let live_since: Timestamp = handle.state().borrow().connection.since.as_deref().unwrap().parse().unwrap();
    world.state.lock().unwrap().relay_down = true;
    // Nothing more comes over the line, and nobody closes it: pings stay without an answer.
    world.to_sockets.send("silence".into()).unwrap();
    let state = until(&handle, "the loss", |s| s.connection.state != ConnectionState::Live).await;
    let heard: Timestamp = state.heard_at.as_deref().unwrap().parse().unwrap();
    let lost: Timestamp = state.connection.since.as_deref().unwrap().parse().unwrap();
    let silent = lost.duration_since(heard);
    assert!(silent >= jiff::SignedDuration::from_secs(24), "a slow answer is none that is missing: {heard} {lost}");
    assert!(silent < jiff::SignedDuration::from_secs(60), "somebody may have come meanwhile: {heard} {lost}");
    assert!(heard.duration_since(live_since) < jiff::SignedDuration::from_secs(60), "{live_since} {heard}");

    // Attempts that fail are no news of the relay.
    let state = until(&handle, "offline", |s| s.connection.state == ConnectionState::Offline).await;
    assert_eq!(state.heard_at, Some(heard.to_string()));
    world.state.lock().unwrap().relay_down = false;
    assert_eq!(live(&handle).await.heard_at, None);
}

#[tokio::test]
async fn whom_another_regions_relay_serves_is_told_so_and_not_that_the_line_is_bad() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    let (status, mut body) = problem(ProblemCode::OtherRegion, 421);
    body["detail"] = "It is https://apac.roomed.example".into();
    world.fail("GET /socket ", 1, Some((status, body.clone())));
    world.fail("GET /me ", 1, Some((status, body)));
    world.drop_sockets();
    let state = until(&handle, "why", |s| s.problem.is_some()).await;
    let problem = state.problem.unwrap();
    assert_eq!(
        (problem.code, problem.detail.as_str()),
        (ProblemCode::OtherRegion, "It is https://apac.roomed.example")
    );
    live(&handle).await;
}
