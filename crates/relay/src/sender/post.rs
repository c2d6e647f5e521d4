//! When letters leave: taken from the store one node at a time, sent, and erased; each organization's by themselves, so that
//! a mail server which hangs holds up nobody else's. What became of a letter is said in the visit, where its clinician sees
//! it. A letter whose link is good for nothing any more does not leave.

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::{Letter, Sent};
use crate::arrivals::{Along, ArrivalError, Opened};
use crate::keys::KeyError;
use crate::record::{InvitationState, LetterState};
use crate::relay::Relay;
use crate::rounds;
use crate::store::{ClaimedLetter, CommitError, StoreError};
use crate::wire;

/// At once; a mail server that hangs holds up this many letters and no more.
const AT_ONCE: u32 = 16;
/// Longer than an attempt may take (`smtp.rs`).
const HELD: SignedDuration = SignedDuration::from_secs(60);
/// Waits between attempts; after the last one it has failed.
const AGAIN_AFTER: [i64; 8] = [5, 15, 60, 300, 600, 600, 900, 900];

/// Sends letters until the relay stops.
pub async fn run(relay: Arc<Relay>) {
    join_all(relay.config.organizations.iter().map(|it| run_one(&relay, &it.key))).await;
}

async fn run_one(relay: &Relay, organization: &str) {
    rounds::run(relay, &relay.arrivals.letters, "letters", || round(relay, organization)).await;
}

/// Sends everything that is due; answers with when the next one is.
async fn round(relay: &Relay, organization: &str) -> Result<Option<Timestamp>, StoreError> {
    loop {
        // One clock for all nodes: what one holds, no other may think is free.
        let now = relay.store.time(relay.clock.now()).await?;
        let until = now.saturating_add(HELD).unwrap_or(now);
        let is_stopping = *relay.stopping.borrow();
        let due = match is_stopping {
            true => Vec::new(),
            false => relay.store.claim_letters(organization, now, until, AT_ONCE).await?,
        };
        if due.is_empty() {
            return relay.store.next_letter_at(organization).await;
        }
        for settled in join_all(due.iter().map(|claimed| attempt(relay, claimed))).await {
            settled?;
        }
    }
}

async fn attempt(relay: &Relay, claimed: &ClaimedLetter) -> Result<(), StoreError> {
    let now = relay.store.time(relay.clock.now()).await?;
    let again = again_at(now, claimed);
    let read = async {
        let opened = relay.arrivals.load(&claimed.visit).await?;
        let letter = relay.arrivals.letter(&opened, claimed)?;
        Ok((opened, letter))
    };
    let (opened, letter) = match read.await {
        Ok(read) => read,
        Err(ArrivalError::Commit(CommitError::Store(error))) => return Err(error),
        // The visit is forgotten, and with it whoever would want the letter.
        Err(ArrivalError::Unknown | ArrivalError::Key(KeyError::Destroyed)) => {
            return settle(relay, claimed, None).await;
        }
        // The keys may be away for a moment, or the visit one that only a later relay can read.
        Err(error) => {
            tracing::error!(%error, letter = claimed.id, "a letter cannot be read; it is tried again while it may leave");
            return settle(relay, claimed, again).await;
        }
    };
    if !is_wanted(&opened, &letter, now) {
        return settle(relay, claimed, None).await;
    }
    let sent = match relay.senders.get(&claimed.organization) {
        Some(sender) => sender.send(&claimed.id, &letter).await,
        // It was taken out of the configuration meanwhile.
        None => Sent::Refused,
    };
    let state = match (sent, again) {
        (Sent::Taken, _) => LetterState::Sent,
        (Sent::Later, Some(at)) => return settle(relay, claimed, Some(at)).await,
        (Sent::Later, None) | (Sent::Refused, _) => LetterState::Failed,
    };
    metrics::counter!("roomed_letters_total", "outcome" => if state == LetterState::Sent { "sent" } else { "failed" })
        .increment(1);
    // Where it cannot be kept that it has left, it leaves again, under the same id: so once more at once.
    if say(relay, &opened, &letter, state).await.is_err() {
        say(relay, &opened, &letter, state).await?;
    }
    settle(relay, claimed, None).await
}

/// The link is still its person's newest, it has not been said that it has left, and the visit is one that may be held.
fn is_wanted(opened: &Opened, letter: &Letter, now: Timestamp) -> bool {
    let visit = &opened.record.visit;
    let is_waiting = match opened.record.invitations.get(&letter.participant) {
        Some(InvitationState::Open { hash, letter: Some(LetterState::Sending) }) => *hash == letter.hash,
        _ => false,
    };
    is_waiting && visit.is_open() && visit.is_welcome(&letter.participant) && wire::to_rules(now) < visit.open_until()
}

/// When to try again; nothing once that has been done often enough, or would be too late.
fn again_at(now: Timestamp, claimed: &ClaimedLetter) -> Option<Timestamp> {
    let after = AGAIN_AFTER.get(usize::try_from(claimed.attempt).ok()?.checked_sub(1)?)?;
    let at = now.saturating_add(SignedDuration::from_secs(*after)).ok()?;
    (at < claimed.expires_at).then_some(at)
}

/// Says in the visit what became of the letter, unless its link is not the newest any more.
///
/// # Errors
/// Where that cannot be kept.
async fn say(relay: &Relay, opened: &Opened, letter: &Letter, state: LetterState) -> Result<(), StoreError> {
    let known = InvitationState::Open { hash: letter.hash.clone(), letter: Some(state) };
    let along = Along {
        invitation: Some((letter.participant.clone(), known)),
        newest_link: Some((letter.participant.clone(), letter.hash.clone())),
        ..Along::default()
    };
    match relay.arrivals.update(&opened.stored.row.id, &[], along).await {
        // Its person has come in by it before the mail server had even answered.
        Ok(_) | Err(ArrivalError::Commit(CommitError::NotConsumable(_))) => Ok(()),
        Err(ArrivalError::Commit(CommitError::Store(error))) => Err(error),
        Err(error) => {
            tracing::warn!(%error, "what became of a letter could not be said in its visit");
            Ok(())
        }
    }
}

async fn settle(relay: &Relay, claimed: &ClaimedLetter, again: Option<Timestamp>) -> Result<(), StoreError> {
    relay.store.settle_letter(&claimed.id, claimed.attempt, again).await.map(drop)
}
