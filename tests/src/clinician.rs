//! A clinician without a companion: signs in at Entra and launches from Epic with plain HTTP, step by step, so that a
//! test can put its finger on every step. Leaves out the window, notifications, and the relay's https callback.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use roomed_smart::SystemRandom;
use roomed_smart::pkce::{Pkce, State, token};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::Url;

use crate::stack::{Organization, Stack};

/// What the companion asks the EHR for.
const SCOPE: &str = "launch openid fhirUser patient/Patient.read";

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Body; null where it is no JSON.
    pub body: Value,
}

impl Answer {
    /// Status, `code` and `who` of a problem.
    pub fn problem(&self) -> (u16, &str, &str) {
        let text = |key: &str| self.body[key].as_str().unwrap_or_default();
        (self.status, text("code"), text("who"))
    }

    /// The body of a 2xx.
    pub fn accepted(self) -> anyhow::Result<Value> {
        anyhow::ensure!((200..300).contains(&self.status), "answered {}: {}", self.status, self.body);
        Ok(self.body)
    }
}

/// What a deep link carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The EHR.
    pub iss: String,
    /// Its launch token.
    pub launch: String,
    /// The relay's one-time handle, if there was a session in the launch.
    pub handle: Option<String>,
}

impl Link {
    /// Takes a `roomed://launch` link apart.
    pub fn parse(link: &str) -> anyhow::Result<Self> {
        let link = Url::parse(link)?;
        anyhow::ensure!(link.scheme() == "roomed", "this is no link for the companion");
        let get = |name: &str| link.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        Ok(Self {
            iss: get("iss").context("the link names no EHR")?,
            launch: get("launch").context("the link has no launch token")?,
            handle: get("handle"),
        })
    }
}

/// Which registered app asks the EHR, and where it is sent back to.
#[derive(Debug, Clone)]
pub struct App {
    /// SMART client id.
    pub client_id: String,
    /// Registered redirect URI.
    pub redirect_uri: String,
}

/// Somebody with a Microsoft account and a Hyperspace user.
pub struct Clinician {
    /// Microsoft access token for the relay.
    pub token: String,
    /// Microsoft id_token.
    pub id_token: String,
    /// Entra object id.
    pub oid: String,
    /// The EHR of their organization.
    pub iss: String,
    /// The companion, as the EHR knows it.
    pub app: App,
    emp_user: String,
    relay: String,
    http: reqwest::Client,
}

/// A client that follows no redirects.
///
/// # Errors
/// If TLS cannot be set up.
pub fn http() -> anyhow::Result<reqwest::Client> {
    // Tests in one process need not say twice which provider they mean.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    Ok(reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?)
}

impl Clinician {
    /// Signs in with authorization code and PKCE, picking the account in Entra's picker.
    pub async fn sign_in(stack: &Stack, organization: &Organization, person: &Value) -> anyhow::Result<Self> {
        let http = http()?;
        let text = |key: &str| person[key].as_str().map(str::to_owned).with_context(|| format!("nobody has a {key}"));
        let (entra, tid) = (stack.sandbox.at("entra"), organization.text("/tid")?);
        let (pkce, state) = (Pkce::new(&SystemRandom), State::new(&SystemRandom));
        let client_id = organization.text("/entra/companion_client_id")?;
        let redirect_uri = "http://localhost:49152/callback";
        let scope = format!("openid profile offline_access {}", organization.text("/entra/scope")?);
        let nonce = token(&SystemRandom);
        let request = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("client_id", client_id), ("response_type", "code"), ("redirect_uri", redirect_uri)])
            .extend_pairs([("scope", scope.as_str()), ("state", state.expose()), ("nonce", &nonce)])
            .extend_pairs([("code_challenge", pkce.challenge()), ("code_challenge_method", "S256")])
            .finish();
        let picked = [("request", request.as_str()), ("account", person["upn"].as_str().unwrap_or_default())];
        let picked = http.post(format!("{entra}/{tid}/pick")).form(&picked).send().await?;
        let code = code_of(&picked, &state)?;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("code", &code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", pkce.verifier().expose_secret()),
        ];
        let granted = http.post(format!("{entra}/{tid}/oauth2/v2.0/token")).form(&form).send().await?;
        let granted: Value = granted.error_for_status()?.json().await?;
        let of = |key: &str| granted[key].as_str().map(str::to_owned).with_context(|| format!("Entra gave no {key}"));
        Ok(Self {
            token: of("access_token")?,
            id_token: of("id_token")?,
            oid: text("oid")?,
            iss: organization.text("/ehr/iss")?.to_owned(),
            app: App {
                client_id: organization.text("/ehr/companion_client_id")?.to_owned(),
                redirect_uri: format!("{}/oauth/callback", stack.relay),
            },
            emp_user: text("emp_user")?,
            relay: stack.relay.clone(),
            http,
        })
    }

    /// Asks the relay with this person's token.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        self.ask_as(Some(&self.token), method, path, body).await
    }

    /// Asks the relay with another token, or none.
    pub async fn ask_as(
        &self,
        token: Option<&str>,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let mut request = self.http.request(method, format!("{}/api/v1{path}", self.relay));
        request = request.header(roomed_protocol::PROTOCOL_HEADER, roomed_protocol::PROTOCOL_VERSION);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        Ok(Answer { status, body: serde_json::from_slice(&answer.bytes().await?).unwrap_or(Value::Null) })
    }

    /// `GET` of something that must be there.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(Method::GET, path, None).await?.accepted()
    }

    /// A nonce for a launch from `iss`.
    pub async fn nonce(&self, iss: &str) -> anyhow::Result<Value> {
        self.ask(Method::POST, "/nonces", Some(&json!({ "iss": iss }))).await?.accepted()
    }

    /// *Begin virtual visit*, through the relay's https launch page.
    pub async fn begin(&self, stack: &Stack, appointment: &str) -> anyhow::Result<Link> {
        let begun = self.press(stack, appointment).await?;
        self.open_launch_page(begun["https_url"].as_str().context("Hyperspace gave no https link")?).await
    }

    /// *Begin virtual visit* by the `roomed:` link, which carries no session.
    pub async fn begin_natively(&self, stack: &Stack, appointment: &str) -> anyhow::Result<Link> {
        let begun = self.press(stack, appointment).await?;
        Link::parse(begun["roomed_url"].as_str().context("Hyperspace gave no roomed link")?)
    }

    /// *Begin virtual visit*, as Hyperspace answers it: both links.
    pub async fn press(&self, stack: &Stack, appointment: &str) -> anyhow::Result<Value> {
        let body = json!({ "emp_user": self.emp_user, "appointment_id": appointment });
        stack.sandbox.send(Method::POST, "/launch", &body).await
    }

    /// Opens a launch page and takes the link it offers the companion.
    pub async fn open_launch_page(&self, address: &str) -> anyhow::Result<Link> {
        let page = self.http.get(address).send().await?.error_for_status()?.text().await?;
        let (_, rest) = page.split_once("id=\"open-roomed\"").context("the page does not offer Roomed")?;
        let link = rest.split("href=\"").nth(1).and_then(|it| it.split('"').next()).context("the page has no link")?;
        Link::parse(&link.replace("&amp;", "&"))
    }

    /// The EHR's answer to a launch: `id_token`, `patient`, `encounter`, `access_token`.
    pub async fn ask_ehr(&self, link: &Link, app: &App, nonce: &str) -> anyhow::Result<Value> {
        let known = self.http.get(format!("{}/.well-known/smart-configuration", link.iss)).send().await?;
        let known: Value = known.error_for_status()?.json().await?;
        let endpoint = |name: &str| known[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
        let (pkce, state) = (Pkce::new(&SystemRandom), State::new(&SystemRandom));
        let query = [
            ("response_type", "code"),
            ("client_id", &app.client_id),
            ("redirect_uri", &app.redirect_uri),
            ("launch", &link.launch),
            ("scope", SCOPE),
            ("state", state.expose()),
            ("aud", &link.iss),
            ("nonce", nonce),
            ("code_challenge", pkce.challenge()),
            ("code_challenge_method", "S256"),
        ];
        let authorized = self.http.get(endpoint("authorization_endpoint")?).query(&query).send().await?;
        let code = code_of(&authorized, &state)?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &app.redirect_uri),
            ("client_id", &app.client_id),
            ("code_verifier", pkce.verifier().expose_secret()),
        ];
        let granted = self.http.post(endpoint("token_endpoint")?).form(&form).send().await?;
        Ok(granted.error_for_status()?.json().await?)
    }

    /// The whole proof of a launch with a fresh nonce: the body of `POST /launches`.
    pub async fn prove(&self, link: &Link) -> anyhow::Result<Value> {
        let nonce = self.nonce(&link.iss).await?;
        let granted = self.ask_ehr(link, &self.app, nonce["nonce"].as_str().unwrap_or_default()).await?;
        Ok(proof(link, &granted))
    }

    /// `POST /launches` by somebody who is the person in the chart: asked whether they are, they say yes.
    pub async fn launch(&self, proof: &Value) -> anyhow::Result<Answer> {
        let answer = self.launch_in_silence(proof).await?;
        match answer.body["first_link"]["word"].as_str() {
            Some(word) => self.launch_in_silence(&answered(proof, word)).await,
            None => Ok(answer),
        }
    }

    /// The same without answering any question.
    pub async fn launch_in_silence(&self, proof: &Value) -> anyhow::Result<Answer> {
        self.ask(Method::POST, "/launches", Some(proof)).await
    }

    /// A whole launch that must be accepted; answers with the visit.
    pub async fn enter(&self, stack: &Stack, appointment: &str) -> anyhow::Result<Value> {
        let link = self.begin(stack, appointment).await?;
        self.launch(&self.prove(&link).await?).await?.accepted()
    }
}

/// What the companion sends the relay of the EHR's answer.
pub fn proof(link: &Link, granted: &Value) -> Value {
    let mut proof = json!({ "iss": link.iss, "id_token": granted["id_token"], "covering": false });
    for name in ["patient", "encounter"] {
        if granted[name].is_string() {
            proof[name] = granted[name].clone();
        }
    }
    if let Some(handle) = &link.handle {
        proof["handle"] = json!(handle);
    }
    proof
}

/// The same proof with the word that says "this is me in both".
pub fn answered(proof: &Value, word: &str) -> Value {
    let mut proof = proof.clone();
    proof["first_link"] = json!(word);
    proof
}

/// The claims of a JWT with some of them changed, under the signature it had.
pub fn tampered(token: &str, change: impl FnOnce(&mut Value)) -> anyhow::Result<String> {
    let mut parts = token.split('.');
    let (header, claims, signature) = (parts.next(), parts.next(), parts.next());
    let claims = URL_SAFE_NO_PAD.decode(claims.context("this is no JWT")?)?;
    let mut claims: Value = serde_json::from_slice(&claims)?;
    change(&mut claims);
    let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims)?);
    Ok(format!("{}.{claims}.{}", header.unwrap_or_default(), signature.unwrap_or_default()))
}

/// The same claims under `"alg":"none"` and without a signature (RFC 7518, 3.6).
pub fn unsigned(token: &str) -> anyhow::Result<String> {
    let claims = token.split('.').nth(1).context("this is no JWT")?;
    Ok(format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(br#"{"alg":"none","typ":"JWT"}"#)))
}

fn code_of(redirect: &reqwest::Response, state: &State) -> anyhow::Result<String> {
    let location = redirect.headers().get("location").and_then(|it| it.to_str().ok());
    let location = Url::parse(location.with_context(|| format!("no redirect but {}", redirect.status()))?)?;
    let get = |name: &str| location.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    anyhow::ensure!(get("state").is_some_and(|it| state.matches(&it)), "the redirect is of another request");
    get("code").with_context(|| format!("refused: {}", get("error").unwrap_or_default()))
}
