//! The portal's API: an organization's own administrators look at what is set up, what is wrong and what was written to their
//! chart. Everything is asked for by the organization of the session; another one's things are unknown here.

pub(super) mod doctor;
pub(super) mod records;
pub(super) mod write_backs;

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;
use jiff::SignedDuration;
use roomed_protocol::{PortalMe, PortalRole, PortalStep, ProblemCode, StepName, StepState};

use super::problem::{Answer, Refusal};
use super::visit_page::same_origin;
use super::web::WebCaller;
use crate::config::Organization;
use crate::doctor::finding::State as FindingState;
use crate::pages;
use crate::relay::Relay;
use crate::store::{EntryFilter, EntryState};

/// The app role that opens all of the portal.
const ADMIN: &str = "Roomed.Admin";
/// The app role that opens the report.
const REPORTS: &str = "Roomed.Reports";
/// Roles are Entra's of the sign-in. For a change they are no older: somebody who has lost theirs does not go on for a shift.
const ROLES_LAST: SignedDuration = SignedDuration::from_mins(15);

/// Somebody with a role of the portal.
pub(super) struct Portal {
    /// The organization's key: whatever is asked for is asked for with it.
    pub(super) organization: String,
    display_name: String,
    roles: Vec<PortalRole>,
}

/// Somebody with the role that opens all of it.
pub(super) struct Admin(pub(super) Portal);

impl Portal {
    async fn of(relay: &Arc<Relay>, parts: &mut Parts) -> Answer<Self> {
        let caller = WebCaller::from_request_parts(parts, relay).await?;
        let roles = roles(&caller.roles);
        if roles.is_empty() {
            return Err(Refusal(ProblemCode::RoleMissing));
        }
        // Whatever is not a mere look comes from a page of ours, by somebody who has just signed in.
        if !parts.method.is_safe() {
            same_origin(relay, &parts.headers)?;
            same_site(&parts.headers)?;
            let age = relay.clock.now().duration_since(caller.signed_in_at);
            if age.is_negative() || age > ROLES_LAST {
                return Err(Refusal(ProblemCode::NotSignedIn));
            }
        }
        let clinician = caller.clinician;
        Ok(Self { organization: clinician.organization, display_name: clinician.display_name, roles })
    }

    /// Their organization.
    pub(super) fn organization<'a>(&self, relay: &'a Relay) -> Answer<&'a Organization> {
        relay.organization(&self.organization).ok_or(Refusal(ProblemCode::WrongTenant))
    }

    fn is_admin(&self) -> bool {
        self.roles.contains(&PortalRole::Admin)
    }
}

impl FromRequestParts<Arc<Relay>> for Portal {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, relay: &Arc<Relay>) -> Result<Self, Refusal> {
        Self::of(relay, parts).await
    }
}

impl FromRequestParts<Arc<Relay>> for Admin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, relay: &Arc<Relay>) -> Result<Self, Refusal> {
        let portal = Portal::of(relay, parts).await?;
        if portal.is_admin() { Ok(Self(portal)) } else { Err(Refusal(ProblemCode::RoleMissing)) }
    }
}

fn roles(said: &[String]) -> Vec<PortalRole> {
    let known = [(ADMIN, PortalRole::Admin), (REPORTS, PortalRole::Reports)];
    known.into_iter().filter(|(name, _)| said.iter().any(|it| it == name)).map(|(_, role)| role).collect()
}

/// What a browser says of itself; older ones say nothing.
fn same_site(headers: &HeaderMap) -> Answer<()> {
    let said = headers.get("sec-fetch-site");
    if said.is_none_or(|it| it == "same-origin") { Ok(()) } else { Err(Refusal(ProblemCode::BadRequest)) }
}

/// `GET /portal/`.
pub(super) async fn index() -> Response {
    pages::portal("index.html")
}

/// `GET /portal/{*file}`.
pub(super) async fn asset(Path(file): Path<String>) -> Response {
    pages::portal(&file)
}

/// `GET /portal/api/me`.
pub(super) async fn me(State(relay): State<Arc<Relay>>, portal: Portal) -> Answer<Json<PortalMe>> {
    let steps = if portal.is_admin() { steps(&relay, &portal.organization).await? } else { Vec::new() };
    let organization = portal.organization(&relay)?;
    Ok(Json(PortalMe {
        key: organization.key.clone(),
        organization: organization.name.clone(),
        display_name: portal.display_name,
        roles: portal.roles,
        steps,
    }))
}

/// What there is to open. A page that asks for more than this answers is not in the list.
async fn steps(relay: &Relay, organization: &str) -> Answer<Vec<PortalStep>> {
    let known = relay.doctor.of(organization).report;
    let has = |state: FindingState, own: bool| {
        known
            .iter()
            .flat_map(|it| &it.findings)
            .any(|it| it.state == state && (!own || doctor::is_prerequisite(it.area)))
    };
    let seen = |own: bool, well: StepState| match (&known, has(FindingState::Wrong, own), has(FindingState::Wait, own))
    {
        (_, true, _) => StepState::Attention,
        (_, _, true) => StepState::Waiting,
        (Some(_), ..) => well,
        (None, ..) => StepState::Todo,
    };
    let mut stuck = StepState::Open;
    for state in [EntryState::Parked, EntryState::Quarantined] {
        let organization = Some(organization.to_owned());
        let filter = EntryFilter { organization, state: Some(state), limit: 1, ..EntryFilter::default() };
        if !relay.store.entries(filter).await?.is_empty() {
            stuck = StepState::Attention;
        }
    }
    let step = |step, state| PortalStep { step, state };
    Ok(vec![
        step(StepName::Prerequisites, seen(true, StepState::Done)),
        step(StepName::Records, StepState::Open),
        step(StepName::Doctor, if known.is_some() { seen(false, StepState::Open) } else { StepState::Open }),
        step(StepName::WriteBacks, stuck),
    ])
}
