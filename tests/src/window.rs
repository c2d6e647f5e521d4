//! The companion's real window: the shell's binary under tauri-driver and WebKitWebDriver, on the session's display.
//! "The system browser" of the session is a small handler that writes down the addresses it is asked to open.

use std::io::Write;
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
        let config = PathBuf::from(std::env::var_os("XDG_CONFIG_HOME").context(NO_SESSION)?);
        let data = PathBuf::from(std::env::var_os("XDG_DATA_HOME").context(NO_SESSION)?);
        std::fs::create_dir_all(config.join("roomed"))?;
        let settings = format!("relay = \"{relay}\"\norganization = \"{organization}\"\n");
        std::fs::write(config.join("roomed/companion.toml"), settings)?;
        let opened = directory.join("opened-addresses");
        let applications = data.join("applications");
        std::fs::create_dir_all(&applications)?;
        let browser = writer(&directory.join("browser.sh"), &opened).await?;
        handler(&applications, "roomed-browser", &browser, &["http", "https"]).await?;
        handler(&applications, "roomed", &binary("roomed")?.display().to_string(), &["roomed"]).await?;
        Ok(Self { home: directory.to_owned(), opened })
    }

    /// Opens the companion's window.
    pub async fn open_window(&self) -> anyhow::Result<Window> {
        self.open_window_in(&[]).await
    }

    /// Opens the companion's window with a changed environment.
    pub async fn open_window_in(&self, environment: &[(&str, &str)]) -> anyhow::Result<Window> {
        let port = free_port()?;
        let native = free_port()?;
        let driver = std::env::var_os("TAURI_DRIVER").map_or_else(|| PathBuf::from("tauri-driver"), PathBuf::from);
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.home.join("logs/companion.log"))?;
        let child = Command::new(driver)
            .args(["--port", &port.to_string(), "--native-port", &native.to_string()])
            .env("ROOMED_LOG", "trace")
            .envs(environment.iter().copied())
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
        // Kept for the leak scan: a deep link passes through places that nobody clears.
        let mut kept = std::fs::OpenOptions::new().create(true).append(true).open(self.home.join("deep-links"))?;
        writeln!(kept, "{address}")?;
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
        self.addresses().len()
    }

    /// The addresses the browser has been asked for.
    pub fn addresses(&self) -> Vec<String> {
        std::fs::read_to_string(&self.opened).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Registers another program for a scheme: a script that writes what it is given into the file that is returned.
    pub async fn register(&self, scheme: &str) -> anyhow::Result<PathBuf> {
        let written = self.home.join(format!("{scheme}-addresses"));
        let data = PathBuf::from(std::env::var_os("XDG_DATA_HOME").context(NO_SESSION)?);
        let script = writer(&self.home.join(format!("{scheme}.sh")), &written).await?;
        handler(&data.join("applications"), &format!("stand-in-{scheme}"), &script, &[scheme]).await?;
        Ok(written)
    }
}

/// Waits for the companion's window, whoever has opened it; answers with the X window's id.
pub async fn on_screen() -> anyhow::Result<String> {
    titled("Roomed").await
}

/// The same for a window with another title.
pub(crate) async fn titled(title: &str) -> anyhow::Result<String> {
    let title = format!("^{title}$");
    wait::until("the window stands on the screen", async || {
        let found = Command::new("xdotool").args(["search", "--onlyvisible", "--name", &title]).output().await?;
        Ok(String::from_utf8_lossy(&found.stdout).lines().next().map(str::to_owned))
    })
    .await
}

/// The processes that draw pages for this companion: of all that descend from it, those of WebKit's that hold a page.
pub fn web_processes(companion: u32) -> anyhow::Result<Vec<u32>> {
    let tree = descendants(companion)?;
    Ok(tree.into_iter().filter(|(_, name)| name.starts_with("WebKitWebProc")).map(|(id, _)| id).collect())
}

/// Every process that descends from this one, with its name as the kernel has it (15 characters).
pub fn descendants(of: u32) -> anyhow::Result<Vec<(u32, String)>> {
    let mut all = Vec::new();
    for process in std::fs::read_dir("/proc")?.flatten() {
        // One that has ended meanwhile is none.
        let Ok(stat) = std::fs::read_to_string(process.path().join("stat")) else { continue };
        let Some((id, rest)) = stat.split_once(" (") else { continue };
        let Some((name, rest)) = rest.rsplit_once(") ") else { continue };
        let parent = rest.split(' ').nth(1).and_then(|it| it.parse::<u32>().ok());
        if let (Ok(id), Some(parent)) = (id.parse::<u32>(), parent) {
            all.push((id, parent, name.to_owned()));
        }
    }
    let (mut known, mut found) = (vec![of], Vec::new());
    while let Some(parent) = known.pop() {
        for (id, _, name) in all.iter().filter(|(_, its, _)| *its == parent) {
            known.push(*id);
            found.push((*id, name.clone()));
        }
    }
    Ok(found)
}

/// Process ids of the companions that run in this session.
pub fn companions() -> anyhow::Result<Vec<u32>> {
    let session = std::env::var("ROOMED_SESSION_DIR").context(NO_SESSION)?;
    let (program, mark) = (binary("roomed")?, format!("ROOMED_SESSION_DIR={session}"));
    let of_ours = |process: &Path| {
        let environment = std::fs::read(process.join("environ")).unwrap_or_default();
        std::fs::read_link(process.join("exe")).is_ok_and(|exe| exe == program)
            && environment.split(|byte| *byte == 0).any(|one| one == mark.as_bytes())
    };
    let processes = std::fs::read_dir("/proc")?.flatten();
    let id =
        |process: std::fs::DirEntry| process.file_name().to_str()?.parse().ok().filter(|_| of_ours(&process.path()));
    Ok(processes.filter_map(id).collect())
}

/// Sends a signal to the companions of this session and answers which ones there were.
pub async fn signal_companions(signal: &str) -> anyhow::Result<Vec<u32>> {
    let all = companions()?;
    for id in &all {
        Command::new("kill").args([signal, &id.to_string()]).status().await?;
    }
    Ok(all)
}

/// Ends every companion of this session: one whose window was closed goes on in the tray.
pub async fn end_companions() -> anyhow::Result<()> {
    // Outside a session this fails at once; inside `until` it would be tried again for a minute.
    companions()?;
    wait::until("the companion has ended", async || Ok(signal_companions("-KILL").await?.is_empty().then_some(())))
        .await
}

const NO_SESSION: &str = "there is no desktop session: run this inside `cargo xtask session -- ..`";

/// A script that writes down what it is called with.
async fn writer(script: &Path, into: &Path) -> anyhow::Result<String> {
    std::fs::write(into, "")?;
    std::fs::write(script, format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >> '{}'\n", into.display()))?;
    Command::new("chmod").arg("+x").arg(script).status().await?;
    Ok(script.display().to_string())
}

async fn handler(applications: &Path, name: &str, command: &str, schemes: &[&str]) -> anyhow::Result<()> {
    let types: String = schemes.iter().map(|scheme| format!("x-scheme-handler/{scheme};")).collect();
    let entry = format!(
        "[Desktop Entry]\nType=Application\nName={name}\nExec={command} %u\nMimeType={types}\nNoDisplay=true\n"
    );
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

    /// Takes a picture of what stands on the screen once the page has drawn. Not by WebDriver: WebKit's own screenshot
    /// waits for a next frame, and a page at rest draws none.
    pub async fn picture(&self, file: &Path) -> anyhow::Result<()> {
        self.see("html[data-ready='1']").await?;
        // Two frames, or a page that is not being drawn.
        let drawn = "const done = arguments[0]; setTimeout(done, 500, null); \
                     requestAnimationFrame(() => requestAnimationFrame(() => done(null)));";
        wait::until("the page has drawn", async || Ok(Some(self.page.execute_async(drawn, Vec::new()).await?))).await?;
        let window = self.on_screen().await?;
        let taken = Command::new("import-im6.q16").args(["-window", &window]).arg(file).status().await;
        anyhow::ensure!(
            taken.context("import is not installed; `cargo xtask setup` installs it")?.success(),
            "no picture"
        );
        Ok(())
    }

    /// The X window's id.
    pub async fn on_screen(&self) -> anyhow::Result<String> {
        on_screen().await
    }

    /// Closes the window and the session.
    pub async fn close(self) -> anyhow::Result<()> {
        Ok(self.page.close().await?)
    }
}
