//! The companion's real window: the shell's binary under tauri-driver and WebKitWebDriver, on the session's display.
//! "The system browser" of the session is a small handler that writes down the addresses it is asked to open.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use fantoccini::Client;
use serde_json::json;
use tokio::process::{Child, Command};

use crate::browser;
use crate::stack::{binary, free_port};
use crate::wait;

/// A desktop user: their home, their companion's configuration, and what their browser is asked to open.
pub struct Desktop {
    home: PathBuf,
    opened: PathBuf,
}

impl Desktop {
    /// Prepares the user of this session: companion.toml, the `roomed:` handler, and the http handler that writes down
    /// what it is given. The session's `XDG_*` must already point into a folder that is thrown away.
    pub async fn prepare(directory: &Path, relay: &str, organization: &str) -> anyhow::Result<Self> {
        let config = PathBuf::from(std::env::var_os("XDG_CONFIG_HOME").context("no session: run `cargo xtask session`")?);
        let data = PathBuf::from(std::env::var_os("XDG_DATA_HOME").context("no session: run `cargo xtask session`")?);
        std::fs::create_dir_all(config.join("roomed"))?;
        let settings = format!("relay = \"{relay}\"\norganization = \"{organization}\"\n");
        std::fs::write(config.join("roomed/companion.toml"), settings)?;
        let opened = directory.join("opened-addresses");
        std::fs::write(&opened, "")?;
        let applications = data.join("applications");
        std::fs::create_dir_all(&applications)?;
        let script = directory.join("browser.sh");
        std::fs::write(&script, format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >> '{}'\n", opened.display()))?;
        Command::new("chmod").arg("+x").arg(&script).status().await?;
        handler(&applications, "roomed-browser", &format!("{} %u", script.display()), &["http", "https"]).await?;
        handler(&applications, "roomed", &format!("{} %u", binary("roomed")?.display()), &["roomed"]).await?;
        Ok(Self { home: directory.to_owned(), opened })
    }

    /// Opens the companion's window.
    pub async fn open_window(&self) -> anyhow::Result<Window> {
        let port = free_port()?;
        let native = free_port()?;
        let driver = std::env::var_os("TAURI_DRIVER").map_or_else(|| PathBuf::from("tauri-driver"), PathBuf::from);
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.home.join("logs/companion.log"))?;
        let child = Command::new(driver)
            .args(["--port", &port.to_string(), "--native-port", &native.to_string()])
            .env("ROOMED_LOG", "trace")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("tauri-driver is not installed; `cargo xtask setup` installs it")?;
        let capabilities =
            json!({ "browserName": "wry", "tauri:options": { "application": binary("roomed")?, "args": [] } });
        let page = browser::connect(port, &capabilities).await.context("the companion's window did not open")?;
        browser::see(&page, "html[data-ready='1']").await?;
        Ok(Window { page, _driver: child })
    }

    /// Opens an address as the desktop would: `xdg-open`. It may stay in the foreground of a cold start, so nobody waits.
    pub fn xdg_open(&self, address: &str) -> anyhow::Result<Child> {
        let mut command = Command::new("xdg-open");
        command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().context("xdg-open is not installed")
    }

    /// Waits for the browser to be asked for an address with this part, after the first `skip` ones.
    pub async fn asked_for(&self, part: &str, skip: usize) -> anyhow::Result<String> {
        wait::until(&format!("the browser is asked for {part}"), async || {
            let all = std::fs::read_to_string(&self.opened)?;
            Ok(all.lines().skip(skip).find(|address| address.contains(part)).map(str::to_owned))
        })
        .await
    }

    /// How many addresses the browser has been asked for.
    pub fn asked(&self) -> usize {
        std::fs::read_to_string(&self.opened).map_or(0, |all| all.lines().count())
    }
}

async fn handler(applications: &Path, name: &str, command: &str, schemes: &[&str]) -> anyhow::Result<()> {
    let types: String = schemes.iter().map(|scheme| format!("x-scheme-handler/{scheme};")).collect();
    let entry = format!("[Desktop Entry]\nType=Application\nName={name}\nExec={command}\nMimeType={types}\nNoDisplay=true\n");
    std::fs::write(applications.join(format!("{name}.desktop")), entry)?;
    Command::new("update-desktop-database").arg(applications).status().await?;
    for scheme in schemes {
        let set = ["default", &format!("{name}.desktop"), &format!("x-scheme-handler/{scheme}")].map(str::to_owned);
        Command::new("xdg-mime").args(set).status().await?;
    }
    Ok(())
}

/// The window.
pub struct Window {
    /// The WebDriver session.
    pub page: Client,
    _driver: Child,
}

impl Window {
    /// Waits for an element and clicks it.
    pub async fn click(&self, css: &str) -> anyhow::Result<()> {
        browser::click(&self.page, css).await
    }

    /// Waits for an element's text.
    pub async fn text(&self, css: &str) -> anyhow::Result<String> {
        browser::text(&self.page, css).await
    }

    /// Waits until an element is there.
    pub async fn see(&self, css: &str) -> anyhow::Result<()> {
        browser::see(&self.page, css).await
    }

    /// Takes a picture once the page has drawn.
    pub async fn picture(&self, file: &Path) -> anyhow::Result<()> {
        browser::picture(&self.page, file).await
    }

    /// Closes the window and the session.
    pub async fn close(self) -> anyhow::Result<()> {
        Ok(self.page.close().await?)
    }
}
