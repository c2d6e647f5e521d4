//! Who comes besides patient and clinician: a second patient, somebody who acts for one, guests by link, colleagues
//! among themselves. One model: what differs is who is in it.

use roomed_visit::{
    Command, Effect, Expected, GuestKind, LegState, Participant, ParticipantId, Plan, Policy, Presence, Source, Stage,
    Testimony, Visit, VisitEvent, apply,
};

use crate::story::{
    Story, at, clinician, doctor, doctor_oid, guest, handed_over, page_opened, patient, ready, visit_under,
};

pub(crate) fn second() -> ParticipantId {
    ParticipantId::new("second")
}

pub(crate) fn mother() -> ParticipantId {
    ParticipantId::new("mother")
}

pub(crate) fn interpreter() -> ParticipantId {
    ParticipantId::new("interpreter")
}

pub(crate) fn everybody() -> Vec<ParticipantId> {
    vec![patient(), second(), mother(), interpreter()]
}

fn expect(who: ParticipantId, whom: Expected) -> Command {
    Command::Expect { participant: who, whom }
}

pub(crate) fn with_everybody(visit: Visit) -> Visit {
    [
        expect(second(), Expected::Patient),
        expect(mother(), Expected::Proxy { of: patient() }),
        expect(interpreter(), Expected::Guest { kind: GuestKind::Interpreter }),
    ]
    .into_iter()
    .fold(visit, |visit, command| apply(visit, &VisitEvent::Decided(command), at(-2_500)).visit)
}

pub(crate) fn story() -> Story {
    let mut story = Story::new();
    story.visit = with_everybody(visit_under(Policy::default()));
    story
}

pub(crate) fn ready_of(who: ParticipantId, seconds: i64) -> Testimony {
    Testimony::Ready { participant: who, at: at(seconds), source: Source::VisitPage }
}

pub(crate) fn page_of(who: ParticipantId, leg: &str, seconds: i64) -> Testimony {
    match page_opened(leg, seconds) {
        Testimony::PageOpened { leg, at, .. } => Testimony::PageOpened { participant: who, leg, at },
        other => other,
    }
}

pub(crate) fn sent_in(who: ParticipantId, seconds: i64) -> Testimony {
    match handed_over(seconds) {
        Testimony::HandedOver { at, .. } => Testimony::HandedOver { participant: who, at },
        other => other,
    }
}

pub(crate) fn told(effects: &[Effect]) -> Vec<String> {
    let word = |effect: &Effect| match effect {
        Effect::WriteBack { participant, status, .. } => Some(format!("{} {status:?}", participant.as_str())),
        _ => None,
    };
    effects.iter().filter_map(word).collect()
}

#[test]
fn an_interpreter_never_makes_a_visit_arrived_and_has_no_line_in_the_chart() {
    let mut story = story();
    story.hear(0, page_of(interpreter(), "i1", 0));
    let effects = story.hear(5, ready_of(interpreter(), 5));
    assert_eq!(effects, []);
    assert_eq!(story.stage(), Stage::Planned);
    assert!(matches!(story.presence(&interpreter()), Presence::Waiting { .. }), "they are seen to wait all the same");
    story.hear(10, sent_in(interpreter(), 10));
    story.hear(12, guest("g1", LegState::InCall, 12));
    story.hear(13, clinician("c1", LegState::InCall, 13));
    assert_eq!(story.stage(), Stage::Planned, "clinician and interpreter are no visit");
    assert_eq!(told(&story.effects), ["doctor Connected"]);
}

#[test]
fn who_acts_for_a_patient_arrives_and_shows_on_the_patients_line() {
    let mut story = story();
    story.hear(0, page_of(mother(), "m1", 0));
    let effects = story.hear(5, ready_of(mother(), 5));
    assert!(matches!(story.stage(), Stage::Arrived { .. }));
    assert_eq!(told(&effects), ["patient Connected"]);
    assert!(effects.contains(&Effect::RaiseAlert { who: mother(), since: at(5) }), "{effects:?}");
    // The patient comes too, and goes again: their line stays as it is while the mother is there.
    story.hear(20, page_opened("p1", 20));
    story.hear(25, ready(25));
    story.hear(30, crate::story::page_closed("p1", 30));
    story.tick(200);
    assert!(matches!(story.presence(&patient()), Presence::Disconnected { .. }));
    assert_eq!(told(&story.effects), ["patient Connected"]);
}

#[test]
fn where_policy_says_so_a_proxy_shows_on_no_line() {
    let mut story = story();
    story.visit = with_everybody(visit_under(Policy { proxy_in_chart: false, ..Policy::default() }));
    story.hear(0, page_of(mother(), "m1", 0));
    story.hear(5, ready_of(mother(), 5));
    assert!(matches!(story.stage(), Stage::Arrived { .. }), "they arrived all the same");
    assert_eq!(told(&story.effects), Vec::<String>::new());
}

#[test]
fn each_patient_of_a_group_has_a_line_and_a_late_one_is_news() {
    let mut story = story();
    story.hear(0, page_opened("p1", 0));
    story.hear(5, ready(5));
    story.decide(10, Command::Acknowledge { by: doctor_oid() });
    assert!(!story.visit.alert_stands());
    story.hear(60, page_of(second(), "s1", 60));
    let effects = story.hear(65, ready_of(second(), 65));
    assert_eq!(told(&effects), ["second Connected"]);
    assert!(effects.contains(&Effect::RaiseAlert { who: second(), since: at(65) }), "{effects:?}");
}

#[test]
fn colleagues_among_themselves_await_each_other() {
    let other = ParticipantId::new("colleague");
    let people = [
        (doctor(), Participant::practitioner(Some(doctor_oid()))),
        (other.clone(), Participant::practitioner(Some(roomed_visit::Oid::new("oid-colleague")))),
    ];
    let mut story = Story::new();
    story.visit = Visit::open(Plan { start: at(0), end: at(1_800) }, Policy::default(), people);
    let effects = story.hear(10, clinician("c1", LegState::InCall, 10));
    assert!(effects.contains(&Effect::RaiseAlert { who: doctor(), since: at(10) }), "the other is told: {effects:?}");
    assert!(matches!(story.stage(), Stage::Arrived { .. }), "one is there; nobody is met");
    let in_call = Testimony::Roster {
        leg: roomed_visit::LegId::new("c2"),
        identity: roomed_visit::Identity::User(roomed_visit::Oid::new("oid-colleague")),
        state: LegState::InCall,
        at: at(60),
    };
    let effects = story.hear(60, in_call);
    assert!(effects.contains(&Effect::WithdrawAlert), "{effects:?}");
    assert_eq!(story.stage(), Stage::InProgress { since: at(60) });
}

#[test]
fn an_invitation_can_be_taken_back_and_given_again() {
    let mut story = story();
    story.decide(0, Command::Revoke { participant: interpreter() });
    assert!(!story.visit.is_welcome(&interpreter()));
    assert!(story.visit.is_welcome(&patient()), "a patient is always welcome");
    story.decide(5, Command::Revoke { participant: patient() });
    assert!(story.visit.is_welcome(&patient()), "and cannot be sent away by this");
    let kind = GuestKind::Interpreter;
    story.decide(10, expect(interpreter(), Expected::Guest { kind }));
    assert!(story.visit.is_welcome(&interpreter()));
}

#[test]
fn nobody_becomes_somebody_else_and_a_crowd_is_refused() {
    let mut story = story();
    story.decide(0, expect(patient(), Expected::Guest { kind: GuestKind::Family }));
    assert!(story.visit.participant(&patient()).unwrap().is_patient());
    for n in 0..200 {
        story.decide(n, expect(ParticipantId::new(format!("p{n}")), Expected::Patient));
    }
    assert_eq!(story.visit.participants().count(), 60);
}
