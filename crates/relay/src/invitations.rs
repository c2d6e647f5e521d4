//! One-time links for people without an account or a chart, and for patients and proxies who cannot come in through the
//! EHR's portal: bound to one person of one visit, good once and only while the visit may still be held. The link is nowhere
//! but with its person: the store has its hash, and what it is for is sealed under the link itself. The visit says which link
//! is the newest, so a new one kills the old, and taking a guest off the list, ending or cancelling the visit kills it too; a
//! visit that moves takes its links along.

use jiff::SignedDuration;
use roomed_protocol::ProblemCode;
use roomed_visit::{Command, Expected, GuestKind, ParticipantId, Role, Timestamp, VisitEvent};
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

/// Makes a link for `guest`, who is expected from now on `as_guest`, or without it has a place already; with `send` it
/// leaves in a letter. Any older link of theirs is dead.
///
/// # Errors
/// [`ProblemCode::GuestUnknown`] for somebody who is not who the link is for; [`ProblemCode::VisitClosed`].
pub async fn invite(
    relay: &Relay,
    opened: &Opened,
    guest: &ParticipantId,
    as_guest: Option<GuestKind>,
    send: Option<Addressee>,
) -> Answer<Invited> {
    let visit = &opened.record.visit;
    may_have(opened, guest, as_guest)?;
    if visit.participant(guest).is_none() && !visit.has_room() {
        return Err(Refusal(ProblemCode::TooManyRequests));
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
    let expect = |kind| Command::Expect { participant: guest.clone(), whom: Expected::Guest { kind } };
    let decided: Vec<_> = as_guest.map(expect).map(VisitEvent::Decided).into_iter().collect();
    let opened = relay.arrivals.update(&row.id, &decided, along).await?;
    if opened.record.visit.participant(guest).is_none() {
        return Err(Refusal(ProblemCode::TooManyRequests));
    }
    Ok(Invited { link, expires_at })
}

/// Whether a link may be made for `who`: a guest, known or not, or a patient or proxy of the visit.
///
/// # Errors
/// As for [`invite`].
fn may_have(opened: &Opened, who: &ParticipantId, as_guest: Option<GuestKind>) -> Answer<()> {
    let visit = &opened.record.visit;
    if !visit.is_open() {
        return Err(Refusal(ProblemCode::VisitClosed));
    }
    let role = visit.participant(who).map(|person| &person.role);
    let is_theirs = match as_guest {
        Some(_) => matches!(role, None | Some(Role::Guest { .. })),
        None => matches!(role, Some(Role::Patient | Role::Proxy { .. })) && visit.is_welcome(who),
    };
    if is_theirs { Ok(()) } else { Err(Refusal(ProblemCode::GuestUnknown)) }
}

/// Whose place a new link for a known person is for. While nobody has come in by the old one it is the same; somebody who
/// has may be the wrong person, so they are sent away. A guest then gets a place of their own; a patient's or proxy's is
/// theirs for good.
///
/// # Errors
/// As for [`invite`], before anything is done; [`ProblemCode::GuestUnknown`] also for somebody who is not in the visit.
pub async fn again(
    relay: &Relay,
    opened: &Opened,
    who: ParticipantId,
    as_guest: Option<GuestKind>,
) -> Answer<ParticipantId> {
    may_have(opened, &who, as_guest)?;
    if opened.record.visit.participant(&who).is_none() {
        return Err(Refusal(ProblemCode::GuestUnknown));
    }
    match (opened.record.invitation(&who), as_guest) {
        (Some(InvitationState::Open { .. }), _) => Ok(who),
        (Some(InvitationState::Used), None) => revoke(relay, opened, &who).await.map(|_| who),
        (_, None) => Ok(who),
        (_, Some(_)) => {
            revoke(relay, opened, &who).await?;
            Ok(ParticipantId::new(relay.random.id()))
        }
    }
}

fn is_guest(opened: &Opened, who: &ParticipantId) -> bool {
    opened.record.visit.participant(who).is_some_and(|person| matches!(person.role, Role::Guest { .. }))
}

/// The link is dead. A guest is to come no more, and an open page of theirs says that it is over; a patient or proxy may
/// come in through the portal as before, but every page of theirs must do so anew if somebody has come in by the link.
///
/// # Errors
/// [`ProblemCode::GuestUnknown`] for somebody who has no link.
pub async fn revoke(relay: &Relay, opened: &Opened, who: &ParticipantId) -> Answer<Opened> {
    let visit = &opened.stored.row.id;
    let along = Along { invitation: Some((who.clone(), InvitationState::Revoked)), ..Along::default() };
    if is_guest(opened, who) {
        let command = Command::Revoke { participant: who.clone() };
        return Ok(relay.arrivals.update(visit, &[VisitEvent::Decided(command)], along).await?);
    }
    match opened.record.invitations.get(who) {
        None => return Err(Refusal(ProblemCode::GuestUnknown)),
        Some(InvitationState::Used) => drop(relay.store.end_page_sessions(visit, who.as_str()).await?),
        Some(InvitationState::Open { .. } | InvitationState::Revoked) => {}
    }
    Ok(relay.arrivals.update(visit, &[], along).await?)
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
