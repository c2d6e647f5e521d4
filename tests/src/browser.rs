//! A person's browser: real Chromium through its own WebDriver, with a profile of its own, so that the clinician and the
//! patient share nothing. Camera and microphone are Chromium's fake devices.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use url::Url;

use crate::stack::free_port;
use crate::wait;

/// A Chromium with one window.
pub struct Browser {
    /// The WebDriver session.
    pub page: Client,
    driver: Child,
}

/// Whoever drops it without closing it, because a test has failed, leaves no Chromium behind: WebDriver's end alone does.
impl Drop for Browser {
    fn drop(&mut self) {
        let Some(parent) = self.driver.id().map(|id| format!("PPid:\t{id}")) else { return };
        for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let status = std::fs::read_to_string(process.path().join("status")).unwrap_or_default();
            if status.lines().any(|line| line == parent) {
                // One that has ended meanwhile needs no end.
                let _ = std::process::Command::new("kill").arg("-KILL").arg(process.file_name()).status();
            }
        }
    }
}

/// A narrower one is a phone's screen: no desktop lets a window be so small.
const NARROWEST_WINDOW: u32 = 500;

/// The screen of a small phone.
pub const PHONE: (u32, u32) = (360, 740);

/// What somebody's camera and microphone are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Devices {
    /// Both there, and the person says yes to whoever asks.
    Allowed,
    /// Both there, and the browser does as [`Browser::permits`] said.
    Asked,
    /// The machine has neither.
    Missing,
}

impl Devices {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Allowed => &["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
            Self::Asked => &["--use-fake-device-for-media-stream"],
            Self::Missing => &["--use-fake-ui-for-media-stream"],
        }
    }
}

/// Whose browser it is.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// The languages they prefer, as `Accept-Language` has them.
    pub languages: &'a str,
    /// Their screen.
    pub size: (u32, u32),
    /// Their camera and microphone.
    pub devices: Devices,
    /// What differs in the environment.
    pub environment: &'a [(&'a str, &'a Path)],
}

impl Person<'_> {
    /// Somebody who speaks English and whose devices work.
    pub fn with_screen(size: (u32, u32)) -> Self {
        Self { languages: "en-US,en", size, devices: Devices::Allowed, environment: &[] }
    }
}

impl Browser {
    /// Starts Chromium with an empty profile in `profile`, phone-sized or desktop-sized.
    pub async fn start(profile: &Path, log: &Path, size: (u32, u32)) -> anyhow::Result<Self> {
        Self::start_as(profile, log, &Person::with_screen(size)).await
    }

    /// The same for somebody who prefers these languages, with a changed environment.
    pub async fn start_in(
        languages: &str,
        profile: &Path,
        log: &Path,
        size: (u32, u32),
        environment: &[(&str, &Path)],
    ) -> anyhow::Result<Self> {
        Self::start_as(profile, log, &Person { languages, environment, ..Person::with_screen(size) }).await
    }

    /// The same for anybody.
    pub async fn start_as(profile: &Path, log: &Path, person: &Person<'_>) -> anyhow::Result<Self> {
        let Person { languages, size: (width, height), devices, environment } = *person;
        let port = free_port()?;
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("chromedriver is not installed; `cargo xtask setup` installs it")?;
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.display()),
        ];
        arguments.extend(devices.arguments().iter().map(|it| (*it).to_owned()));
        let mut options = json!({ "binary": "/usr/bin/chromium", "args": arguments });
        options["prefs"] = json!({ "intl.accept_languages": languages });
        if width < NARROWEST_WINDOW {
            let metrics = json!({ "width": width, "height": height, "pixelRatio": 2.0, "touch": true });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        let capabilities = json!({
            "browserName": "chrome", "goog:chromeOptions": options,
            "goog:loggingPrefs": { "performance": "ALL", "browser": "ALL" },
        });
        let page = connect(port, &capabilities).await.context("Chromium did not start")?;
        Ok(Self { page, driver })
    }

    /// Goes to an address.
    pub async fn open(&self, url: &str) -> anyhow::Result<()> {
        Ok(self.page.goto(url).await?)
    }

    /// Waits for an element and clicks it.
    pub async fn click(&self, css: &str) -> anyhow::Result<()> {
        click(&self.page, css).await
    }

    /// Waits for an element's text.
    pub async fn text(&self, css: &str) -> anyhow::Result<String> {
        text(&self.page, css).await
    }

    /// Waits until an element is there.
    pub async fn see(&self, css: &str) -> anyhow::Result<()> {
        see(&self.page, css).await
    }

    /// Takes a picture once the page says that it has drawn.
    pub async fn picture(&self, file: &Path) -> anyhow::Result<()> {
        picture(&self.page, file).await
    }

    /// A command of the Chrome DevTools Protocol, and its answer.
    pub async fn devtools(&self, command: &str, parameters: Value) -> anyhow::Result<Value> {
        let body = json!({ "cmd": command, "params": parameters });
        Ok(self.page.issue_cmd(OfChromedriver { path: "goog/cdp/execute", body }).await?)
    }

    /// From now on the person says yes or no to whoever asks for this (`camera`, `microphone`), and takes it back where it
    /// was given.
    pub async fn permits(&self, what: &str, yes: bool) -> anyhow::Result<()> {
        let setting = if yes { "granted" } else { "denied" };
        let parameters = json!({ "permission": { "name": what }, "setting": setting });
        self.devtools("Browser.setPermission", parameters).await.map(drop)
    }

    /// What its pages complained of on their console since this was last asked, a blocked style or script among it.
    pub async fn complaints(&self) -> anyhow::Result<Vec<String>> {
        let severe = |it: &Value| it["level"] == "SEVERE";
        let text = |it: Value| it["message"].as_str().unwrap_or_default().to_owned();
        Ok(self.log("browser").await?.into_iter().filter(severe).map(text).collect())
    }

    async fn log(&self, kind: &str) -> anyhow::Result<Vec<Value>> {
        // While a page takes another one's place there is nobody to ask; nothing of the log is lost by that.
        let entries = wait::until("the browser's log", async || {
            let body = json!({ "type": kind });
            Ok(Some(self.page.issue_cmd(OfChromedriver { path: "se/log", body }).await?))
        });
        entries.await?.as_array().cloned().context("the log has no entries")
    }

    /// What DevTools saw of the network and of the page since this was last asked.
    pub async fn seen_by_devtools(&self) -> anyhow::Result<Vec<Value>> {
        let entries = self.log("performance").await?;
        let message = |entry: &Value| {
            let read: Value = serde_json::from_str(entry["message"].as_str().unwrap_or_default())?;
            Ok(read["message"].clone())
        };
        entries.iter().map(message).collect()
    }

    /// Closes the window and the session.
    pub async fn close(self) -> anyhow::Result<()> {
        Ok(self.page.clone().close().await?)
    }
}

/// A command that chromedriver has beside WebDriver's.
#[derive(Debug)]
struct OfChromedriver {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for OfChromedriver {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

/// Connects to a WebDriver that may still be starting.
pub(crate) async fn connect(port: u16, capabilities: &Value) -> anyhow::Result<Client> {
    let capabilities = capabilities.as_object().cloned().context("capabilities are an object")?;
    let address = format!("http://127.0.0.1:{port}");
    wait::until("the WebDriver answers", async || {
        let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        Ok(Some(builder.capabilities(capabilities.clone()).connect(&address).await?))
    })
    .await
}

/// Waits for an element and clicks it.
pub async fn click(page: &Client, css: &str) -> anyhow::Result<()> {
    wait::until(&format!("a click on {css}"), async || {
        let found = page.find(Locator::Css(css)).await?;
        if !found.is_displayed().await? || !found.is_enabled().await? {
            return Ok(None);
        }
        found.click().await?;
        Ok(Some(()))
    })
    .await
}

/// Waits for an element's text.
pub async fn text(page: &Client, css: &str) -> anyhow::Result<String> {
    wait::until(&format!("the text of {css}"), async || Ok(Some(page.find(Locator::Css(css)).await?.text().await?)))
        .await
}

/// Waits until an element is there.
pub async fn see(page: &Client, css: &str) -> anyhow::Result<()> {
    wait::until(&format!("{css} is there"), async || {
        let found = page.find_all(Locator::Css(css)).await?;
        Ok((!found.is_empty()).then_some(()))
    })
    .await
}

/// Takes a picture once the page says that it has drawn.
pub async fn picture(page: &Client, file: &Path) -> anyhow::Result<()> {
    see(page, "html[data-ready='1']").await?;
    picture_as_it_is(page, file).await
}

/// Takes a picture of whatever is there.
pub async fn picture_as_it_is(page: &Client, file: &Path) -> anyhow::Result<()> {
    let picture = wait::until("a picture", async || Ok(Some(page.screenshot().await?))).await?;
    Ok(std::fs::write(file, picture)?)
}
