//! The Microsoft sign-in: authorization code with PKCE in the system browser, as a public client (RFC 8252; `microsoft.md`
//! 2.1). It keeps nothing: [`SignIn::run`] and [`SignIn::refresh`] return what was granted, `session` looks after it.
//! Any OpenID provider with discovery will do, so that it can be proven against one that is not ours.

mod http;
mod oidc;

use std::sync::Arc;
use std::time::Duration;

use openidconnect::core::{CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, CsrfToken, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RefreshToken, RequestTokenError, Scope, TokenResponse,
};
use roomed_protocol::SignInView;
use roomed_smart::launch::{Callback, read_callback};
use roomed_smart::{UrlPolicy, pkce};
use secrecy::{ExposeSecret, SecretString};

use self::http::{Http, HttpError};
use self::oidc::{EntraClient, EntraTokenResponse};
use crate::clock::{Clock, within};
use crate::config::RedirectHost;
use crate::loopback::{Loopback, Page};
use crate::ports::{Opener, Ports, Random};

/// How long the browser may take: a code itself lives about ten minutes.
const BROWSER_LIMIT: Duration = Duration::from_secs(600);
/// Seconds by which a workstation's clock may be wrong.
const LEEWAY: i64 = 300;
/// Taken for granted if the provider does not say.
const DEFAULT_LIFE: Duration = Duration::from_secs(3_000);

/// What a sign-in or a refresh gave.
#[derive(Debug, Clone)]
pub struct Granted {
    /// For the relay's API; opaque to us (`microsoft.md` 2.1).
    pub access_token: SecretString,
    /// From when it was granted.
    pub expires_in: Duration,
    /// Replaces any earlier one; absent if the provider did not send one.
    pub refresh_token: Option<SecretString>,
}

/// What the provider asks of whoever signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// Whatever it finds needed: nothing, where somebody is signed in already.
    Whatever,
    /// Which account (`prompt=select_account`).
    Account,
    /// The password, whoever is signed in already (`prompt=login`).
    Password,
}

/// Who signed in. For naming the keychain's entry and for the screen; the relay believes only the access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Entra tenant; the issuer's host for a provider without tenants.
    pub tid: String,
    /// Entra object id; `sub` for a provider without.
    pub oid: String,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// No answer, or 5xx.
    #[error("the identity provider does not answer")]
    Unreachable,
    /// `invalid_grant`, `interaction_required`, `consent_required`, `login_required`: only a person can go on.
    #[error("a person has to sign in again")]
    InteractionNeeded,
    /// Another OAuth error, by its name.
    #[error("the identity provider refused: {0}")]
    Refused(String),
    /// Discovery, keys, or an `id_token` that does not hold up.
    #[error("the identity provider's answer does not hold up: {0}")]
    Invalid(&'static str),
    /// Nobody finished it in the browser in time.
    #[error("nobody finished the sign-in in the browser")]
    Unfinished,
    /// No browser, or no loopback port.
    #[error("this computer could not open the sign-in")]
    NoBrowser,
}

/// The sign-in with everything it needs.
#[derive(Clone)]
pub struct SignIn {
    http: Http,
    opener: Arc<dyn Opener>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    redirect_host: RedirectHost,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignIn { .. }")
    }
}

impl SignIn {
    /// `client` must not follow redirects ([`roomed_smart::http::client`]).
    pub fn new(client: reqwest::Client, policy: UrlPolicy, redirect_host: RedirectHost, ports: &Ports) -> Self {
        Self {
            http: Http { client, policy },
            opener: ports.opener.clone(),
            clock: ports.clock.clone(),
            random: ports.random.clone(),
            redirect_host,
        }
    }

    /// Opens the system browser, waits for the redirect, redeems the code and checks the `id_token`.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn run(&self, at: &SignInView, prompt: Prompt) -> Result<(Granted, Account), SignInError> {
        let loopback = Loopback::bind(self.clock.clone()).await.map_err(|_| SignInError::NoBrowser)?;
        let redirect = RedirectUrl::new(loopback.redirect_uri(self.redirect_host.as_str()))
            .map_err(|_| SignInError::Invalid("redirect address"))?;
        let client = self.client(at).await?.set_redirect_uri(redirect);
        let verifier = PkceCodeVerifier::new(pkce::token(&*self.random));
        let state = pkce::State::new(&*self.random);
        let nonce = Nonce::new(pkce::token(&*self.random));
        let (sent_state, sent_nonce) = (state.expose().to_owned(), nonce.clone());
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(sent_state),
                move || sent_nonce,
            )
            .add_scopes(scopes(at))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        request = match prompt {
            Prompt::Whatever => request,
            Prompt::Account => request.add_prompt(CoreAuthPrompt::SelectAccount),
            Prompt::Password => request.add_prompt(CoreAuthPrompt::Login),
        };
        let (address, _, _) = request.url();
        self.http.policy.check(&address).map_err(|_| SignInError::Invalid("authorization endpoint"))?;
        self.open(address.into()).await?;
        let redirected = loopback.wait(move |query| match read_callback(query, &state)? {
            Callback::Code(code) => Some((Ok(code), Page::Done)),
            Callback::Refused(error) => Some((Err(error), Page::Refused)),
        });
        let code = match within(&*self.clock, BROWSER_LIMIT, redirected).await {
            None => return Err(SignInError::Unfinished),
            Some(Ok(code)) => code,
            Some(Err(error)) if error == "access_denied" => return Err(SignInError::Unfinished),
            Some(Err(error)) => return Err(SignInError::Refused(error)),
        };
        let response = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|_| SignInError::Invalid("no token endpoint"))?
            .set_pkce_verifier(verifier)
            .request_async(&self.http)
            .await
            .map_err(|e| token_error(&e))?;
        let account = self.account(&client, &response, &nonce, at)?;
        Ok((granted(&response), account))
    }

    /// Trades a refresh token for fresh ones.
    ///
    /// # Errors
    /// [`SignInError::InteractionNeeded`] when it is over; see [`SignInError`].
    pub async fn refresh(&self, at: &SignInView, token: &SecretString) -> Result<Granted, SignInError> {
        let client = self.client(at).await?;
        let token = RefreshToken::new(token.expose_secret().to_owned());
        let response = client
            .exchange_refresh_token(&token)
            .map_err(|_| SignInError::Invalid("no token endpoint"))?
            .add_scopes(scopes(at))
            .add_scope(Scope::new("openid".to_owned()))
            .request_async(&self.http)
            .await
            .map_err(|e| token_error(&e))?;
        Ok(granted(&response))
    }

    /// Discovery each time: it is one request an hour, and it follows the provider's key rotation by itself.
    async fn client(&self, at: &SignInView) -> Result<EntraClient, SignInError> {
        // The tenant's own authority, never /common: openidconnect insists that the issuer matches (T6).
        let issuer = IssuerUrl::new(at.authority.clone()).map_err(|_| SignInError::Invalid("authority"))?;
        let metadata = CoreProviderMetadata::discover_async(issuer, &self.http).await.map_err(|error| match error {
            openidconnect::DiscoveryError::Request(HttpError::Unreachable) => SignInError::Unreachable,
            openidconnect::DiscoveryError::Response(status, ..) if status.is_server_error() => SignInError::Unreachable,
            _ => SignInError::Invalid("discovery"),
        })?;
        Ok(EntraClient::from_provider_metadata(metadata, ClientId::new(at.client_id.clone()), None))
    }

    fn account(
        &self,
        client: &EntraClient,
        response: &EntraTokenResponse,
        nonce: &Nonce,
        at: &SignInView,
    ) -> Result<Account, SignInError> {
        let now = self.clock.now().as_second();
        let verifier = client.id_token_verifier().set_time_fn(move || {
            chrono::DateTime::from_timestamp(now - LEEWAY, 0).unwrap_or(chrono::DateTime::UNIX_EPOCH)
        });
        let token = response.id_token().ok_or(SignInError::Invalid("no id_token"))?;
        let claims = token.claims(&verifier, nonce).map_err(|_| SignInError::Invalid("id_token"))?;
        let extra = claims.additional_claims();
        let host = url::Url::parse(&at.authority).ok().and_then(|u| u.host_str().map(str::to_owned));
        Ok(Account {
            tid: extra.tid.clone().or(host).unwrap_or_default(),
            oid: extra.oid.clone().unwrap_or_else(|| claims.subject().to_string()),
        })
    }

    async fn open(&self, address: String) -> Result<(), SignInError> {
        let opener = self.opener.clone();
        let opened = tokio::task::spawn_blocking(move || opener.open(&address)).await;
        opened.ok().and_then(Result::ok).ok_or(SignInError::NoBrowser)
    }
}

/// `openid` is openidconnect's own addition to the authorization request.
fn scopes(at: &SignInView) -> impl Iterator<Item = Scope> {
    ["profile", "offline_access", &at.scope].map(|s| Scope::new(s.to_owned())).into_iter()
}

fn granted(response: &EntraTokenResponse) -> Granted {
    Granted {
        access_token: response.access_token().secret().clone().into(),
        expires_in: response.expires_in().unwrap_or(DEFAULT_LIFE),
        refresh_token: response.refresh_token().map(|t| t.secret().clone().into()),
    }
}

type TokenError = RequestTokenError<HttpError, openidconnect::StandardErrorResponse<CoreErrorResponseType>>;

fn token_error(error: &TokenError) -> SignInError {
    match error {
        RequestTokenError::Request(HttpError::Unreachable) => SignInError::Unreachable,
        RequestTokenError::Request(_) => SignInError::Invalid("token answer"),
        RequestTokenError::ServerResponse(response) => match response.error().as_ref() {
            "invalid_grant" | "interaction_required" | "consent_required" | "login_required" => {
                SignInError::InteractionNeeded
            }
            "temporarily_unavailable" | "server_error" => SignInError::Unreachable,
            other => SignInError::Refused(other.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect()),
        },
        RequestTokenError::Parse(..) => SignInError::Invalid("token answer"),
        RequestTokenError::Other(_) => SignInError::Invalid("token answer"),
    }
}
