//! Write-backs in the portal: searched, and retried, skipped or told once more. No payload is ever opened here. A row is always
//! asked for together with the organization, so that another one's is unknown; a replay is looked at before it is done.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use roomed_protocol::{
    LedgerRow, ProblemCode, ReplayRequest, ReplayView, RetryRequest, SkipRequest, WriteBackChannel, WriteBackRow,
    WriteBackState, WriteBackView, WriteBacksView,
};

use super::Admin;
use crate::http::companion::body;
use crate::http::problem::{Answer, Refusal};
use crate::outbox::replay::plan;
use crate::query::Query;
use crate::relay::Relay;
use crate::store::{Chained, Channel, EntryFilter, EntryRow, EntryState, NotDone, Wish};

/// A page of the list.
const PAGE: u32 = 50;
/// How many rows a replay looks at, and in which pages. More is the command line's.
const MOST: usize = 20_000;
const AT_ONCE: u32 = 1_000;
/// A reason is a sentence.
const REASON: std::ops::RangeInclusive<usize> = 3..=200;

/// `GET /portal/api/write-backs?state=&since=&until=&after=`.
pub(in crate::http) async fn list(
    State(relay): State<Arc<Relay>>,
    Admin(portal): Admin,
    RawQuery(query): RawQuery,
) -> Answer<Json<WriteBacksView>> {
    let query = Query::parse(query.as_deref().unwrap_or_default())?;
    let malformed = Refusal(ProblemCode::BadRequest);
    let state = query.get("state").map(|it| state_of(it).ok_or(malformed)).transpose()?;
    let after = query.get("after").map(|it| it.parse::<i64>().map_err(|_| malformed)).transpose()?;
    let filter = EntryFilter {
        organization: Some(portal.organization),
        state,
        since: query.get("since").map(time).transpose()?,
        until: query.get("until").map(time).transpose()?,
        id: None,
        after,
        limit: PAGE + 1,
    };
    let mut entries = relay.store.entries(filter).await?;
    let more = entries.len() > PAGE as usize;
    entries.truncate(PAGE as usize);
    let next = entries.last().filter(|_| more).map(|it| it.seq.to_string());
    Ok(Json(WriteBacksView { rows: entries.iter().map(row).collect(), next }))
}

/// `GET /portal/api/write-backs/{id}`.
pub(in crate::http) async fn one(
    State(relay): State<Arc<Relay>>,
    Admin(portal): Admin,
    Path(id): Path<String>,
) -> Answer<Json<WriteBackView>> {
    let entry = own(&relay, portal.organization, id).await?;
    let records = relay.store.ledger_of(&entry.id).await?;
    Ok(Json(WriteBackView { row: row(&entry), ledger: records.iter().map(record).collect() }))
}

/// `POST /portal/api/write-backs/{id}/retry`.
pub(in crate::http) async fn retry(
    State(relay): State<Arc<Relay>>,
    Admin(portal): Admin,
    Path(id): Path<String>,
    request: Result<Json<RetryRequest>, JsonRejection>,
) -> Answer<StatusCode> {
    let RetryRequest { absent } = body(request)?;
    let (entry, now) = (own(&relay, portal.organization, id).await?, relay.clock.now());
    let done = match absent {
        true => relay.store.retry_absent(&entry.id, now).await?,
        false => relay.store.retry(&entry.id, now).await?,
    };
    acted(&entry, "retried", done)
}

/// `POST /portal/api/write-backs/{id}/skip`.
pub(in crate::http) async fn skip(
    State(relay): State<Arc<Relay>>,
    Admin(portal): Admin,
    Path(id): Path<String>,
    request: Result<Json<SkipRequest>, JsonRejection>,
) -> Answer<StatusCode> {
    let SkipRequest { reason } = body(request)?;
    let reason = reason.trim();
    if !REASON.contains(&reason.chars().count()) || reason.chars().any(char::is_control) {
        return Err(Refusal(ProblemCode::BadRequest));
    }
    let entry = own(&relay, portal.organization, id).await?;
    acted(&entry, "skipped", relay.store.skip(&entry.id, reason, relay.clock.now()).await?)
}

/// `POST /portal/api/write-backs/replay`: without the number that a look has told this is that look.
pub(in crate::http) async fn replay(
    State(relay): State<Arc<Relay>>,
    Admin(portal): Admin,
    request: Result<Json<ReplayRequest>, JsonRejection>,
) -> Answer<Json<ReplayView>> {
    let ReplayRequest { since, until, expected } = body(request)?;
    let (since, until) = (time(&since)?, until.as_deref().map(time).transpose()?);
    let plan = plan(&rows(&relay, &portal.organization, since, until).await?, None);
    let again = counted(plan.ids.len());
    let mut done = None;
    if expected == Some(again) {
        let mut told = 0;
        for id in &plan.ids {
            // Between the look and the step it may have been superseded, forgotten, or replayed by somebody else.
            told += u32::from(relay.store.replay(id, relay.clock.now()).await?.is_ok());
        }
        tracing::info!(
            organization = portal.organization,
            told,
            "write-backs are told once more, asked for in the portal"
        );
        done = Some(told);
    }
    let count = |of: u64| u32::try_from(of).unwrap_or(u32::MAX);
    Ok(Json(ReplayView {
        again,
        destroyed: count(plan.destroyed),
        superseded: count(plan.superseded),
        events: count(plan.events),
        undelivered: count(plan.undelivered),
        done,
    }))
}

/// A write-back of theirs; any other is not there.
async fn own(relay: &Relay, organization: String, id: String) -> Answer<EntryRow> {
    let filter = EntryFilter { organization: Some(organization), id: Some(id), limit: 1, ..EntryFilter::default() };
    relay.store.entries(filter).await?.pop().ok_or(Refusal(ProblemCode::WriteBackUnknown))
}

async fn rows(relay: &Relay, organization: &str, since: Timestamp, until: Option<Timestamp>) -> Answer<Vec<EntryRow>> {
    let mut rows: Vec<EntryRow> = Vec::new();
    loop {
        let filter = EntryFilter {
            organization: Some(organization.to_owned()),
            since: Some(since),
            until,
            after: rows.last().map(|it| it.seq),
            limit: AT_ONCE,
            ..EntryFilter::default()
        };
        let page = relay.store.entries(filter).await?;
        if page.is_empty() {
            return Ok(rows);
        }
        rows.extend(page);
        if rows.len() > MOST {
            return Err(Refusal(ProblemCode::BadRequest));
        }
    }
}

fn acted(entry: &EntryRow, what: &'static str, done: Result<(), NotDone>) -> Answer<StatusCode> {
    match done {
        Ok(()) => {
            tracing::info!(
                entry = entry.id,
                organization = entry.organization,
                "a write-back was {what} in the portal"
            );
            Ok(StatusCode::NO_CONTENT)
        }
        Err(NotDone::Unknown) => Err(Refusal(ProblemCode::WriteBackUnknown)),
        Err(NotDone::State(_) | NotDone::Superseded | NotDone::Destroyed) => {
            Err(Refusal(ProblemCode::WriteBackChanged))
        }
    }
}

fn time(said: &str) -> Answer<Timestamp> {
    said.parse().map_err(|_| Refusal(ProblemCode::BadRequest))
}

fn state_of(word: &str) -> Option<EntryState> {
    EntryState::ALL.into_iter().find(|it| it.as_str() == word)
}

fn row(entry: &EntryRow) -> WriteBackRow {
    let granted = |wish: Wish| wish.granted(entry.standing()).is_ok();
    WriteBackRow {
        id: entry.id.clone(),
        ehr: entry.ehr.clone(),
        visit: entry.visit.clone(),
        channel: channel(entry.channel),
        state: match entry.state {
            EntryState::Waiting => WriteBackState::Waiting,
            EntryState::InFlight => WriteBackState::InFlight,
            EntryState::Delivered => WriteBackState::Delivered,
            EntryState::Superseded => WriteBackState::Superseded,
            EntryState::Parked => WriteBackState::Parked,
            EntryState::Unsupported => WriteBackState::Unsupported,
            EntryState::Skipped => WriteBackState::Skipped,
            EntryState::Quarantined => WriteBackState::Quarantined,
        },
        accepted_at: entry.accepted_at.to_string(),
        next_at: (entry.state == EntryState::Waiting).then(|| entry.run_at.to_string()),
        delivered_at: entry.delivered_at.map(|it| it.to_string()),
        attempts: entry.attempts,
        reason: entry.reason.clone(),
        possible_double: entry.possible_double,
        for_identifier: entry.for_identifier,
        destroyed: entry.destroyed,
        may_retry: granted(Wish::Retry),
        may_skip: granted(Wish::Skip),
    }
}

fn record(it: &Chained) -> LedgerRow {
    let record = &it.record;
    let known = Channel::ALL.into_iter().find(|known| known.as_str() == record.channel);
    LedgerRow {
        seq: it.seq,
        at: record.at().map(|at| at.to_string()).unwrap_or_default(),
        kind: record.kind.clone(),
        entry: record.entry.clone(),
        channel: known.map_or(WriteBackChannel::Unknown, channel),
        attempt: u32::try_from(record.attempt).unwrap_or_default(),
        outcome: record.outcome.clone(),
        reason: record.reason.clone(),
    }
}

fn channel(channel: Channel) -> WriteBackChannel {
    match channel {
        Channel::State => WriteBackChannel::State,
        Channel::Link => WriteBackChannel::Link,
        Channel::Audit => WriteBackChannel::Audit,
        Channel::Message => WriteBackChannel::Message,
    }
}

fn counted(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
