//! The end of a sign-in, whoever ends it: nothing of it is there for the next person, neither what was kept nor what comes
//! back late. Each press here is in the middle of a request when the clinician signs out.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use roomed_companion::view::{ConnectionState, SessionView};
use roomed_companion::{Handle, LateRequest, Problem};
use roomed_protocol::{Presence, ProblemCode};
use tokio::task::JoinHandle;

use crate::desktop::{Desk, becomes, live, until};
use crate::world::{World, in_need, problem, ready, visit};

const LATE: &str = "POST /late ";

fn late() -> LateRequest {
    LateRequest { visits: vec!["v1".into()], minutes: 10 }
}

/// A desk where the patient of `v1`, which is proven, waits and nobody has seen it.
async fn desk() -> (Arc<World>, Desk, Handle) {
    let (world, desk) = (World::start().await, Desk::new());
    world.put_visit(visit("v1", Presence::Waiting, true));
    world.commit("v1", ready(true));
    let handle = desk.signed_in(&world).await;
    until(&handle, "the alert", |s| s.alert.is_some() && s.joinable == ["v1"]).await;
    (world, desk, handle)
}

/// Whoever comes next has no visits.
fn no_more_visits(world: &World) {
    let mut state = world.state.lock().unwrap();
    state.visits.clear();
    state.notices.clear();
}

type Pressed = JoinHandle<Result<(), Problem>>;

fn press<F: Future<Output = Result<(), Problem>> + Send + 'static>(
    handle: &Handle,
    press: impl FnOnce(Handle) -> F,
) -> Pressed {
    tokio::spawn(press(handle.clone()))
}

/// Signs out while the answer to a press is under way, lets it arrive, and signs in anew.
async fn signed_out_meanwhile(world: &World, handle: &Handle, line: &str, pressed: Pressed) {
    becomes("the press has reached the relay", || world.asked(line) == 1).await;
    handle.sign_out().await.unwrap();
    no_more_visits(world);
    world.release();
    let outcome = pressed.await.unwrap();
    world.state.lock().unwrap().answers_lost = false;
    let left = handle.state().borrow().clone();
    assert!(left.pending.is_empty() && left.alert.is_none() && left.problem.is_none(), "{left:?}");
    handle.sign_in().await.unwrap();
    let state = live(handle).await;
    assert!(state.pending.is_empty() && state.alert.is_none() && state.visits.is_empty(), "{state:?}");
    assert!(state.joinable.is_empty() && state.open_visit.is_none() && state.problem.is_none(), "{state:?}");
    assert_eq!(world.asked(line), 1, "it is not asked again for somebody else");
    assert_eq!(outcome.unwrap_err().code, ProblemCode::NotSignedIn);
}

#[tokio::test]
async fn what_could_not_be_told_is_not_kept_for_the_next_person() {
    let (world, _desk, handle) = desk().await;
    world.hold(LATE);
    world.state.lock().unwrap().answers_lost = true;
    let pressed = press(&handle, |it| async move { it.late(&late()).await });
    signed_out_meanwhile(&world, &handle, LATE, pressed).await;
}

#[tokio::test]
async fn a_visit_that_is_told_late_raises_no_alert_for_the_next_person() {
    let (world, _desk, handle) = desk().await;
    world.put_visit(in_need("v1"));
    world.hold("POST /visits/v1/acknowledge");
    let pressed = press(&handle, |it| async move { it.acknowledge("v1").await });
    signed_out_meanwhile(&world, &handle, "POST /visits/v1/acknowledge", pressed).await;
}

#[tokio::test]
async fn an_alert_that_may_not_be_taken_down_does_not_stand_again_for_the_next_person() {
    let (world, _desk, handle) = desk().await;
    world.hold("POST /visits/v1/acknowledge");
    world.fail("POST /visits/v1/acknowledge", 1, Some(problem(ProblemCode::RoleMissing, 403)));
    let pressed = press(&handle, |it| async move { it.acknowledge("v1").await });
    signed_out_meanwhile(&world, &handle, "POST /visits/v1/acknowledge", pressed).await;
}

#[tokio::test]
async fn a_join_that_is_answered_late_opens_no_meeting() {
    let (world, desk, handle) = desk().await;
    world.hold("POST /visits/v1/join");
    let pressed = press(&handle, |it| async move { it.join("v1").await });
    signed_out_meanwhile(&world, &handle, "POST /visits/v1/join", pressed).await;
    assert!(desk.opened().iter().all(|it| !it.starts_with("msteams:")));
}

#[tokio::test]
async fn a_name_that_is_told_late_stands_on_nobodys_screen() {
    let (world, desk) = (World::start().await, Desk::new());
    world.hold("GET /me ");
    let handle = desk.start(&world);
    handle.page_ready();
    handle.sign_in().await.unwrap();
    becomes("the question who it is", || world.asked("GET /me ") == 1).await;
    handle.sign_out().await.unwrap();
    world.release();
    // Somebody looks at the button meanwhile: a whole round to Microsoft, and back without an answer.
    world.state.lock().unwrap().authorize_error = Some("access_denied".into());
    assert!(handle.sign_in().await.is_err());
    let state = handle.state().borrow().clone();
    assert_eq!(state.session, SessionView::SignedOut);
    assert!(state.me.is_none());
}

#[tokio::test]
async fn a_sign_in_that_microsoft_ends_leaves_no_more_than_a_sign_out() {
    let (world, desk, handle) = desk().await;
    handle.open_visit("v1");
    handle.set_sound(false);
    world.state.lock().unwrap().relay_down = true;
    world.drop_sockets();
    until(&handle, "the loss", |s| s.connection.state != ConnectionState::Live).await;
    handle.late(&late()).await.unwrap();
    {
        let mut state = world.state.lock().unwrap();
        state.refresh_error = Some("invalid_grant".into());
        "revoked".clone_into(&mut state.access_token);
        state.relay_down = false;
    }
    let state = until(&handle, "the end of it", |s| s.session == SessionView::SignedOut).await;
    assert!(state.alert.is_none() && state.pending.is_empty() && state.visits.is_empty(), "{state:?}");
    assert!(state.open_visit.is_none() && state.joinable.is_empty() && state.me.is_none(), "{state:?}");
    assert_eq!(state.problem.unwrap().code, ProblemCode::NotSignedIn);
    becomes("nothing on the screen", || desk.notifications.up.load(Ordering::SeqCst) == 0).await;
    becomes("an empty keychain", || desk.keychain.entries.lock().unwrap().is_empty()).await;

    world.state.lock().unwrap().refresh_error = None;
    no_more_visits(&world);
    handle.sign_in().await.unwrap();
    let state = live(&handle).await;
    assert!(state.alert.is_none() && state.pending.is_empty() && state.joinable.is_empty(), "{state:?}");
    assert!(state.sound, "whoever is next is not deaf to their patients");
    assert_eq!(world.state.lock().unwrap().prompts, ["", "select_account"]);
    assert!(handle.join("v1").await.is_err());
    assert!(desk.opened().iter().all(|it| !it.starts_with("msteams:")));
    assert_eq!(world.asked(LATE), 0);
}

#[tokio::test]
async fn the_account_is_asked_for_until_somebody_is_signed_in() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    handle.sign_out().await.unwrap();
    world.state.lock().unwrap().authorize_error = Some("access_denied".into());
    assert!(handle.sign_in().await.is_err());
    world.state.lock().unwrap().authorize_error = None;
    handle.sign_in().await.unwrap();
    assert_eq!(world.state.lock().unwrap().prompts, ["", "select_account", "select_account"]);
}

#[tokio::test]
async fn the_screen_is_empty_before_the_keychain_has_answered() {
    let (_world, desk, handle) = desk().await;
    desk.keychain.stick(true);
    let leaving = press(&handle, |it| async move { it.sign_out().await });
    let state = until(&handle, "signed out", |s| s.session == SessionView::SignedOut).await;
    assert!(state.visits.is_empty() && state.me.is_none() && state.alert.is_none());
    desk.keychain.stick(false);
    // Within the time that a keychain is given: it was still to answer when the screen was empty.
    leaving.await.unwrap().unwrap();
    assert!(desk.keychain.entries.lock().unwrap().is_empty());
}

#[tokio::test]
async fn who_signs_out_while_the_keychain_is_waited_for_stays_signed_out() {
    let (world, desk) = (World::start().await, Desk::new());
    desk.signed_in(&world).await;
    desk.keychain.stick(true);
    let again = desk.start(&world);
    until(&again, "waiting for the keychain", |s| s.session == SessionView::WaitingForKeychain).await;
    let leaving = press(&again, |it| async move { it.sign_out().await });
    until(&again, "signed out", |s| s.session == SessionView::SignedOut).await;
    desk.keychain.stick(false);
    leaving.await.unwrap().unwrap();
    becomes("an empty keychain", || desk.keychain.entries.lock().unwrap().is_empty()).await;
    again.retry_keychain().await;
    assert_eq!(again.state().borrow().session, SessionView::SignedOut);
}

#[tokio::test]
async fn a_notification_of_the_one_before_does_nothing_for_the_one_after() {
    let (world, desk, handle) = desk().await;
    becomes("a notification", || desk.notifications.up.load(Ordering::SeqCst) == 1).await;
    handle.sign_out().await.unwrap();
    world.state.lock().unwrap().notices.clear();
    handle.sign_in().await.unwrap();
    live(&handle).await;
    let fronts = desk.front.0.load(Ordering::SeqCst);
    desk.notifications.press_last();
    becomes("the window", || desk.front.0.load(Ordering::SeqCst) > fronts).await;
    let state = handle.state().borrow().clone();
    assert!(state.open_visit.is_none() && state.confirm_join.is_none());
    assert_eq!(world.asked("POST /visits"), 0);
}
