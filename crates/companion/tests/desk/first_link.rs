//! "Is this you in both?": before an EHR user and a Microsoft account are linked for good, their clinician says so; on a
//! shared workstation with a sign-in that was made for it.

use std::sync::atomic::Ordering;

use roomed_companion::Handle;
use roomed_companion::view::{EndedView, SessionView};
use roomed_protocol::ProblemCode;
use serde_json::{Value, json};

use crate::desktop::{Desk, becomes, live, until};
use crate::shared::{SHARED, SHARED_AT_ALL, ended};
use crate::world::{World, problem};

/// The relay asks whether EHR user and Microsoft account are one person.
fn asks(ehr_user: Option<&str>) -> (u16, Value) {
    let mut asked = problem(ProblemCode::FirstLink, 409);
    asked.1["first_link"] = json!({"word": "word-1", "account": "Maya Okafor", "ehr_user": ehr_user});
    asked
}

fn words_sent(world: &World) -> Vec<Value> {
    world.state.lock().unwrap().proofs.iter().map(|proof| proof["first_link"].clone()).collect()
}

/// What Microsoft was to ask whoever signs in; the EHR is never told to.
fn prompts(world: &World) -> Vec<String> {
    world.state.lock().unwrap().prompts.iter().filter(|it| !it.is_empty()).cloned().collect()
}

/// Answers the question that stands.
fn say(handle: &Handle, yes: bool) {
    let id = handle.state().borrow().first_link.as_ref().map(|asked| asked.id);
    handle.same_person(id.unwrap(), yes);
}

#[tokio::test]
async fn who_says_that_they_are_both_is_asked_once_and_goes_on() {
    let (world, desk) = (World::start().await, Desk::new());
    world.state.lock().unwrap().launch_answers = vec![asks(Some("Lindqvist, Jonas")), (200, ().into())];
    let handle = desk.signed_in(&world).await;
    handle.link(&world.link("launch-1"));
    let state = until(&handle, "the question", |s| s.first_link.is_some()).await;
    let asked = state.first_link.unwrap();
    assert_eq!((asked.account.as_deref(), asked.ehr_user.as_deref()), (Some("Maya Okafor"), Some("Lindqvist, Jonas")));
    assert!(!asked.sign_in_again, "her own computer");
    assert!(state.visits.is_empty() && desk.front.0.load(Ordering::SeqCst) > 0);
    // A press that was meant for another question answers this one not.
    handle.cover(false);
    assert_eq!(words_sent(&world).len(), 1);
    say(&handle, true);
    let state = until(&handle, "the visit", |s| s.open_visit.is_some()).await;
    assert!(state.first_link.is_none());
    assert_eq!(words_sent(&world), [Value::Null, "word-1".into()]);
    assert_eq!(prompts(&world), [""; 0], "Microsoft is asked for nothing more");
}

#[tokio::test]
async fn who_says_that_they_are_not_is_signed_out_and_nothing_is_left() {
    for config in ["", SHARED] {
        let (world, desk) = (World::start().await, Desk::new());
        world.state.lock().unwrap().launch_answers = vec![asks(None)];
        let handle = desk.signed_in_as(&world, config).await;
        handle.link(&world.link("launch-1"));
        until(&handle, "the question", |s| s.first_link.is_some()).await;
        say(&handle, false);
        ended(&handle, EndedView::NotTheSame).await;
        becomes("nothing in the keychain", || desk.keychain.text().is_empty()).await;
        assert_eq!(words_sent(&world).len(), 1, "the relay was told nothing more");
        assert!(handle.state().borrow().first_link.is_none());
        // A yes that comes after it says nothing for whoever is next.
        handle.sign_in().await.unwrap();
        live(&handle).await;
        handle.same_person(1, true);
        assert_eq!(words_sent(&world).len(), 1);
    }
}

#[tokio::test]
async fn on_a_shared_workstation_a_yes_counts_with_a_new_sign_in_only() {
    for same in [true, false] {
        let (world, desk) = (World::start().await, Desk::new());
        world.state.lock().unwrap().launch_answers = vec![asks(None), (200, ().into())];
        let handle = desk.signed_in_as(&world, SHARED).await;
        handle.link(&world.link("launch-1"));
        let state = until(&handle, "the question", |s| s.first_link.is_some()).await;
        assert!(state.first_link.unwrap().sign_in_again);
        if !same {
            world.state.lock().unwrap().account = Some("somebody-else".into());
        }
        say(&handle, true);
        if same {
            until(&handle, "the visit", |s| s.open_visit.is_some() && s.first_link.is_none()).await;
            assert_eq!(words_sent(&world), [Value::Null, "word-1".into()]);
        } else {
            ended(&handle, EndedView::NotTheSame).await;
            assert_eq!(words_sent(&world).len(), 1);
        }
        assert_eq!(prompts(&world), ["select_account", "login"]);
    }
}

#[tokio::test]
async fn a_sign_in_for_this_very_launch_is_no_password_either() {
    let (world, desk) = (World::start().await, Desk::new());
    world.state.lock().unwrap().launch_answers = vec![asks(None), (200, ().into())];
    let handle = desk.signed_in_as(&world, SHARED).await;
    handle.sign_out().await.unwrap();
    handle.link(&world.link("launch-1"));
    until(&handle, "the wish for a sign-in", |s| s.launching.is_some()).await;
    handle.sign_in().await.unwrap();
    let state = until(&handle, "the question", |s| s.first_link.is_some()).await;
    assert!(state.first_link.unwrap().sign_in_again, "a browser may have signed in whoever was there before");
    say(&handle, true);
    until(&handle, "the visit", |s| s.open_visit.is_some()).await;
    assert_eq!(prompts(&world), ["select_account", "select_account", "login"]);
}

/// The relay's `unlink` while the companion runs on.
#[tokio::test]
async fn a_link_that_was_taken_back_is_asked_about_anew() {
    let (world, desk) = (World::start().await, Desk::new());
    world.state.lock().unwrap().launch_answers = vec![(200, ().into()), asks(None), (200, ().into())];
    let handle = desk.signed_in(&world).await;
    handle.link(&world.link("launch-1"));
    until(&handle, "the visit", |s| s.open_visit.is_some()).await;
    handle.link(&world.link("launch-2"));
    until(&handle, "the question", |s| s.first_link.is_some()).await;
    assert_eq!(words_sent(&world), [Value::Null, Value::Null], "nobody has said anything yet");
    say(&handle, true);
    becomes("the word has been sent", || words_sent(&world).len() == 3).await;
}

#[tokio::test]
async fn several_launches_at_once_ask_it_once() {
    let (world, desk) = (World::start().await, Desk::new());
    let (yes, no) = ((200, ().into()), asks(None));
    world.state.lock().unwrap().launch_answers = vec![no.clone(), no, yes.clone(), yes];
    let handle = desk.signed_in(&world).await;
    handle.link(&world.link("launch-1"));
    handle.link(&world.link("launch-2"));
    becomes("both have been asked", || words_sent(&world).len() == 2).await;
    until(&handle, "the question", |s| s.first_link.is_some()).await;
    say(&handle, true);
    let state = until(&handle, "both visits", |s| s.visits.len() == 2).await;
    assert!(state.first_link.is_none(), "it is not asked again");
    assert_eq!(words_sent(&world)[2..], ["word-1", "word-1"]);
}

#[tokio::test]
async fn a_tab_that_was_closed_is_opened_again_and_a_no_is_heard_meanwhile() {
    let (world, desk) = (World::start().await, Desk::new());
    world.state.lock().unwrap().launch_answers = vec![asks(None)];
    let handle = desk.signed_in_as(&world, SHARED).await;
    handle.link(&world.link("launch-1"));
    until(&handle, "the question", |s| s.first_link.is_some()).await;
    // Nobody comes back from the browser.
    world.state.lock().unwrap().nobody_answers = true;
    for tabs in [1, 2] {
        say(&handle, true);
        becomes("a tab", || prompts(&world).iter().filter(|it| *it == "login").count() == tabs).await;
        until(&handle, "the words for it", |s| s.first_link.as_ref().is_some_and(|it| it.signing_in)).await;
    }
    say(&handle, false);
    ended(&handle, EndedView::NotTheSame).await;
    assert_eq!(words_sent(&world).len(), 1);
}

#[tokio::test]
async fn an_answer_to_an_older_asking_is_none() {
    // The second click of two on Yes, and a No to what is no longer asked.
    for stale in [true, false] {
        let (world, desk) = (World::start().await, Desk::new());
        world.state.lock().unwrap().launch_answers = vec![asks(None)];
        let handle = desk.signed_in_as(&world, SHARED_AT_ALL).await;
        handle.link(&world.link("launch-1"));
        let state = until(&handle, "the question", |s| s.first_link.is_some()).await;
        world.state.lock().unwrap().nobody_answers = true;
        let tabs = || prompts(&world).iter().filter(|it| *it == "login").count();
        let first = state.first_link.unwrap().id;
        handle.same_person(first, true);
        becomes("a tab", || tabs() == 1).await;
        let state = until(&handle, "the next asking", |s| s.first_link.as_ref().is_some_and(|it| it.signing_in)).await;
        let second = state.first_link.unwrap().id;
        assert_ne!(first, second);
        handle.same_person(first, stale);
        handle.same_person(second + 1, stale);
        // The one that counts says the opposite, and is the first that is heard.
        handle.same_person(second, !stale);
        if stale {
            ended(&handle, EndedView::NotTheSame).await;
            assert_eq!(tabs(), 1, "it was done twice");
        } else {
            becomes("another tab", || tabs() == 2).await;
            assert_eq!(handle.state().borrow().session, SessionView::SignedIn);
        }
    }
}

#[tokio::test]
async fn the_question_goes_with_the_proof_that_it_is_about() {
    for confirming in [false, true] {
        let (world, desk) = (World::start().await, Desk::new());
        world.state.lock().unwrap().launch_answers = vec![asks(None), asks(None), (200, ().into())];
        world.state.lock().unwrap().nonce_seconds = Some(20);
        let handle = desk.signed_in_as(&world, if confirming { SHARED_AT_ALL } else { "" }).await;
        handle.link(&world.link("launch-1"));
        until(&handle, "the question", |s| s.first_link.is_some()).await;
        if confirming {
            world.state.lock().unwrap().nobody_answers = true;
            say(&handle, true);
            until(&handle, "the browser", |s| s.first_link.as_ref().is_some_and(|it| it.signing_in)).await;
        }
        let fronts = desk.front.0.load(Ordering::SeqCst);
        let state = until(&handle, "the end of it", |s| s.first_link.is_none()).await;
        let state = match state.problem {
            Some(_) => state,
            None => until(&handle, "the words", |s| s.problem.is_some()).await,
        };
        let said = state.problem.unwrap();
        assert_eq!((said.code, state.session), (ProblemCode::NonceRefused, SessionView::SignedIn));
        assert!(said.detail.ends_with("Begin the visit again from the chart."), "{}", said.detail);
        becomes("the window is in front", || desk.front.0.load(Ordering::SeqCst) > fronts).await;

        // A yes that comes after it, and was perhaps pressed before, links nobody.
        for id in 1..=3 {
            handle.same_person(id, true);
        }
        world.state.lock().unwrap().nobody_answers = false;
        world.state.lock().unwrap().nonce_seconds = None;
        handle.link(&world.link("launch-2"));
        until(&handle, "the question anew", |s| s.first_link.is_some()).await;
        assert_eq!(words_sent(&world), [Value::Null, Value::Null]);
        say(&handle, true);
        until(&handle, "the visit", |s| s.open_visit.is_some()).await;
    }
}

#[tokio::test]
async fn how_long_a_proof_is_good_is_told_by_the_relays_clock() {
    for ahead in [-3_600, 3_600] {
        let (world, desk) = (World::start().await, Desk::new());
        {
            let mut state = world.state.lock().unwrap();
            state.clock_ahead = ahead;
            state.nonce_seconds = Some(20);
            state.launch_answers = vec![asks(None)];
        }
        let handle = desk.signed_in(&world).await;
        handle.link(&world.link("launch-1"));
        until(&handle, "the question", |s| s.first_link.is_some()).await;
        let state = until(&handle, "the end of it", |s| s.problem.is_some()).await;
        assert_eq!(state.problem.unwrap().code, ProblemCode::NonceRefused);
    }
}

#[tokio::test]
async fn an_account_that_says_no_name_is_none() {
    for account in ["", " "] {
        let (world, desk) = (World::start().await, Desk::new());
        let mut nameless = asks(None);
        nameless.1["first_link"]["account"] = account.into();
        world.state.lock().unwrap().launch_answers = vec![nameless];
        let handle = desk.signed_in(&world).await;
        handle.link(&world.link("launch-1"));
        let state = until(&handle, "the question", |s| s.first_link.is_some()).await;
        assert_eq!(state.first_link.unwrap().account, None);
    }
}
