//! The property the product rests on: the testimony of an open visit, in any order and repeated at will, ends in the
//! same facts once timers have run, and no effect is ever asked for twice in a row.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use roomed_visit::{
    Answer, ChartStatus, DeviceResult, DeviceTest, Effect, Identity, LegId, LegState, MessageId, Millis, Oid,
    ParticipantId, Policy, Source, Testimony, Timestamp, Visit, VisitEvent, apply,
};

use crate::people::everybody;
use crate::story::{at, doctor_oid, patient, visit_under};

fn time() -> impl Strategy<Value = Timestamp> {
    (-2_400_i64..3_600).prop_map(at)
}

fn leg() -> impl Strategy<Value = LegId> {
    (0..4_u8).prop_map(|n| LegId::new(format!("leg-{n}")))
}

/// The patient most of the time; a second patient, somebody who acts for the first, an interpreter.
fn person() -> impl Strategy<Value = ParticipantId> {
    prop_oneof![3 => Just(patient()), 1 => prop::sample::select(everybody())]
}

fn test() -> impl Strategy<Value = DeviceTest> {
    use DeviceResult as R;
    let result = || prop::sample::select(vec![R::Untested, R::Good, R::Weak, R::Refused, R::Missing, R::Failed]);
    (result(), result()).prop_map(|(camera, microphone)| DeviceTest {
        camera,
        microphone,
        speaker: R::Good,
        connection: R::Good,
    })
}

fn testimony() -> impl Strategy<Value = Testimony> {
    let source = prop_oneof![Just(Source::VisitPage), Just(Source::Ehr), Just(Source::Staff)];
    let identity = prop_oneof![
        Just(Identity::Guest),
        Just(Identity::Unknown),
        Just(Identity::User(doctor_oid())),
        Just(Identity::User(Oid::new("stranger"))),
    ];
    let answer = prop_oneof![Just(Answer::CanWait), Just(Answer::CannotWait), Just(Answer::NeedHelp)];
    let state = prop_oneof![Just(LegState::Waiting), Just(LegState::InCall), Just(LegState::Left)];
    let page = (0..3_u8).prop_map(|n| LegId::new(format!("page-{n}")));
    prop_oneof![
        (person(), time(), source).prop_map(|(participant, at, source)| Testimony::Ready { participant, at, source }),
        (person(), page.clone(), time()).prop_map(|(participant, leg, at)| opened(participant, &leg, at)),
        (person(), page, time()).prop_map(|(participant, leg, at)| closed(participant, &leg, at)),
        (person(), time()).prop_map(|(participant, at)| Testimony::HandedOver { participant, at }),
        (person(), time()).prop_map(|(participant, at)| Testimony::Left { participant, at }),
        (person(), time()).prop_map(|(participant, at)| Testimony::Help { participant, at }),
        (person(), test(), time()).prop_map(|(participant, test, at)| Testimony::Tested { participant, test, at }),
        (person(), answer, time()).prop_map(|(participant, answer, at)| Testimony::Answered {
            participant,
            message: MessageId::new("m1"),
            answer,
            at
        }),
        (leg(), identity, state, time()).prop_map(|(leg, identity, state, at)| Testimony::Roster {
            leg,
            identity,
            state,
            at
        }),
        time().prop_map(|at| Testimony::CallEnded { at }),
        time().prop_map(|at| Testimony::Roomed { at }),
    ]
}

/// A socket is one person's for good: its name says whose.
fn opened(participant: ParticipantId, leg: &LegId, at: Timestamp) -> Testimony {
    let leg = LegId::new(format!("{}-{}", participant.as_str(), leg.as_str()));
    Testimony::PageOpened { participant, leg, at }
}

fn closed(participant: ParticipantId, leg: &LegId, at: Timestamp) -> Testimony {
    let leg = LegId::new(format!("{}-{}", participant.as_str(), leg.as_str()));
    Testimony::PageClosed { participant, leg, at }
}

/// Testimony, and the same testimony shuffled with some of it repeated.
fn two_orders() -> impl Strategy<Value = (Vec<Testimony>, Vec<Testimony>)> {
    prop::collection::vec(testimony(), 1..24).prop_flat_map(|said| {
        let again = prop::collection::vec(0..said.len(), 0..said.len());
        (Just(said), again).prop_flat_map(|(said, again)| {
            let mut repeated = said.clone();
            repeated.extend(again.into_iter().map(|n| said[n].clone()));
            (Just(said), Just(repeated).prop_shuffle())
        })
    })
}

/// Everything is heard before any timer could close the visit (after the close events are only counted), then time
/// runs until the visit has closed.
/// `restless`: time passes and timers go off between any two statements.
fn tell(said: &[Testimony], restless: bool) -> (Visit, Vec<Effect>) {
    let mut effects = Vec::new();
    let mut visit = crate::people::with_everybody(visit_under(Policy::default()));
    let mut now = at(-2_500);
    let mut step = |visit: &mut Visit, event: &VisitEvent, now| {
        let transition = apply(visit.clone(), event, now);
        *visit = transition.visit;
        effects.extend(transition.effects);
    };
    for testimony in said {
        step(&mut visit, &VisitEvent::Witnessed(testimony.clone()), now);
        if restless {
            now = now + Millis::seconds(7);
            step(&mut visit, &VisitEvent::Tick, now);
        }
    }
    while let Some(next) = visit.next_timer(now) {
        now = next;
        step(&mut visit, &VisitEvent::Tick, now);
    }
    (visit, effects)
}

/// Who the chart was last asked to show as connected. A chart has no word for "never there", so a person taken back by
/// later evidence reads *disconnected* where another order never mentioned them: both are "not connected".
fn connected(effects: &[Effect]) -> Vec<ParticipantId> {
    let mut last = BTreeMap::new();
    for effect in effects {
        if let Effect::WriteBack { participant, status, .. } = effect {
            last.insert(participant.clone(), *status);
        }
    }
    last.into_iter().filter(|(_, status)| *status == ChartStatus::Connected).map(|(who, _)| who).collect()
}

/// Everything a reader of the visit can see.
fn facts(visit: &Visit) -> impl PartialEq + std::fmt::Debug {
    let late = at(100_000);
    let presence: Vec<_> = visit.participants().map(|(who, _)| visit.presence(who, late)).collect();
    let closed = visit.decisions().clone();
    let words: Vec<_> = visit
        .participants()
        .map(|(who, _)| {
            let message = MessageId::new("m1");
            (visit.device_test(who), visit.help_since(who), visit.answer(&message, who), visit.left_unseen(who, late))
        })
        .collect();
    (visit.stage(late), visit.arrival(late), presence, closed, visit.timeline(late), visit.unattributed(), words)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_ends_in_the_same_visit((said, shuffled) in two_orders()) {
        let (visit, effects) = tell(&said, false);
        let (other, other_effects) = tell(&shuffled, true);
        prop_assert!(visit.is_closed(), "time closes every visit");
        prop_assert_eq!(facts(&visit), facts(&other));
        prop_assert_eq!(connected(&effects), connected(&other_effects));
    }

    #[test]
    fn no_effect_twice((_, shuffled) in two_orders()) {
        let (_, effects) = tell(&shuffled, true);
        let mut last = HashMap::new();
        let mut raised = false;
        let mut once = Vec::new();
        for effect in &effects {
            match effect {
                Effect::WriteBack { participant, status, .. } => {
                    prop_assert_ne!(last.insert(participant.clone(), *status), Some(*status), "asked twice in a row");
                }
                Effect::RaiseAlert { .. } => { prop_assert!(!raised, "raised twice"); raised = true; }
                Effect::WithdrawAlert => { prop_assert!(raised, "withdrawn without being raised"); raised = false; }
                Effect::Escalate { .. } => prop_assert!(raised, "escalated without being raised"),
                Effect::LeftUnseen { .. } | Effect::HelpWanted { .. } => {
                    prop_assert!(!once.contains(effect), "told twice: {effect:?}");
                    once.push(effect.clone());
                }
                Effect::Closed => {}
            }
        }
        prop_assert!(!raised, "no alert outlives the visit");
        prop_assert_eq!(effects.iter().filter(|effect| **effect == Effect::Closed).count(), 1);
    }

    #[test]
    fn a_visit_survives_being_stored((said, _) in two_orders()) {
        let (visit, _) = tell(&said, false);
        let stored = serde_json::to_vec(&visit).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Visit>(&stored).unwrap(), visit);
    }
}
