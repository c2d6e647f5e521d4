//! Epic: one server, an Interconnect instance per hospital, Hyperspace and MyChart in front of the same chart.
//! As strict as reference data say Epic is; it advertises what `data/` holds and no more.

mod authorize;
mod backend;
pub(crate) mod booking;
pub(crate) mod chart;
mod connection;
mod discovery;
mod fhir;
mod hyperspace;
pub(crate) mod launch;
pub(crate) mod links;
mod local_time;
pub(crate) mod marks;
mod mychart;
mod outcome;
mod scopes;
mod seed;
mod sessions;
mod token;

pub use crate::smart::clients::Clients;
pub use chart::{Appointment, Chart, Mark, WriteBack};
pub(crate) use links::Profile as LinkProfile;

use crate::{
    clock::Clock,
    core::{Canaries, Ehr, Hospital, Organization, Random, Shared, SigningKey, lock},
    pages,
    smart::grants::Grants,
};
use axum::{
    Router,
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use serde_json::{Value, json};
use std::{collections::HashSet, sync::Mutex};

/// What Epic remembers.
pub struct State {
    /// Appointments, marks, write-backs.
    pub chart: Chart,
    /// Registered applications.
    pub clients: Clients,
    key: SigningKey,
    grants: Grants,
    sessions: sessions::Sessions,
    communications: fhir::Communications,
    /// Hospitals whose portal makes encrypted links instead of SMART launches.
    pub(crate) links: links::Links,
    /// Patients who have not been given the identifier of the connection-status service, by FHIR id.
    unidentified: Mutex<HashSet<String>>,
}

impl State {
    pub(crate) fn new(organizations: &[Organization], random: &Random, clock: &Clock, canaries: &Canaries) -> Self {
        let today = seed::today(organizations, random, clock, canaries);
        let past = marks::of_the_past(organizations, &today);
        Self {
            chart: Chart::new(today, past),
            clients: Clients::new(Ehr::Epic, random),
            key: SigningKey::generate(random.stable_token("epic kid", 22)),
            grants: Grants::new(Ehr::Epic),
            sessions: sessions::Sessions::default(),
            communications: fhir::Communications::default(),
            links: links::Links::default(),
            unidentified: Mutex::default(),
        }
    }

    /// Gives a patient the identifier that the connection-status service knows them by, or takes it away.
    pub(crate) fn identify(&self, patient_id: &str, identified: bool) {
        let mut all = lock(&self.unidentified);
        if identified {
            all.remove(patient_id);
        } else {
            all.insert(patient_id.to_owned());
        }
    }

    fn is_identified(&self, patient_id: &str) -> bool {
        !lock(&self.unidentified).contains(patient_id)
    }

    /// Ends the event streams of open pages.
    pub(crate) fn hang_up(&self) {
        self.chart.close();
    }
}

/// A hospital's Interconnect: `{epic}/interconnect-...`.
pub(crate) fn interconnect(hospital: &Hospital, organization: &Organization) -> String {
    format!("{}/{}", hospital.addresses().epic, organization.interconnect)
}

/// A hospital's FHIR base: what `iss` and `aud` say.
pub(crate) fn fhir_base(hospital: &Hospital, organization: &Organization) -> String {
    format!("{}/api/FHIR/R4", interconnect(hospital, organization))
}

/// The hospital whose Interconnect a path names.
fn instance<'a>(hospital: &'a Hospital, segment: &str) -> Option<&'a Organization> {
    hospital.organizations.iter().find(|it| it.interconnect == segment)
}

/// What an organization's analyst would type into the relay's configuration.
pub(crate) fn configuration(hospital: &Hospital, organization: &Organization) -> Value {
    let clients = &hospital.epic.clients;
    json!({
        "vendor": "epic", "environment": "test",
        "iss": fhir_base(hospital, organization),
        "companion_client_id": clients.companion, "browser_client_id": clients.browser, "patient_client_id": clients.patient, "backend_client_id": clients.backend,
        "interconnect": interconnect(hospital, organization),
        "virtual_visit_types": [{ "system": organization.visit_type_system, "code": chart::VIRTUAL }],
        "identifier_systems": organization.systems,
        "connection_status": {
            "profile": "epic-2018-contextlinking", "verb": "GET", "path": connection::PATH,
            "auth": { "kind": "basic", "user": organization.status_user, "password": organization.status_password },
            "epic_client_id": clients.backend, "vendor_name": organization.vendor_name,
            "connected": organization.connected, "disconnected": organization.disconnected,
            "external_id_type": {
                "practitioner": organization.practitioner_id_type, "patient": organization.patient_id_type,
            },
        },
    })
}

/// Its routes.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/{instance}/oauth2/authorize", get(authorize::by_query).post(authorize::by_form))
        .route("/{instance}/oauth2/token", post(token::redeem))
        .route(discovery::KEYS_ROUTE, get(discovery::keys))
        .route("/{instance}/api/FHIR/R4/.well-known/smart-configuration", get(discovery::smart_configuration))
        .route("/{instance}/api/FHIR/R4/metadata", get(discovery::metadata))
        .route("/{instance}/api/FHIR/DSTU2/.well-known/smart-configuration", get(discovery::smart_configuration))
        .route("/{instance}/api/FHIR/DSTU2/metadata", get(discovery::conformance))
        .merge(fhir::router())
        .route(connection::ROUTE, get(connection::set).fallback(connection::only_get))
        .merge(hyperspace::router())
        .merge(mychart::router())
        .merge(pages::assets())
        .route("/", get(front))
        .fallback(async || StatusCode::NOT_FOUND)
}

async fn front() -> Response {
    pages::Page::new(include_str!("../../pages/epic-front.html")).respond(StatusCode::OK)
}
