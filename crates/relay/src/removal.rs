//! *End for all*, and a visit that was cancelled in the EHR, where the organization has Roomed remove people: who is still
//! inside is put out of the meeting by a leg of our own, and so is who comes back, until the end can no longer be taken back.
//! Begun by the very commit that ends the visit, taken from the store one node at a time, and never remembered: each look reads
//! off the visit whether it is still to be. Being put out is no testimony: a disconnect is written when a witness says so.
//! What becomes of a cancelled visit's meeting when everybody is out is `removal/given_up.rs`, in rounds of its own: neither
//! waits for the other.

pub mod given_up;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::arrivals::{Along, ArrivalError, Opened};
use crate::clock::moment;
use crate::keys::KeyError;
use crate::meeting::of_visit::as_made;
use crate::meeting::{Meeting, MeetingError, RefusalReason, Removal};
use crate::record::Record;
use crate::relay::Relay;
use crate::rounds;
use crate::store::{ClaimedRemoval, CommitError, NextLook, StoreError};
use crate::wire;

/// At once.
const AT_ONCE: u32 = 16;
/// Longer than one look takes; a relay that dies in one holds the meeting up for so long.
const HELD: SignedDuration = SignedDuration::from_secs(30);
/// Nobody is begun with later in a look than this; whoever is left then is seen at the next.
const LOOK: Duration = Duration::from_secs(8);
/// How often we look who is there: a person who comes back is in for about so long.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(2);
/// After Graph did not answer.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(5);
/// What an admin has to change is not asked for more often.
const REFUSED_FOR: SignedDuration = SignedDuration::from_mins(10);
/// Coming in takes a moment: only after so many looks from the lobby it is said that we are held there.
const LOOKS_AT_THE_DOOR: u32 = 5;

/// Whether somebody has to look after a change. Both ways: who empties a meeting must hear of an end that was taken back.
pub(crate) fn concerns(before: &Record, after: &Record) -> bool {
    let over = |record: &Record| {
        let decisions = record.visit.decisions();
        (decisions.ended.clone(), decisions.cancelled)
    };
    over(before) != over(after)
}

/// Looks after ended visits until the relay stops.
pub async fn run(relay: Arc<Relay>) {
    rounds::run(&relay, &relay.arrivals.removals, "meetings to be emptied", || round(&relay)).await;
}

/// Looks at everything that is due; answers with when the next look is.
pub async fn round(relay: &Relay) -> Result<Option<Timestamp>, StoreError> {
    loop {
        // One clock for all nodes: what one holds, no other may think is free.
        let now = relay.store.time(relay.clock.now()).await?;
        let until = now.saturating_add(HELD).unwrap_or(now);
        let is_stopping = *relay.stopping.borrow();
        let due = match is_stopping {
            true => Vec::new(),
            false => relay.store.claim_removals(now, until, AT_ONCE).await?,
        };
        if due.is_empty() {
            return relay.store.next_removal_at().await;
        }
        for settled in join_all(due.iter().map(|claimed| look(relay, claimed))).await {
            settled?;
        }
    }
}

/// How a look ended.
enum Seen {
    /// The meeting is none of our business (any more), and we are out of it.
    Over,
    /// To be looked at again.
    Again { after: SignedDuration, call: Option<String>, refused: Option<RefusalReason> },
}

async fn look(relay: &Relay, claimed: &ClaimedRemoval) -> Result<(), StoreError> {
    let leg = relay.meetings.get(&claimed.organization).and_then(|meetings| meetings.removal());
    let seen = match relay.organization(&claimed.organization) {
        Some(_) => seen(relay, claimed, leg.as_deref()).await?,
        // Another node knows it, perhaps: one whose configuration is newer.
        None => Seen::Again { after: REFUSED_FOR, call: claimed.call.clone(), refused: known(claimed) },
    };
    let now = relay.store.time(relay.clock.now()).await?;
    let next = match &seen {
        Seen::Over => None,
        Seen::Again { after, call, refused } => Some(NextLook {
            at: now.saturating_add(*after).unwrap_or(now),
            call: call.clone(),
            refused: refused.map(|reason| reason.as_str().to_owned()),
        }),
    };
    let refused = next.as_ref().and_then(|it| it.refused.clone());
    let kept = relay.store.settle_removal(&claimed.visit, claimed.attempt, next).await?;
    match seen {
        // Somebody else looks after this meeting now and knows nothing of the leg that has just come in.
        Seen::Again { call: Some(call), .. } if !kept && claimed.call.as_ref() != Some(&call) => {
            if let Some(leg) = &leg
                && let Err(error) = leg.leave(&call).await
            {
                tracing::warn!(%error, "a leg that nobody needs could not leave; the next look removes it");
            }
        }
        _ => {}
    }
    if kept && refused != claimed.refused {
        if refused.is_some() {
            metrics::counter!("roomed_removals_total", "outcome" => "refused").increment(1);
        }
        if let Err(error) = relay.arrivals.announce(&claimed.visit).await {
            tracing::warn!(%error, "that nobody can be removed could not be announced");
        }
    }
    Ok(())
}

async fn seen(relay: &Relay, claimed: &ClaimedRemoval, leg: Option<&dyn Removal>) -> Result<Seen, StoreError> {
    Ok(match (leg, wanted(relay, &claimed.visit, &claimed.organization).await) {
        (Some(leg), Ok(Some(meeting))) => empty(relay, leg, claimed, &meeting).await?,
        (leg, Ok(_)) => match (leg, gives_up(relay, &claimed.visit).await) {
            (Some(leg), Ok(())) => leave(leg, claimed.call.clone()).await,
            (None, Ok(())) => Seen::Over,
            (_, Err(Stopped::Store(error))) => return Err(error),
            (_, Err(_)) => again(claimed),
        },
        (_, Err(Stopped::Store(error))) => return Err(error),
        (_, Err(_)) => again(claimed),
    })
}

/// The meeting that is to be emptied, as the visit stands at this moment; nothing when nobody is to be removed (any more).
async fn wanted(relay: &Relay, visit: &str, organization: &str) -> Result<Option<Meeting>, Stopped> {
    let Some(organization) = relay.organization(organization).filter(|it| it.meeting.removal) else { return Ok(None) };
    let opened = match relay.arrivals.load(visit).await {
        Ok(opened) => opened,
        Err(ArrivalError::Unknown | ArrivalError::Key(KeyError::Destroyed)) => return Ok(None),
        Err(error) => return Err(Stopped::at(error)),
    };
    if !is_wanted(&opened, relay.clock.now()) {
        return Ok(None);
    }
    let record = relay.arrivals.any_meeting(&opened).await.map_err(Stopped::at)?;
    Ok(record.map(|record| as_made(organization, record)))
}

/// A relay of before kept a meeting that was to be deleted as a row like this one: what its visit has not given up yet, it
/// gives up now.
async fn gives_up(relay: &Relay, visit: &str) -> Result<(), Stopped> {
    let opened = match relay.arrivals.load(visit).await {
        Ok(opened) => opened,
        Err(ArrivalError::Unknown | ArrivalError::Key(KeyError::Destroyed)) => return Ok(()),
        Err(error) => return Err(Stopped::at(error)),
    };
    if opened.record.visit.is_for_nothing() {
        relay.arrivals.update(visit, &[], Along::default()).await.map_err(Stopped::at)?;
    }
    Ok(())
}

/// Ended and not taken back, or cancelled. When it cannot be taken back any more, only those are still removed who never left.
fn is_wanted(opened: &Opened, now: Timestamp) -> bool {
    let visit = &opened.record.visit;
    let undo = visit.undo_until().is_some_and(|until| wire::to_rules(now) <= until);
    // What a backup says of an end may have been taken back since.
    !visit.is_in_doubt() && (undo || visit.is_closing())
}

/// Comes in, or puts out everybody who is there.
async fn empty(
    relay: &Relay,
    leg: &dyn Removal,
    claimed: &ClaimedRemoval,
    meeting: &Meeting,
) -> Result<Seen, StoreError> {
    let known = known(claimed);
    let Some(call) = claimed.call.clone() else {
        return Ok(match leg.enter(meeting).await {
            // Kept before anything is done with it, so that it comes out whatever happens.
            Ok(call) => Seen::Again { after: SignedDuration::ZERO, call: Some(call), refused: known },
            Err(error) => failed(leg, None, known, error).await,
        });
    };
    Ok(match put_out(relay, leg, claimed, &call).await {
        Ok(PutOut::All) => Seen::Again { after: LOOK_EVERY, call: Some(call), refused: None },
        Ok(PutOut::AtTheDoor) => {
            let held = claimed.attempt >= LOOKS_AT_THE_DOOR && is_closing(relay, &claimed.visit).await?;
            let refused = if held { Some(RefusalReason::HeldAtLobby) } else { known };
            Seen::Again { after: LOOK_EVERY, call: Some(call), refused }
        }
        Ok(PutOut::TakenBack) => leave(leg, Some(call)).await,
        Err(Stopped::Store(error)) => return Err(error),
        Err(Stopped::Meeting(error)) => failed(leg, Some(call), known, error).await,
        Err(Stopped::Unreadable) => again(claimed),
    })
}

/// What became of those inside.
enum PutOut {
    /// Whoever was there is out.
    All,
    /// We are not in ourselves.
    AtTheDoor,
    /// The end was taken back.
    TakenBack,
}

/// Why a look came to no end.
enum Stopped {
    Store(StoreError),
    Meeting(MeetingError),
    /// The keys are away for a moment, or a later relay has written the visit.
    Unreadable,
}

impl Stopped {
    fn at(error: ArrivalError) -> Self {
        tracing::warn!(%error, "an ended visit cannot be read; its meeting is looked at again");
        match error {
            ArrivalError::Commit(CommitError::Store(error)) => Self::Store(error),
            _ => Self::Unreadable,
        }
    }
}

/// Nothing was learned: to be looked at again as it was.
fn again(claimed: &ClaimedRemoval) -> Seen {
    Seen::Again { after: AGAIN_AFTER, call: claimed.call.clone(), refused: known(claimed) }
}

/// Why the last look could not remove anybody.
fn known(claimed: &ClaimedRemoval) -> Option<RefusalReason> {
    claimed.refused.as_deref().and_then(RefusalReason::of_removal)
}

async fn put_out(relay: &Relay, leg: &dyn Removal, claimed: &ClaimedRemoval, call: &str) -> Result<PutOut, Stopped> {
    let Some(people) = leg.people(call).await.map_err(Stopped::Meeting)? else { return Ok(PutOut::AtTheDoor) };
    let (begun, mut removed, mut failed) = (moment(), 0_u32, None);
    for person in people {
        // Between two of them, so that nothing is given up while it is under way.
        if begun.elapsed() > LOOK {
            break;
        }
        // Asked anew for each. Whoever takes the end back at this node waits for the one that is under way.
        let one = relay.removing.take(&claimed.visit, async {
            match wanted(relay, &claimed.visit, &claimed.organization).await? {
                None => Ok(false),
                Some(_) => leg.remove(call, &person).await.map_err(Stopped::Meeting).map(|()| true),
            }
        });
        match one.await {
            Ok(true) => removed += 1,
            Ok(false) => return Ok(PutOut::TakenBack),
            // One who cannot be removed shields nobody else.
            Err(Stopped::Meeting(error)) if !matches!(error, MeetingError::Gone) => failed = Some(error),
            Err(other) => return Err(other),
        }
    }
    metrics::counter!("roomed_removals_total", "outcome" => "removed").increment(removed.into());
    match failed {
        Some(error) if removed == 0 => Err(Stopped::Meeting(error)),
        _ => Ok(PutOut::All),
    }
}

async fn is_closing(relay: &Relay, visit: &str) -> Result<bool, StoreError> {
    match relay.arrivals.load(visit).await {
        Ok(opened) => Ok(opened.record.visit.is_closing()),
        Err(ArrivalError::Commit(CommitError::Store(error))) => Err(error),
        Err(_) => Ok(false),
    }
}

/// What Graph refuses is said, and asked for no more for a while; our leg does not wait inside for it.
async fn failed(leg: &dyn Removal, call: Option<String>, known: Option<RefusalReason>, error: MeetingError) -> Seen {
    match error {
        // Our leg was sent away, or the meeting is no more.
        MeetingError::Gone => Seen::Again { after: LOOK_EVERY, call: None, refused: known },
        MeetingError::Unreachable { retry_after } => Seen::Again { after: asked(retry_after), call, refused: known },
        MeetingError::Refused { reason } => {
            tracing::warn!(reason = reason.as_str(), "people stay in an ended meeting: they cannot be removed");
            match leave(leg, call).await {
                Seen::Over => Seen::Again { after: REFUSED_FOR, call: None, refused: Some(reason) },
                Seen::Again { after, call, .. } => Seen::Again { after, call, refused: Some(reason) },
            }
        }
    }
}

/// Our leg comes out. One that cannot be told to is told again; Graph ends it by itself before long.
async fn leave(leg: &dyn Removal, call: Option<String>) -> Seen {
    let Some(call) = call else { return Seen::Over };
    match leg.leave(&call).await {
        Err(MeetingError::Unreachable { .. }) => Seen::Again { after: AGAIN_AFTER, call: Some(call), refused: None },
        Ok(()) | Err(_) => Seen::Over,
    }
}

/// When to ask again whom Graph did not answer.
fn asked(retry_after: Option<Duration>) -> SignedDuration {
    let asked = retry_after.and_then(|it| SignedDuration::try_from(it).ok()).unwrap_or_default();
    asked.max(AGAIN_AFTER)
}
