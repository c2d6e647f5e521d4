//! After a restore from a backup: nothing is said on old evidence, and the next witness has it said once more.

use roomed_visit::{ChartStatus, Command, Effect, LegState};

use crate::story::{Story, clinician, doctor, page_closed, page_opened, patient, ready};

/// What the chart is told of the patient: the status, and whether it may know already.
fn told(effects: &[Effect]) -> Vec<(ChartStatus, bool)> {
    let of_patient = |effect: &Effect| match effect {
        Effect::WriteBack { participant, status, again, .. } if *participant == patient() => Some((*status, *again)),
        _ => None,
    };
    effects.iter().filter_map(of_patient).collect()
}

fn restored_while_the_patient_waits() -> Story {
    let mut story = Story::new();
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    assert_eq!(told(&story.effects), [(ChartStatus::Connected, false)]);
    assert!(told(&story.decide(600, Command::Restored)).is_empty(), "old evidence says nothing about now");
    story
}

#[test]
fn the_next_witness_has_it_said_again_once() {
    let mut story = restored_while_the_patient_waits();
    assert!(told(&story.tick(601)).is_empty());
    // The relay closes the pages of its last run; while they may come back, nothing is plain.
    assert!(told(&story.hear(602, page_closed("p1", 602))).is_empty());
    let effects = story.hear(610, page_opened("p2", 610));
    assert!(!story.visit.is_in_doubt());
    assert_eq!(told(&effects), [(ChartStatus::Connected, true)]);
    assert!(told(&story.hear(620, page_opened("p3", 620))).is_empty(), "once is enough");
}

#[test]
fn who_does_not_come_back_is_said_to_be_gone() {
    let mut story = restored_while_the_patient_waits();
    story.hear(602, page_closed("p1", 602));
    assert_eq!(told(&story.tick(692)), [(ChartStatus::Disconnected, false)]);
}

#[test]
fn time_alone_makes_nothing_of_what_the_backup_says() {
    let mut story = Story::new();
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    story.hear(20, page_closed("p1", 20));
    // The backup was made within the grace period; the restore is long after it.
    assert!(told(&story.decide(600, Command::Restored)).is_empty());
    assert!(told(&story.tick(700)).is_empty());
    assert!(story.visit.is_in_doubt());
    assert_eq!(told(&story.hear(710, page_opened("p2", 710))), [(ChartStatus::Connected, true)]);
}

#[test]
fn a_witness_of_somebody_else_or_of_an_earlier_time_says_nothing() {
    let mut story = restored_while_the_patient_waits();
    assert!(told(&story.hear(610, clinician("c", LegState::InCall, 610))).is_empty());
    assert!(told(&story.hear(611, ready(400))).is_empty(), "said before the restore");
    assert!(story.visit.participant(&doctor()).is_some());
}

#[test]
fn a_disconnect_the_chart_may_not_show_is_said_again() {
    let mut story = restored_while_the_patient_waits();
    story.hear(602, page_closed("p1", 602));
    story.tick(692);
    story.decide(700, Command::Restored);
    // They came and went while nobody listened; only the going is heard of.
    story.hear(720, page_closed("p1", 720));
    assert_eq!(told(&story.effects).last(), Some(&(ChartStatus::Disconnected, true)));
}
