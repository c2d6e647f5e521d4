//! What a clinician does about the people of a visit: each press is one request to the right address, and what the relay
//! answers is in the window at once. And an alert says who waits, in words that may stand on a locked screen.

use roomed_companion::{AssignRequest, InviteRequest, LateRequest, SayRequest};
use roomed_protocol::{NoticeKind, Presence, Preset, Role, SendBy, StageView};

use crate::desktop::{Desk, becomes, until};
use crate::world::{World, visit};

#[tokio::test]
async fn each_press_is_one_request_and_its_answer_is_shown_at_once() {
    let (world, desk) = (World::start().await, Desk::new());
    world.put_visit(visit("v1", Presence::Waiting, true));
    let handle = desk.signed_in(&world).await;
    until(&handle, "the visit", |s| !s.visits.is_empty()).await;

    handle.end("v1").await.unwrap();
    assert_eq!(handle.state().borrow().visits[0].stage, StageView::Finished);
    handle.undo_end("v1").await.unwrap();
    assert_eq!(handle.state().borrow().visits[0].stage, StageView::InProgress);

    let late = SayRequest { to: None, preset: Preset::RunningLate, minutes: Some(15) };
    handle.say("v1", &late).await.unwrap();
    assert_eq!(handle.state().borrow().visits[0].messages[0].preset, Preset::RunningLate);
    assert_eq!(world.asked(r#"POST /visits/v1/say {"preset":"running-late","minutes":15}"#), 1);
    handle.late(&LateRequest { visits: vec!["v1".into()], minutes: 20 }).await.unwrap();
    assert_eq!(world.asked(r#"POST /late {"visits":["v1"],"minutes":20}"#), 1);

    let assign = AssignRequest { leg: "leg-7".into(), participant: Some("p1".into()) };
    handle.assign("v1", &assign).await.unwrap();
    assert_eq!(world.asked(r#"POST /visits/v1/assign {"leg":"leg-7","participant":"p1"}"#), 1);
    handle.help_taken("v1", "p1").await.unwrap();
    assert_eq!(world.asked("POST /visits/v1/help-taken/p1"), 1);

    let invite = InviteRequest { role: Role::Interpreter, participant: None, send: SendBy::Hand };
    let invited = handle.invite("v1", &invite).await.unwrap();
    assert!(invited.link.is_some_and(|link| link.ends_with("/i/once")));
    let state = serde_json::to_string(&*handle.state().borrow()).unwrap();
    assert!(!state.contains("/i/once"), "the link is in the answer and nowhere else");
    handle.revoke_invitation("v1", "guest-of-v1").await.unwrap();
    assert_eq!(world.asked("DELETE /visits/v1/invitations/guest-of-v1"), 1);

    let refused = handle.undo_end("v9").await.unwrap_err();
    assert_eq!(handle.state().borrow().problem.as_ref(), Some(&refused), "a refusal is on the screen too");
}

#[tokio::test]
async fn an_alert_says_who_waits() {
    for (role, words) in [
        (Role::Patient, "Patient ready"),
        (Role::Proxy, "Patient's proxy ready"),
        (Role::Practitioner, "Colleague ready"),
        (Role::Colleague, "Colleague ready"),
        (Role::Unknown, "Somebody is waiting"),
    ] {
        let (world, desk) = (World::start().await, Desk::new());
        let _handle = desk.signed_in(&world).await;
        world.put_visit(visit("v1", Presence::Waiting, false));
        let start = "2026-11-22T08:30:00Z".into();
        let kind = NoticeKind::PatientReady { start, role, proven: false, as_delegate: false };
        world.hint(world.commit("v1", kind));
        becomes("a notification", || !desk.notifications.shown.lock().unwrap().is_empty()).await;
        assert_eq!(desk.notifications.shown.lock().unwrap()[0].summary, words, "{role:?}");
    }
}
