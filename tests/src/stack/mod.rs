//! A stand-in hospital and a relay, as processes of their own, in one folder that holds everything they write.

mod organization;
mod process;
mod sandbox;

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use serde_json::Value;

pub use organization::{Organization, sending, staff_role};
pub use process::{Process, binary};
pub use sandbox::{Entry, Sandbox};

use crate::wait;

/// What differs between runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long somebody may be gone before it is a disconnect.
    pub grace_seconds: u32,
    /// Seed of the sandbox.
    pub seed: Option<u64>,
    /// A canary in every patient and secret field. Without them the names are fit to be shown.
    pub canaries: bool,
    /// Departments and staff roles as well: the staff page is of use.
    pub staff: bool,
    /// Links can be sent: by the sandbox's mail relay.
    pub sends: bool,
    /// Changes to the relay's configuration, in order, to see what a hospital's other choices lead to.
    pub adjust: Vec<fn(&mut Value)>,
}

impl Default for Options {
    fn default() -> Self {
        Self { grace_seconds: 3, seed: None, canaries: true, staff: false, sends: false, adjust: Vec::new() }
    }
}

/// Sandbox and relay, running.
pub struct Stack {
    /// Everything they write is in here.
    pub directory: PathBuf,
    /// The stand-in hospital.
    pub sandbox: Sandbox,
    /// The relay's address.
    pub relay: String,
    relay_process: Option<Process>,
}

impl AsRef<Self> for Stack {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Stack {
    /// Starts the sandbox, writes the relay's configuration from what the sandbox publishes, and starts the relay.
    pub async fn start(directory: &Path, options: &Options) -> anyhow::Result<Self> {
        Self::start_at(directory, "epic", options).await
    }

    /// The same at organizations that have another EHR; `vendor` in the relay's word.
    pub async fn start_at(directory: &Path, vendor: &str, options: &Options) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory.join("logs"))?;
        let sandbox = Sandbox::start(directory, options.seed, options.canaries).await?;
        let port = free_port()?;
        let relay = format!("http://127.0.0.1:{port}");
        let mut organizations = Vec::new();
        for key in ["northside", "harbor"] {
            let organization = sandbox.organization(key).await?;
            let mut typed = organization.configuration_at(vendor)?;
            if options.staff {
                organization.add_staff_to(&mut typed)?;
            }
            if options.sends {
                typed["sending"] = organization::sending(&sandbox.get("/mail").await?)?;
            }
            organizations.push(typed);
        }
        let mut configuration = configuration(directory, port, options, organizations);
        options.adjust.iter().for_each(|adjust| adjust(&mut configuration));
        let file = directory.join("relay.toml");
        std::fs::write(&file, toml::to_string(&configuration)?)?;
        sandbox.register_relay(&relay).await?;
        let mut stack = Self { directory: directory.to_owned(), sandbox, relay, relay_process: None };
        stack.start_relay().await?;
        Ok(stack)
    }

    /// Starts the relay (again).
    pub async fn start_relay(&mut self) -> anyhow::Result<()> {
        self.serve(&[]).await
    }

    /// Starts the relay on a database that came out of a backup.
    pub async fn start_relay_restored(&mut self) -> anyhow::Result<()> {
        self.serve(&["--restored"]).await
    }

    /// Changes the relay's configuration by what is known only now, and starts it again.
    pub async fn reconfigure(&mut self, change: impl FnOnce(&mut Value)) -> anyhow::Result<()> {
        self.stop_relay().await?;
        let file = self.directory.join("relay.toml");
        let mut configuration: Value = toml::from_str(&std::fs::read_to_string(&file)?)?;
        change(&mut configuration);
        std::fs::write(&file, toml::to_string(&configuration)?)?;
        self.start_relay().await
    }

    async fn serve(&mut self, more: &[&str]) -> anyhow::Result<()> {
        let mut arguments: Vec<OsString> = vec!["serve".into(), "--config".into()];
        arguments.push(self.directory.join("relay.toml").into_os_string());
        arguments.extend(more.iter().map(Into::into));
        let mut process = Process::start("roomed-relay", arguments, [], &self.directory.join("logs/relay.log"))?;
        process.first_line().await.context("the relay did not start; see logs/relay.log")?;
        self.relay_process = Some(process);
        let ready = format!("{}/readyz", self.relay);
        wait::until("the relay is ready", async || Ok(reqwest::get(&ready).await?.status().is_success().then_some(())))
            .await
    }

    /// The relay's process id, while it runs.
    pub fn relay_id(&self) -> Option<u32> {
        self.relay_process.as_ref()?.id()
    }

    /// Asks the relay to stop, and waits until it has.
    pub async fn stop_relay(&mut self) -> anyhow::Result<()> {
        match self.relay_process.take() {
            Some(process) => process.stop().await,
            None => Ok(()),
        }
    }

    /// Kills the relay where it stands.
    pub async fn kill_relay(&mut self) -> anyhow::Result<()> {
        match self.relay_process.take() {
            Some(process) => process.kill().await,
            None => Ok(()),
        }
    }
}

fn configuration(directory: &Path, port: u16, options: &Options, organizations: Vec<Value>) -> Value {
    serde_json::json!({
        "bind": format!("127.0.0.1:{port}"),
        "public_url": format!("http://127.0.0.1:{port}"),
        "region": "emea",
        "dev": { "loopback_http": true },
        "log": { "level": "trace" },
        "database": { "url": format!("sqlite:{}", directory.join("relay.sqlite").display()) },
        "keys": {
            "directory": directory.join("keys"),
            // A key for a folder that is thrown away with everything in it.
            "master_key": hex::encode([7_u8; 32]),
        },
        "visit": { "grace_seconds": options.grace_seconds, "alert_repeat_seconds": 5 },
        // Fast enough that what a test makes happen is told one by one, and not only the newest of it.
        "outbox": { "settle_delay_ms": 1000, "per_ehr_per_second": 200, "per_ehr_burst": 200 },
        "organizations": organizations,
    })
}

/// A port nobody listens on, and nobody will by chance: below the range that the system hands out by itself, and never
/// the same twice in one process, so that a relay can be restarted where it was while other tests start theirs.
pub fn free_port() -> anyhow::Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 22_000;
    let own = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let n = own.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + n).context("ports end at 65535")?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    anyhow::bail!("no port is free")
}
