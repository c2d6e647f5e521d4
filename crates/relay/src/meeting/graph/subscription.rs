//! Subscribing to a meeting's call events (reference/microsoft.md 4.1). Graph allows one subscription per app and
//! meeting, so one whose making nobody saw end is found, deleted and made again with a secret we know.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::certificate::Certificates;
use super::client::{Failure, Graph, Repeat};
use crate::clock::Clock;
use crate::meeting::{MeetingError, RefusalReason, Watch};

/// Graph's limit is 4,230 minutes for one of its pages and 4,320 for another: the smaller one, less some clock skew.
const LONGEST: SignedDuration = SignedDuration::from_mins(4_225);
/// Below this Graph raises it on its own.
const SHORTEST: SignedDuration = SignedDuration::from_mins(45);
/// Times to ask for a subscription whose making nobody saw end.
const TRIES: u32 = 3;
/// Pages of our own subscriptions read in search of one.
const PAGES: usize = 50;

/// Where and how to subscribe.
pub(crate) struct Subscriptions {
    pub(crate) base: Url,
    pub(crate) notification_url: String,
    pub(crate) lifecycle_url: String,
    pub(crate) lifetime: SignedDuration,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Subscriptions {
    /// Makes the one subscription of this meeting.
    pub(crate) async fn create(
        &self,
        graph: &Graph,
        join_web_url: &str,
        client_state: &SecretString,
    ) -> Result<Watch, MeetingError> {
        let certificate = self.certificates.current();
        let resource = resource(join_web_url);
        let expires = self.expiry();
        let body = json!({
            "changeType": "updated",
            "notificationUrl": self.notification_url,
            "lifecycleNotificationUrl": self.lifecycle_url,
            "resource": resource,
            "includeResourceData": true,
            "encryptionCertificate": certificate.public_base64,
            "encryptionCertificateId": certificate.id,
            "expirationDateTime": expires.to_string(),
            "clientState": client_state.expose_secret(),
        });
        let url = self.url(&["subscriptions"]);
        let mut tries = 0;
        let made = loop {
            tries += 1;
            let failure = match graph.call(Method::POST, url.clone(), Some(&body), Repeat::WhenNotDone).await {
                Ok(made) => break made,
                Err(failure) => failure,
            };
            let perhaps_there = matches!(failure, Failure::Unknown | Failure::Refused { status: 403 | 409, .. });
            if !perhaps_there || tries == TRIES {
                return Err(refused(failure));
            }
            // 403 "over quota" and 409 say that there is one; after an unknown outcome there may be
            let removed = self.remove_all_of(graph, &resource).await?;
            if !removed && failure != Failure::Unknown {
                return Err(failure.into());
            }
        };
        let subscription_id = made["id"].as_str().filter(|it| !it.is_empty());
        let subscription_id = subscription_id.ok_or(MeetingError::Refused { reason: RefusalReason::Answer })?;
        Ok(Watch {
            subscription_id: subscription_id.to_owned(),
            expires_at: expiry_of(&made).unwrap_or(expires),
            certificate_id: certificate.id.clone(),
        })
    }

    /// Prolongs one.
    pub(crate) async fn renew(&self, graph: &Graph, id: &str) -> Result<Timestamp, MeetingError> {
        let expires = self.expiry();
        let body = json!({"expirationDateTime": expires.to_string()});
        match graph.call(Method::PATCH, self.url(&["subscriptions", id]), Some(&body), Repeat::Always).await {
            Ok(answer) => Ok(expiry_of(&answer).unwrap_or(expires)),
            Err(failure) => Err(refused(failure)),
        }
    }

    /// Ends one; gone is as good as deleted.
    pub(crate) async fn delete(&self, graph: &Graph, id: &str) -> Result<(), MeetingError> {
        match graph.call(Method::DELETE, self.url(&["subscriptions", id]), None, Repeat::Always).await {
            Ok(_) | Err(Failure::Refused { status: 404 | 410, .. }) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Deletes our subscriptions to a resource; whether there was one.
    async fn remove_all_of(&self, graph: &Graph, resource: &str) -> Result<bool, MeetingError> {
        let mut found = Vec::new();
        let mut next = Some(self.url(&["subscriptions"]));
        for _ in 0..PAGES {
            let Some(url) = next.take() else { break };
            let page = graph.call(Method::GET, url, None, Repeat::Always).await?;
            let ours = page["value"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|it| it["resource"].as_str().is_some_and(|it| it.trim_start_matches('/') == resource));
            found.extend(ours.filter_map(|it| it["id"].as_str().map(str::to_owned)));
            // Our token goes only to where it went before
            next = page["@odata.nextLink"].as_str().and_then(|it| Url::parse(it).ok());
            next = next.filter(|it| it.origin() == self.base.origin());
        }
        for id in &found {
            self.delete(graph, id).await?;
        }
        Ok(!found.is_empty())
    }

    fn expiry(&self) -> Timestamp {
        let now = self.clock.now();
        let at = now.checked_add(self.lifetime.clamp(SHORTEST, LONGEST)).unwrap_or(now);
        at.round(jiff::Unit::Second).unwrap_or(at)
    }

    fn url(&self, path: &[&str]) -> Url {
        under(&self.base, path)
    }
}

/// 404 is the meeting's or the subscription's end, not somebody's to repair.
fn refused(failure: Failure) -> MeetingError {
    match failure {
        Failure::Refused { status: 404 | 410, .. } => MeetingError::Gone,
        other => other.into(),
    }
}

fn expiry_of(answer: &Value) -> Option<Timestamp> {
    answer["expirationDateTime"].as_str()?.parse().ok()
}

/// `base` with more path segments, each percent-encoded.
pub(crate) fn under(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

/// The resource string: `joinWebUrl` percent-encoded once more (`%3a` becomes `%253a`).
fn resource(join_web_url: &str) -> String {
    let mut encoded = String::with_capacity(join_web_url.len() * 2);
    for byte in join_web_url.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("communications/onlineMeetings(joinWebUrl='{encoded}')/meetingCallEvents")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_encoded_twice_as_in_the_documentation() {
        let link = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_Zm%40thread.v2/0?context=%7b%22Tid%22%7d";
        assert_eq!(
            resource(link),
            "communications/onlineMeetings(joinWebUrl='https%3A%2F%2Fteams.microsoft.com%2Fl%2Fmeetup-join%2F\
             19%253ameeting_Zm%2540thread.v2%2F0%3Fcontext%3D%257b%2522Tid%2522%257d')/meetingCallEvents"
        );
    }
}
