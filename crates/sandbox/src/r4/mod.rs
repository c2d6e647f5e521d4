//! A generic FHIR R4 server, as an EHR without a name would have: read and search of eight types, create and update where
//! `kinds.rs` says so, transactions, subscriptions on Appointments, launches, Backend Services. What it can do beyond the basics is a
//! switch (`PUT /r4/capabilities` of the control API). Left out: history, batch, PATCH, conditional update, `_include`.

mod capabilities;
mod discovery;
mod fhir;
mod kinds;
mod notify;
mod primitives;
mod rules;
mod schedule;
mod schema;
mod store;
mod subscription;
mod transaction;
mod validate;
mod write;

pub use capabilities::{Capabilities, Versioning};
pub(crate) use schedule::{booked, change, schedule};

use crate::{
    clock::Clock,
    core::{Canaries, Ehr, Hospital, Organization, Random, Shared, lock},
    fhir::{Kind, Server, Site, people},
    smart::{endpoint, scopes::Registered},
};
use axum::{Router, http::StatusCode, routing::get};
use serde_json::{Value, json};
use std::sync::Mutex;
use store::Shelves;

const REGISTERED: &Registered = &[
    ("Appointment", "cruds"),
    ("Encounter", "cruds"),
    ("Location", "cruds"),
    ("HealthcareService", "rs"),
    ("Communication", "cruds"),
    ("AuditEvent", "cruds"),
    ("Subscription", "cruds"),
    ("Patient", "rs"),
    ("Practitioner", "rs"),
];

/// What the server remembers.
pub struct State {
    /// Sites, client, tokens.
    pub server: Server,
    shelves: Mutex<Shelves>,
    capabilities: Mutex<Capabilities>,
    subscriptions: subscription::Lines,
}

impl State {
    pub(crate) fn new(organizations: &[Organization], random: &Random, clock: &Clock, canaries: &Canaries) -> Self {
        let site = |it: &Organization| {
            let visit_types = format!("urn:uuid:{}", random.stable_guid(&format!("r4 visit types {}", it.key)));
            Site::new(it, Ehr::R4, it.key.to_owned(), visit_types, random, canaries)
        };
        let kind = Kind {
            ehr: Ehr::R4,
            product: "FHIR R4",
            registered: REGISTERED,
            authority: |hospital, site| format!("{}/{}/auth", hospital.addresses().r4, site.segment),
            base: |hospital, site| format!("{}/{}/fhir", hospital.addresses().r4, site.segment),
        };
        let server = Server::new(kind, organizations.iter().map(site).collect(), random);
        let mut shelves = Shelves::default();
        for organization in organizations {
            let Some(site) = server.of(organization.key) else { continue };
            for department in &organization.departments {
                let (id, it) = schedule::service(random, organization, department);
                shelves.put(organization.key, "HealthcareService", &id, it, clock.now());
            }
            for known in &site.patients {
                if let Some(it) = people::patient(organization, site, known) {
                    shelves.put(organization.key, "Patient", &known.id, it, clock.now());
                }
            }
            for known in &site.practitioners {
                if let Some(it) = people::practitioner(organization, site, known) {
                    shelves.put(organization.key, "Practitioner", &known.id, it, clock.now());
                }
            }
        }
        Self {
            server,
            shelves: Mutex::new(shelves),
            capabilities: Mutex::default(),
            subscriptions: subscription::Lines::default(),
        }
    }

    /// What it can do now.
    pub fn capabilities(&self) -> Capabilities {
        *lock(&self.capabilities)
    }

    /// Changes what it can do. Resources stay as they are.
    pub fn set_capabilities(&self, capabilities: Capabilities) {
        *lock(&self.capabilities) = capabilities;
    }
}

/// What an organization's analyst would type into the relay's configuration.
pub(crate) fn configuration(hospital: &Hospital, organization: &Organization) -> Value {
    let server = &hospital.r4.server;
    server.of(organization.key).map_or_else(|| json!(null), |it| it.configuration(hospital, server, "fhir-r4"))
}

/// Its routes.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .merge(endpoint::router("/{site}/auth", |it| &it.r4.server))
        .route("/{site}/fhir/.well-known/smart-configuration", get(discovery::smart_configuration))
        .route("/{site}/fhir/metadata", get(discovery::metadata))
        .merge(fhir::router())
        .fallback(async || StatusCode::NOT_FOUND)
}
