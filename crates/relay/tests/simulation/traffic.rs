//! Visits in which people come and go, and the commits that promise to tell the EHR.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use roomed_relay::clock::Clock;
use roomed_relay::outbox::{About, Attendance, Presence, Role, WriteBack};
use roomed_relay::store::{Change, Channel, LookupKey, NewOutboxEntry, VisitRow};
use tokio::task::JoinSet;

use crate::node::{Node, Site};
use crate::plan::{Plan, Traffic};
use crate::truth::{Promise, Truth};
use crate::world::{Dice, pass};

/// Makes visits.
pub(crate) struct Generator {
    pub(crate) site: Arc<Site>,
    pub(crate) truth: Arc<Truth>,
    pub(crate) nodes: Vec<Arc<Node>>,
    numbers: AtomicU64,
}

/// Who may come and go, and how each is known to the EHR.
const PEOPLE: [(&str, Role); 2] = [("patient", Role::Patient), ("clinician", Role::Practitioner)];

impl Generator {
    /// Nothing accepted yet.
    pub(crate) fn new(site: &Arc<Site>, truth: &Arc<Truth>, nodes: &[Arc<Node>]) -> Self {
        Self { site: Arc::clone(site), truth: Arc::clone(truth), nodes: nodes.to_vec(), numbers: AtomicU64::new(0) }
    }

    /// All visits of a plan, each in its own time.
    pub(crate) async fn run(self: &Arc<Self>, traffic: &Traffic, first: u64) {
        let mut visits = JoinSet::new();
        for number in first..first + traffic.visits {
            let (generator, traffic) = (Arc::clone(self), traffic.clone());
            visits.spawn(async move { generator.visit(&traffic, number).await });
        }
        while let Some(ended) = visits.join_next().await {
            ended.expect("a visit of the generator ends");
        }
    }

    /// One more visit at each EHR, in which the patient comes.
    pub(crate) fn trickle(&self, number: u64) {
        let traffic = Traffic { doors: &[Channel::State], silent: 0, ..Plan::calm("").traffic };
        for ehr in 0..self.site.servers.len() {
            let id = format!("t{number}-{ehr}");
            let dice = Dice::new(self.site.world.seed, &id);
            self.tell(&id, ehr, 0, true, &traffic, &dice);
        }
    }

    async fn visit(&self, traffic: &Traffic, number: u64) {
        let id = format!("v{number}");
        let dice = Dice::new(self.site.world.seed, &id);
        pass(dice.between(0, traffic.within_ms)).await;
        let mut present = [false; 2];
        let ehr = usize::try_from(number).unwrap() % self.site.servers.len();
        for _ in 0..dice.between(traffic.changes.start, traffic.changes.end) {
            let who = usize::from(dice.per_mille(400));
            present[who] = !present[who];
            self.tell(&id, ehr, who, present[who], traffic, &dice);
            pass(dice.between(traffic.pause_ms.start, traffic.pause_ms.end)).await;
        }
        if dice.per_mille(traffic.closes) {
            self.close(&id, true, &dice);
            pass(dice.between(traffic.pause_ms.start, traffic.pause_ms.end)).await;
            if dice.per_mille(traffic.closes / 3) {
                self.close(&id, false, &dice);
                self.tell(&id, ehr, 0, !present[0], traffic, &dice);
                pass(dice.between(traffic.pause_ms.start, traffic.pause_ms.end)).await;
                self.close(&id, true, &dice);
            }
        }
    }

    /// One commit: somebody came or went, and the EHR is to be told through some of its doors.
    fn tell(&self, visit: &str, ehr: usize, who: usize, connected: bool, traffic: &Traffic, dice: &Dice) {
        let now = dice.one_of(&self.nodes).clock.now();
        let site = &self.site;
        let (organization, iss) = site.servers[ehr].0.clone();
        let stored = site.store.look(|state| state.visits.get(visit).cloned());
        let (row, version) = match stored {
            Some(stored) => (stored.row, Some(stored.version)),
            None => (self.new_visit(visit, &organization, now), None),
        };
        let key = site.keys.open_visit_key(&organization, visit, &row.key).unwrap();
        let (participant, role) = PEOPLE[who];
        let mut entries = Vec::new();
        let mut promises = Vec::new();
        for door in traffic.doors {
            // The state is always told; what else is, differs.
            if *door != Channel::State && !dice.per_mille(500) {
                continue;
            }
            let number = self.numbers.fetch_add(1, Ordering::SeqCst) + 1;
            let intent = WriteBack {
                iss: iss.clone(),
                appointment: visit.to_owned(),
                conference_id: None,
                patient: None,
                channel: *door,
                about: About::Attendance(Attendance {
                    participant: participant.into(),
                    role,
                    fhir_id: number.to_string(),
                    presence: if connected { Presence::Connected } else { Presence::Disconnected },
                    at: now,
                }),
            };
            let id = format!("r{number}");
            let plain = serde_json::to_vec(&intent).unwrap();
            let stream = format!("{visit}/{participant}/{}", door.as_str());
            promises.push(Promise {
                number,
                stream: stream.clone(),
                channel: *door,
                row: id.clone(),
                visit: visit.to_owned(),
                at: site.world.ms(),
            });
            entries.push(NewOutboxEntry {
                sealed: key.seal(id.as_bytes(), &plain),
                id,
                stream,
                channel: *door,
                participant: participant.into(),
                ehr: iss.clone(),
                reference: visit.into(),
                digest: number.to_be_bytes().into(),
                run_at: now,
            });
        }
        site.store.commit_now(Change { outbox: entries, ..Change::of(row, version, now) }).unwrap();
        for promise in promises {
            site.world.note(format_args!("accepts {} {}", promise.number, promise.stream));
            self.truth.accepted(promise);
        }
        self.ring(traffic, dice);
    }

    fn new_visit(&self, visit: &str, organization: &str, now: Timestamp) -> VisitRow {
        let (_, key) = self.site.keys.new_visit_key(organization, visit, now).unwrap();
        VisitRow {
            id: visit.into(),
            organization: organization.into(),
            appointment: LookupKey(visit.into()),
            key,
            sealed: b"state".to_vec(),
            stage: "planned".into(),
            planned_start: now,
            planned_end: now,
            next_timer_at: None,
            closed_at: None,
        }
    }

    fn close(&self, visit: &str, closed: bool, dice: &Dice) {
        let now = dice.one_of(&self.nodes).clock.now();
        let store = &self.site.store;
        let Some(stored) = store.look(|state| state.visits.get(visit).cloned()) else { return };
        let row = VisitRow { closed_at: closed.then_some(now), ..stored.row };
        store.commit_now(Change::of(row, Some(stored.version), now)).unwrap();
        self.site.world.note(format_args!("{visit} {}", if closed { "closes" } else { "begins again" }));
    }

    fn ring(&self, traffic: &Traffic, dice: &Dice) {
        for node in &self.nodes {
            if !dice.per_mille(traffic.silent) {
                node.bell.notify_one();
            }
        }
    }
}
