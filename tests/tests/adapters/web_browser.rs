//! A browser without a screen that keeps cookies and remembers where it was sent: for pages somebody is signed in to.

use anyhow::Context;
use e2e::clinician::{Answer, http};
use reqwest::header::{CACHE_CONTROL, ORIGIN, SET_COOKIE};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use url::Url;

use crate::ground::Ground;

/// More redirects than any way here has.
const MOST: usize = 12;

/// Cookies by name: they do not know ports, so relay and sandbox share the jar, as on one machine.
pub(crate) struct Browser {
    http: reqwest::Client,
    relay: String,
    pub(crate) jar: Vec<(String, String)>,
    /// Where it was since the last [`Browser::go`], without queries.
    pub(crate) hops: Vec<String>,
}

/// Where a way ended.
pub(crate) struct Page {
    pub(crate) address: Url,
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Page {
    /// The code of a refusal.
    pub(crate) fn code(&self) -> &str {
        self.attribute("problem", "data-code").unwrap_or_default()
    }

    /// An attribute of the element with this id.
    pub(crate) fn attribute(&self, id: &str, name: &str) -> Option<&str> {
        let (before, after) = self.text.split_once(&format!("id=\"{id}\""))?;
        let tag = &self.text[before.rfind('<')?..self.text.len() - after.len() + after.find('>')?];
        tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()
    }

    /// What a form's hidden field holds.
    pub(crate) fn hidden(&self, name: &str) -> Option<&str> {
        self.text.split(&format!("name=\"{name}\" value=\"")).nth(1)?.split('"').next()
    }
}

impl Browser {
    pub(crate) fn of(ground: &Ground) -> anyhow::Result<Self> {
        Ok(Self { http: http()?, relay: ground.stack.relay.clone(), jar: Vec::new(), hops: Vec::new() })
    }

    /// Forgets every cookie but those whose name begins with this.
    pub(crate) fn keep_only(&mut self, beginning: &str) {
        self.jar.retain(|(name, _)| name.starts_with(beginning));
    }

    /// Asks for JSON as a page of ours would.
    pub(crate) async fn api(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        self.api_from(method, path, body, Some(&self.relay)).await
    }

    /// The same from a page of `origin`; `None` sends no such header.
    pub(crate) async fn api_from(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        origin: Option<&str>,
    ) -> anyhow::Result<Answer> {
        let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request =
            self.http.request(method, format!("{}{path}", self.relay)).header("cookie", cookies.join("; "));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        Ok(Answer { status, body: serde_json::from_slice(&answer.bytes().await?).unwrap_or(Value::Null) })
    }

    /// A cookie's value.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.jar.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    async fn send(
        &mut self,
        method: Method,
        url: &str,
        form: Option<&[(&str, &str)]>,
        origin: Option<&str>,
    ) -> anyhow::Result<Response> {
        let jar: Vec<_> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.http.request(method, url).header("cookie", jar.join("; "));
        if let Some(form) = form {
            request = request.form(form);
        }
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        let answer = request.send().await?;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let text = cookie.to_str()?;
            let (name, value) = text.split(';').next().and_then(|it| it.split_once('=')).context("no cookie")?;
            anyhow::ensure!(text.contains("HttpOnly") && text.contains("SameSite=Lax"), "not guarded: {name}");
            self.jar.retain(|(known, _)| known != name);
            if !text.contains("Max-Age=0") {
                self.jar.push((name.to_owned(), value.to_owned()));
            }
        }
        Ok(answer)
    }

    /// One request, wherever the answer leads.
    pub(crate) async fn open(&mut self, address: &str) -> anyhow::Result<Response> {
        let url = Url::parse(&self.relay)?.join(address)?;
        self.send(Method::GET, url.as_str(), None, None).await
    }

    /// Opens an address and follows it to a page, or to what a browser hands on.
    pub(crate) async fn go(&mut self, address: &str) -> anyhow::Result<Page> {
        self.hops.clear();
        let url = Url::parse(&self.relay)?.join(address)?;
        let answer = self.send(Method::GET, url.as_str(), None, None).await?;
        self.follow(url, answer).await
    }

    /// Sends a form as a page of `origin` would.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        form: &[(&str, &str)],
        origin: Option<&str>,
    ) -> anyhow::Result<Response> {
        let url = Url::parse(&self.relay)?.join(path)?;
        self.send(Method::POST, url.as_str(), Some(form), origin).await
    }

    /// Sends a form as the relay's own page does, and follows.
    pub(crate) async fn press(&mut self, path: &str, form: &[(&str, &str)]) -> anyhow::Result<Page> {
        self.hops.clear();
        let (url, relay) = (Url::parse(&self.relay)?.join(path)?, self.relay.clone());
        let answer = self.post(path, form, Some(&relay)).await?;
        self.follow(url, answer).await
    }

    /// Says "yes, this is me" where the page asks.
    pub(crate) async fn is_me(&mut self, page: Page) -> anyhow::Result<Page> {
        if page.code() != "first-link" {
            return Ok(page);
        }
        let (path, secret) = (first_link(&page)?, page.hidden("launch").context("nothing to press")?.to_owned());
        self.press(&path, &[("launch", &secret), ("me", "yes")]).await
    }

    async fn follow(&mut self, mut url: Url, mut answer: Response) -> anyhow::Result<Page> {
        for _ in 0..MOST {
            let bare = url.as_str().split(['?', '#']).next().unwrap_or_default().to_owned();
            self.hops.push(bare);
            if !answer.status().is_redirection() {
                let (status, ours) = (answer.status().as_u16(), url.as_str().starts_with(&self.relay));
                if ours {
                    let kept = answer.headers().get(CACHE_CONTROL).and_then(|it| it.to_str().ok());
                    anyhow::ensure!(kept == Some("no-store"), "a page for one person may be kept: {}", url.path());
                }
                return Ok(Page { address: url, status, text: answer.text().await? });
            }
            let to = answer.headers().get("location").and_then(|it| it.to_str().ok()).context("nowhere")?;
            url = url.join(to)?;
            if !matches!(url.scheme(), "http" | "https") {
                return Ok(Page { address: url, status: 0, text: String::new() });
            }
            answer = self.send(Method::GET, url.as_str(), None, None).await?;
        }
        anyhow::bail!("sent in circles: {:?}", self.hops)
    }

    /// Picks an account on Entra's page, and follows.
    pub(crate) async fn pick(&mut self, page: &Page, person: &Value) -> anyhow::Result<Page> {
        let answer = self.picked(page.address.as_str(), person).await?;
        self.follow(page.address.clone(), answer).await
    }

    /// Entra's answer to a pick for this request, which is not followed.
    pub(crate) async fn picked(&mut self, request: &str, person: &Value) -> anyhow::Result<Response> {
        let request = Url::parse(request)?;
        let tenant = request.path().split('/').nth(1).context("no tenant")?.to_owned();
        let to = request.join(&format!("/{tenant}/pick"))?;
        let upn = person["upn"].as_str().unwrap_or_default();
        let form = [("request", request.query().unwrap_or_default()), ("account", upn)];
        self.send(Method::POST, to.as_str(), Some(&form), None).await
    }

    /// Opens an address somebody must be signed in for, signs in, and follows.
    pub(crate) async fn go_as(&mut self, address: &str, person: &Value) -> anyhow::Result<Page> {
        let page = self.go(address).await?;
        anyhow::ensure!(page.address.path().ends_with("/authorize"), "no sign-in page but {}", page.address.path());
        self.pick(&page, person).await
    }

    /// Whether the way led over Microsoft's sign-in.
    pub(crate) fn saw_entra(&self) -> bool {
        self.hops.iter().any(|hop| hop.ends_with("/oauth2/v2.0/authorize"))
    }
}

/// Where that page's form leads.
pub(crate) fn first_link(page: &Page) -> anyhow::Result<String> {
    let to = page.text.split("action=\"").nth(1).and_then(|it| it.split('"').next());
    to.map(str::to_owned).context("no form")
}

/// Gives somebody app roles.
pub(crate) async fn assign(ground: &Ground, person: &Value, roles: &[&str]) -> anyhow::Result<()> {
    let path = format!("/people/{}/app-roles", person["oid"].as_str().unwrap_or_default());
    ground.stack.sandbox.send(Method::PUT, &path, &json!({ "roles": roles })).await.map(drop)
}

/// An address with one parameter replaced, or taken out.
pub(crate) fn changed(address: &str, name: &str, value: Option<&str>) -> anyhow::Result<String> {
    let mut url = Url::parse(address)?;
    let pairs: Vec<_> = url.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    if let Some(value) = value {
        url.query_pairs_mut().append_pair(name, value);
    }
    Ok(url.into())
}
