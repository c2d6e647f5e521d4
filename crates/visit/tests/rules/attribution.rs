//! A guest is the patient only when exactly one handed-over person is outstanding; everybody else is in no chart.

use roomed_visit::{
    Effect, Identity, LegId, LegState, Oid, Participant, ParticipantId, Plan, Policy, Presence, Testimony, Visit,
    VisitEvent, apply,
};

use crate::story::{Story, at, guest, handed_over, patient};

#[test]
fn the_one_outstanding_guest_is_the_patient() {
    let mut story = Story::new();
    story.hear(10, handed_over(10));
    story.hear(20, guest("g1", LegState::InCall, 20));
    assert!(matches!(story.presence(&patient()), Presence::Connected { .. }));
    assert!(story.visit.unattributed().is_empty());
}

#[test]
fn a_guest_nobody_handed_over_is_shown_and_never_written() {
    let mut story = Story::new();
    let effects = story.hear(20, guest("stranger", LegState::InCall, 20));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::WriteBack { .. })), "{effects:?}");
    assert_eq!(story.visit.unattributed().len(), 1);
}

#[test]
fn a_second_guest_is_a_stranger() {
    let mut story = Story::new();
    story.hear(10, handed_over(10));
    story.hear(20, guest("g1", LegState::InCall, 20));
    story.hear(30, guest("g2", LegState::InCall, 30));
    assert_eq!(story.visit.unattributed().iter().map(|(id, ..)| id.clone()).collect::<Vec<_>>(), [LegId::new("g2")]);
}

#[test]
fn a_guest_who_was_there_before_the_handover_is_a_stranger() {
    let mut story = Story::new();
    story.hear(30, handed_over(30));
    story.hear(31, guest("early", LegState::InCall, 5));
    assert_eq!(story.visit.unattributed().len(), 1);
}

#[test]
fn a_quick_rejoin_is_the_patient_and_a_late_guest_on_a_forwarded_link_is_not() {
    let mut story = Story::new();
    story.hear(10, handed_over(10));
    story.hear(20, guest("g1", LegState::InCall, 20));
    story.hear(100, guest("g1", LegState::Left, 100));
    story.hear(120, guest("g2", LegState::InCall, 120));
    assert!(matches!(story.presence(&patient()), Presence::Connected { .. }));
    story.hear(200, guest("g2", LegState::Left, 200));
    story.hear(900, guest("g3", LegState::InCall, 900));
    assert!(matches!(story.presence(&patient()), Presence::Disconnected { .. }));
    assert_eq!(story.visit.unattributed().len(), 1);
}

#[test]
fn a_new_handover_frees_a_patient_whose_old_leg_is_still_said_to_be_there() {
    let mut story = Story::new();
    story.hear(10, handed_over(10));
    story.hear(20, guest("g1", LegState::InCall, 20));
    story.hear(60, handed_over(60));
    story.hear(65, guest("g2", LegState::InCall, 65));
    assert!(story.visit.unattributed().is_empty());
}

#[test]
fn with_two_people_outstanding_a_guest_is_neither() {
    let twins = [ParticipantId::new("a"), ParticipantId::new("b")];
    let people = twins.clone().map(|id| (id, Participant::patient()));
    let mut visit = Visit::open(Plan { start: at(0), end: at(1_800) }, Policy::default(), people);
    for participant in twins {
        let event = VisitEvent::Witnessed(Testimony::HandedOver { participant, at: at(10) });
        visit = apply(visit, &event, at(10)).visit;
    }
    let roster = VisitEvent::Witnessed(guest("g1", LegState::InCall, 20));
    let transition = apply(visit, &roster, at(20));
    assert_eq!(transition.effects, []);
    assert_eq!(transition.visit.unattributed().len(), 1);
}

#[test]
fn a_colleague_of_the_tenant_who_is_not_of_the_visit_is_no_clinician_of_it() {
    let mut story = Story::new();
    let identity = Identity::User(Oid::new("somebody-else"));
    let effects =
        story.hear(5, Testimony::Roster { leg: LegId::new("u1"), identity, state: LegState::InCall, at: at(5) });
    assert_eq!(effects, []);
    assert_eq!(story.visit.unattributed().len(), 1);
}

#[test]
fn a_leg_first_seen_without_a_name_is_attributed_once_it_is_known() {
    let mut story = Story::new();
    story.hear(10, handed_over(10));
    let unknown =
        Testimony::Roster { leg: LegId::new("g1"), identity: Identity::Unknown, state: LegState::Waiting, at: at(12) };
    story.hear(12, unknown);
    assert!(story.visit.unattributed().is_empty(), "a leg nobody named is nobody yet");
    story.hear(13, guest("g1", LegState::InCall, 13));
    assert!(matches!(story.presence(&patient()), Presence::Connected { .. }));
}

#[test]
fn whoever_goes_back_to_the_meeting_they_are_in_is_not_taken_for_the_next_guest() {
    let mut story = Story::new();
    story.hear(0, handed_over(0));
    story.hear(10, guest("g1", LegState::InCall, 10));
    // *Back to the meeting*: Teams only comes to the front.
    story.hear(100, handed_over(100));
    story.hear(300, guest("g2", LegState::InCall, 300));
    assert_eq!(story.visit.unattributed().len(), 1, "a stranger, while the patient is in");
    // Had the old leg been dead, the new one is theirs as soon as Teams says so.
    story.hear(305, guest("g1", LegState::Left, 305));
    assert_eq!(story.visit.unattributed().len(), 0);
}
