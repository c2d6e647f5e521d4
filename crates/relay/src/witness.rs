//! The EHR as a witness: the appointments of open visits are read again and again, as far as the connection's pace leaves
//! room beside write-backs. `arrived` and `checked-in` are evidence of arrival; a cancelled or moved appointment, or
//! another clinician on it, reaches the visit. Nothing is ever concluded from an EHR that does not answer.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roomed_visit::{Command, Source, Testimony, VisitEvent};

use crate::arrivals::{Along, ArrivalError, Opened};
use crate::ehr::{AppointmentFacts, EhrError};
use crate::outbox::retry::connection_policy;
use crate::relay::Relay;
use crate::store::StoreError;
use crate::wire;

/// Between two rounds: one round reads what is due and stops where the pace says so.
const ROUND: Duration = Duration::from_secs(1);

/// When each open visit was last looked at, by this node.
#[derive(Debug, Default)]
pub struct Looked(HashMap<String, Timestamp>);

/// Looks until the relay stops.
pub async fn run(relay: Arc<Relay>) {
    let mut stopping = relay.stopping.clone();
    let mut looked = Looked::default();
    if relay.config.ehr.poll_seconds == 0 {
        return;
    }
    loop {
        if let Err(error) = look_once(&relay, &mut looked).await {
            tracing::error!(%error, "the open visits could not be looked up in the EHR");
        }
        // Running into the time limit is the normal case: then it is simply time to look again.
        let stopped = async { stopping.wait_for(|stop| *stop).await.is_ok() };
        if tokio::time::timeout(ROUND, stopped).await.is_ok() {
            return;
        }
    }
}

/// One round: every open visit that is due, longest not looked at first. Says how many were read.
pub async fn look_once(relay: &Relay, looked: &mut Looked) -> Result<u32, StoreError> {
    let now = relay.clock.now();
    let policy = connection_policy(&relay.config.outbox);
    let (mut read, mut open) = (0, HashSet::new());
    // An EHR that has no room or no answer is left alone until the next round.
    let mut left_alone = HashSet::new();
    for organization in &relay.config.organizations {
        let mut visits = relay.store.open_visits(&organization.key).await?;
        visits.sort_by_key(|stored| looked.0.get(&stored.row.id).copied());
        for stored in visits {
            open.insert(stored.row.id.clone());
            if !is_due(relay, looked, &stored.row.id, stored.row.planned_start, now) {
                continue;
            }
            let opened = match relay.arrivals.open(stored) {
                Ok(opened) => opened,
                Err(error) => {
                    tracing::error!(%error, "an open visit could not be opened");
                    continue;
                }
            };
            let connection = (organization.key.clone(), opened.record.ehr.iss.clone());
            if left_alone.contains(&connection) {
                continue;
            }
            let Some(ehr) = relay.ehrs.get(&connection) else { continue };
            // The pace is one for all nodes, so it is measured by one clock.
            let turn = relay.store.time(relay.clock.now()).await?;
            if !relay.store.take_turn(&connection.0, &connection.1, &policy, turn).await? {
                left_alone.insert(connection);
                continue;
            }
            looked.0.insert(opened.stored.row.id.clone(), now);
            read += 1;
            match ehr.appointment(&opened.record.ehr.appointment).await {
                Ok(Some(facts)) => {
                    if let Err(error) = believe(relay, opened, &facts).await {
                        tracing::warn!(%error, "what the EHR says of an appointment could not be kept");
                    }
                }
                // Not to be found is not cancelled: rights may have changed. The next launch says it to a person.
                Ok(None) => tracing::warn!("the appointment of an open visit is not to be found in the EHR"),
                Err(error @ EhrError::Unreachable { .. }) => {
                    tracing::info!(%error, "an appointment could not be read");
                    left_alone.insert(connection);
                }
                Err(error) => tracing::warn!(%error, "an appointment could not be read"),
            }
        }
    }
    looked.0.retain(|visit, _| open.contains(visit));
    Ok(read)
}

fn is_due(relay: &Relay, looked: &Looked, visit: &str, start: Timestamp, now: Timestamp) -> bool {
    let ahead = SignedDuration::from_mins(i64::from(relay.config.ehr.poll_before_minutes));
    let every = SignedDuration::from_secs(i64::from(relay.config.ehr.poll_seconds));
    let soon = start.duration_since(now) <= ahead;
    // A clock that was set back must not keep us from looking.
    let rested = looked.0.get(visit).is_none_or(|at| now.duration_since(*at) >= every || *at > now);
    soon && rested
}

/// What the appointment says now, as far as it is news to the visit.
async fn believe(relay: &Relay, opened: Opened, facts: &AppointmentFacts) -> Result<(), ArrivalError> {
    let now = relay.clock.now();
    let event = match facts.status.as_str() {
        "cancelled" | "entered-in-error" => Some(VisitEvent::Decided(Command::Cancel)),
        // Before its window opens an early bird is not there yet; the look after that says so again.
        "arrived" | "checked-in" if wire::from_rules(opened.record.visit.opens_at()) <= now => {
            let mut people = opened.record.visit.participants();
            let patient = people.find(|(_, person)| person.is_patient()).map(|(id, _)| id.clone());
            let at = wire::to_rules(now);
            let known = patient.as_ref().is_some_and(|_| opened.record.visit.arrival(at).is_some());
            let ready = |participant| Testimony::Ready { participant, at, source: Source::Ehr };
            patient.filter(|_| !known).map(ready).map(VisitEvent::Witnessed)
        }
        _ => None,
    };
    let visit = opened.stored.row.id.clone();
    let cancels = matches!(event, Some(VisitEvent::Decided(_)));
    if let Some(event) = event {
        relay.arrivals.update(&visit, &[event], Along::default()).await?;
        metrics::counter!("roomed_ehr_witnessed_total", "what" => if cancels { "cancelled" } else { "arrived" })
            .increment(1);
    }
    if !cancels {
        let had_meeting = opened.record.visit.decisions().meeting_ready.is_some();
        let opened = relay.refresh_from(opened, facts).await?;
        // Moved, or given to somebody else: the meeting goes along. If Teams refuses, the next look tries again.
        if had_meeting && opened.record.visit.is_open() && relay.ensure_meeting(&opened).await.is_err() {
            tracing::warn!("a meeting could not be brought to where its appointment is");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
