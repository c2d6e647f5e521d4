//! Graph's own requests to a subscriber: the validation handshake (microsoft.md 4.2) and the delivery of one body.
//! Never follows redirects. Leaves out what to send and how often.

use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use serde_json::Value;
use url::Url;

use super::error::GraphError;
use crate::core::Hospital;

/// A subscriber has this long to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A validation answer longer than this is none.
const LONGEST_ANSWER: usize = 4096;

fn client(hospital: &Hospital) -> &reqwest::Client {
    hospital.graph.client.get_or_init(|| {
        reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(PATIENCE)
            .user_agent("Stand-in Microsoft Graph")
            .build()
            .expect("a client without special settings can be built")
    })
}

/// Posts `?validationToken=` and wants it back decoded, as text/plain, with 200, within ten seconds.
pub(crate) async fn validate(hospital: &Hospital, url: &Url) -> Result<(), GraphError> {
    // Characters that must be decoded, so that an endpoint echoing the raw query fails here as it would at Graph
    let token = format!("Validation: {} / {}+=", hospital.random.guid(), hospital.random.token(20));
    let mut target = url.clone();
    target.query_pairs_mut().append_pair("validationToken", &token);
    let sent = client(hospital).post(target).header(CONTENT_TYPE, "text/plain; charset=utf-8").send().await;
    let response = sent.map_err(|why| {
        let how = if why.is_timeout() { "timed out" } else { "failed" };
        GraphError::validation(format!("Subscription validation request {how}. Must respond within 10 seconds."))
    })?;
    let status = response.status();
    if status != reqwest::StatusCode::OK {
        let status = status.as_u16();
        return Err(GraphError::validation(format!(
            "Subscription validation request failed. Response must be 200 OK, it was {status}."
        )));
    }
    let kind = response.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/plain") {
        return Err(GraphError::validation("Subscription validation request failed. Content type must be text/plain."));
    }
    let body = response.bytes().await.unwrap_or_default();
    if body.len() > LONGEST_ANSWER || body != token.as_bytes() {
        return Err(GraphError::validation(
            "Subscription validation request failed. Response must exactly match validationToken query parameter.",
        ));
    }
    Ok(())
}

/// Posts one body; the status the subscriber answered, or nothing if it did not.
pub(crate) async fn post(hospital: &Hospital, url: &Url, body: &Value) -> Option<u16> {
    client(hospital).post(url.clone()).json(body).send().await.ok().map(|it| it.status().as_u16())
}
