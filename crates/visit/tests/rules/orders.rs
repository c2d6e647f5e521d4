//! The property the product rests on: the testimony of an open visit, in any order and repeated at will, ends in the
//! same facts once timers have run, and no effect is ever asked for twice in a row.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use roomed_visit::{
    ChartStatus, Effect, Identity, LegId, LegState, Millis, Oid, ParticipantId, Policy, Source, Testimony, Timestamp,
    Visit, VisitEvent, apply,
};

use crate::story::{at, doctor_oid, patient, visit_under};

fn time() -> impl Strategy<Value = Timestamp> {
    (-2_400_i64..3_600).prop_map(at)
}

fn leg() -> impl Strategy<Value = LegId> {
    (0..4_u8).prop_map(|n| LegId::new(format!("leg-{n}")))
}

fn testimony() -> impl Strategy<Value = Testimony> {
    let source = prop_oneof![Just(Source::VisitPage), Just(Source::Ehr), Just(Source::Staff)];
    let identity = prop_oneof![
        Just(Identity::Guest),
        Just(Identity::Unknown),
        Just(Identity::User(doctor_oid())),
        Just(Identity::User(Oid::new("stranger"))),
    ];
    let state = prop_oneof![Just(LegState::Waiting), Just(LegState::InCall), Just(LegState::Left)];
    let page = (0..3_u8).prop_map(|n| LegId::new(format!("page-{n}")));
    prop_oneof![
        (time(), source).prop_map(|(at, source)| Testimony::Ready { participant: patient(), at, source }),
        (page.clone(), time()).prop_map(|(leg, at)| Testimony::PageOpened { participant: patient(), leg, at }),
        (page, time()).prop_map(|(leg, at)| Testimony::PageClosed { participant: patient(), leg, at }),
        time().prop_map(|at| Testimony::HandedOver { participant: patient(), at }),
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
    let mut visit = visit_under(Policy::default());
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
    (visit.stage(late), visit.arrival(late), presence, closed, visit.timeline(late), visit.unattributed())
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
        for effect in &effects {
            match effect {
                Effect::WriteBack { participant, status, .. } => {
                    prop_assert_ne!(last.insert(participant.clone(), *status), Some(*status), "asked twice in a row");
                }
                Effect::RaiseAlert { .. } => { prop_assert!(!raised, "raised twice"); raised = true; }
                Effect::WithdrawAlert => { prop_assert!(raised, "withdrawn without being raised"); raised = false; }
                Effect::Escalate { .. } => prop_assert!(raised, "escalated without being raised"),
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
