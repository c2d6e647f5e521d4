//! A person's browser: real Chromium through its own WebDriver, with a profile of its own, so that the clinician and the
//! patient share nothing. Camera and microphone are Chromium's fake devices.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::stack::free_port;
use crate::wait;

/// A Chromium with one window.
pub struct Browser {
    /// The WebDriver session.
    pub page: Client,
    _driver: Child,
}

/// A narrower one is a phone's screen: no desktop lets a window be so small.
const NARROWEST_WINDOW: u32 = 500;

/// The screen of a small phone.
pub const PHONE: (u32, u32) = (360, 740);

impl Browser {
    /// Starts Chromium with an empty profile in `profile`, phone-sized or desktop-sized.
    pub async fn start(profile: &Path, log: &Path, size: (u32, u32)) -> anyhow::Result<Self> {
        Self::start_in(profile, log, size, &[]).await
    }

    /// The same with a changed environment.
    pub async fn start_in(
        profile: &Path,
        log: &Path,
        (width, height): (u32, u32),
        environment: &[(&str, &Path)],
    ) -> anyhow::Result<Self> {
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
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--use-fake-device-for-media-stream".to_owned(),
            "--use-fake-ui-for-media-stream".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.display()),
        ];
        let mut options = json!({ "binary": "/usr/bin/chromium", "args": arguments });
        if width < NARROWEST_WINDOW {
            let metrics = json!({ "width": width, "height": height, "pixelRatio": 2.0, "touch": true });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        let capabilities = json!({ "browserName": "chrome", "goog:chromeOptions": options });
        let page = connect(port, &capabilities).await.context("Chromium did not start")?;
        Ok(Self { page, _driver: driver })
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

    /// Closes the window and the session.
    pub async fn close(self) -> anyhow::Result<()> {
        Ok(self.page.close().await?)
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
