//! A relay put together as `serve` does it, in a home of its own, with an EHR and a meeting provider that answer as told.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use roomed_relay::arrivals::Along;
use roomed_relay::clock::{Clock, ManualClock, SystemRandomness};
use roomed_relay::config::Config;
use roomed_relay::ehr::{AppointmentFacts, Attempt, Ehr, EhrError, ReadBack, Said, requests};
use roomed_relay::neighbours::Pulse;
use roomed_relay::outbox::{About, Presence, Worker, WriteBack};
use roomed_relay::record::MeetingRecord;
use roomed_relay::relay::Relay;
use roomed_relay::removal::{self, given_up};
use roomed_relay::restore::Reconciler;
use roomed_relay::serve::{Assembled, Outside, assemble};
use roomed_relay::store::{self, Channel, EntryFilter, EntryRow, EntryState, Store, StoredWatch};
use roomed_relay::wire;
use roomed_visit::{Command, LegId, Oid, ParticipantId, Source, Testimony, VisitEvent};

use crate::home::Home;
use crate::provider::Provider;
use crate::server_time::ServerTime;

/// Stands in everything about a patient and in every secret.
pub(crate) const CANARY: &str = "CANARY-6f1d";
pub(crate) const EHR: &str = "http://127.0.0.1:3";
pub(crate) const ORGANIZATION: &str = "northside";
pub(crate) const OID: &str = "6b1c1b4e-59ac-4b0e-9d34-7f2d1c1f0009";

pub(crate) fn noon() -> Timestamp {
    "2027-01-15T12:00:00Z".parse().unwrap()
}

/// The configuration of a relay that lives in `home`, with an EHR at `ehr`.
pub(crate) fn configuration(home: &Home, ehr: &str, port: u16) -> String {
    let (folder, database) = (home.folder().display(), home.url());
    format!(
        r#"
bind = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"
[dev]
loopback_http = true
[database]
url = "{database}"
[keys]
directory = "{folder}/keys"
master_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
[ehr]
poll_seconds = 0
[[organizations]]
key = "northside"
name = "Northside Health"
region = "emea"
tid = "6b1c1b4e-59ac-4b0e-9d34-7f2d1c1f0001"
organizer_oid = "6b1c1b4e-59ac-4b0e-9d34-7f2d1c1f0002"
[organizations.entra]
authority = "http://127.0.0.1:1/t/v2.0"
companion_client_id = "c"
relay_client_id = "r"
relay_client_secret = "s"
scope = "api://r/access_as_user"
[organizations.graph]
base = "http://127.0.0.1:2/v1.0"
subscriptions_base = "http://127.0.0.1:2/beta"
token_endpoint = "http://127.0.0.1:1/t/oauth2/v2.0/token"
validation_keys = "http://127.0.0.1:1/common/discovery/v2.0/keys"
validation_issuer = "https://sts.windows.net/t/"
notification_app_id = "0bf30f3b-4a52-48df-9a82-234910c4a086"
[[organizations.ehr]]
vendor = "epic"
environment = "test"
iss = "{ehr}/fhir"
companion_client_id = "a"
patient_client_id = "b"
backend_client_id = "c"
interconnect = "{ehr}/interconnect"
communication = true
virtual_visit_types = [{{ system = "urn:t", code = "VV" }}]
identifier_systems = {{ csn = "urn:csn", practitioner = "urn:emp", patient = "urn:wpr" }}
[organizations.ehr.connection_status]
profile = "epic-2018-contextlinking"
verb = "GET"
path = "/api/set"
auth = {{ kind = "basic", user = "emp$x", password = "p" }}
epic_client_id = "e"
vendor_name = "Roomed"
connected = 1
disconnected = 2
external_id_type = {{ practitioner = 1, patient = 2 }}
"#
    )
}

/// What the EHR shows of a row of that channel.
type Reader = fn(Channel) -> ReadBack;

/// An EHR that takes what it is told, remembers it, and reads back as told.
#[derive(Default)]
pub(crate) struct Scripted {
    pub(crate) next: Mutex<Vec<Said>>,
    heard: Mutex<Vec<(Channel, Presence)>>,
    pub(crate) reads_back: Mutex<Option<Reader>>,
    pub(crate) asked: Mutex<Vec<Channel>>,
}

impl Scripted {
    /// What it was told since the last time.
    pub(crate) fn heard(&self) -> Vec<(Channel, Presence)> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

#[async_trait]
impl Ehr for Scripted {
    async fn write_back(&self, intent: &WriteBack, attempt: &Attempt<'_>) -> Said {
        requests::left();
        if !intent.channel.supersedes() && !attempt.gate.may_send().await {
            return Said::Stopped;
        }
        if let About::Attendance(who) = &intent.about {
            self.heard.lock().unwrap().push((intent.channel, who.presence));
        }
        self.next.lock().unwrap().pop().unwrap_or(Said::Accepted)
    }

    async fn reads_back(&self, intent: &WriteBack, key: &str) -> ReadBack {
        assert!(!key.is_empty());
        self.asked.lock().unwrap().push(intent.channel);
        let script = *self.reads_back.lock().unwrap();
        script.map_or(ReadBack::CannotTell, |script| script(intent.channel))
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

/// A relay that is not serving: every step is taken by the test.
pub(crate) struct Place {
    pub(crate) clock: Arc<ManualClock>,
    server_time: Option<ServerTime>,
    pub(crate) relay: Arc<Relay>,
    pub(crate) worker: Worker,
    pub(crate) ehr: Arc<Scripted>,
    pub(crate) provider: Arc<Provider>,
    /// As long as it is there, the relay is not stopping.
    _assembled: Option<Assembled>,
}

impl Place {
    /// Opens what is there, or makes it.
    pub(crate) async fn open(home: &Home, now: Timestamp) -> Self {
        Self::beside(EHR, home, now).await
    }

    /// With another address for its EHR.
    pub(crate) async fn beside(ehr: &str, home: &Home, now: Timestamp) -> Self {
        let server_time = home.time().await;
        let store = store::open(&home.url(), 2, Duration::from_secs(10)).await.unwrap();
        let clock = Arc::new(ManualClock::new(now));
        let (place, assembled) = Self::assembled(ehr, home, store, clock, Pulse::default()).await;
        let place = Self { server_time, _assembled: Some(assembled), ..place };
        place.set_server_time().await;
        place
    }

    /// On `store`, and with everything there is to serve it. A server has its own time.
    pub(crate) async fn assembled(
        ehr: &str,
        home: &Home,
        store: Arc<dyn Store>,
        clock: Arc<ManualClock>,
        pulse: Pulse,
    ) -> (Self, Assembled) {
        let text = configuration(home, ehr, 8400);
        let config = Config::assemble(&text, Path::new("test"), Vec::new()).unwrap();
        let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder().handle();
        let as_clock: Arc<dyn Clock> = clock.clone();
        let random = Arc::new(SystemRandomness::default());
        let outside = Outside { config, store, clock: as_clock, random, metrics, restored: false };
        let mut assembled = assemble(outside).await.unwrap();
        let (ehr, provider) = (Arc::new(Scripted::default()), Arc::new(Provider::default()));
        let parts = Arc::get_mut(&mut assembled.relay).unwrap();
        parts.pulse = pulse;
        parts.ehrs.values_mut().for_each(|it| *it = ehr.clone());
        parts.meetings.values_mut().for_each(|it| *it = provider.clone());
        let relay = Arc::clone(&assembled.relay);
        let Relay { config, store, keys, ehrs, clock: time, random, arrivals, .. } = &*relay;
        let worker = Worker::new(config, store, keys, ehrs, time, random, arrivals);
        (Self { clock, server_time: None, relay, worker, ehr, provider, _assembled: None }, assembled)
    }

    pub(crate) async fn close(self) {
        self.relay.store.close().await;
    }

    pub(crate) fn now(&self) -> roomed_visit::Timestamp {
        wire::to_rules(self.clock.now())
    }

    /// How long ago that was.
    pub(crate) fn now_since(&self, then: Timestamp) -> SignedDuration {
        self.clock.now().duration_since(then)
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
    }

    /// A visit of now, with one clinician who began it, a meeting, and canaries wherever a patient could be.
    pub(crate) async fn visit(&self, name: &str) -> Visit {
        let organization = self.relay.organization(ORGANIZATION).unwrap().clone();
        let facts = AppointmentFacts {
            id: format!("{CANARY}-appointment-{name}"),
            status: "booked".into(),
            is_virtual: true,
            start: self.clock.now(),
            end: self.clock.now() + SignedDuration::from_mins(30),
            patient: Some(format!("{CANARY}-patient-{name}")),
            practitioners: vec![format!("{CANARY}-practitioner-{name}")],
            conference_id: Some(format!("{CANARY}-csn-{name}")),
            location: None,
            group: None,
        };
        let ehr = organization.ehr[0].clone();
        let opened = self.relay.open_visit(&organization, &ehr, &facts.into(), Some("Cardiology".into())).await;
        let opened = opened.unwrap_or_else(|refusal| panic!("{:?}", refusal.0));
        let person = |patient: bool| {
            let mut people = opened.record.visit.participants();
            people.find(|(_, person)| person.is_patient() == patient).map(|(id, _)| id.clone()).unwrap()
        };
        let visit = Visit { id: opened.stored.row.id.clone(), patient: person(true), doctor: person(false) };
        let launched = Command::Launched { participant: visit.doctor.clone(), oid: Oid::new(OID), covering: false };
        let meeting = made_under(&opened.record.meeting_external_id, name);
        let watch = StoredWatch {
            subscription: format!("subscription-{name}"),
            organization: ORGANIZATION.into(),
            visit: visit.id.clone(),
            client_state_hash: "hash".into(),
            certificate_id: "certificate".into(),
            expires_at: self.clock.now() + SignedDuration::from_hours(20),
        };
        let along = Along { meeting: Some((meeting, Some(watch))), ..Along::default() };
        let events = [VisitEvent::Decided(launched), VisitEvent::Decided(Command::MeetingReady)];
        self.relay.arrivals.update(&visit.id, &events, along).await.unwrap();
        visit
    }

    pub(crate) async fn hear(&self, visit: &Visit, testimony: Testimony) {
        self.happen(visit, VisitEvent::Witnessed(testimony)).await;
    }

    pub(crate) async fn happen(&self, visit: &Visit, event: VisitEvent) {
        self.relay.arrivals.update(&visit.id, &[event], Along::default()).await.unwrap();
    }

    /// The patient is on our page and ready.
    pub(crate) async fn arrive(&self, visit: &Visit, leg: &str) {
        let (participant, at) = (visit.patient.clone(), self.now());
        self.hear(visit, Testimony::PageOpened { participant: participant.clone(), leg: LegId::new(leg), at }).await;
        self.hear(visit, Testimony::Ready { participant, at, source: Source::VisitPage }).await;
    }

    pub(crate) async fn leave(&self, visit: &Visit, leg: &str) {
        let (participant, at) = (visit.patient.clone(), self.now());
        self.hear(visit, Testimony::PageClosed { participant, leg: LegId::new(leg), at }).await;
    }

    /// The clinician ends the visit, which closes it: nobody is in the meeting.
    pub(crate) async fn end(&self, visit: &Visit) {
        self.happen(visit, VisitEvent::Decided(Command::End { by: visit.doctor.clone() })).await;
        assert!(self.relay.store.visit(&visit.id).await.unwrap().unwrap().row.closed_at.is_some());
    }

    /// The server's time is the relay's.
    pub(crate) async fn set_server_time(&self) {
        if let Some(time) = &self.server_time {
            time.set(self.clock.now()).await;
        }
    }

    /// Reads once what the EHR shows of the quarantined. How many are left to be read.
    pub(crate) async fn reconcile(&self, reconciler: &mut Reconciler) -> u64 {
        self.set_server_time().await;
        reconciler.round(&self.relay).await.unwrap()
    }

    /// One round of looking after the meetings of ended visits; answers with when the next is.
    pub(crate) async fn empty_meetings(&self) -> Option<Timestamp> {
        self.set_server_time().await;
        removal::round(&self.relay).await.unwrap()
    }

    /// One round of deleting what was given up; answers with when the next is.
    pub(crate) async fn delete_meetings(&self) -> Option<Timestamp> {
        self.set_server_time().await;
        given_up::round(&self.relay).await.unwrap()
    }

    /// Delivers until nothing is runnable now.
    pub(crate) async fn deliver(&self) {
        self.set_server_time().await;
        while self.worker.run_once().await.unwrap() > 0 {}
    }

    pub(crate) async fn rows(&self, state: Option<EntryState>) -> Vec<EntryRow> {
        let filter = EntryFilter { state, limit: 1_000, ..EntryFilter::default() };
        self.relay.store.entries(filter).await.unwrap()
    }
}

/// The meeting `name` as it was made under this external id.
pub(crate) fn made_under(external_id: &str, name: &str) -> MeetingRecord {
    MeetingRecord {
        id: format!("{CANARY}-meeting-{name}"),
        join_web_url: format!("https://teams.example/{CANARY}"),
        patient_join_url: format!("https://teams.example/{CANARY}/p"),
        organizer: Some(OID.into()),
        planned: None,
        co_organizers: vec![OID.into()],
        external_id: Some(external_id.to_owned()),
        in_doubt: false,
    }
}

/// A visit and who is in it.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) id: String,
    pub(crate) patient: ParticipantId,
    pub(crate) doctor: ParticipantId,
}
