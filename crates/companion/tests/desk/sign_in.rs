//! Signing in, staying signed in, and the keychain in all its moods.

use std::time::Duration;

use roomed_companion::Companion;
use roomed_companion::secrets::SecretError;
use roomed_companion::view::{KeychainView, SessionView};
use roomed_protocol::{Presence, ProblemCode};

use crate::desktop::{Desk, becomes, live, until};
use crate::world::{World, visit};

#[tokio::test]
async fn signing_in_keeps_the_refresh_token_and_nothing_else() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    let state = handle.state().borrow().clone();
    assert_eq!(state.organization.as_deref(), Some("Northside Health"));
    assert_eq!(state.me.unwrap().initials, "MO");
    assert_eq!(state.session, SessionView::SignedIn);
    assert_eq!(state.keychain, KeychainView::Stored);
    assert!(state.clock_offset_ms.abs() < 3_600_000);
    let kept = desk.keychain.text();
    assert!(kept.contains("refresh-") && !kept.contains("access-"));
    assert!(desk.keychain.entries.lock().unwrap().keys().any(|k| k.contains("tenant-1/object-1")));
    let opened = desk.opened();
    assert!(opened[0].contains("redirect_uri=http%3A%2F%2Flocalhost%3A"));
    assert!(opened[0].contains("offline_access") && opened[0].contains("access_as_user"));
}

#[tokio::test]
async fn the_next_start_needs_no_browser() {
    let (world, desk) = (World::start().await, Desk::new());
    desk.signed_in(&world).await;
    let browser_uses = desk.opened().len();
    let again = desk.start(&world);
    let state = live(&again).await;
    assert_eq!(state.session, SessionView::SignedIn);
    assert_eq!(desk.opened().len(), browser_uses);
    becomes("the rotated token in the keychain", || {
        let newest = world.state.lock().unwrap().refresh_token.clone().unwrap();
        let newest: String = newest.chars().take_while(|c| *c != '_').take(12).collect();
        desk.keychain.text().contains(newest.trim_end_matches('r'))
    })
    .await;
}

#[tokio::test]
async fn a_refused_access_token_is_replaced_once_for_everybody() {
    let (world, desk) = (World::start().await, Desk::new());
    for n in 0..8 {
        world.put_visit(visit(&format!("v{n}"), Presence::Waiting, true));
    }
    let handle = desk.signed_in(&world).await;
    let before = world.state.lock().unwrap().refreshes;
    "revoked by an administrator".clone_into(&mut world.state.lock().unwrap().access_token);
    let mut presses = tokio::task::JoinSet::new();
    for n in 0..8 {
        let handle = handle.clone();
        presses.spawn(async move { handle.acknowledge(&format!("v{n}")).await });
    }
    while let Some(outcome) = presses.join_next().await {
        outcome.unwrap().unwrap();
    }
    assert_eq!(world.state.lock().unwrap().refreshes, before + 1);
}

#[tokio::test]
async fn a_sign_in_that_has_ended_is_said_and_forgotten() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    {
        let mut state = world.state.lock().unwrap();
        state.refresh_error = Some("invalid_grant".into());
        "x".clone_into(&mut state.access_token);
    }
    assert_eq!(handle.acknowledge("v1").await.unwrap_err().code, ProblemCode::NotSignedIn);
    let state = until(&handle, "signed out", |s| s.session == SessionView::SignedOut).await;
    assert_eq!(state.problem.unwrap().code, ProblemCode::NotSignedIn);
    becomes("an empty keychain", || desk.keychain.entries.lock().unwrap().is_empty()).await;
}

#[tokio::test]
async fn microsoft_out_of_reach_is_not_the_end_of_a_sign_in() {
    let (world, desk) = (World::start().await, Desk::new());
    world.put_visit(visit("v1", Presence::Waiting, true));
    let handle = desk.signed_in(&world).await;
    {
        let mut state = world.state.lock().unwrap();
        state.refresh_error = Some("temporarily_unavailable".into());
        "x".clone_into(&mut state.access_token);
    }
    assert_eq!(handle.end("v1").await.unwrap_err().code, ProblemCode::NotWhileOffline);
    assert_eq!(handle.state().borrow().session, SessionView::SignedIn);
    world.state.lock().unwrap().refresh_error = None;
    handle.acknowledge("v1").await.unwrap();
}

#[tokio::test]
async fn signing_out_leaves_nothing_and_asks_which_account_next_time() {
    let (world, desk) = (World::start().await, Desk::new());
    world.put_visit(visit("v1", Presence::Waiting, true));
    let handle = desk.signed_in(&world).await;
    handle.sign_out().await.unwrap();
    let state = handle.state().borrow().clone();
    assert_eq!(state.session, SessionView::SignedOut);
    assert!(state.visits.is_empty() && state.me.is_none() && state.patient.is_none());
    assert!(desk.keychain.entries.lock().unwrap().is_empty());
    handle.sign_in().await.unwrap();
    live(&handle).await;
    assert_eq!(world.state.lock().unwrap().prompts, ["", "select_account"]);
    // `roomed --sign-out`, without a running companion.
    Companion::sign_out(&Desk::config(&world), &desk.ports()).await.unwrap();
    assert!(desk.keychain.entries.lock().unwrap().is_empty());
}

#[tokio::test]
async fn without_a_usable_keychain_the_sign_in_stays_in_memory_and_is_called_so() {
    for (failure, said) in [(SecretError::Locked, KeychainView::Locked), (SecretError::Missing, KeychainView::Missing)]
    {
        let (world, desk) = (World::start().await, Desk::new());
        desk.keychain.fail(Some(failure));
        let handle = desk.signed_in(&world).await;
        assert_eq!(handle.state().borrow().keychain, said);
        assert!(handle.only_in_memory());
        desk.keychain.fail(None);
        handle.retry_keychain().await;
        assert_eq!(handle.state().borrow().keychain, KeychainView::Stored);
        assert!(desk.keychain.text().contains("refresh-"));
    }
}

#[tokio::test]
async fn a_keychain_that_shows_a_prompt_is_waited_for() {
    let (world, desk) = (World::start().await, Desk::new());
    desk.signed_in(&world).await;
    desk.keychain.stick(true);
    let again = desk.start(&world);
    until(&again, "waiting for the keychain", |s| s.session == SessionView::WaitingForKeychain).await;
    desk.keychain.stick(false);
    assert_eq!(live(&again).await.keychain, KeychainView::Stored);
}

#[tokio::test]
async fn a_refused_sign_in_leads_back_to_the_button() {
    let (world, desk) = (World::start().await, Desk::new());
    world.state.lock().unwrap().authorize_error = Some("access_denied".into());
    let handle = desk.start(&world);
    assert_eq!(handle.sign_in().await.unwrap_err().code, ProblemCode::NotSignedIn);
    assert_eq!(handle.state().borrow().session, SessionView::SignedOut);
    world.state.lock().unwrap().authorize_error = None;
    world.state.lock().unwrap().relay_down = true;
    assert_eq!(handle.sign_in().await.unwrap_err().code, ProblemCode::RelayUnreachable);
    world.state.lock().unwrap().relay_down = false;
    tokio::time::timeout(Duration::from_secs(30), handle.sign_in()).await.unwrap().unwrap();
}
