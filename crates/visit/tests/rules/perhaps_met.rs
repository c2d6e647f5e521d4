//! A cancellation where nobody can say who is in the meeting: the roster is silent, or time is all there is to go by.

use roomed_visit::{
    ChartStatus, CloseReason, Command, Effect, Identity, LegId, LegState, Oid, Presence, Stage, Testimony,
};

use crate::story::{Story, at, call_ended, clinician, doctor, guest, handed_over, page_opened, patient, ready};

/// The patient waits, the clinician presses *Join*, our page sends the patient to the meeting; from there nobody tells us.
fn unseen() -> Story {
    let mut story = Story::new();
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    story.decide(10, Command::Call { by: doctor() });
    story.hear(15, handed_over(15));
    story
}

fn reason(story: &Story) -> Option<CloseReason> {
    story.visit.decisions().closed.as_ref().map(|closed| closed.reason.clone())
}

/// Ticks until it is closed, and says when that was.
fn closed_by_time(story: &mut Story) -> i64 {
    while let Some(next) = story.visit.next_timer(at(story.now)) {
        story.tick(((next.0 - at(0).0) / 1_000).max(story.now + 1));
    }
    assert_eq!(reason(story), Some(CloseReason::TimedOut));
    story.now
}

#[test]
fn who_may_be_talking_unseen_is_not_cut_short_and_it_is_never_for_nothing() {
    // Said while they are on the way, and long after.
    for said in [20, 15 + 11 * 60] {
        let mut story = unseen();
        story.tick(said);
        story.decide(said, Command::Cancel);
        story.tick(15 + 11 * 60);
        assert!(story.visit.is_open() && !story.visit.is_closing() && !story.visit.is_for_nothing(), "{said}");
        assert_eq!(story.visit.called_off_at(), Some(at(said)));
        let closed = closed_by_time(&mut story);
        assert_eq!(closed, 1_800 + 2 * 60 * 60, "no longer than any visit");
        assert!(!story.visit.is_for_nothing(), "nobody knows that they did not meet");
        assert!(matches!(story.stage(), Stage::Finished { .. }));
    }
}

#[test]
fn it_counts_once_somebody_says_that_it_is_over_and_the_meeting_stays() {
    let left = |seconds| Testimony::Left { participant: patient(), at: at(seconds) };
    for word in [call_ended, left] {
        let mut story = unseen();
        story.decide(900, Command::Cancel);
        assert!(story.visit.is_open());
        story.hear(1_000, word(1_000));
        assert_eq!(reason(&story), Some(CloseReason::Cancelled), "{:?}", word(0));
        assert!(!story.visit.is_for_nothing(), "they may have talked until then");
    }
}

#[test]
fn a_roster_that_tells_of_somebody_is_believed() {
    let mut story = unseen();
    story.hear(20, clinician("c1", LegState::InCall, 20));
    story.hear(100, clinician("c1", LegState::Left, 100));
    story.tick(800);
    story.decide(800, Command::Cancel);
    assert_eq!(reason(&story), Some(CloseReason::Cancelled));
    assert!(story.visit.is_for_nothing(), "the patient never came in");
}

#[test]
fn time_closes_over_a_colleague_no_sooner_than_over_a_clinician() {
    for cancelled in [false, true] {
        let mut story = unseen();
        story.hear(20, clinician("c1", LegState::InCall, 20));
        story.hear(25, guest("g1", LegState::InCall, 25));
        let identity = Identity::User(Oid::new("oid-colleague"));
        story.hear(30, Testimony::Roster { leg: LegId::new("k1"), identity, state: LegState::InCall, at: at(30) });
        if cancelled {
            story.decide(40, Command::Cancel);
        }
        story.hear(60, clinician("c1", LegState::Left, 60));
        story.tick(1_800 + 2 * 60 * 60 + 1);
        assert!(story.visit.is_open(), "they talk on: {cancelled}");
        let closed = closed_by_time(&mut story);
        assert_eq!(closed, 1_800 + 24 * 60 * 60, "{cancelled}");
    }
}

/// Nobody tells us any more of the meeting that was given up.
#[test]
fn who_was_never_seen_to_leave_the_meeting_that_was_given_up_is_not_in_the_next() {
    let mut story = Story::new();
    story.hear(10, clinician("c1", LegState::InCall, 10));
    story.decide(30, Command::Cancel);
    let closed = closed_by_time(&mut story);
    assert!(story.visit.is_for_nothing());
    story.effects.clear();
    story.decide(closed + 60, Command::Reinstate);
    assert_eq!(story.presence(&doctor()), Presence::Absent);
    let told = |story: &mut Story| -> Vec<ChartStatus> {
        let told = |effect| match effect {
            Effect::WriteBack { participant, status, .. } if participant == doctor() => Some(status),
            _ => None,
        };
        story.effects.drain(..).filter_map(told).collect()
    };
    assert_eq!(told(&mut story), [ChartStatus::Disconnected], "the chart does not go on showing it");
    story.hear(closed + 100, clinician("c2", LegState::InCall, closed + 100));
    story.hear(closed + 200, clinician("c2", LegState::Left, closed + 200));
    story.tick(closed + 400);
    assert_eq!(told(&mut story), [ChartStatus::Connected, ChartStatus::Disconnected]);
}
