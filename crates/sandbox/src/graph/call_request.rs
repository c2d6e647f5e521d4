//! Reads the body of `POST /communications/calls` for joining a scheduled meeting with service hosted media (Graph's
//! reference, create call). Other kinds of calls, and app hosted media, are refused here. Pure.

use serde_json::{Map, Value};
use url::{Host, Url};

use super::error::GraphError;

const NAMES: [&str; 10] = [
    "@odata.type",
    "callbackUri",
    "requestedModalities",
    "mediaConfig",
    "chatInfo",
    "meetingInfo",
    "tenantId",
    "source",
    "subject",
    "callOptions",
];
const MODALITIES: [&str; 4] = ["audio", "video", "videoBasedScreenSharing", "data"];

/// What an app asks for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Where Graph would tell of the call; nothing is sent there.
    pub(super) callback: String,
    /// `chatInfo.threadId` of the meeting.
    pub(super) thread: String,
    /// Object id of its organizer.
    pub(super) organizer: String,
}

/// Believes or refuses a body for tenant `tid`.
pub(super) fn read(body: &Value, tid: &str) -> Result<Wanted, GraphError> {
    let body = body.as_object().ok_or_else(|| GraphError::bad_request("The request body must be a JSON object."))?;
    if let Some(name) = body.keys().find(|it| !NAMES.contains(&it.as_str())) {
        let text = format!("The property '{name}' does not exist on type 'microsoft.graph.call'.");
        return Err(GraphError::bad_request(text));
    }
    let callback = text(body, "callbackUri")?;
    if !Url::parse(callback).is_ok_and(|it| is_reachable(&it)) {
        return Err(GraphError::bad_request("callbackUri must be an absolute https address."));
    }
    let modalities = body.get("requestedModalities").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let known = |it: &Value| it.as_str().is_some_and(|it| MODALITIES.contains(&it));
    if modalities.is_empty() || !modalities.iter().all(known) {
        return Err(GraphError::bad_request("requestedModalities names at least one of the known modalities."));
    }
    typed(body, "mediaConfig", "#microsoft.graph.serviceHostedMediaConfig")?;
    typed(body, "meetingInfo", "#microsoft.graph.organizerMeetingInfo")?;
    if text(body, "tenantId")? != tid {
        return Err(GraphError::forbidden("The tenant of the call is not the tenant of the token."));
    }
    let thread = body.get("chatInfo").and_then(|it| it["threadId"].as_str());
    let thread = thread.ok_or_else(|| GraphError::bad_request("chatInfo.threadId is required."))?.to_owned();
    let organizer = &body["meetingInfo"]["organizer"]["user"];
    match (organizer["id"].as_str(), organizer["tenantId"].as_str()) {
        (Some(id), Some(tenant)) if tenant == tid => {
            Ok(Wanted { callback: callback.to_owned(), thread, organizer: id.to_owned() })
        }
        _ => Err(GraphError::bad_request("meetingInfo.organizer.user needs id and tenantId of the organizer.")),
    }
}

/// https; plain http is this sandbox's one concession, and only on loopback.
fn is_reachable(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(it)) => it.is_loopback(),
        Some(Host::Ipv6(it)) => it.is_loopback(),
        Some(Host::Domain(it)) => it == "localhost",
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a str, GraphError> {
    let value = body.get(name).and_then(Value::as_str);
    value.ok_or_else(|| GraphError::bad_request(format!("{name} is a required property and must be a string.")))
}

fn typed(body: &Map<String, Value>, name: &str, kind: &str) -> Result<(), GraphError> {
    if body.get(name).is_some_and(|it| it["@odata.type"] == kind) {
        return Ok(());
    }
    Err(GraphError::bad_request(format!("{name} must be a {kind}.")))
}
