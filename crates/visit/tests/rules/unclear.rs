//! Two people were sent to the meeting at once, and two guests are in it: nobody can tell who is who. Nothing is invented
//! of either, and the visit does not close over their heads. The door makes this rare.

use roomed_visit::{ChartStatus, Command, Effect, LegState, Policy, Presence, Stage, Testimony};

use crate::people::{interpreter, page_of, ready_of, sent_in, told, with_everybody};
use crate::story::{
    Story, at, clinician, doctor, guest, handed_over, page_closed, page_opened, patient, ready, visit_under,
};

/// Both waited, both were sent in within a second, and two guests appeared.
fn two_at_once() -> Story {
    let mut story = Story::new();
    story.visit = with_everybody(visit_under(Policy::default()));
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    story.hear(6, page_of(interpreter(), "i1", 6));
    story.hear(7, ready_of(interpreter(), 7));
    story.hear(30, handed_over(30));
    story.hear(31, sent_in(interpreter(), 31));
    story.hear(40, guest("g1", LegState::InCall, 40));
    story.hear(41, guest("g2", LegState::InCall, 41));
    story.hear(42, page_closed("p1", 42));
    story
}

#[test]
fn who_is_perhaps_there_was_not_seen_to_leave() {
    let mut story = two_at_once();
    story.tick(500);
    assert_eq!(story.presence(&patient()), Presence::Unclear { since: at(5) });
    assert_eq!(told(&story.effects), ["patient Connected"], "no disconnect is made up");
    // One of the two leaves: still nobody knows which.
    story.hear(600, guest("g1", LegState::Left, 600));
    story.tick(800);
    assert_eq!(story.presence(&patient()), Presence::Unclear { since: at(5) });
    // The last one leaves: whichever was the patient's, they are gone.
    story.hear(900, guest("g2", LegState::Left, 900));
    let effects = story.tick(990);
    assert_eq!(told(&effects), ["patient Disconnected"]);
}

#[test]
fn a_stranger_who_turns_up_long_after_is_not_taken_for_them() {
    let mut story = Story::new();
    story.visit = with_everybody(visit_under(Policy::default()));
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    story.hear(30, handed_over(30));
    story.hear(31, sent_in(interpreter(), 31));
    story.tick(635);
    assert!(matches!(story.presence(&patient()), Presence::Disconnected { .. }), "nobody came");
    story.hear(900, guest("g1", LegState::InCall, 900));
    assert!(matches!(story.presence(&patient()), Presence::Disconnected { .. }));
}

#[test]
fn nobody_is_said_to_have_left_a_lobby_of_which_teams_tells_nobody() {
    let mut story = Story::new();
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    story.hear(30, handed_over(30));
    story.hear(31, page_closed("p1", 31));
    for seconds in [60, 125, 300, 620] {
        story.tick(seconds);
        assert!(matches!(story.presence(&patient()), Presence::Waiting { .. }), "on the way for {seconds} s");
    }
    story.hear(625, guest("g1", LegState::InCall, 625));
    assert!(matches!(story.presence(&patient()), Presence::Connected { .. }));
    assert_eq!(told(&story.effects), ["patient Connected"], "once, and nothing invented in between");
}

#[test]
fn whoever_goes_back_to_the_meeting_is_on_the_way_again_and_who_says_that_they_leave_is_not() {
    let mut story = Story::new();
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    story.hear(30, handed_over(30));
    story.hear(40, guest("g1", LegState::InCall, 40));
    story.hear(200, guest("g1", LegState::Left, 200));
    story.hear(210, handed_over(210));
    story.tick(700);
    assert!(!matches!(story.presence(&patient()), Presence::Disconnected { .. }), "perhaps in the lobby");
    story.hear(710, Testimony::Left { participant: patient(), at: at(710) });
    assert!(matches!(story.presence(&patient()), Presence::Disconnected { .. }));
}

#[test]
fn a_page_that_was_gone_a_moment_before_it_said_that_it_sends_its_person_has_sent_them() {
    let mut story = Story::new();
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    story.hear(30, page_closed("p1", 30));
    story.hear(31, handed_over(31));
    story.tick(600);
    assert!(matches!(story.presence(&patient()), Presence::Waiting { .. }), "{:?}", story.presence(&patient()));
    story.tick(632);
    assert!(matches!(story.presence(&patient()), Presence::Disconnected { .. }));
}

#[test]
fn a_visit_stays_closing_while_somebody_unattributed_is_inside() {
    let mut story = two_at_once();
    story.hear(43, clinician("c1", LegState::InCall, 43));
    story.decide(700, Command::End { by: doctor() });
    story.hear(701, clinician("c1", LegState::Left, 701));
    assert!(story.visit.is_closing(), "two people are still in the meeting");
    story.hear(710, guest("g1", LegState::Left, 710));
    assert!(story.visit.is_closing());
    let effects = story.hear(720, guest("g2", LegState::Left, 720));
    assert!(effects.contains(&Effect::Closed), "{effects:?}");
    let patients =
        |effect: &&Effect| matches!(effect, Effect::WriteBack { participant, .. } if *participant == patient());
    let last = story.effects.iter().rfind(patients);
    assert!(matches!(last, Some(Effect::WriteBack { status: ChartStatus::Disconnected, .. })), "{last:?}");
}

#[test]
fn what_a_clinician_says_of_a_stranger_is_shown_and_written_to_no_chart() {
    let mut story = two_at_once();
    let before = story.effects.len();
    story.decide(50, Command::Assign { leg: roomed_visit::LegId::new("g2"), to: Some(interpreter()) });
    assert_eq!(story.presence(&interpreter()), Presence::Connected { since: at(41) });
    assert_eq!(story.visit.assigned(&roomed_visit::LegId::new("g2")), Some(&interpreter()));
    assert_eq!(told(&story.effects[before..]), Vec::<String>::new());
    // What is the interpreter's can no longer be the patient's: the patient's own guess ends with the other leg.
    story.hear(600, guest("g1", LegState::Left, 600));
    assert_eq!(told(&story.tick(690)), ["patient Disconnected"]);
    // A mistake can be put right, and what is attributed already cannot be given away.
    story.decide(700, Command::Assign { leg: roomed_visit::LegId::new("g2"), to: None });
    assert_eq!(story.visit.assigned(&roomed_visit::LegId::new("g2")), None);
    story.decide(701, Command::Assign { leg: roomed_visit::LegId::new("p1"), to: Some(interpreter()) });
    assert_eq!(story.visit.assigned(&roomed_visit::LegId::new("p1")), None);
}

#[test]
fn perhaps_there_is_reason_enough_to_be_alerted() {
    let mut story = two_at_once();
    assert!(story.visit.alert_stands(), "nobody has taken it on");
    story.hear(43, clinician("c1", LegState::InCall, 43));
    assert!(!story.visit.alert_stands());
    // They were in the meeting together: that the clinician leaves first is no new arrival.
    story.hear(700, clinician("c1", LegState::Left, 700));
    story.tick(1_000);
    assert!(!story.visit.alert_stands());
    assert!(matches!(story.stage(), Stage::Arrived { .. }), "whom they met is not known");
}
