//! One Entra JWT, verified: RS256 only, by a published key, then `iss`, `aud` and times. What a claim beyond these
//! means is the caller's business. Times are judged by our `Clock`, not by the JWT crate's own.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;

use super::keys::{NoKey, SigningKeys};

/// Clock skew allowed between Entra and the relay, in seconds.
const LEEWAY: i64 = 60;
/// Entra's largest tokens (groups, roles) stay below this.
const MAX_TOKEN: usize = 16 * 1024;

/// What is wrong with a token. Safe to log: no value of the token is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenFault {
    /// Not three base64url parts of JSON, too long, or a claim is missing.
    #[error("malformed")]
    Malformed,
    /// Not RS256: `none`, a shared secret, anything else.
    #[error("algorithm not allowed")]
    Algorithm,
    /// No published key has this `kid`.
    #[error("unknown key")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("wrong signature")]
    Signature,
    /// Past `exp`.
    #[error("expired")]
    Expired,
    /// Before `nbf`.
    #[error("not valid yet")]
    NotYet,
    /// `iss` is not the tenant's.
    #[error("wrong issuer")]
    Issuer,
    /// `aud` is not us.
    #[error("wrong audience")]
    Audience,
    /// `tid` is not the tenant's.
    #[error("wrong tenant")]
    Tenant,
    /// `azp` or `appid` is not an application we expect.
    #[error("wrong application")]
    Application,
    /// `scp` lacks the scope.
    #[error("scope missing")]
    Scope,
    /// `nonce` is not the sign-in's.
    #[error("wrong nonce")]
    Nonce,
    /// Entra does not redeem the code.
    #[error("code refused")]
    Code,
    /// `ver` is not the version agreed on.
    #[error("wrong version")]
    Version,
    /// The keys cannot be read right now.
    #[error("keys unreachable")]
    KeysUnreachable,
}

/// The claims Roomed looks at, of v1.0 and v2.0 tokens. `aud` as a list is not Entra's.
#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    aud: String,
    exp: i64,
    nbf: Option<i64>,
    pub(crate) tid: Option<String>,
    pub(crate) oid: Option<String>,
    pub(crate) azp: Option<String>,
    pub(crate) appid: Option<String>,
    pub(crate) scp: Option<String>,
    pub(crate) ver: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) preferred_username: Option<String>,
    pub(crate) nonce: Option<String>,
    #[serde(default)]
    pub(crate) roles: Vec<String>,
}

/// What a token must say to be ours.
pub(crate) struct Expected<'a> {
    pub(crate) iss: &'a str,
    pub(crate) aud: &'a str,
    /// For keys published for all tenants.
    pub(crate) tid: &'a str,
}

/// Verifies and returns the claims.
pub(crate) async fn verify(
    token: &str,
    keys: &SigningKeys,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Claims, TokenFault> {
    if token.len() > MAX_TOKEN {
        return Err(TokenFault::Malformed);
    }
    // `none` is no algorithm to the parser, so the header is looked at before it
    match peek(token, 0).and_then(|it| it.get("alg").cloned()) {
        Some(alg) if alg == "RS256" => {}
        Some(_) => return Err(TokenFault::Algorithm),
        None => return Err(TokenFault::Malformed),
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenFault::Malformed)?;
    if header.crit.is_some() {
        return Err(TokenFault::Malformed);
    }
    let kid = header.kid.filter(|it| it.len() <= 256).ok_or(TokenFault::Malformed)?;
    let key = match keys.get(&kid).await {
        Ok(key) => key,
        Err(NoKey::Unknown) => return Err(TokenFault::UnknownKey),
        Err(NoKey::Unreachable) => return Err(TokenFault::KeysUnreachable),
    };
    if key.issuer.as_deref().is_some_and(|it| !may_sign_for(it, expected)) {
        return Err(TokenFault::UnknownKey);
    }

    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let claims = match jsonwebtoken::decode::<Claims>(token, &key.key, &validation) {
        Ok(data) => data.claims,
        Err(error) => {
            return Err(match error.kind() {
                jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenFault::Signature,
                jsonwebtoken::errors::ErrorKind::InvalidAlgorithm => TokenFault::Algorithm,
                _ => TokenFault::Malformed,
            });
        }
    };
    let second = now.as_second();
    if second >= claims.exp.saturating_add(LEEWAY) {
        return Err(TokenFault::Expired);
    }
    if claims.nbf.is_some_and(|nbf| second < nbf.saturating_sub(LEEWAY)) {
        return Err(TokenFault::NotYet);
    }
    if claims.iss != expected.iss {
        return Err(TokenFault::Issuer);
    }
    if claims.aud != expected.aud {
        return Err(TokenFault::Audience);
    }
    Ok(claims)
}

/// Common keys carry an `issuer`, for all tenants with a literal `{tenantid}` (M-AT). They name the v2.0 issuer also
/// where they sign v1.0 tokens, as Graph's validation tokens are: then the tenant in both must be the same.
fn may_sign_for(key_issuer: &str, expected: &Expected<'_>) -> bool {
    let issuer = key_issuer.replace("{tenantid}", expected.tid);
    let v2 = format!("/{}/v2.0", expected.tid);
    let v1 = format!("/{}/", expected.tid);
    issuer == expected.iss || (expected.iss.ends_with(&v1) && issuer.ends_with(&v2))
}

/// A part of the token before anything is proven: only ever to choose how to refuse, or whose keys to ask.
pub(crate) fn peek(token: &str, part: usize) -> Option<serde_json::Value> {
    use base64::Engine as _;
    let part = token.split('.').nth(part)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}
