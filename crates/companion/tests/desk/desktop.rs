//! Doubles for the desktop: a browser that follows redirects by itself, a keychain with Windows's limit that can be
//! locked, missing or stuck, notifications that remember, and the one function by which these tests wait.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use roomed_companion::clock::Clock;
use roomed_companion::ports::{AlertText, Answer, Idle, Notifier, Opener, Refused, ShownAlert, SystemRandom, Window};
use roomed_companion::secrets::{ENTRY_LIMIT, SecretError, SecretStore};
use roomed_companion::view::{AppState, NotificationsView};
use roomed_companion::{Companion, Config, Handle, Ports};
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::clock::FastClock;
use crate::world::World;

/// How long anything may take before a test gives up. Never the time a test takes.
const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until the state is as wanted.
pub(crate) async fn until(handle: &Handle, what: &str, mut wanted: impl FnMut(&AppState) -> bool) -> AppState {
    let mut states: watch::Receiver<AppState> = handle.state();
    let found = tokio::time::timeout(DEADLINE, states.wait_for(|s| wanted(s))).await;
    match found {
        Ok(state) => state.unwrap().clone(),
        Err(_) => panic!("waited in vain for {what}: {:?}", handle.state().borrow().clone()),
    }
}

/// Waits until a condition outside the state holds.
pub(crate) async fn becomes(what: &str, mut wanted: impl FnMut() -> bool) {
    let polling = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while !wanted() {
            ticks.tick().await;
        }
    };
    assert!(tokio::time::timeout(DEADLINE, polling).await.is_ok(), "waited in vain for {what}");
}

#[derive(Default)]
pub(crate) struct Keychain {
    pub(crate) entries: Mutex<BTreeMap<String, Vec<u8>>>,
    pub(crate) failing: Mutex<Option<SecretError>>,
    stuck: Mutex<bool>,
    freed: Condvar,
}

impl Keychain {
    pub(crate) fn stick(&self, stuck: bool) {
        *self.stuck.lock().unwrap() = stuck;
        self.freed.notify_all();
    }

    pub(crate) fn fail(&self, with: Option<SecretError>) {
        *self.failing.lock().unwrap() = with;
    }

    pub(crate) fn text(&self) -> String {
        self.entries.lock().unwrap().values().map(|v| String::from_utf8_lossy(v).into_owned()).collect()
    }

    fn ask(&self) -> Result<(), SecretError> {
        let mut stuck = self.stuck.lock().unwrap();
        while *stuck {
            stuck = self.freed.wait(stuck).unwrap();
        }
        self.failing.lock().unwrap().map_or(Ok(()), Err)
    }
}

impl SecretStore for Keychain {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        self.ask()?;
        Ok(self.entries.lock().unwrap().get(name).cloned().map(Zeroizing::new))
    }
    fn set(&self, name: &str, value: &[u8]) -> Result<(), SecretError> {
        self.ask()?;
        assert!(value.len() <= ENTRY_LIMIT, "Windows would refuse this entry");
        self.entries.lock().unwrap().insert(name.to_owned(), value.to_vec());
        Ok(())
    }
    fn delete(&self, name: &str) -> Result<(), SecretError> {
        self.ask()?;
        self.entries.lock().unwrap().remove(name);
        Ok(())
    }
}

/// A browser with somebody signed in everywhere: it follows whatever it is given.
pub(crate) struct Browser {
    runtime: tokio::runtime::Handle,
    client: reqwest::Client,
    pub(crate) opened: Mutex<Vec<String>>,
    pub(crate) teams: AtomicBool,
}

impl Opener for Browser {
    fn open(&self, url: &str) -> Result<(), Refused> {
        self.opened.lock().unwrap().push(url.to_owned());
        if url.contains("/authorize?") {
            let request = self.client.get(url);
            self.runtime.spawn(async move { request.send().await });
        }
        Ok(())
    }
    fn handles(&self, scheme: &str) -> bool {
        scheme == "msteams" && self.teams.load(Ordering::SeqCst)
    }
}

pub(crate) type Answered = Box<dyn FnOnce(Answer) + Send>;

#[derive(Default)]
pub(crate) struct Notifications {
    pub(crate) shown: Mutex<Vec<AlertText>>,
    pub(crate) answers: Mutex<Vec<Option<Answered>>>,
    pub(crate) up: Arc<AtomicUsize>,
    pub(crate) broken: AtomicBool,
    /// What the desktop says of them; that they are shown where nothing is said.
    pub(crate) standing: Mutex<Option<NotificationsView>>,
}

impl Notifications {
    /// Presses the newest that says this.
    pub(crate) fn press(&self, summary: &str) {
        let newest = self.shown.lock().unwrap().iter().rposition(|text| text.summary == summary).unwrap();
        let answered = self.answers.lock().unwrap()[newest].take().unwrap();
        answered(Answer::Pressed);
    }

    pub(crate) fn press_last(&self) {
        let answered = self.answers.lock().unwrap().last_mut().unwrap().take().unwrap();
        answered(Answer::Pressed);
    }
}

struct Up(Arc<AtomicUsize>);

#[async_trait]
impl ShownAlert for Up {
    async fn close(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Notifier for Notifications {
    async fn standing(&self) -> NotificationsView {
        if self.broken.load(Ordering::SeqCst) {
            return NotificationsView::Unavailable;
        }
        self.standing.lock().unwrap().unwrap_or(NotificationsView::Shown)
    }

    async fn show(&self, text: &AlertText, answered: Answered) -> Result<Box<dyn ShownAlert>, Refused> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(Refused);
        }
        self.shown.lock().unwrap().push(text.clone());
        self.answers.lock().unwrap().push(Some(answered));
        self.up.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Up(self.up.clone())))
    }
}

#[derive(Default)]
pub(crate) struct Front(pub(crate) AtomicUsize);

impl Window for Front {
    fn bring_forward(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// How long nobody has touched the workstation, `None` where the desktop does not say; and whether it is being locked.
#[derive(Default)]
pub(crate) struct IdleClock(pub(crate) Mutex<Option<Duration>>, tokio::sync::Notify);

impl IdleClock {
    /// Somebody locks it.
    pub(crate) fn lock(&self) {
        self.1.notify_one();
    }
}

#[async_trait]
impl Idle for IdleClock {
    async fn idle(&self) -> Option<Duration> {
        *self.0.lock().unwrap()
    }
    async fn locked(&self) {
        self.1.notified().await;
    }
}

/// A workstation.
pub(crate) struct Desk {
    pub(crate) idle: Arc<IdleClock>,
    pub(crate) keychain: Arc<Keychain>,
    pub(crate) browser: Arc<Browser>,
    pub(crate) notifications: Arc<Notifications>,
    pub(crate) front: Arc<Front>,
    clock: Arc<FastClock>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            idle: Arc::default(),
            keychain: Arc::default(),
            browser: Arc::new(Browser {
                runtime: tokio::runtime::Handle::current(),
                client,
                opened: Mutex::default(),
                teams: AtomicBool::new(true),
            }),
            notifications: Arc::default(),
            front: Arc::default(),
            clock: Arc::new(FastClock::new()),
        }
    }

    pub(crate) fn config(world: &World) -> Config {
        Config::parse(&format!("relay = \"{}/relay\"\norganization = \"northside\"", world.base)).unwrap()
    }

    pub(crate) fn ports(&self) -> Ports {
        Ports {
            opener: self.browser.clone(),
            secrets: self.keychain.clone(),
            notifier: self.notifications.clone(),
            window: self.front.clone(),
            idle: self.idle.clone(),
            clock: self.clock.clone(),
            random: Arc::new(SystemRandom),
        }
    }

    pub(crate) fn start(&self, world: &World) -> Handle {
        Companion::start(Self::config(world), self.ports()).unwrap()
    }

    /// A companion that is signed in, live, and whose page has drawn.
    pub(crate) async fn signed_in(&self, world: &World) -> Handle {
        self.signed_in_as(world, "").await
    }

    /// The same with more lines of configuration.
    pub(crate) async fn signed_in_as(&self, world: &World, more: &str) -> Handle {
        let config = format!("relay = \"{}/relay\"\norganization = \"northside\"\n{more}", world.base);
        let handle = Companion::start(Config::parse(&config).unwrap(), self.ports()).unwrap();
        handle.page_ready();
        handle.sign_in().await.unwrap();
        live(&handle).await;
        handle
    }

    /// What this workstation's clock says.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn opened(&self) -> Vec<String> {
        self.browser.opened.lock().unwrap().clone()
    }
}

pub(crate) async fn live(handle: &Handle) -> AppState {
    use roomed_companion::view::ConnectionState::Live;
    until(handle, "a live connection", |s| s.connection.state == Live && s.me.is_some()).await
}
