//! What was sealed in a notification: three generations of one payload, read tolerantly (reference/microsoft.md 4.6).
//! Keys are matched without case, unknown ones ignored. Names, addresses and phone numbers are dropped right here.

use aws_lc_rs::digest;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::meeting::{Leg, LegIdentity, LegState, MeetingEventKind};

/// More legs than a Teams meeting holds.
const MAX_LEGS: usize = 2_000;
const MAX_ID: usize = 256;

/// A payload that makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) id: String,
    pub(crate) occurred_at: Option<Timestamp>,
    pub(crate) kind: MeetingEventKind,
}

/// A member by any of these names, whatever their case; `null` is absent.
pub(crate) fn field<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    let object = value.as_object()?;
    let named = |name: &&str| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, it)| it);
    names.iter().filter_map(named).find(|it| !it.is_null())
}

/// A short text member.
pub(crate) fn text<'a>(value: &'a Value, names: &[&str]) -> Option<&'a str> {
    field(value, names)?.as_str().filter(|it| !it.is_empty() && it.len() <= MAX_ID)
}

/// Reads an opened payload; `None` for events of no concern and for nonsense.
pub(crate) fn read(plain: &[u8]) -> Option<Sighting> {
    let value: Value = serde_json::from_slice(plain).ok()?;
    let name = text(&value, &["eventType", "callEventType"])?.to_ascii_lowercase();
    // Generation 1: "Microsoft.Communication.CallRosterUpdate"; its documentation writes it in braces, too
    let name = name.trim_matches(['{', '}']);
    let kind = match name.strip_prefix("microsoft.communication.").unwrap_or(name) {
        "callstarted" => MeetingEventKind::CallStarted,
        "callended" => MeetingEventKind::CallEnded,
        "rosterupdated" | "callrosterupdate" | "callrosterupdated" => MeetingEventKind::Roster(legs(&value)),
        _ => return None,
    };
    let at = text(&value, &["eventDateTime"]);
    let id = event_id(text(&value, &["id"]).unwrap_or_default(), at.unwrap_or_default(), &kind);
    Some(Sighting { id, occurred_at: at.and_then(|it| it.parse().ok()), kind })
}

fn legs(value: &Value) -> Vec<Leg> {
    let sequence = field(value, &["rosterSequenceNumber"]).and_then(Value::as_u64);
    let lists = [
        (&["participants@delta", "participants"][..], false),
        (&["activeParticipants@joined", "activeParticipants@delta"], false),
        (&["activeParticipants@exited", "activeParticipants@remove"], true),
    ];
    let mut legs = Vec::new();
    for (names, exited) in lists {
        let list = field(value, names).and_then(Value::as_array);
        legs.extend(list.into_iter().flatten().filter_map(|it| leg(it, exited, sequence)));
    }
    legs.truncate(MAX_LEGS);
    legs
}

fn leg(value: &Value, exited: bool, sequence: Option<u64>) -> Option<Leg> {
    let info = field(value, &["info"]).unwrap_or(value);
    let state = match field(value, &["removedState"]) {
        Some(removed) => {
            let reason = field(removed, &["reason"]).and_then(Value::as_str).unwrap_or_default();
            LegState::Left { inactive: reason.to_ascii_lowercase().contains("inactive") }
        }
        None if exited => LegState::Left { inactive: false },
        None if field(value, &["isInLobby"]).and_then(Value::as_bool) == Some(true) => LegState::Lobby,
        None => LegState::In,
    };
    Some(Leg {
        id: text(value, &["id"])?.to_owned(),
        state,
        identity: field(info, &["identity"]).map_or(LegIdentity::Other, identity),
        sequence: field(value, &["rosterSequenceNumber"]).and_then(Value::as_u64).or(sequence),
    })
}

/// Reads a `communicationsIdentitySet`.
fn identity(set: &Value) -> LegIdentity {
    if let Some(user) = field(set, &["user"]) {
        let anonymous = text(user, &["userIdentityType"]).is_some_and(|it| it.eq_ignore_ascii_case("anonymousGuest"));
        let id = text(user, &["id"]).unwrap_or_default();
        return match guid(id) {
            Some(oid) if !anonymous => LegIdentity::User { oid, tid: text(user, &["tenantId"]).and_then(guid) },
            _ => LegIdentity::Guest { acs_id: acs(id) },
        };
    }
    if let Some(user) = field(set, &["azureCommunicationServicesUser"]) {
        return LegIdentity::Guest { acs_id: text(user, &["id"]).and_then(acs) };
    }
    if let Some(app) = field(set, &["application"]) {
        return match text(app, &["id"]).and_then(guid) {
            Some(id) => LegIdentity::Application { id },
            None => LegIdentity::Other,
        };
    }
    // A guest's id is an e-mail address or made up by Teams: neither is kept
    if field(set, &["guest"]).is_some() { LegIdentity::Guest { acs_id: None } } else { LegIdentity::Other }
}

fn acs(id: &str) -> Option<String> {
    id.starts_with("8:acs:").then(|| id.to_owned())
}

pub(crate) fn guid(text: &str) -> Option<String> {
    Uuid::try_parse(text).ok().map(|it| it.to_string())
}

/// Graph's id alone will not do: in generation 1 it names the meeting, not the event. The digest is over what we keep,
/// so no name can be guessed back from it.
fn event_id(id: &str, at: &str, kind: &MeetingEventKind) -> String {
    let digest = digest::digest(&digest::SHA256, format!("{id}\n{at}\n{kind:?}").as_bytes());
    hex::encode(&digest.as_ref()[..16])
}
