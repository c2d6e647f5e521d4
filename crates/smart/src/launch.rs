//! The authorization request, its answer and the code exchange of an EHR launch, as a public client with PKCE
//! (SMART App Launch 2.2, app-launch). Opening the browser and listening for the redirect are the caller's.

use secrecy::ExposeSecret;
use url::Url;

use crate::pkce::{Pkce, State};
use crate::token::{self, TokenResponse};
use crate::{Error, UrlPolicy};

/// What goes into an authorization request.
#[derive(Debug)]
pub struct AuthorizeRequest<'a> {
    /// Public client id at this EHR.
    pub client_id: &'a str,
    /// As registered, but for the port of a loopback address.
    pub redirect_uri: &'a str,
    /// The EHR's opaque launch token; absent for a standalone launch.
    pub launch: Option<&'a str>,
    /// Space-separated; holds `launch` with an EHR launch.
    pub scope: &'a str,
    /// The FHIR base URL exactly as the EHR sent it in `iss`.
    pub aud: &'a str,
    /// Comes back in the `id_token`.
    pub nonce: &'a str,
    /// Comes back in the redirect.
    pub state: &'a State,
    /// This launch's pair.
    pub pkce: &'a Pkce,
}

/// The address for the system browser.
pub fn authorize_url(endpoint: &Url, request: &AuthorizeRequest<'_>) -> Url {
    let mut url = endpoint.clone();
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("response_type", "code");
        query.append_pair("client_id", request.client_id);
        query.append_pair("redirect_uri", request.redirect_uri);
        if let Some(launch) = request.launch {
            query.append_pair("launch", launch);
        }
        query.append_pair("scope", request.scope);
        query.append_pair("state", request.state.expose());
        query.append_pair("aud", request.aud);
        query.append_pair("nonce", request.nonce);
        query.append_pair("code_challenge", request.pkce.challenge());
        query.append_pair("code_challenge_method", "S256");
    }
    url
}

/// What the redirect's query held.
#[derive(Clone, PartialEq, Eq)]
pub enum Callback {
    /// A code for this launch.
    Code(String),
    /// The EHR said no; its OAuth `error` (RFC 6749, 4.1.2.1).
    Refused(String),
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(_) => f.write_str("Code(..)"),
            Self::Refused(error) => f.debug_tuple("Refused").field(error).finish(),
        }
    }
}

/// Reads a redirect's query. `None` if `state` is not this launch's, doubled or missing: then it is nobody's business.
pub fn read_callback(query: &str, state: &State) -> Option<Callback> {
    let mut found = [None, None, None];
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let slot = match &*key {
            "state" => 0,
            "code" => 1,
            "error" => 2,
            _ => continue,
        };
        if found[slot].replace(value.into_owned()).is_some() {
            return None;
        }
    }
    let [returned, code, error] = found;
    if !state.matches(returned.as_deref()?) {
        return None;
    }
    match (code, error) {
        (_, Some(error)) => {
            let plain = error.len() <= 64 && error.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            Some(Callback::Refused(if plain { error } else { "malformed_error".to_owned() }))
        }
        (Some(code), None) if !code.is_empty() => Some(Callback::Code(code)),
        _ => None,
    }
}

/// Redeems a code as a public client.
///
/// # Errors
/// [`Error::Refused`] with the OAuth `error`, typically `invalid_grant` for a code used or expired.
pub async fn exchange_code(
    client: &reqwest::Client,
    token_endpoint: &Url,
    policy: UrlPolicy,
    client_id: &str,
    redirect_uri: &str,
    code: &str,
    pkce: &Pkce,
) -> Result<TokenResponse, Error> {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("client_id", client_id),
        ("code_verifier", pkce.verifier().expose_secret()),
    ];
    token::request(client, token_endpoint, policy, &form).await
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::SystemRandom;

    #[test]
    fn the_request_holds_what_smart_requires() {
        let (state, pkce) = (State::new(&SystemRandom), Pkce::new(&SystemRandom));
        let endpoint = Url::parse("https://ehr.example/oauth2/authorize?tenant=7").unwrap();
        let url = authorize_url(
            &endpoint,
            &AuthorizeRequest {
                client_id: "c",
                redirect_uri: "http://127.0.0.1:4000/callback",
                launch: Some("l&=é"),
                scope: "launch openid fhirUser",
                aud: "https://ehr.example/FHIR/R4",
                nonce: "n",
                state: &state,
                pkce: &pkce,
            },
        );
        let pairs: std::collections::BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(pairs["tenant"], "7");
        assert_eq!(pairs["launch"], "l&=é");
        assert_eq!(pairs["aud"], "https://ehr.example/FHIR/R4");
        assert_eq!(pairs["code_challenge_method"], "S256");
        assert_eq!(pairs["state"], state.expose());
        assert!(!url.as_str().contains(pkce.verifier().expose_secret()));
    }

    #[test]
    fn a_callback_must_be_ours() {
        let state = State::new(&SystemRandom);
        let s = state.expose();
        assert_eq!(read_callback(&format!("code=a&state={s}"), &state), Some(Callback::Code("a".into())));
        let refused = Some(Callback::Refused("access_denied".into()));
        assert_eq!(read_callback(&format!("error=access_denied&state={s}"), &state), refused);
        assert_eq!(read_callback("code=a&state=other", &state), None);
        assert_eq!(read_callback("code=a", &state), None);
        assert_eq!(read_callback(&format!("state={s}"), &state), None);
        assert_eq!(read_callback(&format!("code=&state={s}"), &state), None);
        assert_eq!(read_callback(&format!("code=a&code=b&state={s}"), &state), None);
        assert_eq!(read_callback(&format!("code=a&state={s}&state={s}"), &state), None);
    }
}
