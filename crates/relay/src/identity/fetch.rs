//! One bounded GET of public JSON (OpenID configuration, keys). No credentials go with it, no redirect is taken
//! on trust: the caller's client follows none.

use std::time::Duration;

use serde::de::DeserializeOwned;
use url::Url;

/// Entra's key documents are about 10 KiB.
const MAX_BYTES: usize = 512 * 1024;
const TIMEOUT: Duration = Duration::from_secs(5);

/// The document did not come, or is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("the key document could not be read")]
pub(crate) struct FetchFailed;

/// Reads a response's body up to `max` bytes, whatever its `Content-Length` says.
pub(crate) async fn limited_body(mut response: reqwest::Response, max: usize) -> Result<Vec<u8>, FetchFailed> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| FetchFailed)? {
        if body.len() + chunk.len() > max {
            return Err(FetchFailed);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Gets and parses one document.
pub(crate) async fn json<T: DeserializeOwned>(http: &reqwest::Client, url: Url) -> Result<T, FetchFailed> {
    let response = http.get(url).timeout(TIMEOUT).send().await.map_err(|_| FetchFailed)?;
    if !response.status().is_success() {
        return Err(FetchFailed);
    }
    serde_json::from_slice(&limited_body(response, MAX_BYTES).await?).map_err(|_| FetchFailed)
}
