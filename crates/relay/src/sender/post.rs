//! When letters leave: taken from the store one node at a time, sent, and erased. What became of a letter is said in the
//! visit, where its clinician sees it. A letter whose link is good for nothing any more does not leave.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::{Letter, Sent};
use crate::arrivals::{Along, ArrivalError, Opened};
use crate::record::{InvitationState, LetterState};
use crate::relay::Relay;
use crate::store::{ClaimedLetter, CommitError, StoreError};

/// A clock may be set while we wait: look again at least this often.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// At once; a mail server that hangs holds up this many letters and no more.
const AT_ONCE: u32 = 16;
/// Longer than an attempt may take (`smtp.rs`).
const HELD: SignedDuration = SignedDuration::from_secs(60);
/// Waits between attempts; after the last one it has failed.
const AGAIN_AFTER: [i64; 8] = [5, 15, 60, 300, 600, 600, 900, 900];

/// Sends letters until the relay stops.
pub async fn run(relay: Arc<Relay>) {
    let mut stopping = relay.stopping.clone();
    loop {
        let next = round(&relay).await.unwrap_or_else(|error| {
            tracing::error!(%error, "letters could not be read or settled; they are tried again");
            None
        });
        let now = relay.clock.now();
        let wait = next.map_or(LONGEST_WAIT, |at| {
            Duration::try_from(at.duration_since(now)).unwrap_or_default().min(LONGEST_WAIT)
        });
        tokio::select! {
            _ = tokio::time::timeout(wait, relay.arrivals.letters.notified()) => {}
            () = async { drop(stopping.wait_for(|stop| *stop).await) } => return,
        }
    }
}

/// Sends everything that is due; answers with when the next one is.
async fn round(relay: &Relay) -> Result<Option<Timestamp>, StoreError> {
    loop {
        let now = relay.clock.now();
        let until = now.saturating_add(HELD).unwrap_or(now);
        let due = relay.store.claim_letters(now, until, AT_ONCE).await?;
        if due.is_empty() {
            return relay.store.next_letter_at().await;
        }
        for settled in join_all(due.iter().map(|claimed| attempt(relay, claimed))).await {
            settled?;
        }
    }
}

async fn attempt(relay: &Relay, claimed: &ClaimedLetter) -> Result<(), StoreError> {
    let opened = match relay.arrivals.load(&claimed.visit).await {
        Ok(opened) => opened,
        Err(ArrivalError::Commit(CommitError::Store(error))) => return Err(error),
        // The visit is forgotten, or no version of us can read it: nobody is left who would want the letter.
        Err(_) => return settle(relay, claimed, None).await,
    };
    let Ok(letter) = relay.arrivals.letter(&opened, claimed) else { return settle(relay, claimed, None).await };
    if !is_wanted(&opened, &letter) {
        return settle(relay, claimed, None).await;
    }
    let sent = match relay.senders.get(&claimed.organization) {
        Some(sender) => sender.send(&claimed.id, &letter).await,
        // It was taken out of the configuration meanwhile.
        None => Sent::Refused,
    };
    let state = match (sent, again_at(relay.clock.now(), claimed)) {
        (Sent::Taken, _) => LetterState::Sent,
        (Sent::Later, Some(at)) => return settle(relay, claimed, Some(at)).await,
        (Sent::Later, None) | (Sent::Refused, _) => LetterState::Failed,
    };
    metrics::counter!("roomed_letters_total", "outcome" => if state == LetterState::Sent { "sent" } else { "failed" })
        .increment(1);
    say(relay, &opened, &letter, state).await;
    settle(relay, claimed, None).await
}

/// The link is still its person's newest, and the visit is one that may be held.
fn is_wanted(opened: &Opened, letter: &Letter) -> bool {
    let newest = opened.record.invitations.get(&letter.participant);
    opened.record.visit.is_open() && matches!(newest, Some(InvitationState::Open { hash, .. }) if *hash == letter.hash)
}

/// When to try again; nothing once that has been done often enough, or would be too late.
fn again_at(now: Timestamp, claimed: &ClaimedLetter) -> Option<Timestamp> {
    let after = AGAIN_AFTER.get(usize::try_from(claimed.attempt).ok()?.checked_sub(1)?)?;
    let at = now.saturating_add(SignedDuration::from_secs(*after)).ok()?;
    (at < claimed.expires_at).then_some(at)
}

/// Says in the visit what became of the letter, unless its link is not the newest any more.
async fn say(relay: &Relay, opened: &Opened, letter: &Letter, state: LetterState) {
    let known = InvitationState::Open { hash: letter.hash.clone(), letter: Some(state) };
    let along = Along {
        invitation: Some((letter.participant.clone(), known)),
        newest_link: Some((letter.participant.clone(), letter.hash.clone())),
        ..Along::default()
    };
    match relay.arrivals.update(&opened.stored.row.id, &[], along).await {
        // Its person has come in by it before the mail server had even answered.
        Ok(_) | Err(ArrivalError::Commit(CommitError::NotConsumable(_))) => {}
        Err(error) => tracing::warn!(%error, "what became of a letter could not be said in its visit"),
    }
}

async fn settle(relay: &Relay, claimed: &ClaimedLetter, again: Option<Timestamp>) -> Result<(), StoreError> {
    relay.store.settle_letter(&claimed.id, claimed.attempt, again).await.map(drop)
}
