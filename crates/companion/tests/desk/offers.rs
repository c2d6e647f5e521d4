//! A visit that was begun in a browser and may be opened here: the window comes forward with the question, which is answered
//! once and goes away by itself, and opening it is what a proven launch is.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use roomed_companion::Handle;
use roomed_companion::clock::Clock;
use roomed_protocol::{NoticeKind, Presence, ProblemCode};

use crate::desktop::{Desk, becomes, until};
use crate::world::{World, visit};

fn offer(world: &World, id: &str, seconds: i64) -> NoticeKind {
    let until = world.clock.now() + SignedDuration::from_secs(seconds);
    NoticeKind::Offered { offer: id.into(), start: "2026-11-22T08:30:00Z".into(), until: until.to_string() }
}

/// A desk that is offered a visit it does not know yet.
async fn offered(id: &str, presence: Presence) -> (Arc<World>, Desk, Handle) {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    world.put_visit(visit("v1", presence, true));
    world.hint(world.commit("v1", offer(&world, id, 600)));
    until(&handle, "the offer", |s| s.offer.as_ref().is_some_and(|it| it.id == id && it.visit == "v1")).await;
    becomes("the window in front", || desk.front.0.load(Ordering::SeqCst) == 1).await;
    (world, desk, handle)
}

#[tokio::test]
async fn an_offered_visit_opens_here_and_with_the_patient_ready_goes_straight_in() {
    for (presence, joins) in [(Presence::Absent, 0), (Presence::Waiting, 1)] {
        let (world, desk, handle) = offered("o1", presence).await;
        handle.take_offer(true).await.unwrap();
        let state = until(&handle, "the panel", |s| s.open_visit.as_deref() == Some("v1") && s.offer.is_none()).await;
        assert_eq!(world.asked(r#"POST /offers/o1 {"take":true}"#), 1);
        assert_eq!(world.asked("POST /visits/v1/join"), joins);
        assert!(state.visits[0].proven && state.patient.is_none(), "no name comes from the browser");
        assert_eq!(desk.opened().iter().any(|it| it.ends_with("meetup-join/v1")), joins == 1);
        assert_eq!(world.state.lock().unwrap().ehr_asked, 0, "nothing is proven a second time");
    }
}

#[tokio::test]
async fn whoever_says_no_opens_nothing() {
    let (world, _desk, handle) = offered("o1", Presence::Waiting).await;
    handle.take_offer(false).await.unwrap();
    let state = until(&handle, "no offer", |s| s.offer.is_none()).await;
    assert_eq!(state.open_visit, None);
    assert_eq!(world.asked(r#"POST /offers/o1 {"take":false}"#), 1);
    assert_eq!(world.asked("POST /visits/v1/join"), 0);
    handle.take_offer(true).await.unwrap();
    assert_eq!(world.asked("POST /offers/"), 1, "there is nothing left to answer");
}

#[tokio::test]
async fn an_offer_goes_away_when_it_expires_or_is_answered_elsewhere() {
    let (world, desk, handle) = offered("o1", Presence::Absent).await;
    world.hint(world.commit("v1", NoticeKind::OfferAnswered { offer: "another".into() }));
    world.hint(world.commit("v1", NoticeKind::VisitChanged));
    until(&handle, "both notices", |s| s.cursor == 3).await;
    assert!(handle.state().borrow().offer.is_some(), "that was another one");
    world.hint(world.commit("v1", NoticeKind::OfferAnswered { offer: "o1".into() }));
    until(&handle, "no offer", |s| s.offer.is_none()).await;

    world.hint(world.commit("v1", offer(&world, "o2", 600)));
    until(&handle, "the next offer", |s| s.offer.as_ref().is_some_and(|it| it.id == "o2")).await;
    becomes("the window in front again", || desk.front.0.load(Ordering::SeqCst) == 2).await;
    world.hint(world.commit("v1", offer(&world, "o3", 20)));
    until(&handle, "the newest offer", |s| s.offer.as_ref().is_some_and(|it| it.id == "o3")).await;
    until(&handle, "no offer", |s| s.offer.is_none()).await;
    assert_eq!(world.asked("POST /offers/"), 0);

    // One that was over before this companion heard of it is no question.
    world.hint(world.commit("v1", offer(&world, "old", -1)));
    until(&handle, "the old notice", |s| s.cursor == 7).await;
    assert!(handle.state().borrow().offer.is_none());
    assert_eq!(desk.front.0.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_offer_that_is_over_says_so_and_one_nobody_heard_of_stays() {
    let (world, _desk, handle) = offered("over", Presence::Absent).await;
    world.state.lock().unwrap().relay_down = true;
    let problem = handle.take_offer(true).await.unwrap_err();
    assert_eq!(problem.code, ProblemCode::NotWhileOffline);
    assert!(handle.state().borrow().offer.is_some(), "it can be answered again");
    world.state.lock().unwrap().relay_down = false;
    let problem = handle.take_offer(true).await.unwrap_err();
    assert_eq!(problem.code, ProblemCode::OfferOver);
    let state = until(&handle, "no offer", |s| s.offer.is_none()).await;
    assert_eq!((state.open_visit, state.problem.map(|it| it.code)), (None, Some(ProblemCode::OfferOver)));
}

#[tokio::test]
async fn nobody_who_signs_in_next_is_asked() {
    let (_world, _desk, handle) = offered("o1", Presence::Absent).await;
    handle.sign_out().await.unwrap();
    assert!(handle.state().borrow().offer.is_none());
}
