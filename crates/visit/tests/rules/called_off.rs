//! A cancellation in the EHR: at once for whoever waits or is alone, and for those who talk once the clinician has left.

use roomed_visit::{
    CloseReason, Command, Effect, Identity, LegId, LegState, Oid, Presence, Stage, Testimony, Told, What,
};

use crate::story::{
    Story, at, call_ended, clinician, doctor, doctor_oid, guest, handed_over, page_closed, page_opened, patient, ready,
};

fn waiting() -> Story {
    let mut story = Story::new();
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    story
}

fn talking() -> Story {
    let mut story = waiting();
    story.hear(10, clinician("c1", LegState::InCall, 10));
    story.hear(12, handed_over(12));
    story.hear(20, guest("g1", LegState::InCall, 20));
    story
}

fn reason(story: &Story) -> Option<CloseReason> {
    story.visit.decisions().closed.as_ref().map(|closed| closed.reason.clone())
}

fn is_said(story: &Story) -> bool {
    story.visit.timeline(at(story.now)).iter().any(|line| line.what == What::Cancelled)
}

#[test]
fn who_only_waits_is_told_at_once_and_it_is_over() {
    let mut story = waiting();
    story.decide(30, Command::Cancel);
    assert_eq!(story.stage(), Stage::Cancelled { at: at(30) });
    assert!(matches!(story.presence(&patient()), Presence::Disconnected { .. }), "an open page holds nothing up");
    assert_eq!(reason(&story), Some(CloseReason::Cancelled));
    assert!(story.visit.is_for_nothing() && is_said(&story));
}

#[test]
fn a_clinician_alone_and_a_patient_alone_are_asked_to_leave() {
    for (sent, leg, other) in [
        (false, clinician("c1", LegState::InCall, 10), clinician("c1", LegState::Left, 40)),
        (true, guest("g1", LegState::InCall, 10), guest("g1", LegState::Left, 40)),
    ] {
        let mut story = waiting();
        if sent {
            story.hear(8, handed_over(8));
        }
        story.hear(10, leg);
        story.decide(30, Command::Cancel);
        assert!(story.visit.is_closing() && !story.visit.is_open());
        assert_eq!(story.stage(), Stage::Cancelled { at: at(30) });
        story.hear(40, other);
        assert_eq!(reason(&story), Some(CloseReason::Cancelled));
        assert!(!story.visit.is_closing() && story.visit.is_for_nothing());
    }
}

#[test]
fn who_talks_is_not_cut_short_and_what_took_place_is_finished() {
    let mut story = talking();
    story.decide(30, Command::Cancel);
    assert!(story.visit.is_open() && !story.visit.is_closing() && is_said(&story));
    assert!(story.visit.is_called_off(), "so that nobody says it again and again");
    assert_eq!(story.visit.called_off_at(), Some(at(30)));
    // The patient's line breaks for minutes: the clinician is still there for them.
    story.hear(40, guest("g1", LegState::Left, 40));
    story.tick(40 + 200);
    assert!(story.visit.is_open() && matches!(story.stage(), Stage::InProgress { .. }));
    story.hear(250, guest("g2", LegState::InCall, 250));
    story.hear(300, clinician("c1", LegState::Left, 300));
    assert!(story.visit.is_open(), "a short gap is not a leave");
    story.tick(story.visit.next_timer(at(300)).map_or(0, |it| (it.0 - at(0).0) / 1_000));
    assert!(story.visit.is_closing(), "the patient is asked to leave");
    assert_eq!(story.visit.called_off_at(), None, "it counts now");
    story.hear(500, guest("g2", LegState::Left, 500));
    assert_eq!(reason(&story), Some(CloseReason::Cancelled));
    assert!(matches!(story.stage(), Stage::Finished { .. }));
    assert!(!story.visit.is_for_nothing(), "it took place");
}

#[test]
fn a_clinician_with_a_stranger_is_with_somebody() {
    let mut story = Story::new();
    story.hear(10, clinician("c1", LegState::InCall, 10));
    story.hear(20, guest("g1", LegState::InCall, 20));
    story.decide(30, Command::Cancel);
    assert!(story.visit.is_open(), "who knows who that is");
}

#[test]
fn a_clinician_who_ends_it_has_the_last_word() {
    let mut story = talking();
    story.decide(30, Command::Cancel);
    story.decide(60, Command::End { by: doctor() });
    story.hear(70, clinician("c1", LegState::Left, 70));
    assert!(story.visit.is_closing());
    story.hear(80, guest("g1", LegState::Left, 80));
    assert_eq!(reason(&story), Some(CloseReason::Ended));
    assert!(matches!(story.stage(), Stage::Finished { .. }));
    // Taken back, what the EHR said counts: nobody is with anybody any more.
    story.decide(90, Command::UndoEnd);
    story.tick(300);
    assert_eq!(reason(&story), Some(CloseReason::Cancelled));
}

#[test]
fn an_appointment_that_stands_again_goes_on() {
    let mut talk = talking();
    talk.decide(30, Command::Cancel);
    talk.decide(40, Command::Reinstate);
    talk.hear(50, call_ended(50));
    assert!(talk.visit.is_open() && !talk.visit.is_called_off() && !is_said(&talk));

    let mut closed = waiting();
    closed.decide(30, Command::Cancel);
    closed.decide(35, Command::Launched { participant: doctor(), oid: doctor_oid(), covering: false });
    assert!(closed.visit.is_closed(), "only the EHR's word opens it");
    closed.decide(40, Command::Reinstate);
    assert!(closed.visit.is_open() && !closed.visit.is_closed());
    assert!(matches!(closed.presence(&patient()), Presence::Waiting { .. }), "whose page stayed open waits on");
    closed.decide(50, Command::Launched { participant: doctor(), oid: doctor_oid(), covering: false });
    assert!(matches!(closed.stage(), Stage::Arrived { .. }));
}

#[test]
fn who_is_on_the_way_to_each_other_meets() {
    let mut story = waiting();
    story.decide(10, Command::Call { by: doctor() });
    story.hear(15, handed_over(15));
    story.decide(20, Command::Cancel);
    assert!(story.visit.is_open() && !story.visit.is_closing(), "Teams tells of them a minute later");
    story.hear(70, clinician("c1", LegState::InCall, 40));
    story.hear(80, guest("g1", LegState::InCall, 50));
    assert!(matches!(story.stage(), Stage::InProgress { .. }));
    story.tick(700);
    assert!(story.visit.is_open(), "they talk");
}

#[test]
fn whoever_never_turns_up_is_waited_for_no_longer_than_the_way_takes() {
    let mut story = waiting();
    story.decide(10, Command::Call { by: doctor() });
    story.decide(20, Command::Cancel);
    assert!(story.visit.is_open(), "the clinician opens Teams");
    let patience = 10 + 180;
    let next = story.visit.next_timer(at(20)).unwrap();
    assert!(next <= at(patience), "somebody looks then");
    story.tick(patience);
    assert_eq!(story.stage(), Stage::Cancelled { at: at(patience) });
    assert_eq!(reason(&story), Some(CloseReason::Cancelled));

    let mut sent = waiting();
    sent.hear(10, handed_over(10));
    sent.decide(20, Command::Cancel);
    assert!(sent.visit.is_open());
    while let Some(next) = sent.visit.next_timer(at(sent.now)).filter(|_| sent.visit.is_open()) {
        assert!(next <= at(10 + 600), "somebody looks then");
        sent.tick((next.0 - at(0).0) / 1_000);
    }
    assert_eq!(reason(&sent), Some(CloseReason::Cancelled));
}

#[test]
fn somebody_on_the_telephone_is_somebody() {
    let mut story = Story::new();
    story.hear(10, clinician("c1", LegState::InCall, 10));
    let identity = Identity::Unknown;
    story.hear(20, Testimony::Roster { leg: LegId::new("t1"), identity, state: LegState::InCall, at: at(20) });
    story.decide(30, Command::Cancel);
    assert!(story.visit.is_open());
}

#[test]
fn a_colleague_whom_teams_brought_in_goes_on_with_the_patient() {
    let mut story = talking();
    let identity = Identity::User(Oid::new("oid-colleague"));
    story.hear(25, Testimony::Roster { leg: LegId::new("k1"), identity, state: LegState::InCall, at: at(25) });
    story.decide(30, Command::Cancel);
    story.hear(60, clinician("c1", LegState::Left, 60));
    story.tick(400);
    assert!(story.visit.is_open() && !story.visit.is_closing());
}

#[test]
fn a_backup_cuts_nobody_short() {
    let mut story = waiting();
    story.decide(20, Command::Restored);
    story.decide(30, Command::Cancel);
    story.tick(40);
    assert!(story.visit.is_open(), "who is inside by now nobody has said");
    story.hear(50, page_closed("p1", 50));
    assert!(!story.visit.is_open());
}

#[test]
fn nothing_of_the_visit_that_was_called_off_is_taken_for_the_next() {
    let mut story = waiting();
    story.decide(6, Command::Acknowledge { by: doctor_oid() });
    story.decide(30, Command::Cancel);
    story.hear(35, page_closed("p1", 35));
    story.decide(400, Command::Reinstate);
    assert!(!matches!(story.presence(&patient()), Presence::Waiting { .. }), "their page was closed meanwhile");
    assert!(story.visit.decisions().acknowledged.is_none() && story.visit.decisions().called.is_none());
    story.effects.clear();
    story.hear(600, page_opened("p2", 600));
    story.hear(605, ready(605));
    let alerted = story.effects.iter().any(|it| matches!(it, Effect::RaiseAlert { .. }));
    assert!(alerted, "whoever comes back is announced: {:?}", story.effects);
}

/// Ticks until time has closed it.
fn closed_by_time(story: &mut Story) {
    while let Some(next) = story.visit.next_timer(at(story.now)) {
        story.tick(((next.0 - at(0).0) / 1_000).max(story.now + 1));
    }
    assert_eq!(reason(story), Some(CloseReason::TimedOut));
}

#[test]
fn what_nobody_was_seen_to_leave_is_for_nothing_once_time_has_closed_it() {
    let mut alone = waiting();
    alone.hear(10, clinician("c1", LegState::InCall, 10));
    alone.decide(30, Command::Cancel);
    assert!(alone.visit.is_closing() && !alone.visit.is_for_nothing(), "somebody is inside");
    closed_by_time(&mut alone);
    assert!(alone.visit.is_for_nothing());

    // It waited for a clinician who is with a stranger.
    let mut held = Story::new();
    held.hear(10, clinician("c1", LegState::InCall, 10));
    held.hear(20, guest("g1", LegState::InCall, 20));
    held.decide(30, Command::Cancel);
    closed_by_time(&mut held);
    assert!(held.visit.decisions().cancelled.is_none() && held.visit.is_for_nothing());

    let mut met = talking();
    met.decide(30, Command::Cancel);
    closed_by_time(&mut met);
    assert!(!met.visit.is_for_nothing(), "it took place");

    let mut ended = Story::new();
    ended.hear(10, clinician("c1", LegState::InCall, 10));
    ended.hear(20, guest("g1", LegState::InCall, 20));
    ended.decide(30, Command::Cancel);
    ended.decide(40, Command::End { by: doctor() });
    closed_by_time(&mut ended);
    assert!(!ended.visit.is_for_nothing(), "who ends it has the last word");

    let mut forgotten = waiting();
    closed_by_time(&mut forgotten);
    assert!(!forgotten.visit.is_for_nothing(), "nobody cancelled it");
}

#[test]
fn who_was_called_into_the_visit_that_was_called_off_is_announced_again() {
    let mut story = waiting();
    story.decide(9, Command::Told { delegate: false });
    story.decide(10, Command::Call { by: doctor() });
    story.hear(20, clinician("c1", LegState::InCall, 20));
    story.hear(25, clinician("c1", LegState::Left, 25));
    story.decide(40, Command::Cancel);
    story.tick(200);
    assert!(matches!(story.stage(), Stage::Cancelled { .. }));
    story.effects.clear();
    assert!(story.visit.decisions().told.clinician.is_some());
    story.decide(201, Command::Reinstate);
    assert_eq!(story.visit.decisions().told, Told::default(), "nobody has been told of them yet");
    let alerted = story.effects.iter().any(|it| matches!(it, Effect::RaiseAlert { .. }));
    assert!(alerted && story.visit.decisions().called.is_none(), "their page stayed open: {:?}", story.effects);
}

#[test]
fn an_ended_visit_that_is_begun_again_stays_begun() {
    let mut story = talking();
    story.decide(30, Command::Cancel);
    story.decide(60, Command::End { by: doctor() });
    story.hear(70, clinician("c1", LegState::Left, 70));
    story.hear(80, guest("g1", LegState::Left, 80));
    assert_eq!(reason(&story), Some(CloseReason::Ended));
    story.decide(100, Command::Launched { participant: doctor(), oid: doctor_oid(), covering: false });
    assert!(story.visit.is_open() && !story.visit.is_called_off());
}
