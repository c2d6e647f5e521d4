//! What a virtual visit's Teams meeting is like: who waits in the lobby, who admits, nothing recorded, a subject that
//! says nothing. Each rule is one line of a request body; `graph/` carries them out.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::graph::attendance;
use super::graph::calls::{Calls, Own};
use super::graph::certificate::Certificates;
use super::graph::client::{Failure, Graph, Pace, Repeat};
use super::graph::subscription::{Subscriptions, under};
use super::graph::token::Credentials;
use super::{Attended, Capability, Meeting, MeetingError, MeetingRequest, Meetings, RefusalReason, Removal, Watch};
use crate::clock::Clock;
use crate::config::{self, Lobby};

/// Seen in Teams calendars and call histories: nothing of the visit may stand in it.
const SUBJECT: &str = "Virtual visit";

/// `meetingChatMode` (reference/microsoft.md 3.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Chat {
    /// Only while the meeting lasts.
    #[default]
    Limited,
    /// Never.
    Disabled,
    /// Before and after, too.
    Enabled,
}

impl Chat {
    fn as_str(self) -> &'static str {
        match self {
            Self::Limited => "limited",
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
        }
    }
}

/// What may differ between organizations.
#[derive(Debug, Clone)]
pub struct Policy {
    /// A neutral subject.
    pub subject: String,
    /// Who can chat when.
    pub chat: Chat,
    /// Who waits in the lobby.
    pub lobby: Lobby,
}

impl Default for Policy {
    fn default() -> Self {
        Self { subject: SUBJECT.to_owned(), chat: Chat::default(), lobby: Lobby::default() }
    }
}

/// Teams meetings of one organization.
pub struct Teams {
    graph: Graph,
    base: Url,
    subscriptions: Subscriptions,
    policy: Policy,
    /// People may be removed, as far as the organization's configuration goes.
    removes: bool,
    own: Own,
    /// Everything about one meeting, or one watch: a clinician is waiting for it.
    total: Duration,
}

impl Teams {
    /// From the configuration. `public_url` is the relay's own, without a slash at the end; `http` must follow no
    /// redirects.
    pub fn of(
        organization: &config::Organization,
        meeting: &config::Meeting,
        public_url: &str,
        policy: Policy,
        http: &reqwest::Client,
        certificates: Arc<Certificates>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, url::ParseError> {
        let base = Url::parse(&organization.graph.base)?;
        let credentials = credentials(organization, &base);
        let pace = Pace::of(Duration::from_secs(meeting.request_seconds.into()));
        let [notification_url, lifecycle_url] = notified_at(public_url);
        Ok(Self {
            graph: Graph::new(http.clone(), credentials, pace, Arc::clone(&clock)),
            subscriptions: Subscriptions {
                base: Url::parse(&organization.graph.subscriptions_base)?,
                notification_url,
                lifecycle_url,
                lifetime: SignedDuration::from_mins(meeting.watch_minutes.into()),
                certificates,
                clock,
            },
            base,
            policy,
            removes: organization.meeting.removal,
            own: Own::new(
                organization.tid.clone(),
                organization.entra.relay_client_id.clone(),
                format!("{public_url}/graph/calls"),
            ),
            total: pace.total + pace.attempt,
        })
    }

    fn meetings(&self, organizer: &str, rest: &[&str]) -> Url {
        let mut path = vec!["users", organizer, "onlineMeetings"];
        path.extend(rest);
        under(&self.base, &path)
    }

    /// `createOrGet` takes only these; everything else needs the `PATCH` after it (reference/microsoft.md 3.1).
    fn creation(&self, request: &MeetingRequest) -> Value {
        json!({
            "externalId": request.external_id,
            "subject": self.policy.subject,
            "startDateTime": whole_second(request.start),
            "endDateTime": whole_second(request.end),
        })
    }

    fn settings(&self, request: &MeetingRequest) -> Value {
        let others = request.co_organizers.iter().filter(|it| **it != request.organizer);
        let co_organizers: Vec<_> =
            others.map(|oid| json!({"identity": {"user": {"id": oid}}, "role": "coorganizer"})).collect();
        json!({
            // Moved with the appointment: Graph wants both ends or neither.
            "startDateTime": whole_second(request.start),
            "endDateTime": whole_second(request.end),
            "lobbyBypassSettings": {"scope": self.policy.lobby.as_str(), "isDialInBypassEnabled": false},
            "allowedPresenters": "organizer",
            "allowMeetingChat": self.policy.chat.as_str(),
            "recordAutomatically": false,
            "allowRecording": false,
            "allowTranscription": false,
            "allowAttendeeToEnableMic": true,
            "allowAttendeeToEnableCamera": true,
            "participants": {"attendees": co_organizers},
        })
    }

    async fn make(&self, request: &MeetingRequest) -> Result<Meeting, MeetingError> {
        let url = self.meetings(&request.organizer, &["createOrGet"]);
        let made = self.graph.call(Method::POST, url, Some(&self.creation(request)), Repeat::Always).await;
        let made = made.map_err(|failure| match failure {
            Failure::Refused { status: 404, .. } => MeetingError::Refused { reason: RefusalReason::PersonUnknown },
            other => other.into(),
        })?;
        let unfamiliar = MeetingError::Refused { reason: RefusalReason::Answer };
        let id = made["id"].as_str().filter(|it| !it.is_empty()).ok_or(unfamiliar.clone())?.to_owned();
        let join_web_url = self.web_link(&made["joinWebUrl"]).ok_or(unfamiliar)?;

        let url = self.meetings(&request.organizer, &[&id]);
        match self.graph.call(Method::PATCH, url, Some(&self.settings(request)), Repeat::Always).await {
            Ok(_) => {}
            Err(Failure::Refused { status: 404, .. }) => return Err(MeetingError::Gone),
            Err(failure) => return Err(failure.into()),
        }
        let appointment = self.patient_link(&request.organizer, &id).await;
        Ok(Meeting {
            organizer: request.organizer.clone(),
            virtual_appointment: appointment.is_some(),
            patient_join_url: appointment.unwrap_or_else(|| join_web_url.clone()),
            thread: made["chatInfo"]["threadId"].as_str().map(str::to_owned),
            join_web_url,
            id,
        })
    }

    /// The Virtual Appointment link, or `None` where the tenant has none or Graph is busy: a patient with the plain
    /// link is better off than one without any.
    async fn patient_link(&self, organizer: &str, id: &str) -> Option<String> {
        let url = self.meetings(organizer, &[id, "getVirtualAppointmentJoinWebUrl"]);
        match self.graph.call(Method::GET, url, None, Repeat::Always).await {
            Ok(answer) => self.web_link(&answer["value"]),
            Err(failure) => {
                tracing::info!(?failure, "no virtual appointment link; the patient gets joinWebUrl");
                None
            }
        }
    }

    /// A link a browser may open: https, or plain http where Graph itself is on loopback.
    fn web_link(&self, value: &Value) -> Option<String> {
        let link = value.as_str()?;
        let scheme = Url::parse(link).ok()?.scheme().to_owned();
        (scheme == "https" || (scheme == "http" && self.base.scheme() == "http")).then(|| link.to_owned())
    }
}

#[async_trait]
impl Meetings for Teams {
    async fn ensure(&self, request: &MeetingRequest) -> Result<Meeting, MeetingError> {
        let made = tokio::time::timeout(self.total, self.make(request)).await;
        made.unwrap_or(Err(MeetingError::Unreachable { retry_after: None }))
    }

    async fn watch(&self, meeting: &Meeting, client_state: &SecretString) -> Result<Watch, MeetingError> {
        let made = self.subscriptions.create(&self.graph, &meeting.join_web_url, client_state);
        let made = tokio::time::timeout(self.total, made).await;
        made.unwrap_or(Err(MeetingError::Unreachable { retry_after: None }))
    }

    async fn renew(&self, subscription_id: &str) -> Result<Timestamp, MeetingError> {
        self.subscriptions.renew(&self.graph, subscription_id).await
    }

    async fn unwatch(&self, subscription_id: &str) -> Result<(), MeetingError> {
        self.subscriptions.delete(&self.graph, subscription_id).await
    }

    async fn discard(&self, meeting: &Meeting) -> Result<(), MeetingError> {
        let url = self.meetings(&meeting.organizer, &[&meeting.id]);
        match self.graph.call(Method::DELETE, url, None, Repeat::Always).await {
            Ok(_) | Err(Failure::Refused { status: 404 | 410, .. }) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    fn ending(&self) -> Capability {
        match (self.removes, self.own.refused()) {
            (true, None) => Capability::Verified,
            (true, Some(_)) | (false, _) => Capability::CloseOnly,
        }
    }

    fn not_removed(&self) -> Option<RefusalReason> {
        self.own.refused().filter(|_| self.removes)
    }

    fn removal<'a>(&'a self) -> Option<Box<dyn Removal + 'a>> {
        Some(Box::new(Calls { graph: &self.graph, base: &self.base, own: &self.own }))
    }

    async fn attendance(&self, meeting: &Meeting) -> Result<Vec<Attended>, MeetingError> {
        attendance::read(&self.graph, &self.base, meeting).await
    }
}

/// Graph refuses fractions of a second in some tenants; a visit has none.
fn whole_second(at: Timestamp) -> String {
    at.round(jiff::Unit::Second).unwrap_or(at).to_string()
}

/// Who the relay is in an organization's tenant; `base` is its Graph.
pub(crate) fn credentials(organization: &config::Organization, base: &Url) -> Credentials {
    Credentials {
        token_endpoint: organization.graph.token_endpoint.clone(),
        client_id: organization.entra.relay_client_id.clone(),
        client_secret: organization.entra.relay_client_secret.clone(),
        scope: scope(base),
    }
}

/// Where Graph tells of a meeting's call: of events, and of a watch's own life.
pub(crate) fn notified_at(public_url: &str) -> [String; 2] {
    [format!("{public_url}/graph/notifications"), format!("{public_url}/graph/lifecycle")]
}

/// The resource of a national cloud's Graph is its own origin; a stand-in on loopback stands for the worldwide one.
fn scope(base: &Url) -> String {
    let origin = base.origin().ascii_serialization();
    let resource = if base.scheme() == "https" { origin.as_str() } else { "https://graph.microsoft.com" };
    format!("{resource}/.default")
}
