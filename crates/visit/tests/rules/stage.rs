//! The stage is read off: both must have been in the meeting at once before a visit is in progress.

use roomed_visit::{Command, LegState, Stage, Testimony};

use crate::story::{Story, at, clinician, doctor, guest, handed_over, ready};

#[test]
fn in_progress_needs_both_at_the_same_time() {
    let mut story = Story::new();
    story.hear(0, ready(0));
    assert!(matches!(story.stage(), Stage::Arrived { .. }));
    story.hear(10, clinician("c1", LegState::InCall, 10));
    story.hear(20, clinician("c1", LegState::Left, 20));
    story.hear(30, handed_over(30));
    story.hear(200, guest("g1", LegState::InCall, 200));
    assert!(matches!(story.stage(), Stage::Arrived { .. }), "they never met");
    story.hear(210, clinician("c2", LegState::InCall, 210));
    assert_eq!(story.stage(), Stage::InProgress { since: at(210) });
}

#[test]
fn roomed_by_staff_is_triaged() {
    let mut story = Story::new();
    story.hear(0, ready(0));
    story.hear(5, Testimony::Roomed { at: at(5) });
    assert!(matches!(story.stage(), Stage::Triaged { .. }));
}

#[test]
fn ended_without_a_patient_is_a_noshow() {
    let mut story = Story::new();
    story.decide(900, Command::End { by: doctor() });
    assert!(matches!(story.stage(), Stage::Noshow { .. }));
}

#[test]
fn cancelled_is_cancelled_even_after_the_close() {
    let mut story = Story::new();
    story.decide(5, Command::Cancel);
    assert_eq!(story.stage(), Stage::Cancelled { at: at(5) });
    assert!(story.visit.is_closed());
}
