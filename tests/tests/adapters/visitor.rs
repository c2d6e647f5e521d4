//! A patient with a browser but without a screen: the way in from MyChart, the page's API and its socket.

use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use e2e::clinician::{Answer, http};
pub(crate) use e2e::redirect::location;
use futures_util::StreamExt;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::ground::Ground;

/// A refusal as a person in a browser sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) who: &'static str,
    pub(crate) text: String,
}

/// Reads a refusal's page: its code, and who is said to be able to help.
pub(crate) async fn shown(page: Response) -> anyhow::Result<Shown> {
    let status = page.status().as_u16();
    let text = page.text().await?;
    let code = text.split("data-code=\"").nth(1).and_then(|it| it.split('"').next());
    let code = code.with_context(|| format!("{status} and no refusal's page"))?.to_owned();
    let sentences = [
        ("You can do this yourself.", "clinician"),
        ("Microsoft 365 admin can fix this.", "microsoft-365-admin"),
        ("EHR analyst can fix this.", "ehr-analyst"),
        ("IT can fix this.", "it"),
    ];
    let who = sentences.iter().find(|(sentence, _)| text.contains(sentence)).map_or("", |(_, who)| who);
    Ok(Shown { status, code, who, text })
}

/// What the EHR sends a patient's browser back with, and the cookie that browser was given when it began.
#[derive(Debug, Clone)]
pub(crate) struct Back {
    pub(crate) address: String,
    pub(crate) browser: String,
}

impl Back {
    /// The same browser, sent back elsewhere.
    pub(crate) fn to(&self, address: String) -> Self {
        Self { address, browser: self.browser.clone() }
    }

    /// The same answer in another browser.
    pub(crate) fn in_browser(&self, browser: &str) -> Self {
        Self { address: self.address.clone(), browser: browser.to_owned() }
    }

    /// Goes there.
    pub(crate) async fn open(&self) -> anyhow::Result<Response> {
        Ok(http()?.get(&self.address).header("cookie", &self.browser).send().await?)
    }
}

/// A cookie as it is sent back; it must be out of reach for scripts and other sites.
fn given(answer: &Response) -> anyhow::Result<String> {
    let cookie = answer.headers().get("set-cookie").and_then(|it| it.to_str().ok()).context("no cookie")?;
    anyhow::ensure!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "the cookie is not guarded");
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

/// A patient's open visit page.
pub(crate) struct Visitor {
    relay: String,
    /// Where their page is: `/v/p/{place}/`.
    page: String,
    /// Both of the page's, as a browser shows them there.
    cookie: String,
    http: reqwest::Client,
    /// Every byte the relay has answered this person.
    heard: Mutex<Vec<u8>>,
}

/// The page's socket: while it is open, the patient is there.
pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Visitor {
    /// The address MyChart's *Begin virtual visit* opens.
    pub(crate) async fn pressed(ground: &Ground, patient: &Value, appointment: &Value) -> anyhow::Result<String> {
        let body = json!({ "mychart_user": patient["mychart_user"], "appointment_id": appointment["appointment_id"] });
        let begun = ground.stack.sandbox.send(Method::POST, "/launch", &body).await?;
        begun["https_url"].as_str().map(str::to_owned).context("MyChart gave no link")
    }

    /// Follows the launch as far as the relay's callback, which is not opened yet.
    pub(crate) async fn callback(address: &str) -> anyhow::Result<Back> {
        Self::callback_with(address, "").await
    }

    /// The same with a browser that is signed in at the portal.
    pub(crate) async fn callback_with(address: &str, portal: &str) -> anyhow::Result<Back> {
        let http = http()?;
        let begun = http.get(address).send().await?;
        let authorized = http.get(location(&begun)?).header("cookie", portal).send().await?;
        Ok(Back { address: location(&authorized)?, browser: given(&begun)? })
    }

    /// The whole way in.
    pub(crate) async fn enter(ground: &Ground, patient: usize, appointment: &Value) -> anyhow::Result<Self> {
        let pressed = Self::pressed(ground, ground.patient(patient)?, appointment).await?;
        Self::of(ground, &Self::callback(&pressed).await?).await
    }

    /// Goes back to the relay, which must let the browser in.
    pub(crate) async fn of(ground: &Ground, back: &Back) -> anyhow::Result<Self> {
        Self::entered(ground, &back.open().await?)
    }

    /// Whom the relay has let in.
    pub(crate) fn entered(ground: &Ground, answer: &Response) -> anyhow::Result<Self> {
        let page = location(answer)?;
        anyhow::ensure!(page.starts_with("/v/p/") && page.ends_with('/'), "the patient is sent elsewhere");
        let own = answer.headers().get_all("set-cookie").iter().filter_map(|it| it.to_str().ok());
        let mut own = own.filter(|it| it.contains(&format!("; Path={page};")) && it.contains("HttpOnly; SameSite=Lax"));
        let own = own.next_back().and_then(|it| it.split(';').next()).context("no cookie of the page's own")?;
        let cookie = format!("{own}; {}", given(answer)?);
        let heard = Mutex::new(format!("{:?}", answer.headers()).into_bytes());
        Ok(Self { relay: ground.stack.relay.clone(), page, cookie, http: http()?, heard })
    }

    /// Asks the page's API as a page of `origin` would; `None` sends no such header.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        cookie: Option<&str>,
        origin: Option<&str>,
    ) -> anyhow::Result<Answer> {
        let mut request = self.http.request(method, format!("{}{}api/{path}", self.relay, self.page));
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        self.hear(request.send().await?).await
    }

    async fn hear(&self, answer: Response) -> anyhow::Result<Answer> {
        let status = answer.status().as_u16();
        let headers = format!("{:?}", answer.headers());
        let bytes = answer.bytes().await?;
        self.heard().extend(headers.bytes().chain(bytes.iter().copied()));
        Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }

    /// Every byte the relay has answered this person, but for their socket.
    pub(crate) fn heard(&self) -> MutexGuard<'_, Vec<u8>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for something that is not the page's, with the page's cookie.
    pub(crate) async fn ask_at(&self, path: &str) -> anyhow::Result<Answer> {
        self.hear(self.http.get(format!("{}{path}", self.relay)).header("cookie", &self.cookie).send().await?).await
    }

    /// As the page itself does, with a body.
    pub(crate) async fn say(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        let request = self.http.post(format!("{}{}api/{path}", self.relay, self.page)).header("cookie", &self.cookie);
        self.hear(request.header("origin", &self.relay).json(body).send().await?).await
    }

    /// As the page itself does.
    pub(crate) async fn post(&self, path: &str) -> anyhow::Result<Answer> {
        self.ask(Method::POST, path, Some(&self.cookie), Some(&self.relay)).await
    }

    /// As a page of another site would.
    pub(crate) async fn post_from(&self, path: &str, origin: Option<&str>) -> anyhow::Result<Answer> {
        self.ask(Method::POST, path, Some(&self.cookie), origin).await
    }

    /// What the page shows.
    pub(crate) async fn view(&self) -> anyhow::Result<Value> {
        self.ask(Method::GET, "visit", Some(&self.cookie), None).await?.accepted()
    }

    /// Waits until the page shows what is wanted.
    pub(crate) async fn sees(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        e2e::wait::until(what, async || Ok(Some(self.view().await?).filter(|it| wanted(it)))).await
    }

    /// *I'm ready*, which must be accepted.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        self.post("ready").await?.accepted().map(drop)
    }

    /// Opens the page's socket and waits for its first word.
    pub(crate) async fn stay(&self) -> anyhow::Result<Socket> {
        let mut socket = self.socket_from(&self.relay).await.map_err(|error| anyhow::anyhow!("no socket: {error}"))?;
        match socket.next().await {
            Some(Ok(Message::Text(_))) => Ok(socket),
            other => anyhow::bail!("the socket began with {other:?}"),
        }
    }

    /// Tries to open the socket from a page of `origin`.
    pub(crate) async fn socket_from(&self, origin: &str) -> Result<Socket, Box<SocketError>> {
        let address = format!("{}{}api/socket", self.relay.replacen("http", "ws", 1), self.page);
        let mut request = address.into_client_request()?;
        let headers = request.headers_mut();
        for (name, value) in [("cookie", self.cookie.as_str()), ("origin", origin)] {
            headers.insert(name, value.parse().expect("cookies and origins are header values"));
        }
        Ok(tokio_tungstenite::connect_async(request).await?.0)
    }
}

/// Waits until the relay closes the socket.
pub(crate) async fn closes(socket: &mut Socket) -> anyhow::Result<()> {
    let over =
        async { while let Some(Ok(Message::Text(_) | Message::Ping(_) | Message::Pong(_))) = socket.next().await {} };
    tokio::time::timeout(e2e::wait::PATIENCE, over).await.map_err(|_| anyhow::anyhow!("the socket stays open"))
}
