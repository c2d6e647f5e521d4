//! The SMART launch from a deep link to a proven visit.

use std::sync::atomic::Ordering;

use roomed_companion::view::LaunchStep;
use roomed_protocol::{Presence, ProblemCode};

use crate::desktop::{Desk, becomes, until};
use crate::world::{World, problem, visit};

#[tokio::test]
async fn a_launch_ends_in_the_open_visit_with_the_banner_and_no_name_leaves_the_desk() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    handle.link(&world.link("launch-1"));
    let state = until(&handle, "the banner", |s| s.patient.is_some()).await;
    let banner = state.patient.unwrap();
    assert_eq!((banner.name.as_str(), banner.birth_date.as_deref()), ("Canary Patientname", Some("1961-04-02")));
    assert_eq!(state.open_visit.as_ref(), Some(&banner.visit));
    assert!(state.visits[0].proven && state.launching.is_none() && state.problem.is_none());
    {
        let facts = world.state.lock().unwrap();
        let proof = &facts.proofs[0];
        assert_eq!(proof["iss"], world.iss());
        assert_eq!(proof["handle"], "handle-1");
        assert_eq!((&proof["patient"], &proof["encounter"]), (&"p1".into(), &"enc1".into()));
        assert_eq!(proof["covering"], false);
        for request in &facts.requests {
            assert!(!request.contains("Canary") && !request.contains("1961") && !request.contains("ehr-access"));
            assert!(!request.contains("launch-1") && !request.contains("verifier"));
        }
    }
    assert_eq!(world.asked("POST /visits"), 0, "nobody waits, so nobody joins");
    handle.close_visit();
    assert!(handle.state().borrow().patient.is_none());
}

#[tokio::test]
async fn begin_with_the_patient_ready_goes_straight_in() {
    let (world, desk) = (World::start().await, Desk::new());
    world.state.lock().unwrap().patient_waits = true;
    let handle = desk.signed_in(&world).await;
    handle.link(&world.link("launch-1"));
    becomes("Teams", || desk.opened().iter().any(|u| u == "msteams:/l/meetup-join/v1")).await;
    assert_eq!(world.asked("POST /visits/v1/join"), 1);
    until(&handle, "the banner", |s| s.patient.is_some()).await;
}

#[tokio::test]
async fn three_links_before_anybody_has_signed_in_are_three_visits() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.start(&world);
    for n in 1..=3 {
        handle.link(&world.link(&format!("launch-{n}")));
        // The plugin and the single-instance callback may both tell of the same press.
        handle.link(&world.link(&format!("launch-{n}")));
    }
    handle.page_ready();
    until(&handle, "the request to sign in", |s| s.launching.is_some_and(|l| l.step == LaunchStep::SigningIn)).await;
    assert!(desk.opened().is_empty(), "nothing opens by itself before somebody has signed in");
    handle.sign_in().await.unwrap();
    until(&handle, "three visits", |s| s.visits.len() == 3 && s.launching.is_none()).await;
    let proofs = world.state.lock().unwrap().proofs.len();
    assert_eq!(proofs, 3);
}

#[tokio::test]
async fn where_the_ehr_insists_on_https_the_code_comes_by_the_relay() {
    let (world, desk) = (World::start().await, Desk::new());
    world.state.lock().unwrap().redirect_by_relay = true;
    let handle = desk.signed_in(&world).await;
    handle.link(&world.link("launch-1"));
    until(&handle, "the visit", |s| s.open_visit.is_some()).await;
    assert_eq!(world.state.lock().unwrap().callbacks.len(), 1);
    let launched = desk.opened().into_iter().find(|u| u.contains("/ehr/authorize?")).unwrap();
    assert!(launched.contains("%2Frelay%2Foauth%2Fcallback"));
}

#[tokio::test]
async fn covering_is_asked_once_and_said_in_the_repeat() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    let mut needed = problem(ProblemCode::CoveringNeeded, 409);
    needed.1["start"] = "2026-11-22T08:30:00Z".into();
    world.state.lock().unwrap().launch_answers = vec![needed];
    handle.link(&world.link("launch-1"));
    let state = until(&handle, "the question", |s| s.covering.is_some()).await;
    assert_eq!(state.covering.unwrap().start.as_deref(), Some("2026-11-22T08:30:00Z"));
    assert!(desk.front.0.load(Ordering::SeqCst) > 0);
    handle.cover(true);
    until(&handle, "the visit", |s| s.open_visit.is_some() && s.covering.is_none()).await;
    let facts = world.state.lock().unwrap();
    assert_eq!(facts.proofs.len(), 2);
    assert_eq!((&facts.proofs[0]["covering"], &facts.proofs[1]["covering"]), (&false.into(), &true.into()));
    assert_eq!(facts.proofs[0]["id_token"], facts.proofs[1]["id_token"]);
}

#[tokio::test]
async fn not_covering_leaves_everything_as_it_was() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    world.state.lock().unwrap().launch_answers = vec![problem(ProblemCode::CoveringNeeded, 409)];
    handle.link(&world.link("launch-1"));
    until(&handle, "the question", |s| s.covering.is_some()).await;
    handle.cover(false);
    let state = until(&handle, "the end of it", |s| s.covering.is_none() && s.launching.is_none()).await;
    assert!(state.visits.is_empty() && state.problem.is_none() && state.open_visit.is_none());
    assert_eq!(world.state.lock().unwrap().proofs.len(), 1);
}

#[tokio::test]
async fn another_visit_opened_takes_the_name_away_and_an_ended_visit_says_so() {
    let (world, desk) = (World::start().await, Desk::new());
    world.put_visit(visit("other", Presence::Absent, true));
    let handle = desk.signed_in(&world).await;
    handle.link(&world.link("launch-1"));
    let id = until(&handle, "the banner", |s| s.patient.is_some()).await.open_visit.unwrap();
    handle.end(&id).await.unwrap();
    assert!(
        handle.state().borrow().visits.iter().any(|v| v.id == id && v.stage == roomed_protocol::StageView::Finished)
    );
    handle.open_visit("other");
    assert!(handle.state().borrow().patient.is_none());
}

#[tokio::test]
async fn a_launch_does_not_outlive_the_sign_in_it_was_begun_under() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    world.state.lock().unwrap().launch_answers = vec![problem(ProblemCode::CoveringNeeded, 409)];
    handle.link(&world.link("launch-1"));
    until(&handle, "the question", |s| s.covering.is_some()).await;
    handle.sign_out().await.unwrap();
    let state = handle.state().borrow().clone();
    assert!(state.covering.is_none() && state.launching.is_none());
    handle.sign_in().await.unwrap();
    handle.cover(true);
    handle.link(&world.link("launch-2"));
    let state = until(&handle, "the second launch", |s| s.open_visit.is_some()).await;
    assert_eq!(state.visits.len(), 1);
    let facts = world.state.lock().unwrap();
    assert!(facts.proofs.iter().all(|p| p["covering"] == false));
}
