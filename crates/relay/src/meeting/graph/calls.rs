//! Our own leg in a meeting's call, from which people can be removed (reference/microsoft.md 3.4): come in, look who is
//! there, remove one, leave. Graph names the app's permission and the tenant's policy as two refusals; both are told apart
//! here. When to do any of it is `crate::removal`; nothing here waits for anybody.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::client::{Failure, Graph, Repeat};
use super::event::{field, text};
use super::subscription::under;
use crate::meeting::{Meeting, MeetingError, RefusalReason, Removal};

/// More people than a virtual visit has.
const MOST: usize = 300;

/// The calls of one organization.
pub(crate) struct Calls<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) base: &'a Url,
    pub(crate) own: &'a Own,
}

/// Who we are there, and what we learned of what we may.
pub(crate) struct Own {
    /// The tenant.
    pub(crate) tid: String,
    /// The relay's client id.
    pub(crate) client_id: String,
    /// Where Graph may tell of the call; nothing is read from it.
    pub(crate) callback: String,
    /// Why nobody could be removed, the last time it was tried.
    refused: Mutex<Option<RefusalReason>>,
}

impl Own {
    pub(crate) fn new(tid: String, client_id: String, callback: String) -> Self {
        Self { tid, client_id, callback, refused: Mutex::default() }
    }

    pub(crate) fn refused(&self) -> Option<RefusalReason> {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learned(&self, refused: Option<RefusalReason>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
    }
}

impl Calls<'_> {
    fn calls(&self, rest: &[&str]) -> Url {
        let mut path = vec!["communications", "calls"];
        path.extend(rest);
        under(self.base, &path)
    }

    /// Where the people of a meeting are: Graph's call wants the chat thread.
    async fn thread(&self, meeting: &Meeting) -> Result<String, MeetingError> {
        if let Some(known) = &meeting.thread {
            return Ok(known.clone());
        }
        let url = under(self.base, &["users", &meeting.organizer, "onlineMeetings", &meeting.id]);
        let found = self.graph.call(Method::GET, url, None, Repeat::Always).await.map_err(gone)?;
        let thread = found["chatInfo"]["threadId"].as_str().map(str::to_owned);
        thread.ok_or(MeetingError::Refused { reason: RefusalReason::Answer })
    }

    fn joining(&self, meeting: &Meeting, thread: &str) -> Value {
        json!({
            "@odata.type": "#microsoft.graph.call",
            "callbackUri": self.own.callback,
            "requestedModalities": ["audio"],
            "mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
            "chatInfo": {"@odata.type": "#microsoft.graph.chatInfo", "threadId": thread, "messageId": "0"},
            "meetingInfo": {
                "@odata.type": "#microsoft.graph.organizerMeetingInfo",
                "organizer": {"user": {"id": meeting.organizer, "tenantId": self.own.tid}},
            },
            "tenantId": self.own.tid,
        })
    }
}

#[async_trait]
impl Removal for Calls<'_> {
    async fn enter(&self, meeting: &Meeting) -> Result<String, MeetingError> {
        let body = self.joining(meeting, &self.thread(meeting).await?);
        let mut failure = Failure::Unknown;
        for _ in 0..2 {
            // Whether an answer that was lost let us in nobody knows: never twice by itself.
            match self.graph.call(Method::POST, self.calls(&[]), Some(&body), Repeat::WhenNotDone).await {
                Ok(made) => {
                    let id = text(&made, &["id"]).map(str::to_owned);
                    return id.ok_or(MeetingError::Refused { reason: RefusalReason::Answer });
                }
                // The token may be older than the admin's consent: it says what was allowed when it was made.
                Err(Failure::Refused { status: 403, reason: RefusalReason::PermissionMissing }) => {
                    failure = Failure::refused(403, RefusalReason::CallsNotPermitted);
                    self.graph.forget_token().await;
                }
                Err(other) => return Err(gone(other)),
            }
        }
        self.own.learned(Some(RefusalReason::CallsNotPermitted));
        Err(failure.into())
    }

    async fn people(&self, call: &str) -> Result<Option<Vec<String>>, MeetingError> {
        let own = self.graph.call(Method::GET, self.calls(&[call]), None, Repeat::Always).await.map_err(gone)?;
        match text(&own, &["state"]).map(str::to_ascii_lowercase).as_deref() {
            Some("established") => {}
            Some("terminated" | "terminating") => return Err(MeetingError::Gone),
            _ => return Ok(None),
        }
        let myself = text(&own, &["myParticipantId"]).unwrap_or_default();
        let url = self.calls(&[call, "participants"]);
        let there = self.graph.call(Method::GET, url, None, Repeat::Always).await.map_err(gone)?;
        let all = there["value"].as_array().into_iter().flatten();
        let others = all.filter(|it| !is_other_app(it, &self.own.client_id));
        let ids = others.filter_map(|it| text(it, &["id"])).filter(|id| *id != myself);
        Ok(Some(ids.map(str::to_owned).take(MOST).collect()))
    }

    async fn remove(&self, call: &str, person: &str) -> Result<(), MeetingError> {
        let url = self.calls(&[call, "participants", person]);
        // Once and no more: between two tries somebody may have taken the end back.
        match self.graph.call(Method::DELETE, url, None, Repeat::Never).await {
            Ok(_) => {
                self.own.learned(None);
                Ok(())
            }
            Err(Failure::Refused { status: 404, .. }) => Ok(()),
            Err(Failure::Refused { status: 403, .. }) => {
                self.own.learned(Some(RefusalReason::RemovalNotAllowed));
                Err(MeetingError::Refused { reason: RefusalReason::RemovalNotAllowed })
            }
            Err(other) => Err(other.into()),
        }
    }

    async fn leave(&self, call: &str) -> Result<(), MeetingError> {
        match self.graph.call(Method::DELETE, self.calls(&[call]), None, Repeat::Always).await {
            Ok(_) | Err(Failure::Refused { status: 404, .. }) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }
}

/// A recorder, say: no person. A leg of ours whose making nobody saw end is one to be removed.
fn is_other_app(participant: &Value, own: &str) -> bool {
    let identity = field(participant, &["info"]).and_then(|it| field(it, &["identity"]));
    let app = identity.and_then(|it| field(it, &["application"]));
    app.is_some_and(|it| !text(it, &["id"]).is_some_and(|id| id.eq_ignore_ascii_case(own)))
}

fn gone(failure: Failure) -> MeetingError {
    match failure {
        Failure::Refused { status: 404, .. } => MeetingError::Gone,
        other => other.into(),
    }
}
