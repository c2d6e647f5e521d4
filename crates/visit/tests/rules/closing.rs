//! A visit closes on the clinician's end, after a quiet ten minutes, or two hours late; the rest is unverified.

use roomed_visit::{CloseReason, Command, Effect, LegState, Stage};

use crate::story::{
    Story, at, call_ended, clinician, doctor, doctor_oid, guest, handed_over, page_opened, patient, ready,
};

fn met() -> Story {
    let mut story = Story::new();
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    story.hear(10, clinician("c1", LegState::InCall, 10));
    story.hear(12, handed_over(12));
    story.hear(20, guest("g1", LegState::InCall, 20));
    story
}

fn reason(story: &Story) -> Option<CloseReason> {
    story.visit.decisions().closed.as_ref().map(|closed| closed.reason.clone())
}

#[test]
fn ended_with_somebody_inside_is_closing_until_a_witness_sees_them_leave() {
    let mut story = met();
    let effects = story.decide(100, Command::End { by: doctor() });
    assert!(story.visit.is_closing());
    assert!(!effects.iter().any(|e| matches!(e, Effect::WriteBack { .. })), "no disconnect is invented: {effects:?}");
    story.hear(110, clinician("c1", LegState::Left, 110));
    assert!(story.visit.is_closing());
    let effects = story.hear(120, guest("g1", LegState::Left, 120));
    assert_eq!(effects.last(), Some(&Effect::Closed));
    assert_eq!(reason(&story), Some(CloseReason::Ended));
}

#[test]
fn who_begins_again_what_is_being_left_goes_on_with_it() {
    let mut story = met();
    story.decide(100, Command::End { by: doctor() });
    assert!(story.visit.is_closing());
    story.decide(500, Command::Launched { participant: doctor(), oid: doctor_oid(), covering: false });
    assert!(!story.visit.is_closing() && story.visit.undo_until().is_none(), "nobody is asked to leave, or removed");
    assert!(matches!(story.stage(), Stage::InProgress { .. }));
    story.hear(600, clinician("c1", LegState::Left, 600));
    story.hear(600, guest("g1", LegState::Left, 600));
    assert!(!story.visit.is_closed(), "leaving is not ending");
}

#[test]
fn a_quiet_ten_minutes_after_the_call_close_it() {
    let mut story = met();
    story.hear(300, call_ended(300));
    assert_eq!(story.visit.next_timer(at(300)), Some(at(900)));
    story.tick(899);
    assert!(!story.visit.is_closed());
    assert_eq!(story.tick(900), [Effect::Closed]);
    assert_eq!(reason(&story), Some(CloseReason::CallEnded));
}

#[test]
fn a_patient_who_comes_back_keeps_it_open() {
    let mut story = met();
    story.hear(300, call_ended(300));
    story.hear(600, page_opened("p2", 600));
    story.tick(2_000);
    assert!(!story.visit.is_closed());
}

#[test]
fn two_hours_late_it_closes_and_names_whose_leaving_nobody_saw() {
    let mut story = met();
    story.hear(1_800, clinician("c1", LegState::Left, 1_800));
    story.tick(1_800 + 7_200);
    let closed = story.visit.decisions().closed.clone().unwrap();
    assert_eq!(closed.reason, CloseReason::TimedOut);
    assert_eq!(closed.unverified, [patient()]);
}

#[test]
fn a_visit_that_runs_late_is_not_closed_under_the_clinician() {
    let mut story = met();
    story.tick(1_800 + 7_200);
    assert!(!story.visit.is_closed());
    story.tick(1_800 + 86_400);
    assert_eq!(story.visit.decisions().closed.clone().unwrap().unverified, [doctor(), patient()]);
}

#[test]
fn lateness_never_closes_what_has_just_begun() {
    let mut story = Story::new();
    let launched = Command::Launched { participant: doctor(), oid: doctor_oid(), covering: false };
    story.decide(1_800 + 9_000, launched);
    assert!(!story.visit.is_closed());
    story.tick(1_800 + 9_000 + 7_200);
    assert!(story.visit.is_closed());
}

#[test]
fn beginning_again_from_the_chart_goes_on_with_a_closed_visit() {
    let mut story = met();
    story.hear(90, call_ended(90));
    story.decide(100, Command::End { by: doctor() });
    assert!(story.visit.is_closed());
    let again = Command::Launched { participant: doctor(), oid: doctor_oid(), covering: false };
    story.decide(1_200, again.clone());
    assert!(matches!(story.stage(), Stage::InProgress { .. }));
    let mut cancelled = Story::new();
    cancelled.decide(5, Command::Cancel);
    cancelled.decide(6, again);
    assert!(cancelled.visit.is_closed(), "a cancelled one stays cancelled");
}

#[test]
fn the_end_can_be_taken_back_for_five_minutes() {
    let mut story = met();
    story.hear(90, call_ended(90));
    story.decide(100, Command::End { by: doctor() });
    assert!(story.visit.is_closed());
    story.decide(399, Command::UndoEnd);
    assert!(matches!(story.stage(), Stage::InProgress { .. }));
    story.decide(400, Command::End { by: doctor() });
    story.decide(800, Command::UndoEnd);
    assert!(story.visit.is_closed(), "too late");
}

#[test]
fn after_the_close_everything_is_only_counted() {
    let mut story = met();
    story.hear(90, call_ended(90));
    story.decide(100, Command::End { by: doctor() });
    let before = story.stage();
    assert_eq!(story.hear(101, guest("g9", LegState::InCall, 101)), []);
    assert_eq!(story.stage(), before);
}
