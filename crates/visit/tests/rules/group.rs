//! One patient of a group is cancelled: they are not awaited, and the visit goes on for as long as anybody else is.

use roomed_visit::{Command, Expected, GuestKind, LegState, ParticipantId, Presence, Stage};

use crate::people::{interpreter, mother, page_of, ready_of, second, sent_in, story, told};
use crate::story::{at, clinician, patient, ready};

fn withdraw(who: roomed_visit::ParticipantId) -> Command {
    Command::Withdraw { participant: who }
}

#[test]
fn who_is_cancelled_is_not_awaited_and_the_others_are() {
    let mut story = story();
    story.decide(0, withdraw(patient()));
    assert!(!story.visit.is_welcome(&patient()) && story.visit.is_welcome(&second()));
    assert!(!story.visit.is_welcome(&mother()), "nor whoever acts for them");
    story.hear(5, ready(5));
    story.hear(6, page_of(mother(), "m1", 6));
    story.hear(7, ready_of(mother(), 7));
    assert_eq!(story.stage(), Stage::Planned, "nobody waits for them");
    assert!(!story.visit.alert_stands());
    story.hear(10, page_of(second(), "s1", 10));
    story.hear(15, ready_of(second(), 15));
    assert!(matches!(story.stage(), Stage::Arrived { arrival } if arrival.at == at(15)), "{:?}", story.stage());
    story.decide(16, Command::Expect { participant: patient(), whom: Expected::Patient });
    let own = |who| story.visit.arrival_of(&who, at(16)).map(|it| it.at);
    assert_eq!((own(patient()), own(second())), (Some(at(5)), Some(at(15))), "each their own");
    story.decide(17, withdraw(patient()));
    assert!(story.visit.alert_stands() && !story.visit.may_enter(&patient(), at(20)));
    story.hear(20, clinician("c1", LegState::InCall, 20));
    assert!(story.visit.may_enter(&second(), at(20)), "and nobody keeps them waiting");
}

#[test]
fn who_waits_on_the_page_while_they_are_cancelled_waits_no_more() {
    let mut story = story();
    story.hear(0, page_of(second(), "s1", 0));
    story.hear(5, ready_of(second(), 5));
    story.decide(10, withdraw(second()));
    assert!(!story.visit.alert_stands());
    story.tick(150);
    let gone = |at: &Presence| matches!(at, Presence::Disconnected { .. });
    assert!(gone(&story.presence(&second())), "though their page is open: {:?}", story.presence(&second()));
    assert_eq!(told(&story.effects), ["second Connected", "second Disconnected"]);
}

#[test]
fn without_anybody_left_the_visit_is_cancelled_and_a_booking_anew_is_welcome_until_then() {
    let mut story = story();
    story.decide(0, withdraw(patient()));
    story.decide(5, Command::Expect { participant: patient(), whom: Expected::Patient });
    assert!(story.visit.is_welcome(&patient()));
    story.decide(10, withdraw(second()));
    assert_eq!(story.stage(), Stage::Planned);
    story.decide(15, withdraw(interpreter()));
    assert!(story.visit.is_welcome(&interpreter()), "only a patient has an appointment");
    story.decide(20, withdraw(patient()));
    assert_eq!(story.stage(), Stage::Cancelled { at: at(20) });
}

#[test]
fn who_is_booked_into_a_group_that_everybody_had_left_opens_it_again() {
    let mut story = story();
    story.decide(0, withdraw(patient()));
    story.decide(10, withdraw(second()));
    assert!(story.visit.is_closed());
    story.decide(
        15,
        Command::Expect { participant: interpreter(), whom: Expected::Guest { kind: GuestKind::Interpreter } },
    );
    assert!(story.visit.is_closed(), "a guest alone is nobody to wait for");
    let third = ParticipantId::new("third");
    story.decide(20, Command::Expect { participant: third.clone(), whom: Expected::Patient });
    assert!(!story.visit.is_closed() && story.visit.is_welcome(&third));
    assert_eq!(story.stage(), Stage::Planned);
    assert!(!story.visit.is_welcome(&patient()), "who is cancelled stays so");
    story.decide(25, Command::Cancel);
    story.decide(30, Command::Expect { participant: third, whom: Expected::Patient });
    assert_eq!(story.stage(), Stage::Cancelled { at: at(25) }, "the EHR's word for all of it stands");
}

#[test]
fn what_was_seen_of_them_stays_and_their_line_is_told_the_truth() {
    let mut story = story();
    story.hear(0, page_of(second(), "s1", 0));
    story.hear(5, ready_of(second(), 5));
    story.hear(8, clinician("c1", LegState::InCall, 8));
    story.hear(9, sent_in(second(), 9));
    story.hear(10, crate::story::guest("g1", LegState::InCall, 10));
    story.decide(20, withdraw(second()));
    assert_eq!(told(&story.effects), ["second Connected", "doctor Connected"], "they are inside all the same");
    story.hear(30, crate::story::guest("g1", LegState::Left, 30));
    story.hear(30, crate::story::page_closed("s1", 30));
    story.tick(900);
    assert!(told(&story.effects).contains(&"second Disconnected".to_owned()), "{:?}", told(&story.effects));
}
