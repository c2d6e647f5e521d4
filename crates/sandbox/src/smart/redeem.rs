//! A code for what it was given for (RFC 6749 4.1.3, PKCE, public apps only), and the `id_token` that says who launched
//! (OpenID Connect, `fhirUser`). What else stands in the token response is each EHR's own.

use super::{
    Refused,
    clients::Clients,
    grants::{Code, CodeRefused, Grants},
};
use crate::{
    core::{Ehr, Hospital, SigningKey},
    web::{self, Parameters},
};
use axum::http::HeaderMap;
use serde_json::{Value, json};

const ID_SECONDS: i64 = 300;

/// Believes or refuses a code. From now on it is used.
pub(crate) fn code(
    hospital: &Hospital,
    organization: &str,
    (clients, grants): (&Clients, &Grants),
    headers: &HeaderMap,
    form: &Parameters,
) -> Result<Code, Refused> {
    if web::basic(headers).is_some() || form.one("client_secret").is_some() || form.one("client_assertion").is_some() {
        return Err(Refused::new("invalid_client", "a public app has no secret to present"));
    }
    let client_id = form.one("client_id").ok_or(Refused::new("invalid_client", "client_id is missing"))?;
    if clients.audience(client_id).is_none() {
        return Err(Refused::new("invalid_client", "client_id is not that of an interactive app"));
    }
    let text = form.one("code").ok_or(Refused::new("invalid_request", "code is missing"))?;
    let code = grants.take_code(text, hospital.clock.now()).map_err(|why| {
        Refused::new(
            "invalid_grant",
            match why {
                CodeRefused::Unknown => "code is unknown",
                CodeRefused::Expired => "code has expired",
                CodeRefused::Replayed => "code was used before; its access token is taken back",
            },
        )
    })?;
    if code.client_id != client_id || code.launch.organization != organization {
        return Err(Refused::new("invalid_grant", "code belongs to another app or hospital"));
    }
    if form.text("redirect_uri") != code.redirect_uri {
        return Err(Refused::new("invalid_grant", "redirect_uri is not the one of the authorization"));
    }
    let verifier = form.text("code_verifier");
    if !web::is_verifier(verifier) || web::s256(verifier) != code.challenge {
        return Err(Refused::new("invalid_grant", "code_verifier does not match"));
    }
    Ok(code)
}

/// Who says so, and of whom.
pub(crate) struct Statement<'a> {
    pub(crate) ehr: Ehr,
    pub(crate) key: &'a SigningKey,
    pub(crate) issuer: String,
    /// The id of the person, without its type.
    pub(crate) sub: &'a str,
    pub(crate) fhir_user: String,
}

impl Statement<'_> {
    /// The `id_token`, if the app asked for one.
    pub(crate) fn sign(self, hospital: &Hospital, code: &Code) -> Option<String> {
        let asked = |scope: &str| code.scopes.iter().any(|it| it == scope);
        if !asked("openid") {
            return None;
        }
        let now = hospital.clock.unix();
        let mut claims = json!({
            "iss": self.issuer, "aud": code.client_id, "sub": self.sub, "iat": now, "exp": now + ID_SECONDS,
            "jti": hospital.random.guid(),
        });
        if asked("fhirUser") {
            claims["fhirUser"] = Value::from(self.fhir_user);
        }
        if let Some(nonce) = &code.nonce {
            claims["nonce"] = Value::from(nonce.as_str());
        }
        let token = self.key.sign(&claims);
        hospital.canaries.secret(&format!("{}.id_token", self.ehr.word()), &token);
        Some(token)
    }
}
