//! A shared workstation: the sign-in ends when nobody is there and when another EHR user begins a visit, and the next
//! clinician finds nothing of the one before.

use std::sync::Arc;
use std::time::Duration;

use roomed_companion::view::{AppState, EndedView, SessionView};
use roomed_companion::{Handle, Problem};
use roomed_protocol::{Presence, ProblemCode};

use crate::desktop::{Desk, becomes, live, until};
use crate::world::{World, ready, visit};

pub(crate) const SHARED: &str = "keep_sign_in = \"memory\"\nsign_out_after_idle_minutes = 1";

/// The same where nobody is signed out for being away.
pub(crate) const SHARED_AT_ALL: &str = "keep_sign_in = \"memory\"";

/// Nothing of a clinician or a patient is left in what the window draws.
fn is_empty(state: &AppState) -> bool {
    let people = state.me.is_none() && state.patient.is_none() && state.visits.is_empty() && state.alert.is_none();
    people && state.open_visit.is_none() && state.joinable.is_empty() && state.pending.is_empty()
}

pub(crate) async fn ended(handle: &Handle, why: EndedView) {
    let state = until(handle, "signed out", |s| s.session == SessionView::SignedOut && s.ended.is_some()).await;
    assert_eq!(state.ended, Some(why));
    assert!(is_empty(&state), "{state:?}");
}

#[tokio::test]
async fn nobody_there_for_a_minute_ends_the_sign_in() {
    for os_says in [true, false] {
        let (world, desk) = (World::start().await, Desk::new());
        world.put_visit(visit("v1", Presence::Waiting, true));
        if os_says {
            *desk.idle.0.lock().unwrap() = Some(Duration::from_secs(3_600));
        }
        let handle = desk.signed_in_as(&world, SHARED).await;
        world.hint(world.commit("v1", ready(true)));
        until(&handle, "the alert", |s| s.alert.is_some()).await;
        ended(&handle, EndedView::Idle).await;
        assert_eq!(desk.keychain.text(), "", "nothing was ever kept");
        becomes("no notification", || desk.notifications.up.load(std::sync::atomic::Ordering::SeqCst) == 0).await;
        handle.sign_in().await.unwrap();
        assert_eq!(live(&handle).await.ended, None);
        assert_eq!(world.state.lock().unwrap().prompts.last().map(String::as_str), Some("select_account"));
    }
}

#[tokio::test]
async fn whoever_works_elsewhere_on_the_computer_or_is_in_a_visit_stays_signed_in() {
    for in_visit in [true, false] {
        let (world, desk) = (World::start().await, Desk::new());
        let mut v1 = visit("v1", Presence::Connected, true);
        if in_visit {
            v1.participants[1].presence = Presence::Connected;
        } else {
            *desk.idle.0.lock().unwrap() = Some(Duration::from_secs(20));
        }
        world.put_visit(v1);
        let handle = desk.signed_in_as(&world, SHARED).await;
        if in_visit {
            handle.join("v1").await.unwrap();
        }
        // Two minutes of this companion's time, told by its own repeats of an alert of another visit.
        world.put_visit(visit("v2", Presence::Waiting, false));
        world.hint(world.commit("v2", ready(false)));
        becomes("two minutes", || desk.notifications.shown.lock().unwrap().len() >= 25).await;
        assert_eq!(handle.state().borrow().session, SessionView::SignedIn);
    }
}

#[tokio::test]
async fn a_meeting_that_is_open_somewhere_else_keeps_nobody_signed_in_here() {
    let (world, desk) = (World::start().await, Desk::new());
    let mut v1 = visit("v1", Presence::Connected, true);
    v1.participants[1].presence = Presence::Connected;
    world.put_visit(v1.clone());
    let handle = desk.signed_in_as(&world, SHARED).await;
    ended(&handle, EndedView::Idle).await;

    // Nor does one that was left: it may be over for everybody, or go on without its clinician.
    handle.sign_in().await.unwrap();
    live(&handle).await;
    handle.join("v1").await.unwrap();
    v1.participants[1].presence = Presence::Disconnected;
    world.put_visit(v1);
    world.hint(world.commit("v1", roomed_protocol::NoticeKind::VisitChanged));
    ended(&handle, EndedView::Idle).await;
}

#[tokio::test]
async fn whoever_joined_while_the_relay_is_away_stays_signed_in_though_nobody_sees_them_there() {
    let (world, desk) = (World::start().await, Desk::new());
    world.put_visit(visit("v1", Presence::Waiting, true));
    let handle = desk.signed_in_as(&world, SHARED).await;
    until(&handle, "the address of the meeting", |s| s.joinable == ["v1"]).await;
    world.state.lock().unwrap().relay_down = true;
    world.drop_sockets();
    until(&handle, "the loss", |s| s.connection.state != roomed_companion::view::ConnectionState::Live).await;
    handle.join("v1").await.unwrap();
    let pressed = desk.now();
    becomes("three minutes", || desk.now().duration_since(pressed) > jiff::SignedDuration::from_mins(3)).await;
    assert_eq!(handle.state().borrow().session, SessionView::SignedIn);
}

#[tokio::test]
async fn on_a_shared_workstation_the_account_is_always_asked_for() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in_as(&world, SHARED).await;
    handle.sign_out().await.unwrap();
    // The tab is closed without an answer, and the button pressed once more.
    world.state.lock().unwrap().authorize_error = Some("access_denied".into());
    assert!(handle.sign_in().await.is_err());
    world.state.lock().unwrap().authorize_error = None;
    handle.sign_in().await.unwrap();
    assert_eq!(world.state.lock().unwrap().prompts, ["select_account"; 3]);
}

#[tokio::test]
async fn the_keychain_of_a_shared_workstation_is_asked_for_nothing() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in_as(&world, SHARED).await;
    desk.keychain.fail(Some(roomed_companion::secrets::SecretError::Locked));
    handle.sign_out().await.unwrap();
    assert!(handle.state().borrow().problem.is_none());
}

async fn launched(config: &str) -> (Arc<World>, Desk, Handle) {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in_as(&world, config).await;
    handle.link(&world.link("launch-1"));
    until(&handle, "the banner", |s| s.patient.is_some()).await;
    world.state.lock().unwrap().ehr_user = Some("Practitioner/e2".into());
    handle.link(&world.link("launch-2"));
    (world, desk, handle)
}

#[tokio::test]
async fn a_launch_by_another_ehr_user_signs_the_first_one_out() {
    let (world, _desk, handle) = launched(SHARED).await;
    ended(&handle, EndedView::AnotherEhrUser).await;
    assert_eq!(world.state.lock().unwrap().proofs.len(), 1, "the relay was not told that the first one launched");

    // The other one signs in as themselves and begins again.
    handle.sign_in().await.unwrap();
    live(&handle).await;
    handle.link(&world.link("launch-3"));
    until(&handle, "the banner", |s| s.patient.is_some()).await;
    assert_eq!(world.state.lock().unwrap().proofs.len(), 2);
}

#[tokio::test]
async fn a_launch_that_the_relay_knows_to_be_anothers_signs_out_as_well() {
    let (world, desk) = (World::start().await, Desk::new());
    world.state.lock().unwrap().launch_answers = vec![crate::world::problem(ProblemCode::WrongPerson, 403)];
    let handle = desk.signed_in_as(&world, SHARED).await;
    handle.link(&world.link("launch-1"));
    ended(&handle, EndedView::AnotherEhrUser).await;
}

#[tokio::test]
async fn on_a_clinicians_own_computer_it_is_refused_and_they_stay_signed_in() {
    let (_world, _desk, handle) = launched("").await;
    let state = until(&handle, "the refusal", |s| s.problem.is_some()).await;
    let Problem { code, .. } = state.problem.unwrap();
    assert_eq!((code, state.session), (ProblemCode::WrongPerson, SessionView::SignedIn));
}

#[tokio::test]
async fn a_locked_session_signs_out_and_says_what_came_to_nothing_by_it() {
    let (world, desk) = (World::start().await, Desk::new());
    world.put_visit(visit("v1", Presence::Waiting, true));
    let handle = desk.signed_in_as(&world, SHARED_AT_ALL).await;
    world.hint(world.commit("v1", ready(true)));
    until(&handle, "the alert", |s| s.alert.is_some()).await;
    handle.open_visit("v1");
    // Nothing waits: nothing is said.
    desk.idle.lock();
    ended(&handle, EndedView::Locked).await;
    assert_eq!((handle.state().borrow().unsent, desk.keychain.text()), (0, String::new()));
    becomes("no notification", || desk.notifications.up.load(std::sync::atomic::Ordering::SeqCst) == 0).await;

    // Pressed while the relay is away, and then somebody locks: it is not kept for whoever comes next, nor lost in silence.
    handle.sign_in().await.unwrap();
    live(&handle).await;
    world.state.lock().unwrap().relay_down = true;
    world.drop_sockets();
    until(&handle, "the loss", |s| s.connection.state != roomed_companion::view::ConnectionState::Live).await;
    handle.acknowledge("v1").await.unwrap();
    until(&handle, "what waits", |s| s.pending.len() == 1).await;
    desk.idle.lock();
    ended(&handle, EndedView::Locked).await;
    assert_eq!(handle.state().borrow().unsent, 1);
    // `roomed --sign-out` at the lock comes after it, and leaves both as they are.
    handle.sign_out().await.unwrap();
    ended(&handle, EndedView::Locked).await;
    assert_eq!(handle.state().borrow().unsent, 1);
    world.state.lock().unwrap().relay_down = false;
    handle.sign_in().await.unwrap();
    let state = live(&handle).await;
    assert_eq!((state.unsent, state.pending.len()), (0, 0));
    assert_eq!(world.asked("POST /visits/v1/acknowledge"), 0, "nothing is done in the next one's name");
}

/// The button, `roomed --sign-out` (which is the same to the companion), and Microsoft.
#[tokio::test]
async fn what_was_not_sent_is_told_however_the_sign_in_ends() {
    for by_microsoft in [false, true] {
        let (world, desk) = (World::start().await, Desk::new());
        world.put_visit(visit("v1", Presence::Waiting, true));
        let handle = desk.signed_in_as(&world, SHARED_AT_ALL).await;
        world.state.lock().unwrap().relay_down = true;
        world.drop_sockets();
        until(&handle, "the loss", |s| s.connection.state != roomed_companion::view::ConnectionState::Live).await;
        handle.acknowledge("v1").await.unwrap();
        until(&handle, "what waits", |s| s.pending.len() == 1).await;
        if by_microsoft {
            let mut state = world.state.lock().unwrap();
            state.refresh_error = Some("invalid_grant".into());
            state.access_token = "none that is known".into();
            state.relay_down = false;
        } else {
            handle.sign_out().await.unwrap();
        }
        let state = until(&handle, "signed out", |s| s.session == SessionView::SignedOut).await;
        assert_eq!((state.unsent, state.ended), (1, None));
        assert!(is_empty(&state), "{state:?}");
        {
            let mut state = world.state.lock().unwrap();
            (state.refresh_error, state.relay_down) = (None, false);
        }
        handle.sign_in().await.unwrap();
        assert_eq!(live(&handle).await.unsent, 0, "it is nothing to whoever is next");
    }
}

#[tokio::test]
async fn a_launch_that_waits_for_a_sign_in_ends_at_the_lock() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in_as(&world, SHARED_AT_ALL).await;
    handle.sign_out().await.unwrap();
    handle.link(&world.link("launch-1"));
    until(&handle, "the wish for a sign-in", |s| s.launching.is_some()).await;
    desk.idle.lock();
    ended(&handle, EndedView::Locked).await;
    assert_eq!(handle.state().borrow().launching, None);

    // Whoever unlocks it and signs in begins their own.
    handle.sign_in().await.unwrap();
    live(&handle).await;
    handle.link(&world.link("launch-2"));
    until(&handle, "the visit", |s| s.open_visit.is_some()).await;
    let asked = world.state.lock().unwrap().ehr_asked;
    assert_eq!((asked, world.state.lock().unwrap().proofs.len()), (1, 1), "the one before was launched all the same");
}

#[tokio::test]
async fn on_a_clinicians_own_computer_a_lock_means_nothing() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    desk.idle.lock();
    // Whatever would come of it comes before the next notice is shown.
    world.put_visit(visit("v1", Presence::Waiting, true));
    world.hint(world.commit("v1", ready(true)));
    until(&handle, "the alert", |s| s.alert.is_some()).await;
    assert_eq!(handle.state().borrow().session, SessionView::SignedIn);
}
