//! The meeting of a cancelled visit is deleted exactly once, however the visit closed and whatever becomes of it, and Graph is
//! asked for a day at most.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use roomed_relay::arrivals::Along;
use roomed_relay::clock::Clock;
use roomed_relay::ehr::Said;
use roomed_relay::meeting::{MeetingError, RefusalReason};
use roomed_relay::removal::given_up::ASKED_FOR;
use roomed_relay::store::EntryState;
use roomed_relay::{removal, shredding, timers};
use roomed_visit::{CloseReason, Command, Identity, LegId, LegState, Oid, Testimony, VisitEvent};

use crate::home::{Home, Kind};
use crate::place::{CANARY, OID, ORGANIZATION, Place, Visit, made_under, noon};

fn named(name: &str) -> String {
    format!("{CANARY}-meeting-{name}")
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

async fn decide(place: &Place, visit: &Visit, command: Command) {
    place.happen(visit, VisitEvent::Decided(command)).await;
}

/// The meeting's id, if anything is kept of one as the visit's.
async fn meeting(place: &Place, visit: &Visit) -> Option<String> {
    let opened = place.relay.arrivals.load(&visit.id).await.unwrap();
    place.relay.arrivals.any_meeting(&opened).await.unwrap().map(|it| it.id)
}

/// A meeting made under this external id comes to the visit.
async fn made(place: &Place, visit: &Visit, external_id: &str, name: &str) {
    let along = Along { meeting: Some((made_under(external_id, name), None)), ..Along::default() };
    let events = [VisitEvent::Decided(Command::MeetingReady)];
    place.relay.arrivals.update(&visit.id, &events, along).await.unwrap();
}

async fn external_id(place: &Place, visit: &Visit) -> String {
    place.relay.arrivals.load(&visit.id).await.unwrap().record.meeting_external_id
}

/// A write-back that somebody has to look after keeps the visit for a week: its meeting is not asked for as long.
pub(crate) async fn what_graph_refuses_to_delete_is_asked_for_a_day(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    let visit = place.visit("one").await;
    place.ehr.next.lock().unwrap().extend((0..9).map(|_| Said::Never { reason: "no".into() }));
    place.arrive(&visit, "page").await;
    place.deliver().await;
    let refused = MeetingError::Refused { reason: RefusalReason::PermissionMissing };
    *place.provider.keeps.lock().unwrap() = Some(refused);
    decide(&place, &visit, Command::Cancel).await;
    place.deliver().await;
    assert!(!place.rows(Some(EntryState::Parked)).await.is_empty());
    let (begun, mut asked, mut next) = (noon(), 0, place.delete_meetings().await);
    asked += place.provider.discarded().len();
    assert_eq!(asked, 1, "at once");
    while let Some(at) = next {
        assert!(asked < 200, "without end");
        let ahead = at.duration_since(noon()) - place.now_since(noon());
        assert!(ahead >= minutes(10), "not more often than every ten minutes: {ahead}");
        place.advance(ahead);
        next = place.delete_meetings().await;
        asked += place.provider.discarded().len();
        shredding::round(&place.relay).await.unwrap();
    }
    let took = place.now_since(begun);
    assert!(took <= ASKED_FOR && took > ASKED_FOR - minutes(11), "{took}");
    assert_eq!(asked, 145, "every ten minutes of a day");
    assert!(!place.relay.store.has_given_up(&visit.id).await.unwrap());
    place.advance(minutes(60 * 24));
    place.delete_meetings().await;
    shredding::round(&place.relay).await.unwrap();
    assert!(place.relay.arrivals.load(&visit.id).await.is_ok(), "the visit is there for whoever looks after the row");
    assert_eq!(place.provider.discarded(), Vec::<String>::new(), "and nobody is asked any more");
    place.close().await;
}

/// The clinician's leg was never seen to leave: time closes the visit.
pub(crate) async fn a_cancelled_visit_that_time_closes_has_its_meeting_deleted_once(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    let visit = place.visit("one").await;
    let identity = Identity::User(Oid::new(OID));
    let leg = Testimony::Roster { leg: LegId::new("c"), identity, state: LegState::InCall, at: place.now() };
    place.hear(&visit, leg).await;
    place.advance(minutes(1));
    decide(&place, &visit, Command::Cancel).await;
    assert_eq!(place.delete_meetings().await, None, "somebody is inside");
    while let Some(next) = timers::tick_due(&place.relay).await.unwrap() {
        place.advance((next.duration_since(noon()) - place.now_since(noon())).max(minutes(1)));
    }
    let closed = place.relay.arrivals.load(&visit.id).await.unwrap().record.visit.decisions().closed.clone();
    assert_eq!(closed.map(|it| it.reason), Some(CloseReason::TimedOut));
    for _ in 0..2 {
        assert_eq!(place.delete_meetings().await, None);
        place.advance(minutes(1));
    }
    assert_eq!(place.provider.discarded(), [named("one")], "once");
    assert_eq!(meeting(&place, &visit).await, None);
    place.close().await;
}

pub(crate) async fn each_meeting_that_was_given_up_is_deleted_and_never_the_one_the_visit_goes_on_in(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    let visit = place.visit("one").await;
    let first = external_id(&place, &visit).await;
    *place.provider.keeps.lock().unwrap() = Some(MeetingError::Unreachable { retry_after: None });
    decide(&place, &visit, Command::Cancel).await;
    place.delete_meetings().await;
    assert_eq!((place.provider.discarded(), meeting(&place, &visit).await), (vec![named("one")], None));
    // It stands again, and is in another meeting, while Graph has not taken the first one's end.
    decide(&place, &visit, Command::Reinstate).await;
    let second = external_id(&place, &visit).await;
    assert_ne!(first, second);
    made(&place, &visit, &second, "two").await;
    // One that was made under the old name at that moment came too late.
    made(&place, &visit, &first, "late").await;
    assert_eq!(meeting(&place, &visit).await, Some(named("two")));
    place.advance(minutes(1));
    place.delete_meetings().await;
    let mut asked = place.provider.discarded();
    asked.sort();
    assert_eq!(asked, [named("late"), named("one")]);
    // Cancelled once more: there are three by now, and each goes once Graph answers.
    decide(&place, &visit, Command::Cancel).await;
    *place.provider.keeps.lock().unwrap() = None;
    place.advance(minutes(1));
    assert_eq!(place.delete_meetings().await, None);
    let mut gone = place.provider.discarded();
    gone.sort();
    assert_eq!(gone, [named("late"), named("one"), named("two")]);
    // One that comes to a visit which is for nothing is no meeting of its.
    let now = external_id(&place, &visit).await;
    made(&place, &visit, &now, "last").await;
    assert_eq!((meeting(&place, &visit).await, external_id(&place, &visit).await == now), (None, false));
    assert_eq!(place.delete_meetings().await, None);
    assert_eq!(place.provider.discarded(), [named("last")]);
    place.close().await;
}

/// What a relay of before, too, would have made due.
async fn to_be_looked_after(home: &Home, visit: &Visit) {
    let due = noon().as_millisecond();
    let row =
        format!("INSERT INTO removal (visit, organization, due_at) VALUES ('{}', '{ORGANIZATION}', {due})", visit.id);
    home.sql(&row).await;
}

pub(crate) async fn a_graph_that_hangs_and_refuses_holds_up_nothing_else(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Arc::new(Place::open(&home, noon()).await);
    let (visit, other) = (place.visit("one").await, place.visit("other").await);
    decide(&place, &visit, Command::Cancel).await;
    // It takes ten seconds to answer, and wants to be left alone for eight.
    let there = Arc::clone(&place);
    place.provider.discards(move |_| {
        let there = Arc::clone(&there);
        Box::pin(async move {
            there.advance(SignedDuration::from_secs(10));
            there.set_server_time().await;
            Err(MeetingError::Unreachable { retry_after: Some(Duration::from_secs(8)) })
        })
    });
    let round = tokio::time::timeout(Duration::from_secs(20), place.delete_meetings());
    let next = round.await.expect("the round ends, whatever Graph does");
    assert_eq!(next, Some(noon() + SignedDuration::from_secs(18)), "from when it answered");
    assert_eq!(place.provider.discarded(), [named("one")], "asked once");

    // Now it does not answer at all, and somebody else's meeting is to be emptied.
    place.advance(minutes(1));
    place.set_server_time().await;
    let (hangs, mut hanging) = tokio::sync::mpsc::unbounded_channel();
    place.provider.discards(move |_| {
        hangs.send(()).unwrap();
        Box::pin(std::future::pending())
    });
    let rounds = [
        tokio::spawn(removal::run(Arc::clone(&place.relay))),
        tokio::spawn(removal::given_up::run(Arc::clone(&place.relay))),
    ];
    hanging.recv().await.unwrap();
    to_be_looked_after(&home, &other).await;
    place.relay.arrivals.removals.notify_one();
    let served = async {
        let mut every = tokio::time::interval(Duration::from_millis(20));
        while place.relay.store.has_removal(&other.id).await.unwrap() {
            every.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(15), served).await.expect("the other is looked after");
    for round in rounds {
        round.abort();
        assert!(round.await.unwrap_err().is_cancelled(), "it would have gone on");
    }
    *place.provider.on_discard.lock().unwrap() = None;
    place.relay.store.close().await;
}

/// It kept the meeting as the visit's, and what was to become of it as a row of those that are to be emptied.
pub(crate) async fn what_a_relay_of_before_left_to_be_deleted_is_deleted_once(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    let visit = place.visit("one").await;
    home.sql("CREATE TABLE kept AS SELECT meeting, meeting_sealed FROM visit").await;
    decide(&place, &visit, Command::Cancel).await;
    home.sql(
        "UPDATE visit SET meeting = (SELECT meeting FROM kept), meeting_sealed = (SELECT meeting_sealed FROM kept);
         DROP TABLE kept; DELETE FROM given_up",
    )
    .await;
    to_be_looked_after(&home, &visit).await;
    assert_eq!(meeting(&place, &visit).await, Some(named("one")));
    for _ in 0..2 {
        assert_eq!((place.empty_meetings().await, place.delete_meetings().await), (None, None));
    }
    assert_eq!(place.provider.discarded(), [named("one")], "once");
    assert_eq!(meeting(&place, &visit).await, None);
    assert!(!place.relay.store.has_removal(&visit.id).await.unwrap());
    place.close().await;
}

/// Its configuration is older than the other's, say.
pub(crate) async fn a_node_that_does_not_know_the_organization_leaves_its_meetings_to_another(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    let visit = place.visit("one").await;
    decide(&place, &visit, Command::Cancel).await;
    home.sql("UPDATE given_up SET organization = 'new-here'").await;
    assert_eq!(place.delete_meetings().await, Some(place.clock.now() + minutes(10)), "not all the time, either");
    assert_eq!(place.provider.discarded(), Vec::<String>::new());
    home.sql(&format!("UPDATE given_up SET organization = '{ORGANIZATION}'")).await;
    place.advance(minutes(10));
    assert_eq!(place.delete_meetings().await, None);
    assert_eq!(place.provider.discarded(), [named("one")]);
    // Nor does it look every few seconds at meetings that are to be emptied.
    let due = place.clock.now().as_millisecond();
    home.sql(&format!("INSERT INTO removal (visit, organization, due_at) VALUES ('{}', 'new-here', {due})", visit.id))
        .await;
    assert_eq!(place.empty_meetings().await, Some(place.clock.now() + minutes(10)));
    assert!(place.relay.store.has_removal(&visit.id).await.unwrap());
    place.close().await;
}
