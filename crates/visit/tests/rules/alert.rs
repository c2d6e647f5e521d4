//! The alert stands while a patient waits whom nobody has taken on, is raised once per stay, and is taken down once.

use roomed_visit::{Command, Effect, LegState};

use crate::story::{
    Story, at, clinician, doctor, doctor_oid, guest, handed_over, page_closed, page_opened, patient, ready,
};

fn waiting() -> Story {
    let mut story = Story::new();
    story.hear(0, page_opened("p1", 0));
    let effects = story.hear(5, ready(5));
    assert!(effects.contains(&Effect::RaiseAlert { who: patient(), since: at(5) }), "{effects:?}");
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
    assert!(effects.contains(&Effect::RaiseAlert { who: patient(), since: at(300) }), "{effects:?}");
}

#[test]
fn a_clinician_already_inside_needs_no_alert() {
    let mut story = Story::new();
    story.hear(0, clinician("c1", LegState::InCall, 0));
    story.hear(5, page_opened("p1", 5));
    let effects = story.hear(6, ready(6));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::RaiseAlert { .. })), "{effects:?}");
}

#[test]
fn a_clinician_who_pressed_join_and_never_came_is_reminded() {
    let mut story = waiting();
    story.decide(10, Command::Call { by: doctor() });
    assert_eq!(story.visit.next_timer(at(10)), Some(at(190)));
    assert_eq!(story.tick(189), []);
    assert_eq!(story.tick(190), [Effect::RaiseAlert { who: patient(), since: at(5) }]);
}

#[test]
fn a_patient_who_stays_in_the_meeting_after_the_visit_is_no_arrival() {
    let mut story = waiting();
    story.decide(10, Command::Call { by: doctor() });
    story.hear(20, clinician("c1", LegState::InCall, 20));
    story.hear(30, handed_over(30));
    story.hear(40, guest("g1", LegState::InCall, 40));
    story.hear(900, clinician("c1", LegState::Left, 900));
    let effects = story.tick(1_200);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::RaiseAlert { .. })), "{effects:?}");
}

#[test]
fn a_clinician_who_left_before_the_patient_was_let_in_is_reminded() {
    let mut story = waiting();
    story.decide(10, Command::Call { by: doctor() });
    story.hear(20, clinician("c1", LegState::InCall, 20));
    story.hear(300, clinician("c1", LegState::Left, 300));
    let effects = story.tick(390);
    assert!(effects.contains(&Effect::RaiseAlert { who: patient(), since: at(5) }), "{effects:?}");
}

#[test]
fn an_alert_nobody_takes_on_goes_to_the_delegates_once() {
    let mut story = waiting();
    assert_eq!(story.visit.next_timer(at(5)), Some(at(305)));
    assert_eq!(story.tick(304), []);
    assert_eq!(story.tick(305), [Effect::Escalate { who: patient(), since: at(5) }]);
    assert_eq!(story.tick(900), []);
}

#[test]
fn who_was_told_of_an_earlier_stay_has_not_been_told_of_this_one() {
    let mut story = waiting();
    story.decide(6, Command::Told { delegate: false });
    assert_eq!(story.visit.decisions().told.clinician, Some(at(6)));
    story.hear(20, page_closed("p1", 20));
    story.tick(200);
    story.hear(300, page_opened("p2", 300));
    assert_eq!(story.visit.decisions().told.clinician, None);
}
