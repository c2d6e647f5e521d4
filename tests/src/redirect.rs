//! What an answer tells a browser: where to go on, and what to keep. For those who play a browser without one.

use anyhow::Context;
use reqwest::Response;

/// Where it leads.
///
/// # Errors
/// If it is no redirect.
pub fn location(answer: &Response) -> anyhow::Result<String> {
    let location = answer.headers().get("location").and_then(|it| it.to_str().ok());
    Ok(location.with_context(|| format!("no redirect but {}", answer.status()))?.to_owned())
}

/// The cookie it gives, as it is sent back; one that it takes away is none.
///
/// # Errors
/// If there is none.
pub fn cookie(answer: &Response) -> anyhow::Result<String> {
    let mut all = answer.headers().get_all("set-cookie").iter().filter_map(|it| it.to_str().ok());
    let kept = all.find(|it| !it.contains("Max-Age=0")).context("no cookie")?;
    Ok(kept.split(';').next().unwrap_or_default().to_owned())
}
