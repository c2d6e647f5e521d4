//! The EHR as a witness: the appointments of open visits are read again and again, as far as the connection's pace leaves
//! room beside write-backs. `arrived` and `checked-in` are evidence of arrival; a cancelled or moved appointment, one that
//! stands again, or another clinician on it, reaches the visit. Nothing is ever concluded from an EHR that does not answer.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roomed_visit::{Command, ParticipantId, Source, Testimony, VisitEvent};

use crate::arrivals::{Along, ArrivalError, Opened};
use crate::ehr::{AppointmentFacts, Ehr, EhrError, Together};
use crate::outbox::retry::connection_policy;
use crate::record::Record;
use crate::relay::Relay;
use crate::store::StoreError;
use crate::wire;

/// Between two rounds: one round reads what is due and stops where the pace says so.
const ROUND: Duration = Duration::from_secs(1);

/// When each open visit was last looked at, by this node.
#[derive(Debug, Default)]
pub struct Looked {
    at: HashMap<String, Timestamp>,
    /// In a group, which missing patient's own appointment was read last.
    missed: HashMap<String, ParticipantId>,
}

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
        visits.sort_by_key(|stored| looked.at.get(&stored.row.id).copied());
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
            looked.at.insert(opened.stored.row.id.clone(), now);
            read += 1;
            if let Err(EhrError::Unreachable { .. }) = look_at(relay, &connection, &**ehr, opened, looked).await {
                left_alone.insert(connection);
            }
        }
    }
    looked.at.retain(|visit, _| open.contains(visit));
    looked.missed.retain(|visit, _| open.contains(visit));
    Ok(read)
}

/// Reads what is scheduled for one visit, and believes it.
async fn look_at(
    relay: &Relay,
    connection: &(String, String),
    ehr: &dyn Ehr,
    opened: Opened,
    looked: &mut Looked,
) -> Result<(), EhrError> {
    let said = match &opened.record.ehr.group {
        None => alone(ehr, &opened.record.ehr.appointment).await,
        Some(conference) => ehr.appointments_of_conference(conference).await.map(Together::of),
    };
    let scheduled = said.inspect_err(|error| tracing::warn!(%error, "an appointment could not be read"))?;
    let left = match who_left(relay, connection, ehr, &opened, scheduled.as_ref(), looked).await {
        Ok(left) => left,
        Err(error) => {
            tracing::info!(%error, "who is no longer in a group could not be read");
            None
        }
    };
    let kept = match (&scheduled, left) {
        (Some(scheduled), left) => believe(relay, opened, scheduled, left).await,
        (None, Some(left)) => withdraw(relay, &opened, left).await,
        // Not to be found is not cancelled: rights may have changed. The next launch says it to a person.
        (None, None) => {
            tracing::warn!("the appointment of an open visit is not to be found in the EHR");
            Ok(())
        }
    };
    if let Err(error) = kept {
        tracing::warn!(%error, "what the EHR says of an appointment could not be kept");
    }
    Ok(())
}

/// The appointment of a visit that is of no group; with all of its group if it was made part of one.
async fn alone(ehr: &dyn Ehr, appointment: &str) -> Result<Option<Together>, EhrError> {
    match ehr.appointment(appointment).await? {
        Some(facts) => Together::around(ehr, facts).await.map(Some),
        None => Ok(None),
    }
}

async fn withdraw(relay: &Relay, opened: &Opened, participant: ParticipantId) -> Result<(), ArrivalError> {
    let events = [VisitEvent::Decided(Command::Withdraw { participant })];
    relay.arrivals.update(&opened.stored.row.id, &events, Along::default()).await.map(drop)
}

fn is_due(relay: &Relay, looked: &Looked, visit: &str, start: Timestamp, now: Timestamp) -> bool {
    let ahead = SignedDuration::from_mins(i64::from(relay.config.ehr.poll_before_minutes));
    let every = SignedDuration::from_secs(i64::from(relay.config.ehr.poll_seconds));
    let soon = start.duration_since(now) <= ahead;
    // A clock that was set back must not keep us from looking.
    let rested = looked.at.get(visit).is_none_or(|at| now.duration_since(*at) >= every || *at > now);
    soon && rested
}

/// In a group, a patient whose appointment is no longer among those of the conference, if their own says so: taken out of it.
/// One at a time, each for its turn and after each other; what is only not to be found says nothing.
async fn who_left(
    relay: &Relay,
    (organization, iss): &(String, String),
    ehr: &dyn Ehr,
    opened: &Opened,
    scheduled: Option<&Together>,
    looked: &mut Looked,
) -> Result<Option<ParticipantId>, EhrError> {
    let Record { visit, ehr: references, .. } = &opened.record;
    let is_missing = |who: &&ParticipantId| {
        let line = references.line(who).appointment;
        let found = scheduled.is_some_and(|all| all.all().iter().any(|it| it.id == line));
        !visit.is_withdrawn(who) && !found
    };
    let id = &opened.stored.row.id;
    let missing: Vec<_> = visit.patients().filter(|_| references.group.is_some()).filter(is_missing).collect();
    let last = looked.missed.get(id);
    let Some(missing) = missing.iter().find(|who| last.is_none_or(|it| **who > it)).or(missing.first()).copied() else {
        return Ok(None);
    };
    let policy = connection_policy(&relay.config.outbox);
    let turn = async {
        let now = relay.store.time(relay.clock.now()).await?;
        relay.store.take_turn(organization, iss, &policy, now).await
    };
    if !turn.await.unwrap_or(false) {
        return Ok(None);
    }
    looked.missed.insert(id.clone(), missing.clone());
    let own = ehr.appointment(&references.line(missing).appointment).await?;
    Ok(own.filter(|it| !it.stands() || it.group != references.group).map(|_| missing.clone()))
}

/// What the appointments say now, as far as it is news to the visit. `left`: who is no longer in the group.
async fn believe(
    relay: &Relay,
    opened: Opened,
    scheduled: &Together,
    left: Option<ParticipantId>,
) -> Result<(), ArrivalError> {
    let visit = &opened.record.visit;
    let is_called_off = scheduled.all().iter().all(AppointmentFacts::is_called_off);
    // In a group, whose appointment was called off is withdrawn from what goes on with the others, below.
    let cancels = opened.record.ehr.group.is_none() && is_called_off;
    let mut events = match cancels {
        // Said once: while people are inside it goes on being looked at.
        true if visit.is_called_off() => Vec::new(),
        true => vec![VisitEvent::Decided(Command::Cancel)],
        false => arrivals(relay, &opened, scheduled),
    };
    let arrived = events.len();
    events.extend(left.map(|participant| VisitEvent::Decided(Command::Withdraw { participant })));
    let had_meeting = visit.decisions().meeting_ready.is_some();
    let opened = match events.is_empty() {
        true => opened,
        false => {
            let what = if cancels { "cancelled" } else { "arrived" };
            let opened = relay.arrivals.update(&opened.stored.row.id, &events, Along::default()).await?;
            metrics::counter!("roomed_ehr_witnessed_total", "what" => what).increment(arrived as u64);
            opened
        }
    };
    if !cancels {
        let opened = relay.refresh_from(opened, scheduled).await?;
        // Moved, or given to somebody else: the meeting goes along. If Teams refuses, the next look tries again.
        if had_meeting && opened.record.visit.is_open() && relay.ensure_meeting(&opened.stored.row.id).await.is_err() {
            tracing::warn!("a meeting could not be brought to where its appointment is");
        }
    }
    Ok(())
}

/// Each patient of whom the EHR knows and nobody else yet. Before the window opens an early bird is not there yet; the look
/// after that says so again.
fn arrivals(relay: &Relay, opened: &Opened, scheduled: &Together) -> Vec<VisitEvent> {
    let visit = &opened.record.visit;
    let now = relay.clock.now();
    if wire::from_rules(visit.opens_at()) > now {
        return Vec::new();
    }
    let at = wire::to_rules(now);
    let arrived = scheduled.all().iter().filter(|it| matches!(it.status.as_str(), "arrived" | "checked-in"));
    let patients = arrived.filter_map(|it| match &opened.record.ehr.group {
        Some(_) => opened.record.patient(it.patient.as_deref()?),
        None => visit.patients().next(),
    });
    let news = patients.filter(|who| !visit.has_arrived(who, at));
    let ready = |who: &ParticipantId| Testimony::Ready { participant: who.clone(), at, source: Source::Ehr };
    news.map(|who| VisitEvent::Witnessed(ready(who))).collect()
}

#[cfg(test)]
mod tests;
