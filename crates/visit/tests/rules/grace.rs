//! A reload, a locked phone or the way from our page to Teams is no disconnect; a real leave is one.

use roomed_visit::{ChartStatus, ConnectedAt, Effect, LegState, Policy, Presence, Source};

use crate::story::{
    Story, at, call_ended, clinician, doctor, guest, handed_over, page_closed, page_opened, patient, ready,
};

fn chart_of(effects: &[Effect]) -> Vec<ChartStatus> {
    let of_patient = |effect: &Effect| match effect {
        Effect::WriteBack { participant, status, .. } if *participant == patient() => Some(*status),
        _ => None,
    };
    effects.iter().filter_map(of_patient).collect()
}

#[test]
fn a_reload_within_grace_changes_nothing() {
    let mut story = Story::new();
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    story.hear(20, page_closed("p1", 20));
    story.tick(60);
    assert!(matches!(story.presence(&patient()), Presence::Waiting { .. }));
    story.hear(61, page_opened("p2", 61));
    story.tick(400);
    assert_eq!(story.presence(&patient()), Presence::Waiting { since: at(5), source: Source::VisitPage });
    assert_eq!(chart_of(&story.effects), [ChartStatus::Connected]);
}

#[test]
fn a_closed_page_becomes_a_disconnect_when_the_grace_has_run() {
    let mut story = Story::new();
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    story.hear(20, page_closed("p1", 20));
    assert_eq!(story.visit.next_timer(at(20)), Some(at(110)));
    assert!(story.tick(109).is_empty());
    let effects = story.tick(110);
    assert_eq!(chart_of(&effects), [ChartStatus::Disconnected]);
    assert!(effects.contains(&Effect::WithdrawAlert), "nobody waits any more: {effects:?}");
    assert_eq!(story.presence(&patient()), Presence::Disconnected { at: at(20), source: Source::VisitPage });
}

#[test]
fn the_way_from_our_page_to_teams_is_one_stay() {
    let mut story = Story::new();
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    story.hear(30, handed_over(30));
    story.hear(31, page_closed("p1", 31));
    story.hear(50, guest("g1", LegState::Waiting, 50));
    story.hear(60, guest("g1", LegState::InCall, 60));
    story.tick(500);
    assert_eq!(story.presence(&patient()), Presence::Connected { since: at(60) });
    assert_eq!(chart_of(&story.effects), [ChartStatus::Connected]);
}

#[test]
fn a_page_left_open_behind_the_meeting_does_not_keep_the_patient_there() {
    let mut story = Story::new();
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    story.hear(30, handed_over(30));
    story.hear(40, guest("g1", LegState::InCall, 40));
    story.hear(300, guest("g1", LegState::Left, 300));
    story.tick(391);
    assert_eq!(story.presence(&patient()), Presence::Disconnected { at: at(300), source: Source::Roster });
}

#[test]
fn a_look_at_the_page_during_the_meeting_is_not_what_the_leave_rests_on() {
    let mut story = Story::new();
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    story.hear(30, handed_over(30));
    story.hear(31, page_closed("p1", 31));
    story.hear(40, guest("g1", LegState::InCall, 40));
    story.hear(100, page_opened("p2", 100));
    story.hear(110, page_closed("p2", 110));
    story.hear(300, guest("g1", LegState::Left, 300));
    story.tick(391);
    assert_eq!(story.presence(&patient()), Presence::Disconnected { at: at(300), source: Source::Roster });
}

#[test]
fn when_the_call_ends_everybody_in_it_is_out_at_once() {
    let mut story = Story::new();
    story.hear(0, handed_over(0));
    story.hear(10, clinician("c1", LegState::InCall, 10));
    story.hear(20, guest("g1", LegState::InCall, 20));
    let effects = story.hear(300, call_ended(300));
    let out =
        effects.iter().filter(|e| matches!(e, Effect::WriteBack { status: ChartStatus::Disconnected, .. })).count();
    assert_eq!(out, 2, "{effects:?}");
    assert!(matches!(story.presence(&doctor()), Presence::Disconnected { .. }));
}

#[test]
fn a_second_sitting_after_the_call_ended_counts_anew() {
    let mut story = Story::new();
    story.hear(10, clinician("c1", LegState::InCall, 10));
    story.hear(100, call_ended(100));
    story.hear(200, clinician("c2", LegState::InCall, 200));
    assert_eq!(story.presence(&doctor()), Presence::Connected { since: at(200) });
}

#[test]
fn a_late_word_of_joining_does_not_bring_back_who_has_left() {
    let mut story = Story::new();
    story.hear(50, clinician("c1", LegState::Left, 40));
    story.hear(51, clinician("c1", LegState::InCall, 10));
    story.tick(200);
    assert_eq!(story.presence(&doctor()), Presence::Disconnected { at: at(40), source: Source::Roster });
}

#[test]
fn under_admitted_the_chart_hears_of_the_patient_only_once_they_are_in() {
    let mut story = Story::under(Policy { connected_at: ConnectedAt::Admitted, ..Policy::default() });
    story.hear(0, page_opened("p1", 0));
    assert!(chart_of(&story.hear(5, ready(5))).is_empty());
    story.hear(30, handed_over(30));
    assert!(chart_of(&story.hear(40, guest("g1", LegState::Waiting, 40))).is_empty());
    assert_eq!(chart_of(&story.hear(60, guest("g1", LegState::InCall, 60))), [ChartStatus::Connected]);
}
