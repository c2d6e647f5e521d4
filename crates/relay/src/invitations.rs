//! One-time links for people without an account or a chart: bound to one guest of one visit, good once and only while the
//! visit may still be held. The link is nowhere but with its person: the store has its hash, and what it is for is sealed
//! under the link itself. The visit says which link is the newest, so a new one kills the old, and taking a guest off the
//! list, ending or cancelling the visit kills it too; a visit that moves takes its links along.

use jiff::SignedDuration;
use roomed_protocol::ProblemCode;
use roomed_visit::{Command, Expected, ParticipantId, Role, Timestamp, VisitEvent};
use serde::{Deserialize, Serialize};

use crate::arrivals::{Along, ArrivalError, Opened};
use crate::http::{Answer, Refusal};
use crate::keys::one_time;
use crate::record::{InvitationState, LetterState};
use crate::relay::Relay;
use crate::sender::{Addressee, Letter};
use crate::store::{CommitError, OneTime, OneTimeKind, PageSession};
use crate::wire;

/// How long the store keeps a link beyond its visit's planned end: the visit may move.
const KEPT_DAYS: i64 = 30;

/// A link, just made.
pub struct Invited {
    /// To be given to its person; kept nowhere.
    pub link: String,
    /// Until when it is good, as the visit is planned now.
    pub expires_at: Timestamp,
}

/// What a link is for, sealed under it.
#[derive(Serialize, Deserialize)]
struct Place {
    visit: String,
    participant: ParticipantId,
}

/// Makes a link for `guest`, who is expected from now on; with `send` it leaves in a letter. Any older link of theirs is
/// dead.
///
/// # Errors
/// [`ProblemCode::GuestUnknown`] for somebody who comes by another way; [`ProblemCode::VisitClosed`].
pub async fn invite(
    relay: &Relay,
    opened: &Opened,
    guest: &ParticipantId,
    whom: Expected,
    send: Option<Addressee>,
) -> Answer<Invited> {
    let visit = &opened.record.visit;
    if !visit.is_open() {
        return Err(Refusal(ProblemCode::VisitClosed));
    }
    if visit.participant(guest).is_some_and(|person| !matches!(person.role, Role::Guest { .. })) {
        return Err(Refusal(ProblemCode::GuestUnknown));
    }
    let row = &opened.stored.row;
    let token = relay.random.token();
    let hash = one_time::hash(&token);
    let place = Place { visit: row.id.clone(), participant: guest.clone() };
    let plain = serde_json::to_vec(&place).map_err(|_| Refusal(ProblemCode::Internal))?;
    let expires_at = visit.open_until();
    let value = OneTime {
        kind: OneTimeKind::Invitation,
        hash: hash.clone(),
        organization: row.organization.clone(),
        payload: one_time::seal(&token, &plain),
        expires_at: wire::from_rules(expires_at)
            .saturating_add(SignedDuration::from_hours(24 * KEPT_DAYS))
            .unwrap_or_default(),
    };
    // First the link, then the visit that vouches for it: one that no visit vouches for opens nothing.
    relay.store.put_once(value).await?;
    let link = format!("{}/i/{token}", relay.config.public_url);
    let letter = send.map(|to| Letter { participant: guest.clone(), hash: hash.clone(), to, link: link.clone() });
    let state = InvitationState::Open { hash, letter: letter.as_ref().map(|_| LetterState::Sending) };
    let along = Along { invitation: Some((guest.clone(), state)), letter, ..Along::default() };
    let expect = Command::Expect { participant: guest.clone(), whom };
    let opened = relay.arrivals.update(&row.id, &[VisitEvent::Decided(expect)], along).await?;
    if opened.record.visit.participant(guest).is_none() {
        return Err(Refusal(ProblemCode::TooManyRequests));
    }
    Ok(Invited { link, expires_at })
}

/// Whose place a new link for a known guest is for. While nobody has come in by the old one it is the same; somebody who
/// has may be the wrong person, so they are sent away and the guest gets a place of their own.
///
/// # Errors
/// [`ProblemCode::GuestUnknown`] for somebody who is not a guest of the visit.
pub async fn again(relay: &Relay, opened: &Opened, guest: ParticipantId) -> Answer<ParticipantId> {
    match opened.record.invitation(&guest) {
        Some(InvitationState::Open { .. }) => Ok(guest),
        _ => {
            revoke(relay, opened, &guest).await?;
            Ok(ParticipantId::new(relay.random.id()))
        }
    }
}

/// The guest is to come no more: their link is dead, and an open page of theirs says that it is over.
pub async fn revoke(relay: &Relay, opened: &Opened, guest: &ParticipantId) -> Answer<Opened> {
    let person = opened.record.visit.participant(guest);
    if !person.is_some_and(|person| matches!(person.role, Role::Guest { .. })) {
        return Err(Refusal(ProblemCode::GuestUnknown));
    }
    let along = Along { invitation: Some((guest.clone(), InvitationState::Revoked)), ..Along::default() };
    let command = Command::Revoke { participant: guest.clone() };
    Ok(relay.arrivals.update(&opened.stored.row.id, &[VisitEvent::Decided(command)], along).await?)
}

/// Uses a link up and opens its person's page: answers with the secret of the page's cookie.
///
/// # Errors
/// [`ProblemCode::GuestUnknown`], and nothing else, for a link that is wrong, old, used or taken back.
pub async fn take(relay: &Relay, token: &str) -> Answer<String> {
    let unknown = Refusal(ProblemCode::GuestUnknown);
    let now = relay.clock.now();
    let hash = one_time::hash(token);
    let kept = relay.store.peek_once(OneTimeKind::Invitation, &hash, now).await?.ok_or(unknown)?;
    let place = one_time::open(token, &kept.payload).and_then(|plain| serde_json::from_slice::<Place>(&plain).ok());
    let place = place.ok_or(unknown)?;
    let opened = relay.arrivals.load(&place.visit).await.map_err(|_| unknown)?;
    let visit = &opened.record.visit;
    let newest = opened.record.invitations.get(&place.participant);
    let is_newest = matches!(newest, Some(InvitationState::Open { hash: newest, .. }) if *newest == hash);
    let in_time = visit.is_open() && wire::to_rules(now) < visit.open_until();
    if !is_newest || !in_time || !visit.is_welcome(&place.participant) {
        return Err(unknown);
    }
    let secret = relay.random.token();
    let hours = SignedDuration::from_hours(i64::from(relay.config.launch.page_session_hours));
    let page = PageSession {
        hash: one_time::hash(&secret),
        visit: place.visit.clone(),
        participant: place.participant.as_str().to_owned(),
        expires_at: now.saturating_add(hours).unwrap_or(now),
    };
    // The page first: nobody has its secret yet. Then the link is used up, by one of any number of callers.
    let session = page.hash.clone();
    relay.store.put_page_session(page).await?;
    let along = Along {
        place: Some((place.participant.clone(), session)).filter(|(who, _)| opened.record.places.contains_key(who)),
        consume: vec![(OneTimeKind::Invitation, hash.clone())],
        newest_link: Some((place.participant.clone(), hash)),
        invitation: Some((place.participant, InvitationState::Used)),
        ..Along::default()
    };
    match relay.arrivals.update(&place.visit, &[], along).await {
        Ok(_) => Ok(secret),
        Err(ArrivalError::Commit(CommitError::NotConsumable(_))) => Err(unknown),
        Err(error) => Err(error.into()),
    }
}
