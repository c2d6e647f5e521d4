//! `private_key_jwt` in RS384 or ES384, checked against the keys at the registered JWKS address (SMART App Launch 2.2,
//! client-confidential-asymmetric). An assertion lives at most five minutes and is good once.

use super::Refused;
use crate::{
    core::{Hospital, lock, switches::KEY_SYNC},
    web::Parameters,
};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde::Deserialize;
use std::{collections::HashMap, sync::Mutex, time::Duration};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const LONGEST_SECONDS: i64 = 300;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    jti: String,
    nbf: Option<i64>,
    iat: Option<i64>,
}

/// The `jti` values a server has seen and must not see again.
#[derive(Default)]
pub(crate) struct Seen(Mutex<HashMap<String, Timestamp>>);

impl Seen {
    /// Notes a `jti` until `expires`; false if it had been seen.
    fn first_sight(&self, jti: &str, expires: Timestamp, now: Timestamp) -> bool {
        let mut seen = lock(&self.0);
        seen.retain(|_, until| *until > now);
        seen.insert(jti.to_owned(), expires).is_none()
    }
}

/// Who may come, and where to.
pub(crate) struct Expected<'a> {
    /// The registered client id.
    pub(crate) client_id: &'a str,
    /// The token endpoint, as `aud` must say it.
    pub(crate) token_endpoint: &'a str,
}

/// Believes or refuses the client of a token request.
pub(crate) async fn check(
    hospital: &Hospital,
    form: &Parameters,
    expected: &Expected<'_>,
    seen: &Seen,
) -> Result<(), Refused> {
    let invalid = |reason| Refused::new("invalid_client", reason);
    if form.text("client_assertion_type") != ASSERTION_TYPE {
        return Err(Refused::new("invalid_request", "client_assertion_type is not jwt-bearer"));
    }
    let assertion =
        form.one("client_assertion").ok_or(Refused::new("invalid_request", "client_assertion is missing"))?;
    let header = decode_header(assertion).map_err(|_| invalid("the assertion is not a JWT"))?;
    if !matches!(header.alg, Algorithm::RS384 | Algorithm::ES384) {
        return Err(invalid("alg must be RS384 or ES384"));
    }
    let kid = header.kid.ok_or(invalid("kid is missing"))?;
    let keys = published_keys(hospital).await.map_err(invalid)?;
    let known = keys.find(&kid).filter(|_| hospital.switches.is(&KEY_SYNC, "", "done"));
    let jwk = known.ok_or(invalid("no published key has this kid"))?;
    if jwk.common.key_algorithm.is_some_and(|it| it.to_string() != format!("{:?}", header.alg)) {
        return Err(invalid("the published key is for another alg"));
    }
    let key = DecodingKey::from_jwk(jwk).map_err(|_| invalid("the published key cannot be read"))?;
    let mut validation = Validation::new(header.alg);
    // Times and audience are checked below, against the sandbox's own clock.
    validation.validate_exp = false;
    validation.validate_aud = false;
    let claims = decode::<Claims>(assertion, &key, &validation)
        .map_err(|_| invalid("signature or claims are not valid"))?
        .claims;

    let now = hospital.clock.unix();
    if claims.iss != expected.client_id || claims.sub != claims.iss {
        return Err(invalid("iss and sub must be the client id"));
    }
    if form.one("client_id").is_some_and(|it| it != claims.iss) {
        return Err(invalid("client_id is not that of the assertion"));
    }
    if claims.aud != expected.token_endpoint {
        return Err(invalid("aud must be the token endpoint"));
    }
    if claims.exp <= now || claims.exp > now + LONGEST_SECONDS {
        return Err(invalid("exp must be in the next five minutes"));
    }
    // A few seconds, because clocks differ.
    if claims.nbf.is_some_and(|it| it > now + 5) || claims.iat.is_some_and(|it| it > now + 5) {
        return Err(invalid("nbf or iat is in the future"));
    }
    if claims.jti.is_empty() || claims.jti.len() > 151 {
        return Err(invalid("jti must have 1 to 151 characters"));
    }
    let until = hospital.clock.in_seconds(claims.exp - now);
    if !seen.first_sight(&claims.jti, until, hospital.clock.now()) {
        return Err(invalid("jti was used before"));
    }
    Ok(())
}

/// The server asks the registered address; a key that is not there now is not a key.
async fn published_keys(hospital: &Hospital) -> Result<JwkSet, &'static str> {
    let base = hospital.relay_base().ok_or("no JWKS address is registered")?;
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|_| "no client to fetch the JWKS with")?;
    let response =
        client.get(format!("{base}/.well-known/jwks.json")).send().await.map_err(|_| "the JWKS cannot be fetched")?;
    let response = response.error_for_status().map_err(|_| "the JWKS address answers with an error")?;
    response.json().await.map_err(|_| "the JWKS cannot be read")
}
