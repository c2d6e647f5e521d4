//! The EHR's appointment may change: times move, clinicians are replaced; nobody who is part of what happened is lost.

use roomed_visit::{Command, Effect, Oid, ParticipantId, Plan};

use crate::story::{Story, at, doctor, doctor_oid, patient, ready};

fn colleague() -> (ParticipantId, Option<Oid>) {
    (ParticipantId::new("colleague"), Some(Oid::new("oid-colleague")))
}

fn refresh(practitioners: Vec<(ParticipantId, Option<Oid>)>) -> Command {
    Command::Refresh { plan: Plan { start: at(3_600), end: at(5_400) }, practitioners }
}

#[test]
fn a_moved_appointment_moves_the_window() {
    let mut story = Story::new();
    story.decide(-1_000, refresh(vec![(doctor(), None)]));
    assert_eq!(story.visit.opens_at(), at(1_800));
    story.hear(0, ready(0));
    assert_eq!(story.arrival(), None, "too early for the new time");
}

#[test]
fn a_reassigned_visit_is_the_new_clinicians() {
    let mut story = Story::new();
    story.decide(-1_000, refresh(vec![colleague()]));
    let people: Vec<_> = story.visit.participants().filter_map(|(_, person)| person.oid().cloned()).collect();
    assert_eq!(people, [Oid::new("oid-colleague")]);
}

#[test]
fn who_has_launched_stays() {
    let mut story = Story::new();
    story.decide(-1_100, Command::Launched { participant: doctor(), oid: doctor_oid(), covering: false });
    story.decide(-1_000, refresh(vec![colleague()]));
    assert!(story.visit.practitioner(&doctor_oid()).is_some());
    assert!(story.visit.practitioner(&Oid::new("oid-colleague")).is_some());
}

#[test]
fn a_link_made_later_is_learned_and_a_known_one_is_kept() {
    let mut story = Story::new();
    story.decide(-1_000, refresh(vec![(doctor(), Some(Oid::new("somebody-else")))]));
    assert!(story.visit.practitioner(&doctor_oid()).is_some(), "a refresh does not change who somebody is");
}

#[test]
fn a_clinician_who_takes_over_while_the_patient_waits_is_alerted() {
    let mut story = Story::new();
    story.hear(0, ready(0));
    let effects = story
        .decide(60, Command::Refresh { plan: Plan { start: at(0), end: at(1_800) }, practitioners: vec![colleague()] });
    assert_eq!(effects, [Effect::RaiseAlert { who: patient(), since: at(0) }]);
    let again = Command::Refresh { plan: Plan { start: at(0), end: at(1_800) }, practitioners: vec![colleague()] };
    assert_eq!(story.decide(61, again), [], "the same appointment is no news");
}

#[test]
fn an_alert_that_no_longer_holds_is_withdrawn_even_if_somebody_new_is_on_the_appointment() {
    let mut story = Story::new();
    story.hear(0, ready(0));
    // Moved by hours and given to a colleague: too early for the new time, so nobody waits any more.
    let moved = Plan { start: at(14_400), end: at(16_200) };
    let effects = story.decide(60, Command::Refresh { plan: moved, practitioners: vec![colleague()] });
    assert!(effects.contains(&Effect::WithdrawAlert), "{effects:?}");
    assert!(!story.visit.alert_stands());
}
