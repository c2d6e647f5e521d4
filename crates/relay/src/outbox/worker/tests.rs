//! The worker over a real store and real keys, with an EHR that answers as told: what is settled, what comes again, and
//! what is never in flight twice.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::clock::{ManualClock, SystemRandomness};
use crate::config::NORTHSIDE;
use crate::ehr::{AppointmentFacts, EhrError, requests};
use crate::outbox::{About, Attendance, Presence, Role};
use crate::store::sqlite::SqliteStore;
use crate::store::{Change, Channel, ChartWord, LookupKey, NewOutboxEntry, VisitRow};

/// Says what it was told to, `Accepted` when it runs out, and remembers what it heard.
#[derive(Default)]
struct Scripted {
    next: Mutex<Vec<Said>>,
    heard: Mutex<Vec<(String, Presence)>>,
    hold: Option<Notify>,
    /// So many requests an attempt; 0 is one.
    asks: u32,
    /// What it says it asks.
    per_row: u32,
}

#[async_trait]
impl Ehr for Scripted {
    async fn write_back(&self, intent: &WriteBack, attempt: &Attempt<'_>) -> Said {
        let About::Attendance(who) = &intent.about else { panic!("{intent:?}") };
        if !intent.channel.supersedes() && !attempt.gate.may_send().await {
            return Said::Stopped;
        }
        (0..self.asks.max(1)).for_each(|_| requests::left());
        self.heard.lock().unwrap().push((who.participant.clone(), who.presence));
        if let Some(hold) = &self.hold {
            hold.notified().await;
        }
        self.next.lock().unwrap().pop().unwrap_or(Said::Accepted)
    }

    fn requests_per_row(&self) -> u32 {
        self.per_row.max(1)
    }

    async fn appointment(&self, _: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(None)
    }

    async fn appointment_by_identifier(&self, _: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(None)
    }

    async fn appointment_of_encounter(&self, _: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(None)
    }
}

#[derive(Default)]
struct Board {
    bell: Arc<Notify>,
    changed: AtomicU32,
}

#[async_trait]
impl ChartListener for Board {
    fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }

    async fn chart_changed(&self, visit: &str) {
        assert_eq!(visit, "v");
        self.changed.fetch_add(1, Ordering::SeqCst);
    }
}

struct Place {
    _folder: tempfile::TempDir,
    store: Arc<dyn Store>,
    keys: Arc<Keys>,
    clock: Arc<ManualClock>,
    ehr: Arc<Scripted>,
    board: Arc<Board>,
    worker: Worker,
    told: AtomicU32,
}

const ISS: &str = "http://127.0.0.1:3/fhir";

async fn place(ehr: Scripted) -> Place {
    place_with(ehr, 20_000).await
}

async fn place_with(ehr: Scripted, deadline_ms: u32) -> Place {
    place_as(ehr, |outbox| outbox.deadline_ms = deadline_ms).await
}

async fn place_as(ehr: Scripted, change: impl FnOnce(&mut config::Outbox)) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("r.sqlite").display());
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&url, 2, Duration::from_secs(5)).await.unwrap());
    let mut config = Config::assemble(NORTHSIDE, std::path::Path::new("test"), Vec::new()).unwrap();
    config.keys.directory = folder.path().join("keys");
    change(&mut config.outbox);
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let clock = Arc::new(ManualClock::new(now));
    let as_clock: Arc<dyn Clock> = clock.clone();
    let random: Arc<dyn Random> = Arc::new(SystemRandomness::default());
    let keys = Arc::new(Keys::open(&config, &store, &as_clock, &random).await.unwrap());
    let (_, wrapped) = keys.new_visit_key("northside", "v", now).unwrap();
    let visit = VisitRow {
        id: "v".into(),
        organization: "northside".into(),
        appointment: LookupKey(b"a".to_vec()),
        key: wrapped,
        sealed: vec![],
        stage: "planned".into(),
        planned_start: now,
        planned_end: now,
        next_timer_at: None,
        closed_at: None,
    };
    store.commit(Change::of(visit, None, now)).await.unwrap();
    let ehr = Arc::new(ehr);
    let board = Arc::new(Board::default());
    let ehrs = Ehrs::from([(("northside".to_owned(), ISS.to_owned()), ehr.clone() as Arc<dyn Ehr>)]);
    let worker = Worker::new(&config, &store, &keys, &ehrs, &as_clock, &random, &board);
    Place { _folder: folder, store, keys, clock, ehr, board, worker, told: AtomicU32::new(0) }
}

impl Place {
    async fn tell(&self, participant: &str, presence: Presence, iss: &str) {
        let stored = self.store.visit("v").await.unwrap().unwrap();
        let id = format!("o{}", self.told.fetch_add(1, Ordering::SeqCst));
        let about = About::Attendance(Attendance {
            participant: participant.into(),
            role: Role::Patient,
            fhir_id: "f".into(),
            presence,
            at: self.clock.now(),
        });
        let intent = WriteBack {
            iss: iss.into(),
            appointment: "a".into(),
            conference_id: None,
            patient: None,
            channel: Channel::State,
            about,
        };
        let key = self.keys.open_visit_key("northside", "v", &stored.row.key).unwrap();
        let entry = NewOutboxEntry {
            sealed: key.seal(id.as_bytes(), &serde_json::to_vec(&intent).unwrap()),
            id,
            stream: participant.into(),
            channel: Channel::State,
            participant: participant.into(),
            ehr: iss.into(),
            reference: b"r".to_vec(),
            digest: b"d".to_vec(),
            run_at: self.clock.now(),
        };
        let change = Change::of(stored.row, Some(stored.version), self.clock.now());
        self.store.commit(Change { outbox: vec![entry], ..change }).await.unwrap();
    }

    async fn word(&self) -> ChartWord {
        self.store.chart("v").await.unwrap().remove(0).word
    }

    fn heard(&self) -> Vec<Presence> {
        self.ehr.heard.lock().unwrap().iter().map(|(_, presence)| *presence).collect()
    }
}

#[tokio::test]
async fn a_refusal_for_now_comes_again_in_its_time_and_then_the_chart_is_told() {
    let place = place(Scripted::default()).await;
    place.ehr.next.lock().unwrap().push(Said::NotNow { reason: "503".into(), retry_after: None });
    place.tell("p", Presence::Connected, ISS).await;
    assert_eq!(place.worker.run_once().await.unwrap(), 1);
    assert!(matches!(place.word().await, ChartWord::Pending { .. }));
    assert_eq!(place.worker.run_once().await.unwrap(), 0, "not before its time");
    place.clock.advance(SignedDuration::from_secs(2));
    assert_eq!(place.worker.run_once().await.unwrap(), 1);
    assert_eq!(place.word().await, ChartWord::Written { at: place.clock.now() });
    assert_eq!(place.board.changed.load(Ordering::SeqCst), 1, "a retry is no news, the delivery is");
}

#[tokio::test]
async fn after_an_unknown_outcome_the_state_that_then_holds_is_asserted() {
    let place = place(Scripted::default()).await;
    place.ehr.next.lock().unwrap().push(Said::NobodyKnows { reason: "cut".into() });
    place.tell("p", Presence::Connected, ISS).await;
    place.worker.run_once().await.unwrap();
    place.tell("p", Presence::Disconnected, ISS).await;
    place.worker.run_once().await.unwrap();
    assert_eq!(place.heard(), [Presence::Connected, Presence::Disconnected]);
    place.clock.advance(SignedDuration::from_secs(5));
    place.worker.run_once().await.unwrap();
    place.clock.advance(SignedDuration::from_secs(500));
    assert_eq!(place.worker.run_once().await.unwrap(), 0);
    assert_eq!(place.heard(), [Presence::Connected, Presence::Disconnected, Presence::Disconnected]);
}

#[tokio::test]
async fn what_can_never_be_sent_is_parked_and_says_why() {
    let place = place(Scripted::default()).await;
    place.tell("p", Presence::Connected, "https://gone.example").await;
    place.worker.run_once().await.unwrap();
    let ChartWord::Parked { reason } = place.word().await else { panic!() };
    assert!(reason.contains("no longer configured"), "{reason}");
    place.tell("p", Presence::Disconnected, ISS).await;
    let day = place.keys.days().unwrap().remove(0);
    place.keys.destroy_day(&day).unwrap();
    place.worker.run_once().await.unwrap();
    let ChartWord::Parked { reason } = place.word().await else { panic!() };
    assert!(reason.contains("payload destroyed"), "{reason}");
    assert!(place.heard().is_empty());
}

#[tokio::test]
async fn an_ehr_that_hangs_is_cut_off_at_the_deadline() {
    let place = place_with(Scripted { hold: Some(Notify::new()), ..Scripted::default() }, 300).await;
    place.tell("p", Presence::Connected, ISS).await;
    let lease = Duration::from_millis(place.worker.parts.config.lease_ms.into());
    let once = tokio::time::timeout(lease, place.worker.run_once()).await;
    assert_eq!(once.expect("the deadline ends before the lease does").unwrap(), 1);
    assert!(matches!(place.word().await, ChartWord::Pending { .. }));
    assert_eq!(place.store.outbox_counts().await.unwrap().waiting, 1, "settled as unknown, to be asserted again");
}

#[tokio::test]
async fn it_runs_on_the_bell_and_finishes_what_is_in_flight_when_stopped() {
    let place = place(Scripted { hold: Some(Notify::new()), ..Scripted::default() }).await;
    place.tell("p", Presence::Connected, ISS).await;
    let (stop, stopping) = watch::channel(false);
    let running = tokio::spawn(Worker { parts: Arc::clone(&place.worker.parts), wrap: None }.run(stopping));
    place.board.bell.notify_one();
    let heard = async {
        let mut every = tokio::time::interval(Duration::from_millis(5));
        while place.heard().is_empty() {
            every.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), heard).await.unwrap();
    stop.send_replace(true);
    place.ehr.hold.as_ref().unwrap().notify_one();
    tokio::time::timeout(Duration::from_secs(20), running).await.unwrap().unwrap();
    assert_eq!(place.word().await, ChartWord::Written { at: place.clock.now() });
}

#[tokio::test]
async fn the_pace_is_of_requests_not_of_rows() {
    let place = place(Scripted { asks: 3, ..Scripted::default() }).await;
    place.tell("p", Presence::Connected, ISS).await;
    place.tell("q", Presence::Connected, ISS).await;
    assert_eq!(place.worker.run_once().await.unwrap(), 2);
    let connection = place.store.connection("northside", ISS).await.unwrap();
    let policy = place.worker.parts.connection.clone();
    assert_eq!((policy.per_second, policy.burst), (5, 10), "as DESIGN has it");
    assert_eq!(connection.allowance(&policy, place.clock.now()).now, 4, "six of ten have left");
}

#[tokio::test]
async fn a_burst_is_never_more_requests_than_it_may_be() {
    let place = place(Scripted { asks: 3, per_row: 3, ..Scripted::default() }).await;
    for who in ["p", "q", "r", "s"] {
        place.tell(who, Presence::Connected, ISS).await;
    }
    assert_eq!(place.worker.run_once().await.unwrap(), 3, "nine requests; a fourth row would make it twelve");
    place.clock.advance(SignedDuration::from_millis(399));
    assert_eq!(place.worker.run_once().await.unwrap(), 0);
    place.clock.advance(SignedDuration::from_millis(1));
    assert_eq!(place.worker.run_once().await.unwrap(), 1, "at five a second, two more are free by now");
}

#[tokio::test]
async fn a_burst_smaller_than_what_a_row_takes_is_kept_too() {
    let place = place_as(Scripted { per_row: 2, ..Scripted::default() }, |outbox| outbox.per_ehr_burst = 1).await;
    place.tell("p", Presence::Connected, ISS).await;
    place.tell("q", Presence::Connected, ISS).await;
    assert_eq!(place.worker.run_once().await.unwrap(), 1);
    assert_eq!(place.worker.run_once().await.unwrap(), 0, "the one request was paid for, and is not given back");
    place.clock.advance(SignedDuration::from_millis(200));
    assert_eq!(place.worker.run_once().await.unwrap(), 1);
}

#[tokio::test]
async fn what_did_not_leave_is_given_back() {
    let place = place(Scripted { per_row: 4, ..Scripted::default() }).await;
    place.tell("p", Presence::Connected, ISS).await;
    assert_eq!(place.worker.run_once().await.unwrap(), 1);
    let connection = place.store.connection("northside", ISS).await.unwrap();
    let policy = place.worker.parts.connection.clone();
    assert_eq!(connection.allowance(&policy, place.clock.now()).now, 9, "of four that were paid for one has left");
}
