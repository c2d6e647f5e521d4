//! Graph's webhooks. 202 whatever the sender is worth, so that a forger learns nothing; 503 only when something real
//! could not be kept, so that Graph says it again. An answer is given after the commit, never before it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use roomed_visit as rules;
use roomed_visit::{Identity, LegId, Oid, Testimony, VisitEvent};

use crate::arrivals::{Along, ArrivalError};
use crate::meeting::graph::{Batch, DropReason, Expected, Received};
use crate::meeting::{Leg, LegIdentity, LegState, MeetingEvent, MeetingEventKind};
use crate::relay::Relay;
use crate::store::{CommitError, EventKey, StoreError, StoredWatch};
use crate::wire;

/// Graph's validation tokens are far shorter.
const LONGEST_TOKEN: usize = 4 * 1024;

/// `POST /graph/notifications`.
pub(super) async fn notifications(State(relay): State<Arc<Relay>>, RawQuery(query): RawQuery, body: Bytes) -> Response {
    if let Some(answer) = handshake(query.as_deref()) {
        return answer;
    }
    match take_in(&relay, &body).await {
        Ok(true) => StatusCode::ACCEPTED.into_response(),
        Ok(false) | Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// `POST /graph/lifecycle`: the same envelope, about the subscription itself.
pub(super) async fn lifecycle(state: State<Arc<Relay>>, query: RawQuery, body: Bytes) -> Response {
    notifications(state, query, body).await
}

/// `POST /graph/calls`: where Graph wants to tell of our own leg in a call. Its state is asked for, so nothing is read here.
pub(super) async fn calls() -> StatusCode {
    StatusCode::ACCEPTED
}

/// The endpoint validation of a new subscription: the token comes back as plain text (reference: microsoft.md 4.2).
fn handshake(query: Option<&str>) -> Option<Response> {
    let mut pairs = url::form_urlencoded::parse(query?.as_bytes());
    let (_, token) = pairs.find(|(key, _)| key == "validationToken")?;
    if token.len() > LONGEST_TOKEN || token.chars().any(char::is_control) {
        return Some(StatusCode::BAD_REQUEST.into_response());
    }
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Some((headers, token.into_owned()).into_response())
}

/// False when something real may have been lost: let Graph deliver it again.
async fn take_in(relay: &Arc<Relay>, body: &[u8]) -> Result<bool, StoreError> {
    let batch = match Batch::parse(body) {
        Ok(batch) => batch,
        Err(reason) => {
            count_drop(reason.as_str());
            return Ok(true);
        }
    };
    let mut watches = HashMap::new();
    for subscription in batch.subscriptions() {
        if let Some(watch) = relay.store.watch(subscription).await? {
            watches.insert(subscription.to_owned(), watch);
        }
    }
    let received = relay.receiver.receive(&batch, |subscription| expected(&watches, subscription)).await;
    let Received { events, lifecycle, dropped, undecided } = received;
    let unknown = dropped.contains(&DropReason::UnknownSubscription);
    for reason in dropped {
        count_drop(reason.as_str());
    }
    if unknown && relay.is_making_a_watch().await {
        // It may be of the watch that is being made at this moment: let Graph say it again in a second.
        return Ok(false);
    }
    for event in lifecycle {
        relay.watch_needs_care(&event.subscription_id, event.kind).await;
    }
    for event in events {
        let Some(watch) = watches.get(&event.subscription_id) else { continue };
        match keep(relay, watch, &event).await {
            Ok(()) => metrics::counter!("roomed_graph_events_total").increment(1),
            Err(error) => {
                tracing::error!(%error, "a Graph event could not be kept");
                return Ok(false);
            }
        }
    }
    Ok(!undecided)
}

fn expected(watches: &HashMap<String, StoredWatch>, subscription: &str) -> Option<Expected> {
    let watch = watches.get(subscription)?;
    let StoredWatch { organization, client_state_hash, .. } = watch.clone();
    Some(Expected { organization, client_state_hash })
}

fn count_drop(reason: &'static str) {
    tracing::warn!(reason, "a Graph notification was dropped");
    metrics::counter!("roomed_graph_dropped_total", "reason" => reason).increment(1);
}

async fn keep(relay: &Relay, watch: &StoredWatch, event: &MeetingEvent) -> Result<(), ArrivalError> {
    let organization = relay.organization(&watch.organization);
    let own = organization.map_or("", |it| it.tid.as_str());
    let us = organization.map_or("", |it| it.entra.relay_client_id.as_str());
    let testimony = testimony(event, own, us);
    let events: Vec<VisitEvent> = testimony.into_iter().map(VisitEvent::Witnessed).collect();
    let seen = EventKey { source: "graph", key: format!("{}/{}", watch.subscription, event.event_id) };
    let along = Along { seen: Some(seen), ..Along::default() };
    match relay.arrivals.update(&watch.visit, &events, along).await {
        Ok(_) | Err(ArrivalError::Commit(CommitError::AlreadySeen)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// `own`: the organization's tenant; `us`: the relay's client id there.
fn testimony(event: &MeetingEvent, own: &str, us: &str) -> Vec<Testimony> {
    let at = wire::to_rules(event.occurred_at);
    match &event.kind {
        // Who is in comes with the roster; that a call began says nothing about anybody.
        MeetingEventKind::CallStarted => Vec::new(),
        MeetingEventKind::CallEnded => vec![Testimony::CallEnded { at }],
        MeetingEventKind::Roster(legs) => {
            legs.iter().filter(|leg| !is_ours(leg, us)).map(|leg| roster(leg, own, at)).collect()
        }
    }
}

/// Our own leg, from which people are removed, is nobody.
fn is_ours(leg: &Leg, us: &str) -> bool {
    matches!(&leg.identity, LegIdentity::Application { id } if id.eq_ignore_ascii_case(us))
}

/// `own`: the organization's tenant.
fn roster(leg: &Leg, own: &str, at: rules::Timestamp) -> Testimony {
    Testimony::Roster {
        leg: LegId::new(&leg.id),
        identity: match &leg.identity {
            // Somebody of another tenant (a colleague by link, a patient with an account at work) has no object id that we
            // know: they are told apart as any guest is, by whose turn it was.
            LegIdentity::User { tid: Some(tid), .. } if !tid.eq_ignore_ascii_case(own) => Identity::Guest,
            LegIdentity::User { oid, .. } => Identity::User(Oid::new(oid.to_ascii_lowercase())),
            LegIdentity::Guest { .. } => Identity::Guest,
            LegIdentity::Application { .. } | LegIdentity::Other => Identity::Unknown,
        },
        state: match leg.state {
            LegState::Lobby => rules::LegState::Waiting,
            LegState::In => rules::LegState::InCall,
            LegState::Left { .. } => rules::LegState::Left,
        },
        at,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn our_own_leg_is_nobody_and_another_app_is_nobody_we_know() {
        let leg = |id: &str| Leg {
            id: id.into(),
            state: LegState::In,
            identity: LegIdentity::Application { id: id.into() },
            sequence: None,
        };
        let event = MeetingEvent {
            subscription_id: "s".into(),
            event_id: "e".into(),
            occurred_at: "2026-01-05T14:30:00Z".parse().unwrap(),
            kind: MeetingEventKind::Roster(vec![leg("relay"), leg("recorder")]),
        };
        let all = testimony(&event, "tenant", "RELAY");
        let is_the_recorder = |it: &Testimony| matches!(it, Testimony::Roster { leg, identity: Identity::Unknown, .. } if leg.as_str() == "recorder");
        assert!(all.len() == 1 && is_the_recorder(&all[0]), "{all:?}");
    }
}
