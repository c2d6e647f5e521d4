//! Arrival is the earliest evidence by (time, rank), inside the early-join window, and of the patient only.

use roomed_visit::{Arrival, LegState, Source, Stage, Testimony};

use crate::story::{Story, at, clinician, guest, handed_over, page_opened, patient, ready};

#[test]
fn the_earliest_witness_wins_whatever_came_first() {
    let mut story = Story::new();
    story.hear(-100, ready(-100));
    let ehr = Testimony::Ready { participant: patient(), at: at(-160), source: Source::Ehr };
    let effects = story.hear(-90, ehr);
    assert_eq!(story.arrival(), Some(Arrival { at: at(-160), source: Source::Ehr }));
    assert!(effects.is_empty(), "an earlier witness corrects the time and alerts nobody twice: {effects:?}");
}

#[test]
fn at_equal_times_the_page_is_believed_before_the_ehr() {
    let mut story = Story::new();
    story.hear(0, Testimony::Ready { participant: patient(), at: at(-60), source: Source::Ehr });
    story.hear(0, ready(-60));
    assert_eq!(story.arrival().unwrap().source, Source::VisitPage);
}

#[test]
fn opening_the_page_or_testing_devices_is_no_arrival() {
    let mut story = Story::new();
    let effects = story.hear(-300, page_opened("p1", -300));
    assert_eq!(story.arrival(), None);
    assert!(effects.is_empty());
}

#[test]
fn before_the_window_nobody_arrives_and_who_still_waits_arrives_when_it_opens() {
    let mut story = Story::new();
    story.hear(-2_400, page_opened("p1", -2_400));
    assert!(story.hear(-2_400, ready(-2_400)).is_empty());
    assert_eq!(story.stage(), Stage::Planned);
    assert_eq!(story.visit.next_timer(at(-2_400)), Some(at(-1_800)));
    let opened = story.tick(-1_800);
    assert_eq!(opened.len(), 2, "the chart is told and an alert is raised: {opened:?}");
    assert_eq!(story.arrival().unwrap().at, at(-1_800));
}

#[test]
fn a_patient_in_the_lobby_has_arrived_by_the_roster() {
    let mut story = Story::new();
    story.hear(10, handed_over(10));
    story.hear(15, guest("g1", LegState::Waiting, 15));
    assert_eq!(story.arrival(), Some(Arrival { at: at(15), source: Source::Roster }));
}

#[test]
fn a_clinician_does_not_arrive() {
    let mut story = Story::new();
    story.hear(0, clinician("c1", LegState::InCall, 0));
    assert_eq!(story.arrival(), None);
}

#[test]
fn between_a_word_and_a_lobby_the_earlier_one_is_the_arrival() {
    for (word, lobby, expected) in [(100, 50, Source::Roster), (50, 100, Source::Ehr)] {
        let mut story = Story::new();
        story.hear(200, handed_over(10));
        story.hear(200, guest("g1", LegState::Waiting, lobby));
        story.hear(200, Testimony::Ready { participant: patient(), at: at(word), source: Source::Ehr });
        assert_eq!(story.arrival(), Some(Arrival { at: at(50), source: expected }));
    }
}
