//! What a clinician does in a visit besides joining and ending it: taking an end back, saying a preset, taking a request
//! for help on, saying whose a stranger's leg is, inviting guests, answering an offer to open a visit. Each but
//! the last is one command of the rules.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use roomed_protocol::{
    AssignRequest, InviteRequest, InviteView, LateRequest, OfferAnswer, ProblemCode, Role, SayRequest, SendBy,
    VisitView,
};
use roomed_visit::{Command, GuestKind, LegId, MessageId, Oid, ParticipantId, Preset, Speaker, VisitEvent};

use super::companion::{Caller, body, find, proven, view};
use super::problem::{Answer, Refusal};
use crate::arrivals::{Along, Opened};
use crate::invitations;
use crate::relay::Relay;
use crate::sender::Addressee;
use crate::wire;

/// More visits than a clinician has in a day.
pub(super) const MOST_VISITS: usize = 200;

type Body<T> = Result<Json<T>, JsonRejection>;

async fn decide(relay: &Relay, visit: &str, command: Command) -> Answer<Opened> {
    Ok(relay.arrivals.update(visit, &[VisitEvent::Decided(command)], Along::default()).await?)
}

/// `POST /visits/{id}/undo`: also when the end has closed the visit at once.
pub(super) async fn undo(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<VisitView>> {
    let recipient = caller.recipient();
    let opened = find(&relay, &recipient, &id).await?;
    if !opened.stored.members.iter().any(|it| it.oid == recipient.oid && it.proven) {
        return Err(Refusal(ProblemCode::VisitNotFound));
    }
    let now = wire::to_rules(relay.clock.now());
    if opened.record.visit.undo_until().is_none_or(|until| now > until) {
        return Err(Refusal(ProblemCode::UndoTooLate));
    }
    let opened = decide(&relay, &id, Command::UndoEnd).await?;
    // From this answer on nobody is removed any more.
    relay.removing.wait(&id).await;
    Ok(Json(view(&relay, &opened, &caller).await?))
}

/// `POST /visits/{id}/say`: whoever sees the visit may.
pub(super) async fn say(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    Path(id): Path<String>,
    request: Body<SayRequest>,
) -> Answer<Json<VisitView>> {
    let request = body(request)?;
    let preset = wire::preset(request.preset, request.minutes).ok_or(Refusal(ProblemCode::BadRequest))?;
    let opened = say_one(&relay, &caller, &id, request.to, preset).await?;
    Ok(Json(view(&relay, &opened, &caller).await?))
}

async fn say_one(relay: &Relay, caller: &Caller, id: &str, to: Option<String>, preset: Preset) -> Answer<Opened> {
    let opened = find(relay, &caller.recipient(), id).await?;
    let visit = &opened.record.visit;
    if visit.is_closed() {
        return Err(Refusal(ProblemCode::VisitClosed));
    }
    let to = to.map(ParticipantId::new);
    if to.as_ref().is_some_and(|who| visit.participant(who).is_none()) {
        return Err(Refusal(ProblemCode::BadRequest));
    }
    let by = match visit.practitioner(&Oid::new(&caller.recipient().oid)) {
        Some((who, _)) => Speaker::Clinician(who.clone()),
        None => Speaker::Staff,
    };
    decide(relay, id, Command::Say { id: MessageId::new(relay.random.id()), by, to, preset }).await
}

/// `POST /late`: "running late" in several visits at once. One that cannot be told does not keep the others from it.
pub(super) async fn late(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    request: Body<LateRequest>,
) -> Answer<StatusCode> {
    let request = body(request)?;
    let preset = wire::preset(roomed_protocol::Preset::RunningLate, Some(request.minutes))
        .ok_or(Refusal(ProblemCode::BadRequest))?;
    if request.visits.is_empty() || request.visits.len() > MOST_VISITS {
        return Err(Refusal(ProblemCode::BadRequest));
    }
    let mut refused = None;
    for id in &request.visits {
        match say_one(&relay, &caller, id, None, preset).await {
            Ok(_) => {}
            Err(refusal) => refused = Some(refusal),
        }
    }
    refused.map_or(Ok(StatusCode::NO_CONTENT), Err)
}

/// `POST /offers/{offer}`: what the browser has proven is their own already, or this is not.
pub(super) async fn answer_offer(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    Path(offer): Path<String>,
    request: Body<OfferAnswer>,
) -> Answer<Json<VisitView>> {
    let OfferAnswer { take } = body(request)?;
    let by = caller.recipient();
    let visit = relay.offered(&by, &offer).await?.ok_or(Refusal(ProblemCode::OfferOver))?;
    let (opened, _) = proven(&relay, &caller, &visit).await?;
    relay.answer_offer(&by, &offer, take).await?;
    Ok(Json(view(&relay, &opened, &caller).await?))
}

/// `POST /visits/{id}/help-taken/{participant}`.
pub(super) async fn help_taken(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    Path((id, participant)): Path<(String, String)>,
) -> Answer<Json<VisitView>> {
    let participant = ParticipantId::new(participant);
    let opened = find(&relay, &caller.recipient(), &id).await?;
    if opened.record.visit.help_since(&participant).is_none() {
        // Somebody else was quicker: what is so already is no error.
        return Ok(Json(view(&relay, &opened, &caller).await?));
    }
    let opened = decide(&relay, &id, Command::HelpTaken { participant }).await?;
    Ok(Json(view(&relay, &opened, &caller).await?))
}

/// `POST /visits/{id}/assign`.
pub(super) async fn assign(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    Path(id): Path<String>,
    request: Body<AssignRequest>,
) -> Answer<Json<VisitView>> {
    let request = body(request)?;
    proven(&relay, &caller, &id).await?;
    let command = Command::Assign { leg: LegId::new(request.leg), to: request.participant.map(ParticipantId::new) };
    let opened = decide(&relay, &id, command).await?;
    Ok(Json(view(&relay, &opened, &caller).await?))
}

/// `POST /visits/{id}/invitations`: a new guest, a new link for one whose link is lost, or a link for a patient or proxy who
/// cannot come in through the portal.
pub(super) async fn invite(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    Path(id): Path<String>,
    request: Body<InviteRequest>,
) -> Answer<Json<InviteView>> {
    let request = body(request)?;
    let as_guest = match request.role {
        Role::Interpreter => Some(GuestKind::Interpreter),
        Role::Family => Some(GuestKind::Family),
        Role::Colleague => Some(GuestKind::Colleague),
        Role::Patient | Role::Proxy if request.participant.is_some() => None,
        Role::Patient | Role::Proxy | Role::Practitioner | Role::Unattributed | Role::Unknown => {
            return Err(Refusal(ProblemCode::BadRequest));
        }
    };
    let (opened, _) = proven(&relay, &caller, &id).await?;
    let send = addressee(&relay, &caller, &request.send)?;
    let by_hand = send.is_none();
    let guest = match request.participant.map(ParticipantId::new) {
        Some(known) => invitations::again(&relay, &opened, known, as_guest).await?,
        None => ParticipantId::new(relay.random.id()),
    };
    let invited = invitations::invite(&relay, &opened, &guest, as_guest, send).await?;
    Ok(Json(InviteView {
        participant: guest.as_str().to_owned(),
        link: by_hand.then_some(invited.link),
        expires_at: wire::from_rules(invited.expires_at).to_string(),
    }))
}

/// Whom a letter goes to; nobody where the clinician passes the link on.
fn addressee(relay: &Relay, caller: &Caller, send: &SendBy) -> Answer<Option<Addressee>> {
    let to = match send {
        SendBy::Hand => return Ok(None),
        SendBy::Email { address } => Addressee::email(address),
        SendBy::Sms { number } => Addressee::sms(number),
    };
    let sender = relay.senders.get(&caller.0.organization);
    let to = to.ok_or(Refusal(ProblemCode::AddressRefused))?;
    if !sender.is_some_and(|sender| sender.carries(&to)) {
        return Err(Refusal(ProblemCode::SendingNotConfigured));
    }
    relay.limits.letter(&caller.recipient())?;
    Ok(Some(to))
}

/// `DELETE /visits/{id}/invitations/{participant}`.
pub(super) async fn revoke(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    Path((id, participant)): Path<(String, String)>,
) -> Answer<Json<VisitView>> {
    let (opened, _) = proven(&relay, &caller, &id).await?;
    let opened = invitations::revoke(&relay, &opened, &ParticipantId::new(participant)).await?;
    Ok(Json(view(&relay, &opened, &caller).await?))
}
