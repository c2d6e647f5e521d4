//! The day of a clinician whom an earlier launch linked, as their EHRs have it: times, states and roles of virtual visits, read with
//! our own client. Looking makes no visit, tells nobody, and is kept nowhere.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use jiff::{SignedDuration, Timestamp};
use roomed_protocol::{AgendaRow, AgendaView, AgendaWho, ProblemCode, StageView};
use serde::Deserialize;

use super::companion::Caller;
use super::problem::{Answer, Refusal};
use crate::ehr::AppointmentFacts;
use crate::outbox::retry::connection_policy;
use crate::relay::Relay;

/// The longest day, with room for a change of the clock.
const LONGEST: SignedDuration = SignedDuration::from_hours(26);
/// How long one EHR may take.
const LIMIT: Duration = Duration::from_secs(8);

/// The clinician's own day, which only their workstation knows.
#[derive(Deserialize)]
pub(super) struct Day {
    from: String,
    until: String,
}

impl Day {
    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let (from, until): (Timestamp, Timestamp) = (self.from.parse().ok()?, self.until.parse().ok()?);
        let length = until.duration_since(from);
        (length > SignedDuration::ZERO && length <= LONGEST).then_some((from, until))
    }
}

/// `GET /agenda?from=..&until=..`.
pub(super) async fn agenda(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    day: Result<Query<Day>, QueryRejection>,
) -> Answer<Json<AgendaView>> {
    let span = day.ok().and_then(|Query(day)| day.span());
    let (from, until) = span.ok_or(Refusal(ProblemCode::BadRequest))?;
    let recipient = caller.recipient();
    let open = open_visits(&relay, &caller).await?;
    let (mut rows, mut incomplete) = (Vec::new(), false);
    for link in relay.store.links_of(&recipient).await? {
        let Some(practitioner) = link.fhir_user.strip_prefix("Practitioner/") else { continue };
        // A connection that is no longer approved is asked nothing.
        let Ok(ehr) = relay.ehr(&recipient.organization, &link.iss) else { continue };
        // Write-backs go first.
        let turn = relay.store.time(relay.clock.now()).await?;
        let policy = connection_policy(&relay.config.outbox);
        if !relay.store.take_turn(&recipient.organization, &link.iss, &policy, turn).await? {
            incomplete = true;
            continue;
        }
        match tokio::time::timeout(LIMIT, ehr.appointments_of(practitioner, from, until)).await {
            Ok(Ok(Some(found))) => {
                let visit = |it: &AppointmentFacts| open.get(&(link.iss.clone(), it.id.clone())).cloned();
                // Of a group every patient has an appointment, and the clinician one visit: the first that is on.
                let mut groups = HashSet::new();
                let once = |it: &&AppointmentFacts| {
                    it.group.as_ref().is_none_or(|group| it.stands() && groups.insert(group.clone()))
                };
                let meant = found.iter().filter(|it| it.is_virtual).filter(once);
                rows.extend(meant.filter_map(|it| row(it, visit(it))));
            }
            Ok(Ok(None)) => incomplete = true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a clinician's day could not be read");
                incomplete = true;
            }
            Err(_) => incomplete = true,
        }
    }
    rows.sort_by(|a, b| (&a.start, &a.end).cmp(&(&b.start, &b.end)));
    Ok(Json(AgendaView { at: relay.clock.now().to_string(), rows, incomplete }))
}

/// The caller's open visits by the appointments they are of.
async fn open_visits(relay: &Relay, caller: &Caller) -> Answer<HashMap<(String, String), String>> {
    let mut open = HashMap::new();
    for stored in relay.store.open_visits_of(&caller.recipient()).await? {
        let Ok(opened) = relay.arrivals.open(stored) else { continue };
        let ehr = &opened.record.ehr;
        let appointments = ehr.lines.values().map(|line| &line.appointment).chain([&ehr.appointment]);
        for appointment in appointments {
            open.insert((ehr.iss.clone(), appointment.clone()), opened.stored.row.id.clone());
        }
    }
    Ok(open)
}

/// Nothing for what was never meant, and for what a later version of FHIR may call it.
fn row(facts: &AppointmentFacts, visit: Option<String>) -> Option<AgendaRow> {
    let stage = match facts.status.as_str() {
        "proposed" | "pending" | "booked" | "waitlist" => StageView::Planned,
        "arrived" | "checked-in" => StageView::Arrived,
        "fulfilled" => StageView::Finished,
        "noshow" => StageView::Noshow,
        "cancelled" => StageView::Cancelled,
        _ => return None,
    };
    let who = match (&facts.group, &facts.patient) {
        (Some(_), _) => AgendaWho::Group,
        (None, Some(_)) => AgendaWho::Patient,
        (None, None) => AgendaWho::Colleague,
    };
    Some(AgendaRow { start: facts.start.to_string(), end: facts.end.to_string(), stage, who: Some(who), visit })
}
