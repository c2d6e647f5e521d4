//! Sending what subscribers asked for: a handshake, and once it is answered 2xx one notification per change, in order,
//! three attempts each, then it is given up. Shapes after the Subscriptions Backport IG for R4: a `history` Bundle whose
//! first entry says which event this is, so that a subscriber sees a gap.
//!
//! Faults on target `r4.notify`: `drop_before` and `refuse` lose it, `delay`, `duplicate`, `reorder` (after the next one).

use super::subscription::{Content, Wanted};
use crate::{
    core::{FaultMode, Hospital, Shared, lock},
    fhir::{FHIR_JSON, instant},
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::sync::mpsc;

const ATTEMPTS: u32 = 3;
const PROFILE: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4";

/// One subscription while it is served.
struct Served {
    site: &'static str,
    id: String,
    generation: u64,
    wanted: Arc<Wanted>,
    client: reqwest::Client,
    /// How many events there have been since it became active.
    events: u64,
}

/// Begins to serve a subscription, in a task that ends with it or with the hospital.
pub(super) fn begin(
    hospital: &Shared,
    site: &'static str,
    id: &str,
    generation: u64,
    wanted: Arc<Wanted>,
    parcels: mpsc::UnboundedReceiver<String>,
) {
    let client =
        reqwest::Client::builder().timeout(Duration::from_secs(5)).redirect(reqwest::redirect::Policy::none()).build();
    let Ok(client) = client else { return };
    let served = Served { site, id: id.to_owned(), generation, wanted, client, events: 0 };
    tokio::spawn(serve(Arc::downgrade(hospital), served, parcels));
}

async fn serve(hospital: Weak<Hospital>, mut served: Served, mut parcels: mpsc::UnboundedReceiver<String>) {
    if let Some(hospital) = hospital.upgrade() {
        let shaken = served.post(&hospital, &served.bundle(&hospital, "handshake", None)).await;
        served.settle(&hospital, shaken);
        if shaken.is_err() {
            return;
        }
    }
    let mut held: Option<Value> = None;
    while let Some(appointment) = parcels.recv().await {
        let Some(hospital) = hospital.upgrade() else { return };
        if !hospital.r4.subscriptions.current(served.site, &served.id, served.generation) {
            return;
        }
        served.events += 1;
        let bundle = served.bundle(&hospital, "event-notification", Some(&appointment));
        let fault = hospital.faults.take_any(&["r4.notify"], &appointment);
        match fault.as_ref().map(|it| it.mode) {
            Some(FaultMode::DropBefore | FaultMode::Refuse) => {
                served.log(&hospital, "notification.dropped");
                continue;
            }
            Some(FaultMode::Reorder) if held.is_none() => {
                held = Some(bundle);
                continue;
            }
            Some(FaultMode::Delay) => {
                let millis = fault.and_then(|it| it.delay_ms).unwrap_or(1000);
                hospital.clock.delay(Duration::from_millis(millis)).await;
            }
            Some(FaultMode::Duplicate) => served.deliver(&hospital, &bundle).await,
            _ => {}
        }
        served.deliver(&hospital, &bundle).await;
        if let Some(late) = held.take() {
            served.deliver(&hospital, &late).await;
        }
    }
}

impl Served {
    async fn deliver(&self, hospital: &Shared, bundle: &Value) {
        for attempt in 1..=ATTEMPTS {
            if self.post(hospital, bundle).await.is_ok() {
                return self.log(hospital, "notification.sent");
            }
            self.log(hospital, "notification.failed");
            if attempt < ATTEMPTS {
                hospital.clock.until(hospital.clock.in_seconds(1)).await;
            }
        }
        self.log(hospital, "notification.dropped");
    }

    async fn post(&self, hospital: &Hospital, bundle: &Value) -> Result<(), ()> {
        let mut request = self.client.post(self.wanted.endpoint.clone()).header("content-type", FHIR_JSON);
        for (name, value) in &self.wanted.headers {
            request = request.header(name, value);
        }
        let answer = request.body(bundle.to_string()).send().await;
        if !hospital.r4.subscriptions.current(self.site, &self.id, self.generation) {
            return Err(());
        }
        answer.ok().filter(|it| it.status().is_success()).map(drop).ok_or(())
    }

    /// Writes what became of the handshake into the Subscription, unless it has changed meanwhile.
    fn settle(&self, hospital: &Shared, shaken: Result<(), ()>) {
        let mut shelves = lock(&hospital.r4.shelves);
        let held = shelves.get(self.site, "Subscription", &self.id).filter(|it| it.resource["status"] == "requested");
        let Some(mut resource) = held.map(|it| it.resource.clone()) else { return };
        let served = shaken.is_ok() && hospital.r4.subscriptions.activate(self.site, &self.id, self.generation);
        if !served && !hospital.r4.subscriptions.current(self.site, &self.id, self.generation) {
            return;
        }
        resource["status"] = Value::from(if served { "active" } else { "error" });
        if !served {
            resource["error"] = Value::from("The handshake was not answered with 2xx.");
        }
        shelves.put(self.site, "Subscription", &self.id, resource, hospital.clock.now());
        drop(shelves);
        self.log(hospital, if served { "subscription.active" } else { "subscription.error" });
    }

    fn bundle(&self, hospital: &Hospital, kind: &str, appointment: Option<&str>) -> Value {
        let base = hospital.r4.server.of(self.site).map(|it| (hospital.r4.server.base)(hospital, it));
        let base = base.unwrap_or_default();
        let now = instant(hospital.clock.now());
        let shown = appointment.filter(|_| self.wanted.content == Content::IdOnly);
        let mut parameter = vec![
            json!({ "name": "subscription", "valueReference": { "reference": format!("{base}/Subscription/{}", self.id) } }),
            json!({ "name": "status", "valueCode": if appointment.is_some() { "active" } else { "requested" } }),
            json!({ "name": "type", "valueCode": kind }),
            json!({ "name": "events-since-subscription-start", "valueString": self.events.to_string() }),
        ];
        if appointment.is_some() {
            let mut part = vec![
                json!({ "name": "event-number", "valueString": self.events.to_string() }),
                json!({ "name": "timestamp", "valueInstant": now }),
            ];
            part.extend(shown.map(
                |id| json!({ "name": "focus", "valueReference": { "reference": format!("{base}/Appointment/{id}") } }),
            ));
            parameter.push(json!({ "name": "notification-event", "part": part }));
        }
        let status = json!({ "resourceType": "Parameters", "meta": { "profile": [PROFILE] }, "parameter": parameter });
        let mut entry = vec![json!({
            "fullUrl": format!("urn:uuid:{}", hospital.random.guid()), "resource": status,
            "request": { "method": "GET", "url": format!("{base}/Subscription/{}/$status", self.id) },
            "response": { "status": "200" },
        })];
        entry.extend(shown.map(|id| {
            json!({
                "fullUrl": format!("{base}/Appointment/{id}"),
                "request": { "method": "PUT", "url": format!("Appointment/{id}") }, "response": { "status": "200" },
            })
        }));
        json!({ "resourceType": "Bundle", "type": "history", "timestamp": now, "entry": entry })
    }

    fn log(&self, hospital: &Hospital, what: &str) {
        hospital.log("r4", what, json!({ "organization": self.site, "subscription": self.id, "event": self.events }));
    }
}
