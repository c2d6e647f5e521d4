//! The clinician's companion itself, signed in and online, on a desktop that says when it is asked to show an alert. What the
//! operating system then takes to draw it is not ours and not measured.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use roomed_companion::clock::SystemClock;
use roomed_companion::ports::{AlertText, Answer, Idle, Notifier, Opener, Refused, ShownAlert, SystemRandom, Window};
use roomed_companion::secrets::{SecretError, SecretStore};
use roomed_companion::view::{AppState, ConnectionState, NotificationsView};
use roomed_companion::{Companion, Config, Handle, Ports};
use tokio::sync::mpsc;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::clinic::Clinic;
use crate::clock::Stopwatch;

/// An alert that takes longer is none.
const LONGEST: Duration = Duration::from_secs(10);
/// Signing in, and what else only has to come.
const SETTING_UP: Duration = Duration::from_secs(60);

/// A companion, and when it asked for each alert to be shown.
pub(super) struct Desk {
    handle: Handle,
    shown: mpsc::UnboundedReceiver<Duration>,
}

impl Desk {
    /// Signs in as the clinic's clinician and waits until the relay sees the companion.
    pub(super) async fn open(clinic: &Clinic, watch: Stopwatch) -> anyhow::Result<Self> {
        let (tell, shown) = mpsc::unbounded_channel();
        let browser = Browser {
            runtime: tokio::runtime::Handle::current(),
            http: clinic.http.clone(),
            account: clinic.account()?.to_owned(),
        };
        let ports = Ports {
            opener: Arc::new(browser),
            secrets: Arc::new(NoKeychain),
            notifier: Arc::new(Told { watch, tell }),
            window: Arc::new(Nobody),
            idle: Arc::new(Nobody),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        };
        let config =
            format!("relay = \"{}\"\norganization = \"northside\"\nkeep_sign_in = \"memory\"\n", clinic.stack.relay);
        let config = Config::parse(&config)?;
        let handle = Companion::start(config, ports).map_err(|it| anyhow::anyhow!("{:?}", it.code))?;
        handle.page_ready();
        handle.sign_in().await.map_err(|it| anyhow::anyhow!("signing in: {:?}", it.code))?;
        let desk = Self { handle, shown };
        desk.until("a live line", |it| it.connection.state == ConnectionState::Live && it.me.is_some()).await?;
        Ok(desk)
    }

    /// Waits for the alert of somebody who is ready; when it was asked for.
    pub(super) async fn alerted(&mut self) -> anyhow::Result<Duration> {
        let shown = timeout(LONGEST, self.shown.recv()).await.context("no alert came in time")?;
        shown.context("the companion has ended")
    }

    /// *I'll be there*, so that the next alert is the next patient's.
    pub(super) async fn acknowledges(&mut self) -> anyhow::Result<()> {
        let state = self.until("the alert on the screen", |it| it.alert.is_some()).await?;
        let visit = state.alert.context("there is no alert")?.visit;
        self.handle.acknowledge(&visit).await.map_err(|it| anyhow::anyhow!("acknowledging: {:?}", it.code))?;
        self.until("no alert", |it| it.alert.is_none()).await?;
        while self.shown.try_recv().is_ok() {}
        Ok(())
    }

    async fn until(&self, what: &str, so: impl FnMut(&AppState) -> bool) -> anyhow::Result<AppState> {
        let mut states = self.handle.state();
        let found = timeout(SETTING_UP, states.wait_for(so)).await;
        let found = found.with_context(|| format!("waited in vain for {what}"))?;
        Ok(found.context("the companion has ended")?.clone())
    }
}

/// A browser whose person picks their account in Entra's picker.
struct Browser {
    runtime: tokio::runtime::Handle,
    http: reqwest::Client,
    account: String,
}

impl Opener for Browser {
    fn open(&self, url: &str) -> Result<(), Refused> {
        let (base, request) = url.split_once("/oauth2/v2.0/authorize?").ok_or(Refused)?;
        let form = [("request", request.to_owned()), ("account", self.account.clone())];
        let picked = self.http.post(format!("{base}/pick")).form(&form);
        let http = self.http.clone();
        self.runtime.spawn(async move {
            let back = picked.send().await.ok()?;
            let to = back.headers().get("location")?.to_str().ok()?.to_owned();
            http.get(to).send().await.ok()
        });
        Ok(())
    }

    fn handles(&self, _: &str) -> bool {
        false
    }
}

/// Says when an alert is to be shown.
struct Told {
    watch: Stopwatch,
    tell: mpsc::UnboundedSender<Duration>,
}

#[async_trait]
impl Notifier for Told {
    async fn standing(&self) -> NotificationsView {
        NotificationsView::Shown
    }

    async fn show(&self, _: &AlertText, _: Box<dyn FnOnce(Answer) + Send>) -> Result<Box<dyn ShownAlert>, Refused> {
        self.tell.send(self.watch.elapsed()).map_err(|_| Refused)?;
        Ok(Box::new(Nobody))
    }
}

/// Nobody looks, touches anything or locks the screen.
struct Nobody;

impl Window for Nobody {
    fn bring_forward(&self) {}
}

#[async_trait]
impl ShownAlert for Nobody {
    async fn close(&self) {}
}

#[async_trait]
impl Idle for Nobody {
    async fn idle(&self) -> Option<Duration> {
        None
    }
}

/// Signed in for as long as the bench lasts.
struct NoKeychain;

impl SecretStore for NoKeychain {
    fn get(&self, _: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        Ok(None)
    }

    fn set(&self, _: &str, _: &[u8]) -> Result<(), SecretError> {
        Ok(())
    }

    fn delete(&self, _: &str) -> Result<(), SecretError> {
        Ok(())
    }
}
