//! Backup, restore, `serve --restored`: nothing of what the backup holds is sent before somebody knows what is so.

use jiff::{SignedDuration, Timestamp};
use roomed_relay::clock::{Clock, SystemClock};
use roomed_relay::ehr::ReadBack;
use roomed_relay::outbox::Presence;
use roomed_relay::restore::{self, Reconciler};
use roomed_relay::store::{Channel, EntryState};
use roomed_visit::{Command, Oid, VisitEvent};

use crate::home::{Home, Kind};
use crate::place::{EHR, OID, Place, Visit, noon};
use crate::{meetings, program};

/// The backup of a relay that was lost: one visit whose patient waits, not yet told; one that is over, its end not yet told. After the
/// backup, the lost relay told all of it, and newer things.
async fn lost(ehr: &str, now: Timestamp, kind: Kind) -> (Home, Visit, Visit) {
    let home = Home::make(kind).await;
    let place = Place::beside(ehr, &home, now).await;
    let (waits, over) = (place.visit("waits").await, place.visit("over").await);
    place.arrive(&over, "page-of-over").await;
    place.deliver().await;
    place.end(&over).await;
    place.arrive(&waits, "page-of-waits").await;
    let backup = home.restored_elsewhere().await;
    place.deliver().await;
    place.advance(SignedDuration::from_mins(5));
    place.leave(&waits, "page-of-waits").await;
    place.close().await;
    (backup, waits, over)
}

async fn restored(home: &Home) -> Place {
    let place = Place::open(home, noon() + SignedDuration::from_hours(1)).await;
    restore::begin(&place.relay).await.unwrap();
    place
}

/// Channel and state of each row of `visit` that is not done with.
async fn standing(place: &Place, visit: &Visit) -> Vec<(Channel, EntryState)> {
    let rows = place.rows(None).await.into_iter().filter(|row| row.visit == visit.id);
    let rows = rows.filter(|row| !matches!(row.state, EntryState::Delivered | EntryState::Superseded));
    rows.map(|row| (row.channel, row.state)).collect()
}

pub(crate) async fn where_the_ehr_cannot_be_read_a_state_waits_for_a_witness_and_the_rest_for_an_operator(kind: Kind) {
    use Channel::{Message, State};
    use EntryState::{Parked, Quarantined};
    let (home, waits, over) = lost(EHR, noon(), kind).await;
    let place = restored(&home).await;
    place.deliver().await;
    assert_eq!(place.ehr.heard(), [], "nothing is sent blindly");
    let all = [(State, Quarantined), (Message, Quarantined)];
    assert_eq!((standing(&place, &waits).await, standing(&place, &over).await), (all.to_vec(), all.to_vec()));

    let mut reconciler = Reconciler::default();
    assert_eq!(place.reconcile(&mut reconciler).await, 1, "only the state of the open visit is left to a witness");
    let parked = [(State, Parked), (Message, Parked)];
    assert_eq!(standing(&place, &waits).await, [(State, Quarantined), (Message, Parked)]);
    assert_eq!(standing(&place, &over).await, parked);
    let reasons: Vec<_> = place.rows(Some(Parked)).await.into_iter().map(|row| row.reason.unwrap()).collect();
    assert!(reasons.iter().all(|reason| reason == restore::REASON), "{reasons:?}");
    assert_eq!(place.ehr.asked.lock().unwrap().len(), 4);
    assert_eq!(place.reconcile(&mut reconciler).await, 1);
    assert_eq!(place.ehr.asked.lock().unwrap().len(), 4, "an EHR that cannot tell is not asked again and again");

    // Time alone says nothing.
    place.advance(SignedDuration::from_mins(10));
    roomed_relay::timers::tick_due(&place.relay).await.unwrap();
    place.deliver().await;
    assert_eq!(place.ehr.heard(), []);
    // The visit believes that the chart knows; the patient's page says what is so, and the chart is told once more. An
    // event that may stand there already is not doubled.
    place.arrive(&waits, "page-of-today").await;
    place.deliver().await;
    assert_eq!(place.ehr.heard(), [(State, Presence::Connected)]);
    assert_eq!(standing(&place, &waits).await, [(Message, Parked)], "the restored row gave way");
    assert_eq!(place.reconcile(&mut reconciler).await, 0);

    // Begun once more with the flag: what was settled stays so.
    restore::begin(&place.relay).await.unwrap();
    place.deliver().await;
    assert_eq!(place.ehr.heard(), []);
    place.close().await;
}

pub(crate) async fn where_the_ehr_can_be_read_it_decides(kind: Kind) {
    let (home, waits, over) = lost(EHR, noon(), kind).await;
    let place = restored(&home).await;
    *place.ehr.reads_back.lock().unwrap() = Some(|_| ReadBack::NotNow);
    let mut reconciler = Reconciler::default();
    assert_eq!(place.reconcile(&mut reconciler).await, 4, "an EHR that does not answer is asked again");
    // Reading has its share of the connection's pace, like everything else.
    place.advance(SignedDuration::from_secs(30));
    *place.ehr.reads_back.lock().unwrap() = Some(|_| ReadBack::Applied);
    assert_eq!(place.reconcile(&mut reconciler).await, 0);
    let skipped = place.rows(Some(EntryState::Skipped)).await;
    assert_eq!(skipped.len(), 4);
    assert!(skipped.iter().all(|row| row.reason.as_deref().is_some_and(|it| it.contains("found in the EHR"))));
    place.deliver().await;
    assert_eq!(place.ehr.heard(), []);
    assert_eq!(standing(&place, &waits).await.len() + standing(&place, &over).await.len(), 4, "all skipped, none sent");
    place.close().await;
}

pub(crate) async fn what_the_ehr_does_not_show_is_sent_only_if_it_cannot_overwrite_anything_newer(kind: Kind) {
    use Channel::{Message, State};
    let (home, waits, over) = lost(EHR, noon(), kind).await;
    let place = restored(&home).await;
    *place.ehr.reads_back.lock().unwrap() = Some(|_| ReadBack::NotApplied);
    assert_eq!(place.reconcile(&mut Reconciler::default()).await, 1);
    place.deliver().await;
    let heard = place.ehr.heard();
    assert_eq!(heard.len(), 2);
    assert!(heard.iter().all(|(channel, _)| *channel == Message), "no setter of a backup is sent: {heard:?}");
    assert_eq!(standing(&place, &waits).await, [(State, EntryState::Quarantined)]);
    assert_eq!(standing(&place, &over).await, [(State, EntryState::Parked)]);
    place.close().await;
}

pub(crate) async fn a_visit_that_was_forgotten_since_the_backup_stays_forgotten(kind: Kind) {
    let (home, waits, _) = lost(EHR, noon(), kind).await;
    let day = home.folder().join("keys/day-2027-01-15.key");
    std::fs::rename(&day, home.folder().join("elsewhere")).unwrap();
    let place = Place::open(&home, noon() + SignedDuration::from_hours(72)).await;
    restore::begin(&place.relay).await.unwrap();
    assert_eq!(place.reconcile(&mut Reconciler::default()).await, 0);
    place.deliver().await;
    assert_eq!(place.ehr.heard(), []);
    let parked = place.rows(Some(EntryState::Parked)).await;
    assert!(parked.iter().all(|row| row.reason.as_deref().is_some_and(|it| it.contains("payload destroyed"))));
    let visit = place.relay.store.visit(&waits.id).await.unwrap().unwrap();
    assert!(visit.row.closed_at.is_some(), "nobody can go on with it");
    // Longer than an end can be taken back.
    place.advance(SignedDuration::from_hours(1));
    roomed_relay::shredding::round(&place.relay).await.unwrap();
    assert!(
        place.relay.store.visit(&waits.id).await.unwrap().is_some(),
        "the keys may only be out of reach: there is time"
    );
    place.advance(SignedDuration::from_hours(24 * 8));
    roomed_relay::shredding::round(&place.relay).await.unwrap();
    assert!(place.relay.store.visit(&waits.id).await.unwrap().is_none());
    place.close().await;
}

/// Ended before the backup; since then that was taken back, the appointment was cancelled, and the meeting is deleted.
pub(crate) async fn a_meeting_of_a_visit_that_was_over_is_asked_for_before_it_is_gone_on_in(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    let visit = place.visit("over").await;
    let before = meetings::meeting(&place, &visit).await.unwrap();
    place.end(&visit).await;
    let backup = home.restored_elsewhere().await;
    place.close().await;
    let place = restored(&backup).await;
    meetings::delete(&place, &visit).await;
    let launched = Command::Launched { participant: visit.doctor.clone(), oid: Oid::new(OID), covering: false };
    place.happen(&visit, VisitEvent::Decided(launched)).await;
    assert_eq!(meetings::meeting(&place, &visit).await, None, "nobody is sent there unasked");
    let after = place.relay.ensure_meeting(&visit.id).await.unwrap().id;
    assert_ne!(after, before);
    assert_eq!(meetings::meeting(&place, &visit).await, Some(after));
    place.close().await;
}

pub(crate) async fn the_real_relay_sends_nothing_of_a_backup_and_without_the_flag_it_would(kind: Kind) {
    let ehr = program::Listening::start().await;
    // The real relay has the real time.
    let (home, ..) = lost(&ehr.address, SystemClock.now(), kind).await;
    let other = home.restored_elsewhere().await;
    let config = program::configure(&home, &ehr.address);
    let head = async |home: &Home| {
        program::run(&["audit", "head", "--database", &home.url(), "--json"]).await.json()["seq"].as_i64().unwrap()
    };
    let before = head(&home).await;
    let mut relay = program::serve(&config, &["--restored"]).await;
    // Its worker looks as soon as it starts; two seconds are time enough, as the other relay shows.
    let mut every = tokio::time::interval(std::time::Duration::from_secs(2));
    every.tick().await;
    every.tick().await;
    relay.kill().await.unwrap();
    assert_eq!(head(&home).await, before, "no attempt was begun");
    let listed = program::run(&["outbox", "list", "--config", &config, "--json"]).await.json();
    let states = |listed: &serde_json::Value| -> Vec<String> {
        let rows = listed["entries"].as_array().unwrap().iter();
        rows.map(|row| row["state"].as_str().unwrap().to_owned()).collect()
    };
    assert!(!states(&listed).iter().any(|it| it == "waiting" || it == "in-flight"), "{listed}");
    assert!(states(&listed).iter().any(|it| it == "quarantined"), "{listed}");

    let config = program::configure(&other, &ehr.address);
    let mut relay = program::serve(&config, &[]).await;
    let asked = ehr.asked();
    program::until("without the flag the backup's rows are sent", || ehr.asked() > asked).await;
    relay.kill().await.unwrap();
    assert!(head(&other).await > before);
}
