//! Meetings of cancelled visits in which nobody had met: each is deleted at Graph, whether or not the organization has people
//! removed. The commit that finds a visit to be for nothing gives its meeting up; what is needed to delete it is in the store
//! from then on, sealed under the visit's key, and the visit may be in another meeting by the time it is done.

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::{AGAIN_AFTER, AT_ONCE, HELD, REFUSED_FOR, asked};
use crate::arrivals::{ArrivalError, Opened};
use crate::keys::KeyError;
use crate::meeting::MeetingError;
use crate::meeting::of_visit::as_made;
use crate::relay::Relay;
use crate::rounds;
use crate::store::{ClaimedGivenUp, CommitError, StoreError};

/// Longer than this nobody is asked: what an admin has not changed by then stays, and so does the meeting.
pub const ASKED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Deletes meetings until the relay stops.
pub async fn run(relay: Arc<Relay>) {
    rounds::run(&relay, &relay.arrivals.given_up, "meetings to be deleted", || round(&relay)).await;
}

/// Deletes what is due; answers with when there is more to do.
pub async fn round(relay: &Relay) -> Result<Option<Timestamp>, StoreError> {
    loop {
        let now = relay.store.time(relay.clock.now()).await?;
        let until = now.saturating_add(HELD).unwrap_or(now);
        let is_stopping = *relay.stopping.borrow();
        let due = match is_stopping {
            true => Vec::new(),
            false => relay.store.claim_given_up(now, until, AT_ONCE).await?,
        };
        if due.is_empty() {
            return relay.store.next_given_up_at().await;
        }
        for settled in join_all(due.iter().map(|claimed| look(relay, claimed))).await {
            settled?;
        }
    }
}

async fn look(relay: &Relay, claimed: &ClaimedGivenUp) -> Result<(), StoreError> {
    let again = match relay.arrivals.load(&claimed.visit).await {
        Ok(opened) => delete(relay, claimed, &opened).await,
        // Nobody can know any more which meeting it was.
        Err(ArrivalError::Unknown | ArrivalError::Key(KeyError::Destroyed)) => None,
        Err(ArrivalError::Commit(CommitError::Store(error))) => return Err(error),
        Err(error) => {
            tracing::warn!(%error, "a visit cannot be read; the meeting it gave up is deleted later");
            Some(AGAIN_AFTER)
        }
    };
    // Counted from now: Graph may have taken longer to answer than it asks us to wait.
    let now = relay.store.time(relay.clock.now()).await?;
    let again = again.and_then(|after| now.checked_add(after).ok());
    let gives_in = again.is_some_and(|at| at.duration_since(claimed.since) > ASKED_FOR);
    if gives_in {
        metrics::counter!("roomed_meetings_deleted_total", "outcome" => "left").increment(1);
        tracing::warn!(
            "the meeting of a cancelled visit could not be deleted for a day, and is left: its link stays good"
        );
    }
    relay.store.settle_given_up(&claimed.id, claimed.attempt, again.filter(|_| !gives_in)).await.map(drop)
}

/// One try. After how long there is to be another; none where there is nothing more to do.
async fn delete(relay: &Relay, claimed: &ClaimedGivenUp, opened: &Opened) -> Option<SignedDuration> {
    let (Some(organization), Some(meetings)) =
        (relay.organization(&claimed.organization), relay.meetings.get(&claimed.organization))
    else {
        // Another node knows it, perhaps: one whose configuration is newer.
        return Some(REFUSED_FOR);
    };
    let record = match relay.arrivals.given_up(opened, claimed) {
        Ok(record) => record,
        Err(error) => {
            tracing::error!(%error, "a meeting that was given up cannot be read, so it is not deleted");
            return None;
        }
    };
    match meetings.discard(&as_made(organization, record)).await {
        Ok(()) | Err(MeetingError::Gone) => {
            metrics::counter!("roomed_meetings_deleted_total", "outcome" => "deleted").increment(1);
            None
        }
        Err(MeetingError::Unreachable { retry_after }) => Some(asked(retry_after)),
        Err(MeetingError::Refused { reason }) => {
            metrics::counter!("roomed_meetings_deleted_total", "outcome" => "refused").increment(1);
            tracing::warn!(reason = reason.as_str(), "the meeting of a cancelled visit cannot be deleted");
            Some(REFUSED_FOR)
        }
    }
}
