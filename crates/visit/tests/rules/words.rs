//! Presets, answers, help, device tests, running late, rooming, and leaving before being seen.

use roomed_visit::{
    AlertOn, Answer, Command, DeviceResult, DeviceTest, Effect, LegState, MessageId, Millis, Policy, Presence, Preset,
    Source, Speaker, Stage, Testimony, What,
};

use crate::story::{Story, at, clinician, doctor, page_closed, page_opened, patient, ready};

fn leave(seconds: i64) -> Testimony {
    Testimony::Left { participant: patient(), at: at(seconds) }
}

fn waiting() -> Story {
    let mut story = Story::new();
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    story
}

fn left_unseen(effects: &[Effect]) -> Vec<Millis> {
    let waited = |effect: &Effect| match effect {
        Effect::LeftUnseen { waited, .. } => Some(*waited),
        _ => None,
    };
    effects.iter().filter_map(waited).collect()
}

#[test]
fn whoever_says_that_they_leave_has_left_at_once() {
    let mut story = waiting();
    let effects = story.hear(605, leave(605));
    assert_eq!(story.presence(&patient()), Presence::Disconnected { at: at(605), source: Source::VisitPage });
    assert_eq!(left_unseen(&effects), [Millis::seconds(600)]);
    assert!(effects.contains(&Effect::WithdrawAlert));
    assert_eq!(story.visit.left_unseen(&patient(), at(605)), Some((Millis::seconds(600), at(605))));
    assert!(story.visit.timeline(at(605)).iter().any(|line| line.what == What::LeftUnseen));
    assert_eq!(left_unseen(&story.tick(700)), [], "told once");
    // The page is still open: only *I'm ready* brings them back.
    assert!(matches!(story.presence(&patient()), Presence::Disconnected { .. }));
    let effects = story.hear(800, ready(800));
    assert_eq!(story.presence(&patient()), Presence::Waiting { since: at(800), source: Source::VisitPage });
    assert!(effects.contains(&Effect::RaiseAlert { who: patient(), since: at(800) }), "{effects:?}");
    assert_eq!(story.visit.left_unseen(&patient(), at(800)), None);
}

#[test]
fn a_page_that_closes_unseen_counts_when_the_grace_has_run() {
    let mut story = waiting();
    story.hear(100, page_closed("p1", 100));
    assert_eq!(left_unseen(&story.tick(150)), []);
    assert_eq!(left_unseen(&story.tick(190)), [Millis::seconds(95)]);
}

#[test]
fn who_met_a_clinician_or_was_sent_home_did_not_leave_unseen() {
    let mut story = waiting();
    story.hear(10, clinician("c1", LegState::InCall, 10));
    story.hear(100, leave(100));
    assert_eq!(left_unseen(&story.effects), [], "a clinician was there");
    let mut story = waiting();
    story.decide(50, Command::End { by: doctor() });
    story.tick(300);
    assert_eq!(left_unseen(&story.effects), [], "the visit was ended");
}

#[test]
fn a_device_test_is_no_arrival_and_the_newest_stands() {
    let mut story = Story::new();
    let test = |camera| DeviceTest {
        camera,
        microphone: DeviceResult::Good,
        speaker: DeviceResult::Untested,
        connection: DeviceResult::Weak,
    };
    let tested = |camera, seconds| Testimony::Tested { participant: patient(), test: test(camera), at: at(seconds) };
    story.hear(-100, tested(DeviceResult::Good, -100));
    story.hear(-90, tested(DeviceResult::Refused, -200));
    assert_eq!(story.visit.device_test(&patient()), Some((at(-100), test(DeviceResult::Good))));
    assert_eq!(story.stage(), Stage::Planned);
    assert_eq!(story.effects, []);
}

#[test]
fn help_is_told_once_until_somebody_takes_it_on() {
    let mut story = waiting();
    let help = |seconds| Testimony::Help { participant: patient(), at: at(seconds) };
    assert_eq!(story.hear(10, help(10)), [Effect::HelpWanted { participant: patient() }]);
    assert_eq!(story.hear(11, help(10)), [], "said twice over a bad line");
    assert_eq!(story.visit.help_since(&patient()), Some(at(10)));
    story.decide(20, Command::HelpTaken { participant: patient() });
    assert_eq!(story.visit.help_since(&patient()), None);
    assert_eq!(story.hear(30, help(30)), [Effect::HelpWanted { participant: patient() }]);
}

#[test]
fn running_late_is_reckoned_from_the_start_or_from_when_it_is_said() {
    let mut story = Story::new();
    let say = |id: &str, minutes| Command::Say {
        id: MessageId::new(id),
        by: Speaker::Clinician(doctor()),
        to: None,
        preset: Preset::RunningLate(Millis::minutes(minutes)),
    };
    story.decide(-600, say("m1", 10));
    assert_eq!(story.visit.late_until(None), Some(at(600)));
    story.decide(300, say("m2", 10));
    assert_eq!(story.visit.late_until(None), Some(at(900)));
    story.decide(301, say("m2", 10));
    assert_eq!(story.visit.messages().len(), 2, "pressed twice is said once");
    let answer = |answer, seconds| Testimony::Answered {
        participant: patient(),
        message: MessageId::new("m2"),
        answer,
        at: at(seconds),
    };
    story.hear(310, answer(Answer::CannotWait, 310));
    story.hear(311, answer(Answer::CanWait, 305));
    let m2 = MessageId::new("m2");
    assert_eq!(story.visit.answer(&m2, &patient()), Some((at(310), Answer::CannotWait)), "the newest stands");
    let effects = story.hear(320, answer(Answer::NeedHelp, 320));
    assert!(effects.contains(&Effect::HelpWanted { participant: patient() }));
    for n in 0..100 {
        story.decide(400, say(&format!("x{n}"), 1));
    }
    assert_eq!(story.visit.messages().len(), 40);
}

#[test]
fn policy_may_alert_only_when_the_patient_is_roomed() {
    let mut story = Story::under(Policy { alert_on: AlertOn::Triaged, ..Policy::default() });
    story.hear(0, page_opened("p1", 0));
    let effects = story.hear(5, ready(5));
    assert!(effects.iter().all(|effect| !matches!(effect, Effect::RaiseAlert { .. })), "{effects:?}");
    let effects = story.hear(60, Testimony::Roomed { at: at(60) });
    assert!(effects.contains(&Effect::RaiseAlert { who: patient(), since: at(5) }), "{effects:?}");
    assert!(matches!(story.stage(), Stage::Triaged { .. }));
}

#[test]
fn an_end_taken_back_stands_in_the_timeline() {
    let mut story = waiting();
    story.decide(50, Command::End { by: doctor() });
    assert_eq!(story.visit.undo_until(), Some(at(350)));
    story.decide(60, Command::UndoEnd);
    assert_eq!(story.visit.undo_until(), None);
    assert!(story.visit.timeline(at(60)).iter().any(|line| line.what == What::Undone));
}

#[test]
fn whoever_is_on_the_way_into_teams_has_not_left_unseen() {
    let mut story = waiting();
    story.decide(20, Command::Call { by: doctor() });
    story.hear(25, crate::story::handed_over(25));
    story.hear(40, clinician("c1", LegState::InCall, 40));
    story.tick(200);
    assert_eq!(left_unseen(&story.effects), [], "Teams asks them to wait, to install, to allow");
    story.decide(210, Command::End { by: doctor() });
    assert_eq!(left_unseen(&story.effects), []);
}

#[test]
fn where_staff_room_first_a_wait_nobody_rooms_is_news_all_the_same() {
    let mut story = Story::under(Policy { alert_on: AlertOn::Triaged, ..Policy::default() });
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    assert_eq!(story.visit.next_timer(at(5)), Some(at(305)));
    let effects = story.tick(305);
    assert!(effects.contains(&Effect::RaiseAlert { who: patient(), since: at(5) }), "{effects:?}");
}

#[test]
fn late_said_to_one_is_late_for_one() {
    let mut story = waiting();
    let preset = Preset::RunningLate(Millis::minutes(10));
    let by = Speaker::Staff;
    story.decide(0, Command::Say { id: MessageId::new("m1"), by, to: Some(crate::people::second()), preset });
    assert_eq!(story.visit.late_until(Some(&patient())), None);
    assert_eq!(story.visit.late_until(Some(&crate::people::second())), Some(at(600)));
    assert_eq!(story.visit.late_until(None), Some(at(600)));
}

#[test]
fn somebody_who_connects_over_and_over_takes_nobody_elses_place() {
    let mut story = Story::new();
    story.visit = crate::people::with_everybody(story.visit.clone());
    for n in 0..400 {
        story.hear(n, crate::people::page_of(crate::people::interpreter(), &format!("i{n}"), n));
    }
    story.hear(400, page_opened("p1", 400));
    story.hear(401, ready(401));
    assert_eq!(story.presence(&patient()), Presence::Waiting { since: at(401), source: Source::VisitPage });
    story.tick(600);
    assert!(matches!(story.presence(&patient()), Presence::Waiting { .. }), "the page is open");
}
