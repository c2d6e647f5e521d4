//! What happens because time passes: visits whose timer is due, watches that end, values that expire. Every step asks
//! the store what is due, so a restart forgets nothing. Waiting is for a bell or the next due time, whichever is first.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roomed_visit::VisitEvent;
use tokio::sync::Notify;

use crate::arrivals::Along;
use crate::meeting::MeetingError;
use crate::meeting::of_visit::as_made;
use crate::relay::Relay;
use crate::store::{StoreError, StoredWatch};
use crate::{rounds, shredding, stop};

const CARE_EVERY: Duration = Duration::from_secs(60);
const BATCH: u32 = 100;

/// Runs the visits' timers until the relay stops.
pub async fn run_visits(relay: Arc<Relay>) {
    rounds::run(&relay, &relay.arrivals.timers, "the visits' timers", || tick_due(&relay)).await;
}

/// Ticks every visit that is due; answers with the next due time.
pub async fn tick_due(relay: &Relay) -> Result<Option<Timestamp>, StoreError> {
    loop {
        let due = relay.store.due_visits(relay.clock.now(), BATCH).await?;
        if due.is_empty() {
            return relay.store.next_timer_at().await;
        }
        let mut moved = false;
        for visit in due {
            match relay.arrivals.update(&visit.id, &[VisitEvent::Tick], Along::default()).await {
                Ok(opened) => moved |= opened.stored.row.next_timer_at != Some(visit.due_at),
                Err(error) => tracing::error!(%error, "a visit's timer could not be run"),
            }
        }
        // A visit that cannot be moved must not keep us turning: it is looked at again later.
        if !moved {
            return Ok(None);
        }
    }
}

/// Renews watches before they end, makes those anew that are gone, sweeps what has expired, and forgets what is over.
pub async fn run_care(relay: Arc<Relay>) {
    let mut stopping = relay.stopping.clone();
    loop {
        if let Err(error) = care_once(&relay).await {
            tracing::error!(%error, "the watches could not be cared for");
        }
        tokio::select! {
            () = rung(&relay.care, CARE_EVERY) => {}
            () = stop::begun(&mut stopping) => return,
        }
    }
}

/// One round of care.
pub async fn care_once(relay: &Relay) -> Result<(), StoreError> {
    let now = relay.clock.now();
    let ahead = SignedDuration::from_mins(i64::from(relay.config.meeting.renew_before_minutes));
    for watch in relay.store.watches_ending(now.saturating_add(ahead).unwrap_or(now), BATCH).await? {
        let Some(meetings) = relay.meetings.get(&watch.organization) else { continue };
        match meetings.renew(&watch.subscription).await {
            Ok(expires_at) => relay.store.watch_renewed(&watch.subscription, expires_at).await?,
            Err(MeetingError::Gone) => relay.in_turn(&watch.visit, watch_anew(relay, &watch)).await?,
            Err(error) => tracing::warn!(%error, "a watch could not be renewed"),
        }
    }
    relay.store.forget_expired(now).await?;
    let days = SignedDuration::from_hours(24 * i64::from(relay.config.limits.notice_days));
    relay.store.forget_notices(now.saturating_sub(days).unwrap_or(now)).await?;
    let certificates = Arc::clone(&relay.certificates);
    if let Ok(Err(error)) = tokio::task::spawn_blocking(move || certificates.tend()).await {
        tracing::error!(%error, "the certificates for Graph's notifications could not be looked after");
    }
    shredding::round(relay).await?;
    relay.limits.forget_quiet();
    Ok(())
}

async fn watch_anew(relay: &Relay, old: &StoredWatch) -> Result<(), StoreError> {
    let Ok(opened) = relay.arrivals.load(&old.visit).await else { return Ok(()) };
    let (Ok(Some(record)), Some(meetings), Some(organization)) = (
        relay.arrivals.any_meeting(&opened).await,
        relay.meetings.get(&old.organization),
        relay.organization(&old.organization),
    ) else {
        return Ok(());
    };
    let meeting = as_made(organization, record);
    match relay.watch(&old.visit, &old.organization, &**meetings, &meeting).await {
        Ok(new) => {
            let subscription = new.subscription.clone();
            if !relay.store.watch_anew(&old.subscription, new).await? {
                relay.unwatch(&**meetings, &subscription).await;
            }
        }
        Err(error) => tracing::warn!(%error, "a watch could not be made anew"),
    }
    Ok(())
}

async fn rung(bell: &Notify, wait: Duration) {
    // Running into the time limit is the normal case: then it is simply time to look.
    let _ = tokio::time::timeout(wait, bell.notified()).await;
}
