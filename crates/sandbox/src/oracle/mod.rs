//! Oracle Health (Millennium R4), as far as video visits go: read and search Appointment, Encounter, Patient,
//! Practitioner; PATCH of an Appointment's status and of its video links; launches from the chart and the portal. Nothing
//! can be created, and there is no Communication, AuditEvent, Subscription or transaction. Facts from Oracle's published API
//! pages; of its authorization server only what SMART App Launch says.

mod appointment;
mod discovery;
mod fhir;
mod patch;
mod resources;
mod schedule;
mod search;

pub use appointment::{Appointment, Links};
pub(crate) use schedule::{booked, change, schedule};

use crate::{
    core::{Canaries, Ehr, Hospital, Organization, Random, Shared, lock},
    fhir::{Kind, Server, Site},
    smart::{endpoint, scopes::Registered},
};
use axum::{Router, http::StatusCode, routing::get};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Mutex;

const REGISTERED: &Registered =
    &[("Appointment", "cruds"), ("Encounter", "rs"), ("Patient", "rs"), ("Practitioner", "rs")];

/// Where Oracle's published pages and our reference part, or hospitals differ; changed over the control API.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Behaviour {
    /// The status for a stale `If-Match`: Oracle's Appointment page says 409, FHIR itself 412.
    pub stale: u16,
    /// Whether Appointments have an `identifier` and can be searched by it. Oracle's page lists neither.
    pub identifiers: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { stale: 409, identifiers: true }
    }
}

/// What Oracle Health remembers.
pub struct State {
    /// Sites, client, tokens.
    pub server: Server,
    appointments: Mutex<Vec<Appointment>>,
    behaviour: Mutex<Behaviour>,
}

impl State {
    pub(crate) fn new(organizations: &[Organization], random: &Random, canaries: &Canaries) -> Self {
        let sites = organizations.iter().map(|it| {
            let tenant = random.stable_guid(&format!("oracle tenant {}", it.key));
            let visit_types = format!("https://fhir.cerner.com/{tenant}/codeSet/14249");
            Site::new(it, Ehr::Oracle, tenant, visit_types, random, canaries)
        });
        let kind = Kind {
            ehr: Ehr::Oracle,
            product: "Oracle Health",
            registered: REGISTERED,
            authority: |hospital, site| {
                let at = &hospital.addresses().oracle;
                format!("{at}/tenants/{}/protocols/oauth2/profiles/smart-v1", site.segment)
            },
            base: |hospital, site| format!("{}/r4/{}", hospital.addresses().oracle, site.segment),
        };
        Self {
            server: Server::new(kind, sites.collect(), random),
            appointments: Mutex::default(),
            behaviour: Mutex::default(),
        }
    }

    /// How it behaves where that can be changed.
    pub fn behaviour(&self) -> Behaviour {
        lock(&self.behaviour).clone()
    }

    /// Changes how it behaves.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        *lock(&self.behaviour) = behaviour;
    }

    /// All appointments that `wanted` likes, by start.
    pub fn appointments(&self, wanted: impl Fn(&Appointment) -> bool) -> Vec<Appointment> {
        let mut found: Vec<Appointment> = lock(&self.appointments).iter().filter(|it| wanted(it)).cloned().collect();
        found.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
        found
    }
}

/// What an organization's analyst would type into the relay's configuration.
pub(crate) fn configuration(hospital: &Hospital, organization: &Organization) -> Value {
    let server = &hospital.oracle.server;
    server.of(organization.key).map_or_else(|| json!(null), |it| it.configuration(hospital, server, "oracle-health"))
}

/// Its routes.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .merge(endpoint::router("/tenants/{site}/protocols/oauth2/profiles/smart-v1", |it| &it.oracle.server))
        .route("/r4/{site}/.well-known/smart-configuration", get(discovery::smart_configuration))
        .route("/r4/{site}/metadata", get(discovery::metadata))
        .merge(fhir::router())
        .fallback(async || StatusCode::NOT_FOUND)
}
