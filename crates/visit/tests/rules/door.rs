//! One at a time through the door, the patient first, and nobody waits long for a phone that sleeps.

use roomed_visit::{Command, LegState, Policy, Presence};

use crate::people::{interpreter, page_of, ready_of, sent_in, with_everybody};
use crate::story::{Story, at, clinician, doctor, guest, handed_over, page_opened, patient, ready, visit_under};

fn two_wait() -> Story {
    let mut story = Story::new();
    story.visit = with_everybody(visit_under(Policy::default()));
    story.hear(0, page_of(interpreter(), "i1", 0));
    story.hear(1, ready_of(interpreter(), 1));
    story.hear(2, page_opened("p1", 2));
    story.hear(5, ready(5));
    story
}

#[test]
fn nobody_goes_in_before_a_clinician_calls() {
    let story = two_wait();
    assert!(!story.visit.may_enter(&patient(), at(20)));
}

#[test]
fn the_patient_goes_first_and_the_next_when_they_are_seen() {
    let mut story = two_wait();
    story.decide(20, Command::Call { by: doctor() });
    assert!(story.visit.may_enter(&patient(), at(20)));
    assert!(!story.visit.may_enter(&interpreter(), at(20)), "though they were ready first");
    story.hear(21, handed_over(21));
    assert!(!story.visit.may_enter(&interpreter(), at(22)), "the patient is on the way");
    story.hear(25, guest("g1", LegState::Waiting, 25));
    assert!(story.visit.may_enter(&interpreter(), at(25)), "the patient is seen");
    assert!(story.visit.may_enter(&patient(), at(25)), "and may come back at any time");
    story.hear(26, sent_in(interpreter(), 26));
    story.hear(30, guest("g2", LegState::InCall, 30));
    story.hear(31, guest("g1", LegState::InCall, 31));
    assert!(story.visit.unattributed().is_empty(), "each is known");
    assert_eq!(story.presence(&interpreter()), Presence::Connected { since: at(30) });
}

#[test]
fn a_phone_that_sleeps_holds_the_next_one_up_for_a_moment_only() {
    let mut story = two_wait();
    story.decide(20, Command::Call { by: doctor() });
    assert_eq!(story.visit.next_timer(at(20)), Some(at(35)), "the page is told when its turn comes");
    assert!(!story.visit.may_enter(&interpreter(), at(34)));
    assert!(story.visit.may_enter(&interpreter(), at(35)));
}

#[test]
fn somebody_on_the_way_who_never_comes_holds_nobody_up_for_long() {
    let mut story = two_wait();
    story.decide(20, Command::Call { by: doctor() });
    story.hear(30, handed_over(30));
    assert!(!story.visit.may_enter(&interpreter(), at(31)));
    assert_eq!(story.visit.next_timer(at(31)), Some(at(45)));
    assert!(story.visit.may_enter(&interpreter(), at(45)));
}

#[test]
fn whoever_says_again_and_again_that_they_are_on_the_way_holds_nobody_up() {
    let mut story = two_wait();
    story.decide(20, Command::Call { by: doctor() });
    for second in 0..10 {
        story.hear(21 + second, sent_in(interpreter(), 21 + second));
    }
    assert!(!story.visit.may_enter(&patient(), at(35)), "they set out at 21");
    assert!(story.visit.may_enter(&patient(), at(36)));
}

#[test]
fn a_guest_who_was_sent_away_is_not_in_the_queue() {
    let mut story = two_wait();
    story.decide(20, Command::Call { by: doctor() });
    story.decide(21, Command::Revoke { participant: interpreter() });
    assert!(matches!(story.presence(&interpreter()), Presence::Waiting { .. }), "for a moment");
    story.tick(120);
    assert!(matches!(story.presence(&interpreter()), Presence::Disconnected { .. }), "though their page is open");
}

#[test]
fn who_is_inside_comes_back_also_when_nobody_has_told_us_of_a_clinician() {
    let mut story = two_wait();
    assert!(!story.visit.may_enter(&patient(), at(20)));
    // Joined without the relay: no call is known, and the clinician's line is down again.
    story.hear(20, clinician("c1", LegState::InCall, 20));
    story.hear(21, handed_over(21));
    story.hear(25, guest("g1", LegState::InCall, 25));
    story.hear(90, clinician("c1", LegState::Left, 90));
    assert_eq!(story.visit.open_since(at(400)), None);
    assert!(story.visit.may_enter(&patient(), at(400)), "they are in it");
    assert!(!story.visit.may_enter(&interpreter(), at(400)), "and nobody else goes in");
}
