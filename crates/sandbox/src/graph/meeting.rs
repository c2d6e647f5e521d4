//! What a stand-in `onlineMeeting` is and how its JSON reads (microsoft.md 3.2, 3.3).
//! Pure: ids, times and the directory come in as arguments. Leaves out HTTP and the call itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// A person of the meeting's tenant, as the directory knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DirectoryUser {
    /// Entra object id.
    pub(crate) oid: String,
    /// Tenant of the account.
    pub(crate) tenant_id: String,
    /// Display name.
    pub(crate) display_name: String,
    /// User principal name.
    pub(crate) upn: String,
}

/// One entry of `participants.attendees`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attendee {
    /// The person, when Entra knows them.
    pub(crate) user: Option<DirectoryUser>,
    /// `upn` as given, for people outside Entra.
    pub(crate) upn: String,
    /// `onlineMeetingRole`: attendee, presenter, producer, coorganizer.
    pub(crate) role: String,
}

/// A stand-in online meeting. Identity is (tenant, organizer, `externalId`).
#[derive(Debug, Clone)]
pub(crate) struct OnlineMeeting {
    /// `id`: base64 of `1*{oid}*0**{thread}`, as Graph builds it.
    pub(crate) id: String,
    /// `externalId`, only when made by `createOrGet`.
    pub(crate) external_id: Option<String>,
    /// Client id of the application that made it.
    pub(crate) made_by: String,
    /// The organizer; never changes.
    pub(crate) organizer: DirectoryUser,
    /// Chat thread, `19:meeting_...@thread.v2`; the call is keyed by it.
    pub(crate) thread: String,
    /// What people open.
    pub(crate) join_web_url: String,
    /// `joinMeetingIdSettings.joinMeetingId`: ten digits.
    pub(crate) join_meeting_id: String,
    /// `subject`.
    pub(crate) subject: Option<String>,
    /// `creationDateTime`.
    pub(crate) created: Timestamp,
    /// `startDateTime`.
    pub(crate) start: Timestamp,
    /// `endDateTime`.
    pub(crate) end: Timestamp,
    /// `participants.attendees`.
    pub(crate) attendees: Vec<Attendee>,
    /// Every setting that `PATCH` may change, by its Graph name.
    pub(crate) settings: Map<String, Value>,
}

/// Settings of a new meeting before any `PATCH`: what a tenant's default policy gives.
pub(crate) fn default_settings() -> Map<String, Value> {
    let defaults = json!({
        "lobbyBypassSettings": {"scope": "organization", "isDialInBypassEnabled": false},
        "allowedPresenters": "everyone",
        "allowedLobbyAdmitters": "organizerAndCoOrganizersAndPresenters",
        "allowMeetingChat": "enabled",
        "allowTeamworkReactions": true,
        "allowAttendeeToEnableMic": true,
        "allowAttendeeToEnableCamera": true,
        "allowBreakoutRooms": true,
        "allowCopyingAndSharingMeetingContent": true,
        "allowLiveShare": "enabled",
        "allowParticipantsToChangeName": false,
        "allowPowerPointSharing": true,
        "allowRecording": true,
        "allowTranscription": true,
        "allowWhiteboard": true,
        "isEndToEndEncryptionEnabled": false,
        "isEntryExitAnnounced": false,
        "recordAutomatically": false,
        "shareMeetingChatHistoryDefault": "none",
        "watermarkProtection": {"isEnabledForContentSharing": false, "isEnabledForVideo": false},
    });
    match defaults {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// `id` of the meeting of one organizer on one thread.
pub(crate) fn meeting_id(organizer: &str, thread: &str) -> String {
    STANDARD.encode(format!("1*{organizer}*0**{thread}"))
}

impl OnlineMeeting {
    /// The setting `name` as text, empty when it is none.
    pub(crate) fn setting(&self, name: &str) -> &str {
        self.settings.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// `lobbyBypassSettings.scope`.
    pub(crate) fn lobby_bypass_scope(&self) -> &str {
        self.settings.get("lobbyBypassSettings").and_then(|it| it["scope"].as_str()).unwrap_or("organization")
    }

    /// The meeting as `GET` answers it. `context` is `@odata.context`.
    pub(crate) fn to_json(&self, context: &str) -> Value {
        let mut body = self.settings.clone();
        let rest = json!({
            "@odata.context": context,
            "id": self.id,
            "creationDateTime": self.created.to_string(),
            "startDateTime": self.start.to_string(),
            "endDateTime": self.end.to_string(),
            "joinWebUrl": self.join_web_url,
            "subject": self.subject,
            "isBroadcast": false,
            "meetingTemplateId": null,
            "videoTeleconferenceId": null,
            "autoAdmittedUsers": "everyoneInCompany",
            "audioConferencing": null,
            "chatInfo": {"threadId": self.thread, "messageId": "0", "replyChainMessageId": null},
            "joinInformation": {"content": "data:text/html,Stand-in%20Teams%20meeting", "contentType": "html"},
            "joinMeetingIdSettings": {
                "isPasscodeRequired": false, "joinMeetingId": self.join_meeting_id, "passcode": null
            },
            "participants": {
                "organizer": participant(&self.organizer, "presenter"),
                "attendees": self.attendees.iter().map(attendee).collect::<Vec<_>>(),
            },
        });
        if let Value::Object(rest) = rest {
            body.extend(rest);
        }
        if let Some(external) = &self.external_id {
            body.insert("externalId".to_owned(), json!(external));
        }
        Value::Object(body)
    }
}

fn participant(user: &DirectoryUser, role: &str) -> Value {
    json!({
        "identity": {"user": {
            "id": user.oid, "displayName": user.display_name, "tenantId": user.tenant_id, "identityProvider": "AAD"
        }},
        "upn": user.upn,
        "role": role,
    })
}

fn attendee(it: &Attendee) -> Value {
    match &it.user {
        Some(user) => participant(user, &it.role),
        None => json!({"identity": null, "upn": it.upn, "role": it.role}),
    }
}
