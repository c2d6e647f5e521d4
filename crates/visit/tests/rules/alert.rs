//! The alert stands while a patient waits whom nobody has taken on, is raised once per stay, and is taken down once.

use roomed_visit::{Command, Effect, LegState};

use crate::story::{Story, at, clinician, doctor, doctor_oid, page_closed, page_opened, ready};

fn waiting() -> Story {
    let mut story = Story::new();
    story.hear(0, page_opened("p1", 0));
    let effects = story.hear(5, ready(5));
    assert!(effects.contains(&Effect::RaiseAlert { since: at(5) }), "{effects:?}");
    story
}

#[test]
fn a_doubled_ready_raises_no_second_alert() {
    let mut story = waiting();
    assert_eq!(story.hear(6, ready(6)), []);
    assert_eq!(story.hear(7, ready(5)), []);
}

#[test]
fn acknowledging_takes_it_down() {
    let mut story = waiting();
    let effects = story.decide(10, Command::Acknowledge { by: doctor_oid() });
    assert_eq!(effects, [Effect::WithdrawAlert]);
    assert_eq!(story.tick(60), []);
}

#[test]
fn joining_takes_it_down() {
    let mut story = waiting();
    assert_eq!(story.decide(10, Command::Call { by: doctor() }), [Effect::WithdrawAlert]);
    let mut story = waiting();
    let effects = story.hear(10, clinician("c1", LegState::InCall, 10));
    assert!(effects.contains(&Effect::WithdrawAlert), "{effects:?}");
}

#[test]
fn a_patient_who_left_and_came_back_is_news_again() {
    let mut story = waiting();
    story.decide(10, Command::Acknowledge { by: doctor_oid() });
    story.hear(20, page_closed("p1", 20));
    story.tick(200);
    let effects = story.hear(300, page_opened("p2", 300));
    assert!(effects.contains(&Effect::RaiseAlert { since: at(300) }), "{effects:?}");
}

#[test]
fn a_clinician_already_inside_needs_no_alert() {
    let mut story = Story::new();
    story.hear(0, clinician("c1", LegState::InCall, 0));
    story.hear(5, page_opened("p1", 5));
    let effects = story.hear(6, ready(6));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::RaiseAlert { .. })), "{effects:?}");
}
