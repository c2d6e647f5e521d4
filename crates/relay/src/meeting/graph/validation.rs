//! The tokens that vouch for a batch of rich notifications: every one must hold up (reference/microsoft.md 4.4).
//! `appid` is the claim that matters most: without it any application of the tenant could forge a roster.

use std::sync::Arc;

use jiff::Timestamp;
use url::Url;

use crate::identity::jwt::{self, TokenFault};
use crate::identity::{KeysAt, SigningKeys};

/// What a validation token must say for one organization.
pub struct Voucher {
    /// The organization's key in our configuration.
    pub organization: String,
    /// Its tenant id.
    pub tid: String,
    /// The relay's client id there = `aud`.
    pub audience: String,
    /// `https://sts.windows.net/{tid}/`.
    pub issuer: String,
    /// Graph's own application = `appid`.
    pub notification_app_id: String,
    /// The published keys; share one per address.
    pub keys: Arc<SigningKeys>,
}

/// Keys at one address, for [`Voucher::keys`].
pub fn keys(address: Url, http: &reqwest::Client, clock: Arc<dyn crate::clock::Clock>) -> Arc<SigningKeys> {
    Arc::new(SigningKeys::new(http.clone(), KeysAt::Url(address), clock))
}

/// Verifies all tokens and returns the organizations vouched for.
pub(crate) async fn vouched<'a>(
    tokens: &[String],
    vouchers: impl Iterator<Item = &'a Voucher> + Clone,
    now: Timestamp,
) -> Result<Vec<&'a str>, TokenFault> {
    let mut organizations = Vec::with_capacity(tokens.len());
    for token in tokens {
        // Unproven, and used only to choose whose expectations must hold
        let claimed = jwt::peek(token, 1).ok_or(TokenFault::Malformed)?;
        let issuer = claimed.get("iss").and_then(|it| it.as_str()).unwrap_or_default();
        let voucher = vouchers.clone().find(|it| it.issuer == issuer).ok_or(TokenFault::Issuer)?;
        organizations.push(one(token, voucher, now).await?);
    }
    Ok(organizations)
}

async fn one<'a>(token: &str, voucher: &'a Voucher, now: Timestamp) -> Result<&'a str, TokenFault> {
    let expected = jwt::Expected { iss: &voucher.issuer, aud: &voucher.audience, tid: &voucher.tid };
    let claims = jwt::verify(token, &voucher.keys, &expected, now).await?;
    if claims.tid.as_ref().is_some_and(|it| !it.eq_ignore_ascii_case(&voucher.tid)) {
        return Err(TokenFault::Tenant);
    }
    // v1.0 tokens name the caller in `appid`, v2.0 tokens in `azp`: one must be there, and each that is must be right
    let named: Vec<_> = claims.appid.iter().chain(&claims.azp).collect();
    if named.is_empty() || named.iter().any(|it| **it != voucher.notification_app_id) {
        return Err(TokenFault::Application);
    }
    Ok(&voucher.organization)
}
