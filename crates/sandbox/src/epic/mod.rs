//! Epic: one server, an Interconnect instance per hospital, Hyperspace and MyChart in front of the same chart.
//! As strict as reference data say Epic is; it advertises what `data/` holds and no more.

mod authorize;
mod backend;
pub(crate) mod chart;
mod clients;
mod connection;
mod discovery;
mod fhir;
mod grants;
mod hyperspace;
pub(crate) mod launch;
mod local_time;
mod mychart;
mod outcome;
mod scopes;
mod seed;
mod sessions;
mod token;

pub use chart::{Appointment, Chart, Mark, WriteBack};
pub use clients::Clients;

use crate::{
    clock::Clock,
    core::{Canaries, Hospital, Organization, Random, Shared, SigningKey},
    pages,
};
use axum::{
    Router,
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use serde_json::{Value, json};

/// What Epic remembers.
pub struct State {
    /// Appointments, marks, write-backs.
    pub chart: Chart,
    /// Registered applications.
    pub clients: Clients,
    key: SigningKey,
    grants: grants::Grants,
    sessions: sessions::Sessions,
    communications: fhir::Communications,
}

impl State {
    pub(crate) fn new(organizations: &[Organization], random: &Random, clock: &Clock, canaries: &Canaries) -> Self {
        Self {
            chart: Chart::new(seed::today(organizations, random, clock, canaries)),
            clients: Clients::new(random),
            key: SigningKey::generate(random.stable_token("epic kid", 22)),
            grants: grants::Grants::default(),
            sessions: sessions::Sessions::default(),
            communications: fhir::Communications::default(),
        }
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
        "companion_client_id": clients.companion, "patient_client_id": clients.patient, "backend_client_id": clients.backend,
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
