//! What becomes of a visit that is over: one summary row is kept, everything sealed is destroyed. First the rows go, as
//! soon as every write-back is settled and the end can no longer be taken back; then, once no visit needs it any more,
//! the key of the day, and with it whatever copies of those rows lie in backups.

use std::collections::HashSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use roomed_visit::{Role, Visit, What};

use crate::arrivals::{ArrivalError, Opened};
use crate::keys::KeyError;
use crate::relay::Relay;
use crate::store::{ClosedVisit, StoreError, StoredVisit, Summary};
use crate::wire;

/// Far more than are ever closed and not forgotten, unless an EHR is out for weeks.
const MOST: u32 = 10_000;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What a round destroyed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shredded {
    /// Visits forgotten.
    pub visits: u32,
    /// Of those, how many took a parked write-back with them that nobody looked after.
    pub expired: u32,
    /// Day keys destroyed.
    pub days: u32,
}

/// One round.
pub async fn round(relay: &Relay) -> Result<Shredded, StoreError> {
    let now = relay.clock.now();
    let mut shredded = Shredded::default();
    // An end that can still be taken back needs everything.
    let undo = SignedDuration::from_mins(i64::from(relay.config.visit.undo_minutes));
    // A meeting provider that does not answer is not asked for every visit.
    let mut silent = HashSet::new();
    for closed in relay.store.closed_visits(before(now, undo), MOST).await? {
        if keeps(relay, &closed, now) || (is_fresh(&closed, now) && is_looked_after(relay, &closed.id).await?) {
            continue;
        }
        let Some(summary) = summary(relay, &closed, now).await? else { continue };
        unwatch(relay, &closed, &mut silent).await?;
        relay.store.forget_visit(&closed.id, summary, now).await?;
        shredded.visits += 1;
        if closed.parked_since.is_some() {
            shredded.expired += 1;
            metrics::counter!("roomed_incidents_total", "kind" => "payload-expired").increment(1);
            tracing::warn!(
                visit = closed.id,
                organization = closed.organization,
                days = relay.config.retention.parked_days,
                "a parked write-back was looked after by nobody; its payload is destroyed and it can never be sent"
            );
        }
    }
    let (entries, events) = (relay.config.retention.entry_days, relay.config.retention.event_days);
    relay.store.forget_entries(before(now, days(entries))).await?;
    relay.store.forget_events(before(now, days(events))).await?;
    if !relay.store.wipe().await? {
        tracing::debug!("somebody is reading: old pages stay in the database's log until the next round");
    }
    shredded.days = destroy_days(relay, now).await?;
    Ok(shredded)
}

/// Whether something still has to be said, or decided, about the visit.
fn keeps(relay: &Relay, closed: &ClosedVisit, now: Timestamp) -> bool {
    let patience = days(relay.config.retention.parked_days);
    closed.unsettled > 0 || closed.parked_since.is_some_and(|since| now.duration_since(since) < patience)
}

/// Whether somebody has to look after its meeting still, or after one it gave up.
async fn is_looked_after(relay: &Relay, visit: &str) -> Result<bool, StoreError> {
    Ok(relay.store.has_removal(visit).await? || relay.store.has_given_up(visit).await?)
}

/// Nobody else knows of its meetings: for so long it waits.
fn is_fresh(closed: &ClosedVisit, now: Timestamp) -> bool {
    now.duration_since(closed.closed_at) < DAY
}

/// Destroys the keys of days that no visit needs. A key of today or yesterday may be on its way into a row that is not
/// committed yet; an older one is not: a visit is committed under the day on which it was made, or not at all.
async fn destroy_days(relay: &Relay, now: Timestamp) -> Result<u32, StoreError> {
    let yesterday = now.to_zoned(TimeZone::UTC).date().yesterday().unwrap_or(Date::MIN);
    let old = |day: &String| day.parse::<Date>().is_ok_and(|day| day < yesterday);
    let days = match relay.keys.days() {
        Ok(days) => days,
        Err(error) => {
            tracing::error!(%error, "the day keys could not be listed");
            return Ok(0);
        }
    };
    let mut destroyed = 0;
    for day in days.into_iter().filter(old) {
        // Asked anew for each: between two, anything may have been committed.
        if relay.store.days_in_use().await?.contains(&day) {
            continue;
        }
        match relay.keys.destroy_day(&day) {
            Ok(()) => {
                destroyed += 1;
                tracing::info!(day, "the key of a day was destroyed: what its visits were about is gone for good");
                // A node whose clock is days behind is the only way to this; nobody should have to guess it.
                if relay.store.days_in_use().await?.contains(&day) {
                    metrics::counter!("roomed_incidents_total", "kind" => "day-key-missing").increment(1);
                    tracing::error!(
                        day,
                        "a visit was made under a day whose key was being destroyed: is a clock wrong?"
                    );
                }
            }
            Err(error) => tracing::error!(%error, day, "the key of a day could not be destroyed"),
        }
    }
    Ok(destroyed)
}

/// Best effort: a watch of a closed visit is not renewed, so it ends by itself.
async fn unwatch(relay: &Relay, closed: &ClosedVisit, silent: &mut HashSet<String>) -> Result<(), StoreError> {
    let Some(meetings) = relay.meetings.get(&closed.organization) else { return Ok(()) };
    for watch in relay.store.watches_of(&closed.id).await? {
        if watch.expires_at <= relay.clock.now() || silent.contains(&closed.organization) {
            continue;
        }
        if let Err(error) = meetings.unwatch(&watch.subscription).await {
            tracing::info!(%error, "a watch could not be ended; it runs out by itself");
            silent.insert(closed.organization.clone());
        }
    }
    Ok(())
}

/// What is kept of a visit; `None` if it is not to be forgotten now.
async fn summary(relay: &Relay, closed: &ClosedVisit, now: Timestamp) -> Result<Option<Summary>, StoreError> {
    let Some(stored) = relay.store.visit(&closed.id).await? else { return Ok(None) };
    // Begun again since it was listed.
    if stored.row.closed_at != Some(closed.closed_at) {
        return Ok(None);
    }
    let counts = relay.store.delivery_of(&closed.id).await?;
    match relay.arrivals.open(stored.clone()) {
        Ok(opened) => Ok(Some(told(&opened, closed, counts, now))),
        // Out of a backup that is older than the key's end. The key may also only be out of reach: there is time.
        Err(ArrivalError::Key(KeyError::Destroyed)) => {
            let patience = days(relay.config.retention.parked_days);
            Ok((now.duration_since(closed.closed_at) >= patience).then(|| unknown(stored, closed, counts)))
        }
        Err(error) => {
            tracing::error!(%error, visit = closed.id, "a closed visit could not be opened, so it is not forgotten");
            Ok(None)
        }
    }
}

fn told(opened: &Opened, closed: &ClosedVisit, counts: (u32, u32), now: Timestamp) -> Summary {
    let at = wire::to_rules(now);
    let visit = &opened.record.visit;
    let unseen = visit.decisions().closed.as_ref().is_some_and(|closed| !closed.unverified.is_empty());
    let timeline = visit.timeline(at);
    // Newest first. Whose leaving nobody saw is not said to have left.
    let left = timeline.iter().find(|line| line.what == What::Disconnected).filter(|_| !unseen);
    let stage = wire::stage_word(&visit.stage(at));
    Summary {
        department: opened.record.ehr.department.clone(),
        practitioner: practitioner(visit, at),
        outcome: if unseen { "unverified" } else { stage }.to_owned(),
        arrived_at: visit.arrival(at).map(|arrival| wire::from_rules(arrival.at)),
        started_at: visit.met_at().map(wire::from_rules),
        ended_at: left.map(|line| wire::from_rules(line.at)),
        waited: waited(visit, at),
        left_unseen: u32::try_from(waits_unseen(visit, at).count()).ok(),
        ..unknown(opened.stored.clone(), closed, counts)
    }
}

/// All that stands outside of what is sealed.
fn unknown(stored: StoredVisit, closed: &ClosedVisit, (delivered, undelivered): (u32, u32)) -> Summary {
    Summary {
        visit: closed.id.clone(),
        organization: closed.organization.clone(),
        appointment: stored.row.appointment.0,
        department: None,
        practitioner: None,
        outcome: "unknown".into(),
        planned_start: stored.row.planned_start,
        arrived_at: None,
        started_at: None,
        ended_at: None,
        closed_at: closed.closed_at,
        delivered,
        undelivered,
        waited: None,
        left_unseen: None,
    }
}

/// How long whoever left unseen had waited.
fn waits_unseen(visit: &Visit, now: roomed_visit::Timestamp) -> impl Iterator<Item = roomed_visit::Millis> {
    visit.participants().filter_map(move |(who, _)| visit.left_unseen(who, now)).map(|(waited, _)| waited)
}

/// Seconds from arrival until they met; else the longest wait of whoever left unseen.
fn waited(visit: &Visit, now: roomed_visit::Timestamp) -> Option<u32> {
    let met = visit.arrival(now).zip(visit.met_at()).map(|(arrival, met)| met - arrival.at);
    let waited = met.or_else(|| waits_unseen(visit, now).max())?;
    u32::try_from(waited.0.max(0) / 1_000).ok()
}

/// The clinician who was in the meeting first; else who began the visit; else who was to be in it.
fn practitioner(visit: &Visit, now: roomed_visit::Timestamp) -> Option<String> {
    let timeline = visit.timeline(now);
    let came = timeline.iter().rev().filter(|line| line.what == What::Connected);
    let came = came.filter_map(|line| visit.participant(line.who.as_ref()?)?.oid());
    let began = visit.participants().filter_map(|(_, person)| match &person.role {
        Role::Practitioner { oid: Some(oid), launched: Some(at), .. } => Some((*at, oid)),
        _ => None,
    });
    let began = began.min_by_key(|(at, _)| *at).map(|(_, oid)| oid);
    let planned = visit.participants().filter_map(|(_, person)| person.oid());
    came.chain(began).chain(planned).next().map(|oid| oid.as_str().to_owned())
}

fn days(days: u32) -> SignedDuration {
    DAY * i32::try_from(days).unwrap_or(i32::MAX)
}

fn before(now: Timestamp, ago: SignedDuration) -> Timestamp {
    now.saturating_sub(ago).unwrap_or(Timestamp::MIN)
}
