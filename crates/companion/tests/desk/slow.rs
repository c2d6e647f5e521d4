//! A relay that is there and does not do all that it is asked: what it fails to say, says of a visit that is gone, or says
//! slowly must cost nobody an alert, a message or a meeting.

use std::sync::Arc;
use std::time::Duration;

use roomed_companion::view::{AlertAbout, PendingAction};
use roomed_companion::{Handle, LateRequest, SayRequest};
use roomed_protocol::{NoticeKind, Presence, Preset, ProblemCode, Role};

use crate::desktop::{Desk, becomes, live, until};
use crate::offline::{cut, mend};
use crate::world::{World, asks_for_help, in_need, problem, ready, visit};

/// A desk with a proven visit whose meeting is known.
async fn desk() -> (Arc<World>, Desk, Handle) {
    let (world, desk) = (World::start().await, Desk::new());
    world.put_visit(visit("v1", Presence::Waiting, true));
    let handle = desk.signed_in(&world).await;
    until(&handle, "the address of the meeting", |s| s.joinable == ["v1"]).await;
    (world, desk, handle)
}

#[tokio::test]
async fn an_arrival_is_alerted_though_the_list_could_not_be_had_at_first() {
    let (world, _desk, handle) = desk().await;
    world.commit("v1", ready(true));
    world.fail("GET /visits ", 1, None);
    world.drop_sockets();
    until(&handle, "the alert", |s| s.alert.is_some()).await;
    assert!(world.state.lock().unwrap().failing.is_empty());
}

#[tokio::test]
async fn nothing_is_alerted_of_a_visit_that_is_gone() {
    for away in [false, true] {
        let (world, _desk, handle) = desk().await;
        world.put_visit(in_need("v1"));
        world.commit("v1", ready(true));
        world.hint(world.commit("v1", asks_for_help()));
        until(&handle, "the alert", |s| s.alert.as_ref().is_some_and(|it| it.about == AlertAbout::Help)).await;
        if away {
            cut(&world, &handle).await;
        }
        world.state.lock().unwrap().visits.clear();
        let last = world.commit("v1", NoticeKind::VisitChanged);
        if away {
            mend(&world, &handle).await;
        } else {
            world.hint(last);
        }
        until(&handle, "neither alert", |s| s.alert.is_none() && s.visits.is_empty()).await;
    }
}

#[tokio::test]
async fn an_alert_of_a_visit_that_is_gone_is_taken_down_for_good() {
    for code in [ProblemCode::VisitNotFound, ProblemCode::VisitClosed] {
        let (world, _desk, handle) = desk().await;
        world.put_visit(in_need("v1"));
        world.commit("v1", ready(true));
        world.hint(world.commit("v1", asks_for_help()));
        until(&handle, "the alert", |s| s.alert.is_some()).await;
        world.fail("POST /visits/v1/acknowledge", 1, Some(problem(code, 404)));
        assert_eq!(handle.acknowledge("v1").await.unwrap_err().code, code);
        assert!(handle.state().borrow().alert.is_none(), "neither of them");
    }
    // Any other refusal takes nothing down.
    let (world, _desk, handle) = desk().await;
    world.hint(world.commit("v1", ready(true)));
    until(&handle, "the alert", |s| s.alert.is_some()).await;
    world.fail("POST /visits/v1/acknowledge", 1, Some(problem(ProblemCode::RoleMissing, 403)));
    assert_eq!(handle.acknowledge("v1").await.unwrap_err().code, ProblemCode::RoleMissing);
    assert!(handle.state().borrow().alert.is_some());
}

#[tokio::test]
async fn a_message_that_was_heard_is_not_said_twice_however_long_its_answer_took() {
    let (world, desk, handle) = desk().await;
    world.hold("POST /visits/v1/say");
    let pressed = desk.now();
    let press = tokio::spawn({
        let handle = handle.clone();
        let request = SayRequest { to: None, preset: Preset::AlmostReady, minutes: None };
        async move { handle.say("v1", &request).await }
    });
    becomes("the relay has heard it", || world.asked("POST /visits/v1/say") == 1).await;
    // By the relay's clock, as far as this companion knows it.
    let offset = jiff::SignedDuration::from_millis(handle.state().borrow().clock_offset_ms.into());
    let mut told = visit("v1", Presence::Waiting, true);
    told.messages.push(crate::world::said(r#"{"preset":"almost-ready"}"#, desk.now() + offset));
    world.put_visit(told);
    world.hint(world.commit("v1", NoticeKind::VisitChanged));
    until(&handle, "the message", |s| !s.visits[0].messages.is_empty()).await;
    becomes("a slow answer", || desk.now().duration_since(pressed) > jiff::SignedDuration::from_secs(10)).await;
    world.state.lock().unwrap().answers_lost = true;
    world.release();
    press.await.unwrap().unwrap();
    world.state.lock().unwrap().answers_lost = false;
    until(&handle, "nothing left", |s| s.pending.is_empty()).await;
    assert_eq!(world.asked("POST /visits/v1/say"), 1);
}

#[tokio::test]
async fn a_message_to_one_of_a_group_is_said_though_another_was_told_the_same() {
    let (world, _desk, handle) = desk().await;
    let mut group = visit("v1", Presence::Waiting, true);
    let mut second = group.participants[0].clone();
    second.id = "second".into();
    group.participants.push(second);
    world.put_visit(group.clone());
    world.hint(world.commit("v1", NoticeKind::VisitChanged));
    until(&handle, "the group", |s| s.visits[0].participants.len() == 3).await;
    cut(&world, &handle).await;
    let to = Some("second".into());
    handle.say("v1", &SayRequest { to, preset: Preset::AlmostReady, minutes: None }).await.unwrap();
    let mut said = crate::world::said(r#"{"preset":"almost-ready"}"#, jiff::Timestamp::MAX);
    said.to = Some(Role::Patient);
    group.messages.push(said);
    world.put_visit(group);
    mend(&world, &handle).await;
    until(&handle, "nothing left", |s| s.pending.is_empty()).await;
    assert_eq!(world.asked("POST /visits/v1/say"), 1);
}

#[tokio::test]
async fn an_older_running_late_does_not_come_after_a_newer_one_or_after_the_clinician() {
    for joins in [false, true] {
        let (world, _desk, handle) = desk().await;
        cut(&world, &handle).await;
        let late = |minutes, visits: &[&str]| LateRequest {
            visits: visits.iter().map(ToString::to_string).collect(),
            minutes,
        };
        handle.late(&late(10, &["v1", "v2"])).await.unwrap();
        // The relay is back, and the line to it not yet.
        world.fail("GET /socket ", 1_000, None);
        world.state.lock().unwrap().relay_down = false;
        if joins {
            handle.join("v1").await.unwrap();
        } else {
            handle.late(&late(20, &["v1"])).await.unwrap();
        }
        assert_eq!(handle.state().borrow().pending.len(), 1, "the other visit is still to be told");
        world.state.lock().unwrap().failing.clear();
        live(&handle).await;
        until(&handle, "nothing left", |s| s.pending.is_empty()).await;
        assert_eq!(world.asked(r#"POST /late {"visits":["v2"],"minutes":10}"#), 1);
        assert_eq!(world.asked("POST /late "), if joins { 1 } else { 2 });
    }
}

#[tokio::test]
async fn a_relay_that_cannot_right_now_keeps_nobody_out_of_a_meeting_that_is_known() {
    for (code, status) in
        [(ProblemCode::Internal, 503), (ProblemCode::MeetingUnreachable, 503), (ProblemCode::TooManyRequests, 429)]
    {
        let (world, desk, handle) = desk().await;
        world.fail("POST /visits/v1/join", 2, Some(problem(code, status)));
        handle.join("v1").await.unwrap();
        assert_eq!(desk.opened().last().unwrap(), "msteams:/l/meetup-join/v1");
        assert!(handle.state().borrow().pending.iter().any(|one| one.action == PendingAction::Join), "{code:?}");
        until(&handle, "the patient called", |s| s.pending.is_empty()).await;
        assert_eq!(world.asked("POST /visits/v1/join"), 3, "{code:?}");
        assert!(handle.state().borrow().problem.is_none());
    }
    // What it does say is obeyed.
    let (world, desk, handle) = desk().await;
    world.fail("POST /visits/v1/join", 1, Some(problem(ProblemCode::VisitClosed, 409)));
    assert_eq!(handle.join("v1").await.unwrap_err().code, ProblemCode::VisitClosed);
    assert!(desk.opened().iter().all(|it| !it.starts_with("msteams:")));
}

#[tokio::test]
async fn the_next_alert_does_not_wait_for_the_address_of_a_meeting() {
    let (world, _desk, handle) = desk().await;
    world.hold("GET /visits/v2/join");
    world.put_visit(visit("v2", Presence::Waiting, true));
    world.hint(world.commit("v2", NoticeKind::VisitChanged));
    becomes("the question", || world.asked("GET /visits/v2/join") == 1).await;
    world.put_visit(visit("v3", Presence::Waiting, false));
    world.hint(world.commit("v3", ready(false)));
    let alerted = until(&handle, "the alert", |s| s.alert.is_some());
    // Far less than any request may take.
    assert!(tokio::time::timeout(Duration::from_secs(10), alerted).await.is_ok());
    world.release();
    until(&handle, "the address after all", |s| s.joinable == ["v1", "v2"]).await;
}
