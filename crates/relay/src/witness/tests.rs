//! How often the EHR is read, and which visit is next: over a real store, with a clock that moves when told to and an EHR
//! that counts. What a look leads to is tried with the whole relay (`tests/`).
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::*;
use crate::clock::{Clock, ManualClock, SystemRandomness};
use crate::config::{Config, NORTHSIDE};
use crate::ehr::{Attempt, Ehr, Said, requests};
use crate::outbox::{Worker, WriteBack};
use crate::serve::{Outside, assemble};
use crate::store::sqlite::SqliteStore;

/// At most so many at once, of which half is the write-backs'; one more each second.
const BURST: u32 = 4;
const VISITS: usize = 6;

/// Takes everything, and remembers what was read and how much was told.
#[derive(Default)]
struct Counting {
    read: Mutex<Vec<String>>,
    told: Mutex<u32>,
    is_down: AtomicBool,
    /// What a search for the group finds, and what is found by id.
    group: Mutex<Vec<AppointmentFacts>>,
    alone: Mutex<Option<AppointmentFacts>>,
    /// This one is not found by id.
    gone: Mutex<Option<String>>,
}

#[async_trait]
impl Ehr for Counting {
    async fn write_back(&self, _: &WriteBack, _: &Attempt<'_>) -> Said {
        requests::left();
        *self.told.lock().unwrap() += 1;
        Said::Accepted
    }

    async fn appointment(&self, id: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        self.read.lock().unwrap().push(id.to_owned());
        match self.is_down.load(Ordering::SeqCst) {
            true => Err(EhrError::Unreachable { reason: "cut".into(), retry_after: None }),
            false if self.gone.lock().unwrap().as_deref() == Some(id) => Ok(None),
            false => Ok(self.alone.lock().unwrap().clone()),
        }
    }

    async fn appointments_of_conference(&self, _: &str) -> Result<Vec<AppointmentFacts>, EhrError> {
        self.read.lock().unwrap().push("the group".into());
        Ok(self.group.lock().unwrap().clone())
    }

    async fn appointment_by_identifier(&self, _: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(None)
    }

    async fn appointment_of_encounter(&self, _: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(None)
    }
}

struct Place {
    _folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    ehr: Arc<Counting>,
    relay: Arc<Relay>,
    worker: Worker,
    visits: Vec<Opened>,
    looked: Looked,
}

impl Place {
    async fn start() -> Self {
        Self::with(VISITS).await
    }

    async fn with(visits: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::assemble(NORTHSIDE, std::path::Path::new("test"), Vec::new()).unwrap();
        config.keys.directory = folder.path().join("keys");
        config.ehr.poll_seconds = 10;
        (config.outbox.per_ehr_per_second, config.outbox.per_ehr_burst) = (1, BURST);
        let url = format!("sqlite:{}", folder.path().join("r.sqlite").display());
        let store = Arc::new(SqliteStore::open(&url, 2, Duration::from_secs(5)).await.unwrap());
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        let as_clock: Arc<dyn Clock> = clock.clone();
        let random = Arc::new(SystemRandomness::default());
        let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder().handle();
        let outside = Outside { config, store, clock: as_clock, random, metrics, restored: false };
        let mut relay = assemble(outside).await.unwrap().relay;
        let ehr = Arc::new(Counting::default());
        let parts = Arc::get_mut(&mut relay).unwrap();
        parts.ehrs.values_mut().for_each(|it| *it = ehr.clone());
        let Relay { config, store, keys, ehrs, clock: time, random, arrivals, .. } = &*relay;
        let worker = Worker::new(config, store, keys, ehrs, time, random, arrivals);
        let mut place =
            Self { _folder: folder, clock, ehr, relay, worker, visits: Vec::new(), looked: Looked::default() };
        for n in 0..visits {
            place.visits.push(place.open(n).await);
        }
        place
    }

    async fn open(&self, n: usize) -> Opened {
        let organization = self.relay.organization("northside").unwrap();
        let opened = self.relay.open_visit(organization, &organization.ehr[0], &self.facts(n).into(), None).await;
        opened.unwrap_or_else(|refusal| panic!("{:?}", refusal.0))
    }

    fn facts(&self, n: usize) -> AppointmentFacts {
        AppointmentFacts {
            id: format!("a{n}"),
            status: "booked".into(),
            is_virtual: true,
            start: self.clock.now(),
            end: self.clock.now() + SignedDuration::from_mins(30),
            patient: Some(format!("p{n}")),
            practitioners: vec!["d1".into()],
            conference_id: Some(format!("7{n}")),
            group: None,
            location: None,
        }
    }

    /// The patient of the n-th visit says *I'm ready*: one write-back.
    async fn arrives(&self, n: usize) {
        let visit = &self.visits[n];
        let mut people = visit.record.visit.participants();
        let participant = people.find(|(_, person)| person.is_patient()).map(|(id, _)| id.clone()).unwrap();
        let ready = Testimony::Ready { participant, at: wire::to_rules(self.clock.now()), source: Source::VisitPage };
        let events = [VisitEvent::Witnessed(ready)];
        self.relay.arrivals.update(&visit.stored.row.id, &events, Along::default()).await.unwrap();
    }

    /// One round; what was read in it.
    async fn look(&mut self) -> Vec<String> {
        let before = self.ehr.read.lock().unwrap().len();
        let said = look_once(&self.relay, &mut self.looked).await.unwrap();
        let read = self.ehr.read.lock().unwrap()[before..].to_vec();
        assert_eq!(read.len(), said as usize);
        read
    }

    fn seconds(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }
}

#[tokio::test]
async fn the_ehr_is_read_no_faster_than_its_pace_and_everybody_before_anybody_again() {
    let mut place = Place::start().await;
    assert_eq!(place.look().await.len(), 2, "half of the burst is the write-backs'");
    assert_eq!(place.look().await.len(), 0, "no time has passed");
    for _ in 2..VISITS {
        place.seconds(1);
        assert_eq!(place.look().await.len(), 1, "one a second");
    }
    let read: HashSet<String> = place.ehr.read.lock().unwrap().drain(..).collect();
    assert_eq!(read.len(), VISITS, "each once");
    place.seconds(3);
    assert_eq!(place.look().await.len(), 0, "there is room, but none is due yet");
    place.seconds(3);
    assert_eq!(place.look().await.len(), 2, "ten seconds later the first two are");
}

#[tokio::test]
async fn write_backs_find_room_beside_the_looks_and_looks_none_beside_many_write_backs() {
    let mut place = Place::start().await;
    assert_eq!(place.look().await.len(), 2);
    for n in 0..3 {
        place.arrives(n).await;
    }
    assert_eq!(place.worker.run_once().await.unwrap(), 2, "what the looks have left, at the same moment");
    place.seconds(1);
    assert_eq!(place.look().await.len(), 0, "what came back is the write-backs'");
    assert_eq!(place.worker.run_once().await.unwrap(), 1);
    assert_eq!(*place.ehr.told.lock().unwrap(), 3);
    place.seconds(2);
    assert_eq!(place.look().await.len(), 0);
    place.seconds(1);
    assert_eq!(place.look().await.len(), 1, "more than half is free again");
}

#[tokio::test]
async fn an_ehr_that_does_not_answer_is_left_alone_until_the_next_round() {
    let mut place = Place::start().await;
    place.ehr.is_down.store(true, Ordering::SeqCst);
    let first = place.look().await;
    assert_eq!(first.len(), 1, "there was room for two");
    let second = place.look().await;
    assert_eq!(second.len(), 1);
    assert_ne!(first, second, "another visit's turn");
    for stored in place.relay.store.open_visits("northside").await.unwrap() {
        assert_eq!(stored.row.stage, "planned", "nothing is concluded");
    }
}

#[tokio::test]
async fn who_is_taken_out_of_a_group_is_awaited_no_more_and_who_is_only_not_found_is() {
    let place = Place::with(0).await;
    let of = |n: usize| AppointmentFacts { group: Some("9".into()), ..place.facts(n) };
    let all = vec![of(0), of(1), of(2)];
    let organization = place.relay.organization("northside").unwrap();
    let scheduled = Together::of(all.clone()).unwrap();
    let opened = place.relay.open_visit(organization, &organization.ehr[0], &scheduled, None).await;
    let visit = opened.unwrap_or_else(|refusal| panic!("{:?}", refusal.0)).stored.row.id;
    let expected = async |place: &Place| -> Vec<bool> {
        let record = place.relay.arrivals.load(&visit).await.unwrap().record;
        let awaits = |n: usize| record.visit.is_welcome(record.patient(&format!("p{n}")).unwrap());
        (0..3).map(awaits).collect()
    };
    // The group's search does not find the first one, and neither does their own number.
    *place.ehr.group.lock().unwrap() = all[1..].to_vec();
    let looked = |read: u32, place: &Place| place.ehr.read.lock().unwrap().drain(..).count() == read as usize;
    let mut seen = Looked::default();
    look_once(&place.relay, &mut seen).await.unwrap();
    assert!(looked(2, &place));
    assert_eq!(expected(&place).await, [true, true, true]);
    // Their own appointment says that it is of no group any more.
    *place.ehr.alone.lock().unwrap() = Some(AppointmentFacts { group: None, ..all[0].clone() });
    place.seconds(11);
    look_once(&place.relay, &mut seen).await.unwrap();
    assert_eq!(expected(&place).await, [false, true, true]);
    // And back in it.
    *place.ehr.group.lock().unwrap() = all.clone();
    place.seconds(11);
    look_once(&place.relay, &mut seen).await.unwrap();
    assert_eq!(expected(&place).await, [true, true, true]);
    // An EHR that finds nobody at all says nothing.
    *place.ehr.group.lock().unwrap() = Vec::new();
    *place.ehr.alone.lock().unwrap() = None;
    for _ in 0..3 {
        place.seconds(11);
        look_once(&place.relay, &mut seen).await.unwrap();
    }
    assert_eq!(expected(&place).await, [true, true, true]);
    // One that cannot be found any more keeps nobody else in: each is asked about in turn, though the group is empty.
    let order = async |place: &Place| {
        let record = place.relay.arrivals.load(&visit).await.unwrap().record;
        let lines: Vec<_> = record.visit.patients().map(|who| record.ehr.line(who).appointment).collect();
        lines
    };
    let lines = order(&place).await;
    *place.ehr.gone.lock().unwrap() = Some(lines[0].clone());
    *place.ehr.alone.lock().unwrap() = Some(AppointmentFacts { group: None, ..all[1].clone() });
    for _ in 0..3 {
        place.seconds(11);
        look_once(&place.relay, &mut seen).await.unwrap();
    }
    let left = expected(&place).await.into_iter().filter(|is_awaited| !is_awaited).count();
    assert_eq!(left, 2, "all but the one of whom nothing is known");
}

#[tokio::test]
async fn a_visit_whose_appointment_is_made_part_of_a_group_becomes_the_groups() {
    let place = Place::with(2).await;
    let of = |n: usize| AppointmentFacts { group: Some("9".into()), conference_id: Some("9".into()), ..place.facts(n) };
    let [ada, bob, cy] = [of(0), of(1), of(2)];
    let (first, second) = (place.visits[0].stored.row.id.clone(), place.visits[1].stored.row.id.clone());
    place.arrives(0).await;
    // Cy's launch finds where Ada waits, and not an empty room.
    let organization = place.relay.organization("northside").unwrap();
    let scheduled = Together::of(vec![ada.clone(), cy.clone()]).unwrap();
    let opened = place.relay.open_visit(organization, &organization.ehr[0], &scheduled, None).await;
    let opened = opened.unwrap_or_else(|refusal| panic!("{:?}", refusal.0));
    assert_eq!(opened.stored.row.id, first);
    assert_eq!(opened.record.ehr.group.as_deref(), Some("9"));
    let (a, c) = (opened.record.patient("p0").unwrap(), opened.record.patient("p2").unwrap());
    assert!(opened.record.visit.arrival_of(a, wire::to_rules(place.clock.now())).is_some());
    assert_eq!(
        (opened.record.ehr.line(a).appointment, opened.record.ehr.line(c).appointment),
        ("a0".into(), "a2".into())
    );
    assert_eq!(opened.record.ehr.line(a).conference_id.as_deref(), Some("9"));
    // Whoever comes later finds it as well, and the one that Bob's launch had made long ago says: open it again.
    let again = place.relay.open_visit(organization, &organization.ehr[0], &cy.clone().into(), None).await;
    assert_eq!(again.unwrap_or_else(|refusal| panic!("{:?}", refusal.0)).stored.row.id, first);
    *place.ehr.group.lock().unwrap() = vec![ada, bob.clone(), cy];
    *place.ehr.alone.lock().unwrap() = Some(bob);
    let mut seen = Looked::default();
    for _ in 0..3 {
        place.seconds(11);
        look_once(&place.relay, &mut seen).await.unwrap();
    }
    assert_eq!(place.relay.arrivals.load(&second).await.unwrap().stored.row.stage, "cancelled");
    let group = place.relay.arrivals.load(&first).await.unwrap().record;
    assert!(group.patient("p1").is_some() && group.visit.is_open());
}

#[tokio::test]
async fn a_patient_who_is_added_to_what_clinicians_had_among_themselves_gets_a_place() {
    let place = Place::with(0).await;
    let consult = AppointmentFacts { patient: None, practitioners: vec!["d1".into(), "d2".into()], ..place.facts(0) };
    let organization = place.relay.organization("northside").unwrap();
    let open = async |facts: AppointmentFacts| {
        let opened = place.relay.open_visit(organization, &organization.ehr[0], &facts.into(), None).await;
        opened.unwrap_or_else(|refusal| panic!("{:?}", refusal.0))
    };
    let before = open(consult.clone()).await;
    let after = open(AppointmentFacts { patient: Some("p0".into()), ..consult.clone() }).await;
    assert_eq!(before.stored.row.id, after.stored.row.id);
    assert!(before.record.patient("p0").is_none() && after.record.patient("p0").is_some());
    let other = open(AppointmentFacts { patient: Some("p1".into()), ..consult }).await;
    assert!(other.record.patient("p1").is_none(), "one appointment keeps its patient");
}
