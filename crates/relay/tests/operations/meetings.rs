//! The meeting of a visit as it is made, found and gone on in: whoever comes at once is in one, and no link leads nowhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::SignedDuration;
use roomed_protocol::ProblemCode;
use roomed_relay::arrivals::{Along, ArrivalError};
use roomed_relay::clock::Clock;
use roomed_relay::http::Refusal;
use roomed_relay::meeting::MeetingError;
use roomed_relay::timers;
use roomed_visit::{
    Command, Expected, GuestKind, Identity, LegId, LegState, ParticipantId, Plan, Source, Testimony, VisitEvent,
};

use crate::home::{Home, Kind};
use crate::place::{CANARY, Place, Visit, noon};

/// As after a restore: whether its meeting still stands nobody knows.
pub(crate) async fn doubt(place: &Place, visit: &Visit) {
    let along = Along { doubts_meeting: true, ..Along::default() };
    place.relay.arrivals.update(&visit.id, &[], along).await.unwrap();
}

/// The meeting was deleted since the backup.
pub(crate) async fn delete(place: &Place, visit: &Visit) {
    let external_id = place.relay.arrivals.load(&visit.id).await.unwrap().record.meeting_external_id;
    place.provider.known().gone.lock().unwrap().insert(external_id);
}

/// The visit's meeting, to which people may be sent.
pub(crate) async fn meeting(place: &Place, visit: &Visit) -> Option<String> {
    let opened = place.relay.arrivals.load(&visit.id).await.unwrap();
    place.relay.arrivals.meeting(&opened).await.unwrap().map(|it| it.id)
}

/// The EHR moves the appointment by so many minutes.
async fn move_by(place: &Place, visit: &Visit, minutes: i64) {
    let plan = place.relay.arrivals.load(&visit.id).await.unwrap().record.visit.plan();
    let by = |at: roomed_visit::Timestamp| roomed_visit::Timestamp(at.0 + minutes * 60_000);
    let plan = Plan { start: by(plan.start), end: by(plan.end) };
    place.happen(visit, VisitEvent::Decided(Command::Refresh { plan, practitioners: Vec::new() })).await;
}

pub(crate) async fn two_who_come_at_once_where_the_meeting_was_deleted_are_in_one(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    let visit = place.visit("one").await;
    doubt(&place, &visit).await;
    delete(&place, &visit).await;
    let (one, other) = tokio::join!(place.relay.ensure_meeting(&visit.id), place.relay.ensure_meeting(&visit.id));
    let (one, other) = (one.unwrap().id, other.unwrap().id);
    assert_eq!(one, other);
    assert_eq!(place.provider.standing(), [one.as_str()]);
    assert_eq!(meeting(&place, &visit).await, Some(one.clone()));
    // The one that was deleted is nobody's, and nobody is told of it any more.
    assert_eq!(place.delete_meetings().await, None);
    assert_eq!(place.provider.discarded(), [format!("{CANARY}-meeting-one")]);
    let watches = place.relay.store.watches_of(&visit.id).await.unwrap();
    assert_eq!(watches.iter().map(|it| it.subscription.as_str()).collect::<Vec<_>>(), ["made-1"]);
    assert_eq!(place.provider.standing(), [one]);
    place.close().await;
}

/// Whoever read the visit before that does not move it back.
pub(crate) async fn a_meeting_stays_where_the_ehr_has_moved_it(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    let visit = place.visit("one").await;
    doubt(&place, &visit).await;
    let made = place.relay.ensure_meeting(&visit.id).await.unwrap();
    let moved = async {
        // Whoever comes at this moment reads the visit before they wait for their turn.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        move_by(&place, &visit, 15).await;
    };
    let (_, joined) = tokio::join!(place.relay.in_turn(&visit.id, moved), place.relay.ensure_meeting(&visit.id));
    assert_eq!(joined.unwrap().id, made.id);
    let stands = |place: &Place| place.provider.known().standing.lock().unwrap()[&made.id].start;
    assert_eq!(stands(&place), noon() + SignedDuration::from_mins(15));
    place.relay.ensure_meeting(&visit.id).await.unwrap();
    assert_eq!(stands(&place), noon() + SignedDuration::from_mins(15));
    place.close().await;
}

pub(crate) async fn no_link_is_handed_out_that_leads_nowhere(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    let unreachable = || MeetingError::Unreachable { retry_after: None };
    // Its meeting is known and does not stand where the appointment is by now.
    let moved = async |name: &str| {
        *place.provider.on_ensure.lock().unwrap() = None;
        let visit = place.visit(name).await;
        doubt(&place, &visit).await;
        let known = place.relay.ensure_meeting(&visit.id).await.unwrap();
        move_by(&place, &visit, 15).await;
        (visit, known)
    };

    // Graph is away: it can be joined as it stands.
    let (visit, known) = moved("stands").await;
    place.provider.ensures(move |_| Box::pin(async move { Err(unreachable()) }));
    assert_eq!(place.relay.ensure_meeting(&visit.id).await.unwrap().id, known.id);
    // Not if it is in doubt.
    doubt(&place, &visit).await;
    let refused = place.relay.ensure_meeting(&visit.id).await.unwrap_err();
    assert_eq!(refused, Refusal(ProblemCode::MeetingUnreachable));

    // Cancelled while Graph is asked, whatever it answers.
    for (name, answer) in [("cancelled", Ok(())), ("cancelled-and-away", Err(unreachable()))] {
        let (visit, known) = moved(name).await;
        let (arrivals, id) = (Arc::clone(&place.relay.arrivals), visit.id.clone());
        place.provider.ensures(move |_| {
            let (arrivals, id, answer) = (Arc::clone(&arrivals), id.clone(), answer.clone());
            Box::pin(async move {
                arrivals.update(&id, &[VisitEvent::Decided(Command::Cancel)], Along::default()).await.unwrap();
                answer
            })
        });
        let joined = place.relay.ensure_meeting(&visit.id).await;
        assert!(joined.is_err(), "{name}: {} is on its way out", known.id);
        assert_eq!(meeting(&place, &visit).await, None, "{name}");
    }

    // Cancelled while another is made: nobody is told of that one.
    let (visit, _) = moved("made-too-late").await;
    delete(&place, &visit).await;
    let (arrivals, id) = (Arc::clone(&place.relay.arrivals), visit.id.clone());
    place.provider.watches(move |_| {
        let (arrivals, id) = (Arc::clone(&arrivals), id.clone());
        Box::pin(async move {
            arrivals.update(&id, &[VisitEvent::Decided(Command::Cancel)], Along::default()).await.unwrap();
            Ok(())
        })
    });
    assert_eq!(place.relay.ensure_meeting(&visit.id).await.unwrap_err(), Refusal(ProblemCode::VisitClosed));
    *place.provider.on_watch.lock().unwrap() = None;
    assert_eq!(place.relay.store.watches_of(&visit.id).await.unwrap(), []);
    assert_eq!(place.provider.unwatched.lock().unwrap().len(), 1);

    // Deleted by somebody else, and Graph is away before there is another.
    let (visit, known) = moved("deleted").await;
    let asked = AtomicU32::new(0);
    place.provider.ensures(move |_| {
        let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        Box::pin(async move { Err(if first { MeetingError::Gone } else { unreachable() }) })
    });
    for _ in 0..2 {
        let refused = place.relay.ensure_meeting(&visit.id).await.unwrap_err();
        assert_eq!(refused, Refusal(ProblemCode::MeetingUnreachable));
    }
    assert_eq!(meeting(&place, &visit).await, None);
    *place.provider.on_ensure.lock().unwrap() = None;
    assert_ne!(place.relay.ensure_meeting(&visit.id).await.unwrap().id, known.id);
    place.close().await;
}

pub(crate) async fn nobody_is_told_of_a_meeting_that_was_given_up_by_whoever_renews_its_watch(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    let visit = place.visit("one").await;
    // Graph has forgotten the watch; while another is made, the visit is cancelled, and stands again.
    place.relay.store.watch_renewed("subscription-one", place.clock.now()).await.unwrap();
    let (arrivals, id) = (Arc::clone(&place.relay.arrivals), visit.id.clone());
    place.provider.watches(move |_| {
        let (arrivals, id) = (Arc::clone(&arrivals), id.clone());
        Box::pin(async move {
            for command in [Command::Cancel, Command::Reinstate] {
                arrivals.update(&id, &[VisitEvent::Decided(command)], Along::default()).await.unwrap();
            }
            Ok(())
        })
    });
    timers::care_once(&place.relay).await.unwrap();
    *place.provider.on_watch.lock().unwrap() = None;
    assert_eq!(place.relay.store.watches_of(&visit.id).await.unwrap(), []);
    assert_eq!(*place.provider.unwatched.lock().unwrap(), ["made-1"], "and Graph need not tell either");
    // Of the next it is told.
    let next = place.relay.ensure_meeting(&visit.id).await.unwrap();
    assert_eq!(meeting(&place, &visit).await, Some(next.id));
    assert_eq!(place.relay.store.watches_of(&visit.id).await.unwrap().len(), 1);
    place.close().await;
}

/// A single *404* must not part those inside from who comes.
pub(crate) async fn who_talks_in_a_meeting_that_graph_denies_is_met_there(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    let visit = place.visit("one").await;
    doubt(&place, &visit).await;
    let known = place.relay.ensure_meeting(&visit.id).await.unwrap().id;
    let roster = |state: LegState| Testimony::Roster {
        leg: LegId::new("g1"),
        identity: Identity::Guest,
        state,
        at: place.now(),
    };
    place.hear(&visit, roster(LegState::InCall)).await;
    move_by(&place, &visit, 15).await;
    delete(&place, &visit).await;
    assert_eq!(place.relay.ensure_meeting(&visit.id).await.unwrap().id, known);
    assert_eq!(place.relay.store.watches_of(&visit.id).await.unwrap().len(), 1, "their leaving is still heard");
    assert_eq!(place.delete_meetings().await, None);
    assert!(!place.provider.discarded().contains(&known), "nobody is thrown out");
    // When nobody is in it any more, there is another.
    place.hear(&visit, roster(LegState::Left)).await;
    assert_ne!(place.relay.ensure_meeting(&visit.id).await.unwrap().id, known);
    place.close().await;
}

/// Two pages ask at one moment: a guest is recognised only while one person is on the way.
pub(crate) async fn one_at_a_time_goes_in_however_they_ask(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    let visit = place.visit("one").await;
    let interpreter = ParticipantId::new("interpreter");
    let whom = Expected::Guest { kind: GuestKind::Interpreter };
    place.happen(&visit, VisitEvent::Decided(Command::Expect { participant: interpreter.clone(), whom })).await;
    let people = [visit.patient.clone(), interpreter];
    for (n, participant) in people.iter().enumerate() {
        let at = place.now();
        let leg = LegId::new(format!("page-{n}"));
        place.hear(&visit, Testimony::PageOpened { participant: participant.clone(), leg, at }).await;
        place.hear(&visit, Testimony::Ready { participant: participant.clone(), at, source: Source::VisitPage }).await;
    }
    place.happen(&visit, VisitEvent::Decided(Command::Call { by: visit.doctor.clone() })).await;
    place.advance(SignedDuration::from_mins(2));
    let opened = place.relay.arrivals.load(&visit.id).await.unwrap();
    for who in &people {
        assert!(opened.record.visit.may_enter(who, place.now()), "either's turn has come");
    }
    let [patient, guest] = people.map(|participant| {
        let handed_over =
            VisitEvent::Witnessed(Testimony::HandedOver { participant: participant.clone(), at: place.now() });
        (handed_over, Along { enters: Some(participant), ..Along::default() })
    });
    let arrivals = &place.relay.arrivals;
    let (one, other) = tokio::join!(
        arrivals.update(&visit.id, std::slice::from_ref(&patient.0), patient.1),
        arrivals.update(&visit.id, std::slice::from_ref(&guest.0), guest.1)
    );
    let refused = [one.err(), other.err()].into_iter().flatten().collect::<Vec<_>>();
    assert!(matches!(refused[..], [ArrivalError::NotTheirTurn]), "{refused:?}");
    place.close().await;
}
