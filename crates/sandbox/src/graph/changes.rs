//! Reads the bodies of `createOrGet`, `POST` and `PATCH` on onlineMeetings as strictly as Graph does:
//! unknown names, read-only names and values outside an enum are refused (microsoft.md 3.1, 3.3).
//! Pure; the directory is a function. Leaves out storing.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::error::GraphError;
use super::meeting::{Attendee, DirectoryUser, OnlineMeeting};

/// Finds a person by object id or, failing that, by user principal name.
pub(crate) type Directory<'a> = &'a dyn Fn(Option<&str>, Option<&str>) -> Option<DirectoryUser>;

/// The six names `createOrGet` takes, and no others.
pub(crate) const CREATE_OR_GET: [&str; 6] =
    ["externalId", "subject", "startDateTime", "endDateTime", "participants", "chatInfo"];

const SWITCHES: [&str; 14] = [
    "allowAttendeeToEnableCamera",
    "allowAttendeeToEnableMic",
    "allowBreakoutRooms",
    "allowCopyingAndSharingMeetingContent",
    "allowParticipantsToChangeName",
    "allowPowerPointSharing",
    "allowRecording",
    "allowTeamworkReactions",
    "allowTranscription",
    "allowWhiteboard",
    "isEndToEndEncryptionEnabled",
    "isEntryExitAnnounced",
    "recordAutomatically",
    "isBroadcast",
];

const ENUMS: [(&str, &[&str]); 5] = [
    ("allowedPresenters", &["everyone", "organization", "roleIsPresenter", "organizer"]),
    ("allowMeetingChat", &["enabled", "disabled", "limited"]),
    ("allowedLobbyAdmitters", &["organizerAndCoOrganizersAndPresenters", "organizerAndCoOrganizers"]),
    ("allowLiveShare", &["enabled", "disabled"]),
    ("shareMeetingChatHistoryDefault", &["none", "all"]),
];

const LOBBY_SCOPES: [&str; 6] =
    ["organizer", "organization", "organizationAndFederated", "everyone", "invited", "organizationExcludingGuests"];
const ROLES: [&str; 4] = ["attendee", "presenter", "producer", "coorganizer"];

const READ_ONLY: [&str; 16] = [
    "id",
    "creationDateTime",
    "joinWebUrl",
    "externalId",
    "chatInfo",
    "audioConferencing",
    "joinInformation",
    "joinMeetingIdSettings",
    "videoTeleconferenceId",
    "meetingOptionsWebUrl",
    "meetingType",
    "meetingTemplateId",
    "expiryDateTime",
    "cloudVideoInteropInfo",
    "attendeeReport",
    "attendanceReports",
];

/// What a body asks for; a name that is absent stays as it is.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// `subject`.
    pub(crate) subject: Option<String>,
    /// `startDateTime` and `endDateTime`, always both.
    pub(crate) times: Option<(Timestamp, Timestamp)>,
    /// The whole new list of attendees.
    pub(crate) attendees: Option<Vec<Attendee>>,
    /// Settings by Graph name, already checked.
    pub(crate) settings: Map<String, Value>,
}

impl Change {
    /// Puts the change into the meeting.
    pub(crate) fn apply(self, meeting: &mut OnlineMeeting) {
        if let Some(subject) = self.subject {
            meeting.subject = Some(subject);
        }
        if let Some((start, end)) = self.times {
            (meeting.start, meeting.end) = (start, end);
        }
        if let Some(attendees) = self.attendees {
            meeting.attendees = attendees;
        }
        meeting.settings.extend(self.settings);
    }
}

/// Reads a `PATCH` body: time needs both ends, the organizer never changes, read-only names are refused.
pub(crate) fn read_patch(body: &Value, directory: Directory<'_>) -> Result<Change, GraphError> {
    let body = object(body)?;
    if body.contains_key("startDateTime") != body.contains_key("endDateTime") {
        return Err(GraphError::bad_request("startDateTime and endDateTime must be updated together."));
    }
    read(body, directory)
}

/// Reads a `POST` or `createOrGet` body; `default_start` is now, the default length one hour (microsoft.md 3.1).
pub(crate) fn read_create(body: &Value, now: Timestamp, directory: Directory<'_>) -> Result<Change, GraphError> {
    let mut body = object(body)?.clone();
    body.remove("externalId");
    body.remove("chatInfo");
    if body.contains_key("endDateTime") && !body.contains_key("startDateTime") {
        return Err(GraphError::bad_request("endDateTime cannot be given without startDateTime."));
    }
    let mut change = read(&body, directory)?;
    change.times.get_or_insert((now, now + jiff::SignedDuration::from_hours(1)));
    Ok(change)
}

/// The body of `createOrGet`: `externalId` is required and only the six names are taken.
pub(crate) fn external_id(body: &Value) -> Result<String, GraphError> {
    let body = object(body)?;
    if let Some(name) = body.keys().find(|it| !CREATE_OR_GET.contains(&it.as_str())) {
        return Err(GraphError::bad_request(format!(
            "The parameter '{name}' is not defined for action 'createOrGet'."
        )));
    }
    match body.get("externalId").and_then(Value::as_str) {
        Some(it) if !it.trim().is_empty() => Ok(it.to_owned()),
        _ => Err(GraphError::bad_request("externalId is required and must be a non-empty string.")),
    }
}

fn object(body: &Value) -> Result<&Map<String, Value>, GraphError> {
    body.as_object().ok_or_else(|| GraphError::bad_request("The request body must be a JSON object."))
}

fn read(body: &Map<String, Value>, directory: Directory<'_>) -> Result<Change, GraphError> {
    let mut change = Change::default();
    let (mut start, mut end) = (None, None);
    for (name, value) in body {
        match name.as_str() {
            "subject" | "startDateTime" | "endDateTime" | "participants" if value.is_null() => {}
            "subject" => change.subject = Some(text(name, value)?.to_owned()),
            "startDateTime" => start = Some(time(name, value)?),
            "endDateTime" => end = Some(time(name, value)?),
            "participants" => change.attendees = attendees(value, directory)?,
            "@odata.type" if value == "#microsoft.graph.onlineMeeting" => {}
            other => {
                check_setting(other, value)?;
                change.settings.insert(name.clone(), value.clone());
            }
        }
    }
    if let Some(start) = start {
        let end = end.unwrap_or(start + jiff::SignedDuration::from_hours(1));
        if end <= start {
            return Err(GraphError::bad_request("endDateTime must be later than startDateTime."));
        }
        change.times = Some((start, end));
    }
    Ok(change)
}

fn check_setting(name: &str, value: &Value) -> Result<(), GraphError> {
    if READ_ONLY.contains(&name) {
        return Err(GraphError::bad_request(format!("Property '{name}' is read-only and cannot be set.")));
    }
    if SWITCHES.contains(&name) {
        return if value.is_boolean() { Ok(()) } else { Err(wrong_type(name, "Edm.Boolean")) };
    }
    if let Some((_, allowed)) = ENUMS.iter().find(|(it, _)| *it == name) {
        return one_of(name, value, allowed);
    }
    match name {
        "lobbyBypassSettings" => {
            let it = value.as_object().ok_or_else(|| wrong_type(name, "microsoft.graph.lobbyBypassSettings"))?;
            for (inner, value) in it {
                match inner.as_str() {
                    "scope" => one_of("lobbyBypassSettings/scope", value, &LOBBY_SCOPES)?,
                    "isDialInBypassEnabled" if value.is_boolean() => {}
                    "isDialInBypassEnabled" => return Err(wrong_type(inner, "Edm.Boolean")),
                    _ => return Err(unknown(inner, "microsoft.graph.lobbyBypassSettings")),
                }
            }
            Ok(())
        }
        "watermarkProtection" | "chatRestrictions" | "sensitivityLabelAssignment" if value.is_object() => Ok(()),
        "meetingSpokenLanguageTag" if value.is_string() => Ok(()),
        _ => Err(unknown(name, "microsoft.graph.onlineMeeting")),
    }
}

fn attendees(value: &Value, directory: Directory<'_>) -> Result<Option<Vec<Attendee>>, GraphError> {
    let it = value.as_object().ok_or_else(|| wrong_type("participants", "microsoft.graph.meetingParticipants"))?;
    if it.contains_key("organizer") {
        return Err(GraphError::bad_request("The organizer of a meeting cannot be set or changed."));
    }
    if let Some(name) = it.keys().find(|it| *it != "attendees" && !it.starts_with('@')) {
        return Err(unknown(name, "microsoft.graph.meetingParticipants"));
    }
    let Some(list) = it.get("attendees") else { return Ok(None) };
    let list = list.as_array().ok_or_else(|| wrong_type("participants/attendees", "Collection"))?;
    list.iter().map(|it| one_attendee(it, directory)).collect::<Result<_, _>>().map(Some)
}

fn one_attendee(value: &Value, directory: Directory<'_>) -> Result<Attendee, GraphError> {
    let it = value.as_object().ok_or_else(|| wrong_type("attendees", "microsoft.graph.meetingParticipantInfo"))?;
    if let Some(name) = it.keys().find(|it| !["identity", "upn", "role", "@odata.type"].contains(&it.as_str())) {
        return Err(unknown(name, "microsoft.graph.meetingParticipantInfo"));
    }
    let role = match it.get("role") {
        None | Some(Value::Null) => "attendee",
        Some(role) => {
            one_of("role", role, &ROLES)?;
            role.as_str().unwrap_or("attendee")
        }
    };
    let oid = value["identity"]["user"]["id"].as_str();
    let upn = value["upn"].as_str();
    if oid.is_none() && upn.is_none() {
        return Err(GraphError::bad_request("An attendee needs identity.user.id or upn."));
    }
    let user = directory(oid, upn);
    if user.is_none() && (oid.is_some() || matches!(role, "presenter" | "coorganizer")) {
        // G-RES: these roles cannot be given to people outside Entra
        return Err(GraphError::bad_request(format!(
            "The role '{role}' needs a user registered in Microsoft Entra ID."
        )));
    }
    let upn = upn.map(str::to_owned).or_else(|| user.as_ref().map(|it| it.upn.clone())).unwrap_or_default();
    Ok(Attendee { user, upn, role: role.to_owned() })
}

fn text<'a>(name: &str, value: &'a Value) -> Result<&'a str, GraphError> {
    value.as_str().ok_or_else(|| wrong_type(name, "Edm.String"))
}

fn time(name: &str, value: &Value) -> Result<Timestamp, GraphError> {
    value.as_str().and_then(|it| it.parse().ok()).ok_or_else(|| wrong_type(name, "Edm.DateTimeOffset"))
}

fn one_of(name: &str, value: &Value, allowed: &[&str]) -> Result<(), GraphError> {
    match value.as_str() {
        Some(it) if allowed.contains(&it) => Ok(()),
        _ => Err(GraphError::bad_request(format!("The value of '{name}' must be one of: {}.", allowed.join(", ")))),
    }
}

fn wrong_type(name: &str, expected: &str) -> GraphError {
    GraphError::bad_request(format!("Cannot convert the value of '{name}' to the expected type '{expected}'."))
}

fn unknown(name: &str, of: &str) -> GraphError {
    GraphError::bad_request(format!("The property '{name}' does not exist on type '{of}'."))
}
