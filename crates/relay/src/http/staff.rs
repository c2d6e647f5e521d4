//! The staff page's API: the visits of the departments somebody's app roles show them, and what staff may do in them:
//! room, say a preset, take requests for help on. The roles are those of the Microsoft sign-in.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use roomed_protocol::{Department, LateRequest, Preset, ProblemCode, SayRequest, StaffMe, StaffView, Urgency};
use roomed_visit::{Command, MessageId, ParticipantId, Speaker, Testimony, VisitEvent};
use tokio::time::MissedTickBehavior;

use super::acts::MOST_VISITS;
use super::companion::body;
use super::problem::{Answer, Refusal};
use super::socket::small;
use super::visit_page::same_origin;
use super::web::WebCaller;
use crate::arrivals::{Along, Opened};
use crate::config::{Organization, Readers};
use crate::pages;
use crate::record::Record;
use crate::relay::Relay;
use crate::stop;
use crate::store::Recipient;
use crate::wire;

/// Hints are no more frequent: a busy morning changes many visits a second.
const PAUSE: Duration = Duration::from_millis(500);
const PING_EVERY: Duration = Duration::from_secs(30);

/// Whose visits somebody is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    All,
    Departments(BTreeSet<String>),
}

/// Somebody of the staff.
pub(super) struct Staff {
    who: Recipient,
    display_name: String,
    scope: Scope,
}

impl Staff {
    fn of(relay: &Relay, caller: &WebCaller) -> Answer<Self> {
        let organization = relay.organization(&caller.clinician.organization);
        let organization = organization.ok_or(Refusal(ProblemCode::WrongTenant))?;
        let scope = scope(organization, &caller.roles).ok_or(Refusal(ProblemCode::RoleMissing))?;
        let display_name = caller.clinician.display_name.clone();
        let (tid, oid) = (caller.clinician.tid.clone(), caller.clinician.oid.clone());
        let who = Recipient { organization: organization.key.clone(), tid, oid };
        Ok(Self { who, display_name, scope })
    }

    fn may_see(&self, department: Option<&Department>) -> bool {
        match &self.scope {
            Scope::All => true,
            Scope::Departments(known) => department.is_some_and(|department| known.contains(&department.id)),
        }
    }

    /// A visit they may see; any other is not there.
    async fn find(&self, relay: &Relay, id: &str) -> Answer<Opened> {
        let opened = relay.arrivals.load(id).await?;
        let own = opened.stored.row.organization == self.who.organization;
        let organization = relay.organization(&self.who.organization).ok_or(Refusal(ProblemCode::WrongTenant))?;
        if own && self.may_see(department(organization, &opened.record).as_ref()) {
            return Ok(opened);
        }
        Err(Refusal(ProblemCode::VisitNotFound))
    }
}

impl FromRequestParts<Arc<Relay>> for Staff {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, relay: &Arc<Relay>) -> Result<Self, Refusal> {
        let caller = WebCaller::from_request_parts(parts, relay).await?;
        // Whatever is not a mere look comes from a page of ours.
        if !parts.method.is_safe() {
            same_origin(relay, &parts.headers)?;
        }
        Self::of(relay, &caller)
    }
}

/// What the roles show; nothing for somebody who has none of the organization's staff roles.
fn scope(organization: &Organization, roles: &[String]) -> Option<Scope> {
    let mut own = organization.staff.iter().filter(|it| roles.contains(&it.role)).peekable();
    own.peek()?;
    let all: BTreeSet<String> = own.flat_map(|it| it.departments.iter().cloned()).collect();
    Some(if all.contains("*") { Scope::All } else { Scope::Departments(all) })
}

/// Where a visit belongs: by the launch's department, else by the appointment's location.
fn department(organization: &Organization, record: &Record) -> Option<Department> {
    let number = record.ehr.department.as_ref();
    let by_number = organization.departments.iter().find(|it| number.is_some_and(|number| it.numbers.contains(number)));
    let location = record.ehr.location.as_ref();
    let by_location =
        || organization.departments.iter().find(|it| location.is_some_and(|id| it.locations.contains(id)));
    by_number.or_else(by_location).map(|it| Department { id: it.id.clone(), name: it.name.clone() })
}

/// `GET /staff/`.
pub(super) async fn index() -> Response {
    pages::staff("index.html")
}

/// `GET /staff/{*file}`.
pub(super) async fn asset(Path(file): Path<String>) -> Response {
    pages::staff(&file)
}

/// `GET /staff/api/me`.
pub(super) async fn me(State(relay): State<Arc<Relay>>, staff: Staff) -> Answer<Json<StaffMe>> {
    let organization = relay.organization(&staff.who.organization).ok_or(Refusal(ProblemCode::WrongTenant))?;
    let named = |known: &BTreeSet<String>| {
        let own = organization.departments.iter().filter(|it| known.contains(&it.id));
        own.map(|it| Department { id: it.id.clone(), name: it.name.clone() }).collect()
    };
    Ok(Json(StaffMe {
        organization: organization.name.clone(),
        display_name: staff.display_name.clone(),
        departments: match &staff.scope {
            Scope::All => None,
            Scope::Departments(known) => Some(named(known)),
        },
        may_act: true,
        waiting: wire::waiting(&relay.config.visit),
    }))
}

/// `GET /staff/api/visits`.
pub(super) async fn visits(State(relay): State<Arc<Relay>>, staff: Staff) -> Answer<Response> {
    let organization = relay.organization(&staff.who.organization).ok_or(Refusal(ProblemCode::WrongTenant))?;
    let now = relay.clock.now();
    let mut rows = Vec::new();
    for stored in relay.store.open_visits(&staff.who.organization).await? {
        // One that this version cannot read keeps nobody from seeing the others.
        let Ok(opened) = relay.arrivals.open(stored) else { continue };
        let department = department(organization, &opened.record);
        if staff.may_see(department.as_ref()) {
            let mut row = wire::staff_row(&opened.stored, &opened.record, department, now);
            row.clinicians = relay.clinician_names(&opened, Readers::Staff);
            rows.push(row);
        }
    }
    let rank = |urgency: Urgency| match urgency {
        Urgency::Help => 0,
        Urgency::Unlinked => 1,
        Urgency::Unanswered => 2,
        Urgency::None | Urgency::Unknown => 3,
    };
    // RFC 3339 in UTC sorts as text.
    rows.sort_by(|a, b| (rank(a.urgency), &a.start, &a.id).cmp(&(rank(b.urgency), &b.start, &b.id)));
    let view = StaffView { now: now.to_string(), rows };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(view)).into_response())
}

/// `POST /staff/api/visits/{id}/room`.
pub(super) async fn room(State(relay): State<Arc<Relay>>, staff: Staff, Path(id): Path<String>) -> Answer<StatusCode> {
    let opened = staff.find(&relay, &id).await?;
    open(&opened)?;
    let roomed = Testimony::Roomed { at: wire::to_rules(relay.clock.now()) };
    relay.arrivals.update(&id, &[VisitEvent::Witnessed(roomed)], Along::default()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /staff/api/visits/{id}/help`: takes every request for help in it on.
pub(super) async fn help(State(relay): State<Arc<Relay>>, staff: Staff, Path(id): Path<String>) -> Answer<StatusCode> {
    let opened = staff.find(&relay, &id).await?;
    let visit = &opened.record.visit;
    let asking = visit.participants().map(|(who, _)| who).filter(|who| visit.help_since(who).is_some());
    let taken = |who: &ParticipantId| VisitEvent::Decided(Command::HelpTaken { participant: who.clone() });
    let taken: Vec<_> = asking.map(taken).collect();
    relay.arrivals.update(&id, &taken, Along::default()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /staff/api/visits/{id}/say`.
pub(super) async fn say(
    State(relay): State<Arc<Relay>>,
    staff: Staff,
    Path(id): Path<String>,
    request: Result<Json<SayRequest>, JsonRejection>,
) -> Answer<StatusCode> {
    let request = body(request)?;
    let preset = wire::preset(request.preset, request.minutes).ok_or(Refusal(ProblemCode::BadRequest))?;
    said(&relay, &staff, &id, request.to, preset).await
}

async fn said(
    relay: &Relay,
    staff: &Staff,
    id: &str,
    to: Option<String>,
    preset: roomed_visit::Preset,
) -> Answer<StatusCode> {
    let opened = staff.find(relay, id).await?;
    open(&opened)?;
    let to = to.map(ParticipantId::new);
    if to.as_ref().is_some_and(|who| opened.record.visit.participant(who).is_none()) {
        return Err(Refusal(ProblemCode::BadRequest));
    }
    let say = Command::Say { id: MessageId::new(relay.random.id()), by: Speaker::Staff, to, preset };
    relay.arrivals.update(id, &[VisitEvent::Decided(say)], Along::default()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /staff/api/late`. One that cannot be told does not keep the others from it.
pub(super) async fn late(
    State(relay): State<Arc<Relay>>,
    staff: Staff,
    request: Result<Json<LateRequest>, JsonRejection>,
) -> Answer<StatusCode> {
    let request = body(request)?;
    let preset = wire::preset(Preset::RunningLate, Some(request.minutes)).ok_or(Refusal(ProblemCode::BadRequest))?;
    if request.visits.is_empty() || request.visits.len() > MOST_VISITS {
        return Err(Refusal(ProblemCode::BadRequest));
    }
    let mut refused = None;
    for id in &request.visits {
        if let Err(refusal) = said(&relay, &staff, id, None, preset).await {
            refused = Some(refusal);
        }
    }
    refused.map_or(Ok(StatusCode::NO_CONTENT), Err)
}

fn open(opened: &Opened) -> Answer<()> {
    if opened.record.visit.is_closed() { Err(Refusal(ProblemCode::VisitClosed)) } else { Ok(()) }
}

/// `GET /staff/api/socket`: says that something changed, and nothing else. What changed is asked for, and shown by
/// the roles somebody has then.
pub(super) async fn socket(
    State(relay): State<Arc<Relay>>,
    staff: Staff,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Answer<Response> {
    same_origin(&relay, &headers)?;
    let place = relay.limits.staff_socket(&staff.who)?;
    Ok(small(upgrade).on_upgrade(move |socket| async move {
        hint(&relay, socket).await;
        drop(place);
    }))
}

async fn hint(relay: &Relay, mut socket: WebSocket) {
    let mut changes = relay.hub.changes();
    let mut stopping = relay.stopping.clone();
    let mut ping = tokio::time::interval(PING_EVERY);
    let mut pause = tokio::time::interval(PAUSE);
    pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut unanswered = 0;
    loop {
        tokio::select! {
            changed = changes.changed() => {
                pause.tick().await;
                changes.mark_unchanged();
                if changed.is_err() || socket.send(Message::Text("{}".into())).await.is_err() { return; }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Pong(_))) => unanswered = 0,
                Some(Ok(Message::Ping(_) | Message::Text(_))) => {}
                Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => return,
            },
            _ = ping.tick() => {
                unanswered += 1;
                if unanswered > 2 || socket.send(Message::Ping(axum::body::Bytes::new())).await.is_err() { return; }
            }
            () = stop::begun(&mut stopping) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organization() -> Organization {
        serde_json::from_value(serde_json::json!({
            "key": "northside", "name": "Northside", "region": "emea", "tid": "t", "organizer_oid": "o",
            "entra": { "authority": "a", "companion_client_id": "c", "relay_client_id": "r",
                "relay_client_secret": "s", "scope": "s" },
            "graph": { "base": "b", "subscriptions_base": "b", "token_endpoint": "t", "validation_keys": "v",
                "validation_issuer": "v", "notification_app_id": "n" },
            "ehr": [],
            "departments": [
                { "id": "cardiology", "name": "Cardiology", "numbers": ["101"], "locations": ["loc-1"] },
                { "id": "eye", "name": "Eye clinic", "numbers": ["102"] },
            ],
            "staff": [
                { "role": "Desk", "departments": ["*"] },
                { "role": "Heart", "departments": ["cardiology"] },
                { "role": "Eye", "departments": ["eye"] },
            ],
        }))
        .expect("an organization")
    }

    fn roles(of: &[&str]) -> Vec<String> {
        of.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn roles_add_up_and_no_role_is_no_view() {
        let organization = organization();
        assert_eq!(scope(&organization, &roles(&[])), None);
        assert_eq!(scope(&organization, &roles(&["Somebody.Elses"])), None);
        assert_eq!(scope(&organization, &roles(&["Desk", "Heart"])), Some(Scope::All));
        let both = BTreeSet::from(["cardiology".to_owned(), "eye".to_owned()]);
        assert_eq!(scope(&organization, &roles(&["Heart", "Eye"])), Some(Scope::Departments(both)));
    }

    #[test]
    fn a_visit_without_a_department_is_shown_to_those_who_see_all() {
        let who = Recipient { organization: "northside".into(), tid: "t".into(), oid: "o".into() };
        let staff = |scope| Staff { who: who.clone(), display_name: String::new(), scope };
        let eye = Department { id: "eye".into(), name: "Eye clinic".into() };
        let own = staff(Scope::Departments(BTreeSet::from(["eye".to_owned()])));
        assert!(own.may_see(Some(&eye)) && !own.may_see(None));
        assert!(!own.may_see(Some(&Department { id: "cardiology".into(), name: String::new() })));
        assert!(staff(Scope::All).may_see(None));
    }
}
