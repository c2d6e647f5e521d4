//! Launches that are refused: each with its own reason, and nothing done before or after it.

use roomed_companion::Handle;
use roomed_companion::view::AppState;
use roomed_protocol::ProblemCode;

use crate::desktop::{Desk, until};
use crate::world::{Facts, World, problem};

/// Launches in a world spoiled by `spoil` and returns the problem.
async fn refused(spoil: impl FnOnce(&mut Facts)) -> (ProblemCode, AppState) {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    spoil(&mut world.state.lock().unwrap());
    handle.link(&world.link("launch-1"));
    let state = said(&handle).await;
    assert!(state.visits.is_empty() && state.open_visit.is_none() && state.patient.is_none());
    (state.problem.as_ref().unwrap().code, state)
}

async fn said(handle: &Handle) -> AppState {
    until(handle, "a problem", |s| s.problem.is_some() && s.launching.is_none()).await
}

#[tokio::test]
async fn an_unknown_iss_is_refused_before_anything_is_asked_of_anybody() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    let (requests, opened) = (world.state.lock().unwrap().requests.len(), desk.opened().len());
    for iss in [format!("{}/", world.iss()), world.iss().to_uppercase(), format!("{}/ehr/R4evil", world.base)] {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("iss", &iss)
            .append_pair("launch", "l")
            .finish();
        handle.dismiss_problem();
        handle.link(&format!("roomed://launch?{query}"));
        assert_eq!(said(&handle).await.problem.unwrap().code, ProblemCode::UnknownIss);
    }
    assert_eq!(world.state.lock().unwrap().requests.len(), requests);
    assert_eq!(world.state.lock().unwrap().ehr_asked, 0);
    assert_eq!(desk.opened().len(), opened);
}

#[tokio::test]
async fn a_link_that_is_none_is_refused() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    for bad in
        ["roomed://launch?iss=x", "roomed://other?iss=x&launch=y", &format!("roomed://launch?{}", "x".repeat(9_000))]
    {
        handle.dismiss_problem();
        handle.link(bad);
        assert_eq!(said(&handle).await.problem.unwrap().code, ProblemCode::LinkRefused);
    }
    assert_eq!(world.state.lock().unwrap().nonces, 0);
}

#[tokio::test]
async fn the_ehr_says_no_in_the_browser() {
    let (code, _) = refused(|w| w.authorize_error = Some("access_denied".into())).await;
    assert_eq!(code, ProblemCode::LaunchRefused);
}

#[tokio::test]
async fn the_ehr_says_no_to_the_code() {
    let (code, _) = refused(|w| w.ehr_token_error = Some("invalid_grant".into())).await;
    assert_eq!(code, ProblemCode::LaunchRefused);
}

#[tokio::test]
async fn the_ehr_does_not_say_who() {
    let (code, _) = refused(|w| w.no_id_token = true).await;
    assert_eq!(code, ProblemCode::IdTokenRefused);
}

#[tokio::test]
async fn the_ehr_is_down_or_set_up_otherwise() {
    assert_eq!(refused(|w| w.ehr_status = Some(503)).await.0, ProblemCode::EhrUnreachable);
    assert_eq!(refused(|w| w.ehr_status = Some(404)).await.0, ProblemCode::EhrRefused);
}

#[tokio::test]
async fn the_relays_reasons_are_passed_on() {
    for code in [
        ProblemCode::NonceRefused,
        ProblemCode::HandleUnknown,
        ProblemCode::WrongPatient,
        ProblemCode::NotVirtual,
        ProblemCode::AppointmentCancelled,
        ProblemCode::CoveringForbidden,
    ] {
        let (said, state) = refused(|w| w.launch_answers = vec![problem(code, 403)]).await;
        assert_eq!(said, code);
        assert_eq!(state.problem.unwrap().who, code.who());
    }
}

#[tokio::test]
async fn the_relay_is_down() {
    let (code, _) = refused(|w| w.relay_down = true).await;
    assert_eq!(code, ProblemCode::RelayUnreachable);
}

#[tokio::test]
async fn a_refused_launch_can_be_begun_again() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    world.state.lock().unwrap().launch_answers = vec![problem(ProblemCode::EhrUnreachable, 503)];
    handle.link(&world.link("launch-1"));
    said(&handle).await;
    handle.link(&world.link("launch-1"));
    let state = until(&handle, "the visit", |s| s.open_visit.is_some()).await;
    assert!(state.problem.is_none());
}
