//! What the shell holds: start, commands by the names of the window's, the state to watch, links to hand over.

use std::sync::{Arc, Mutex};

use roomed_protocol::{AssignRequest, InviteRequest, InviteView, LateRequest, Problem, SayRequest};
use tokio::sync::watch;

use crate::alerts::Alerts;
use crate::board::Board;
use crate::config::{Config, KeepSignIn};
use crate::core::Core;
use crate::inbox::Inbox;
use crate::launch::Launches;
use crate::ports::Ports;
use crate::problems;
use crate::relay::Relay;
use crate::secrets::{SecretError, Vault, VaultError};
use crate::session::Session;
use crate::sign_in::SignIn;
use crate::view::{AppState, KeychainView};

/// The running companion.
#[derive(Debug, Clone, Copy)]
pub struct Companion;

/// The shell's hold on it. Clones are the same companion.
#[derive(Clone)]
pub struct Handle(Arc<Core>);

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle { .. }")
    }
}

impl Companion {
    /// Starts everything. Must be called within a tokio runtime, and after a rustls provider has been installed.
    ///
    /// # Errors
    /// `internal` if TLS cannot be set up.
    pub fn start(config: Config, ports: Ports) -> Result<Handle, Problem> {
        let policy = config.policy();
        let client = roomed_smart::http::client(policy).map_err(|_| problems::internal())?;
        let board = Arc::new(Board::new(AppState::default()));
        let sign_in = SignIn::new(client.clone(), policy, config.redirect_host, &ports);
        let vault = vault(&config, &ports);
        let session = Arc::new(Session::new(sign_in, vault, config.keep_sign_in, ports.clock.clone(), board.clone()));
        let relay = Arc::new(Relay::new(client.clone(), config.relay.clone(), session.clone()));
        let alerts = Arc::new(Alerts::new(board.clone(), ports.notifier.clone(), ports.clock.clone()));
        let inbox = Arc::new(Inbox::new(relay.clone(), board.clone(), alerts.clone(), ports.clock.clone()));
        let launches = Arc::new(Launches {
            relay: relay.clone(),
            board: board.clone(),
            ports: ports.clone(),
            client,
            policy,
            users: Mutex::default(),
            linking: tokio::sync::Mutex::default(),
        });
        let core = Arc::new(Core::new(config, ports, board, alerts, relay, session.clone(), inbox, launches));
        let ended = Arc::downgrade(&core);
        session.when_ended(move || {
            if let Some(core) = ended.upgrade() {
                core.sign_in_ended();
            }
        });
        tokio::spawn(core.clone().run());
        Ok(Handle(core))
    }

    /// `roomed --sign-out`: removes the kept sign-in without starting anything else.
    ///
    /// # Errors
    /// `keychain-locked` if the keychain would not let go of it.
    pub async fn sign_out(config: &Config, ports: &Ports) -> Result<(), Problem> {
        if config.keep_sign_in == KeepSignIn::Memory {
            return Ok(());
        }
        match vault(config, ports).erase().await {
            Ok(()) | Err(VaultError::Store(SecretError::Missing)) => Ok(()),
            Err(_) => Err(problems::keychain_kept_it()),
        }
    }
}

fn vault(config: &Config, ports: &Ports) -> Vault {
    Vault::new(ports.secrets.clone(), ports.clock.clone(), &config.relay, &config.organization)
}

impl Handle {
    /// Every command is a person's press: somebody is there.
    fn pressed(&self) -> &Core {
        self.0.touch();
        &self.0
    }

    /// The state now and at every change. Clone what is borrowed at once: a borrow that is kept holds up every change.
    pub fn state(&self) -> watch::Receiver<AppState> {
        self.0.board.watch()
    }

    /// A deep link, as it came: from the arguments, the single-instance callback or the deep-link plugin, at any time.
    /// It waits until the page has drawn and somebody has signed in. The same link told twice counts once.
    pub fn link(&self, url: &str) {
        self.0.links.push(url);
    }

    /// The page has drawn: waiting links go ahead.
    pub fn page_ready(&self) {
        tracing::debug!("the page has drawn");
        self.0.links.open();
    }

    /// Opens the Microsoft sign-in in the browser and waits for its outcome. A second call starts over.
    ///
    /// # Errors
    /// As for all commands: the problem that is also in the state.
    pub async fn sign_in(&self) -> Result<(), Problem> {
        self.pressed().sign_in().await
    }

    /// Signs out here and in the keychain.
    ///
    /// # Errors
    /// `keychain-locked` if the keychain would not let go of it.
    pub async fn sign_out(&self) -> Result<(), Problem> {
        self.pressed().sign_out().await
    }

    /// "I have seen it": takes the alert down everywhere. Where the relay does not answer, this and what else may come a
    /// minute late is kept and shown in [`AppState::pending`].
    ///
    /// # Errors
    /// The relay's.
    pub async fn acknowledge(&self, visit: &str) -> Result<(), Problem> {
        self.pressed().acknowledge(visit).await
    }

    /// Opens the meeting; of a visit that is in [`AppState::joinable`] also without the relay.
    ///
    /// # Errors
    /// The relay's, or `internal` if nothing could be opened.
    pub async fn join(&self, visit: &str) -> Result<(), Problem> {
        self.pressed().join(visit).await
    }

    /// Ends the visit.
    ///
    /// # Errors
    /// The relay's; `not-while-offline` where it does not answer, as for everything that must not come late.
    pub async fn end(&self, visit: &str) -> Result<(), Problem> {
        self.pressed().end(visit).await
    }

    /// Takes the end of a visit back.
    ///
    /// # Errors
    /// The relay's: `undo-too-late` after five minutes.
    pub async fn undo_end(&self, visit: &str) -> Result<(), Problem> {
        self.pressed().undo_end(visit).await
    }

    /// Says a preset to somebody, or to everybody who waits.
    ///
    /// # Errors
    /// The relay's.
    pub async fn say(&self, visit: &str, request: &SayRequest) -> Result<(), Problem> {
        self.pressed().say(visit, request).await
    }

    /// "Running late" in several visits.
    ///
    /// # Errors
    /// The relay's, of one that could not be told; the others have been.
    pub async fn late(&self, request: &LateRequest) -> Result<(), Problem> {
        self.pressed().late(request).await
    }

    /// Takes somebody's request for help on.
    ///
    /// # Errors
    /// The relay's.
    pub async fn help_taken(&self, visit: &str, participant: &str) -> Result<(), Problem> {
        self.pressed().help_taken(visit, participant).await
    }

    /// Says who an unattributed guest is.
    ///
    /// # Errors
    /// The relay's.
    pub async fn assign(&self, visit: &str, request: &AssignRequest) -> Result<(), Problem> {
        self.pressed().assign(visit, request).await
    }

    /// Invites a guest; the link is in the answer and nowhere else.
    ///
    /// # Errors
    /// The relay's.
    pub async fn invite(&self, visit: &str, request: &InviteRequest) -> Result<InviteView, Problem> {
        self.pressed().invite(visit, request).await
    }

    /// Takes a guest off the list.
    ///
    /// # Errors
    /// The relay's.
    pub async fn revoke_invitation(&self, visit: &str, participant: &str) -> Result<(), Problem> {
        self.pressed().revoke_invitation(visit, participant).await
    }

    /// Opens a visit's panel.
    pub fn open_visit(&self, visit: &str) {
        self.pressed().show(visit);
    }

    /// Closes the panel; the patient's name goes with it.
    pub fn close_visit(&self) {
        self.pressed().board.change(|s| {
            s.patient = None;
            s.open_visit = None;
            s.confirm_join = None;
        });
    }

    /// An action that was too old to be sent has been read.
    pub fn dismiss_pending(&self, id: &str) {
        let core = self.pressed();
        core.pending.remove(id);
        core.board.change(|s| s.pending = core.pending.view());
    }

    /// The question before *Join* was closed without joining.
    pub fn dismiss_join(&self) {
        self.pressed().board.change(|s| s.confirm_join = None);
    }

    /// Opens the visit of [`AppState::offer`] here, or says no to it.
    ///
    /// # Errors
    /// The relay's: `offer-over` if it was answered elsewhere or has expired.
    pub async fn take_offer(&self, take: bool) -> Result<(), Problem> {
        self.pressed().take_offer(take).await
    }

    /// Answers "Covering for a colleague?".
    pub fn cover(&self, yes: bool) {
        self.pressed().cover(yes);
    }

    /// Answers the asking `id` of "Is this you in both?". A no signs out.
    pub fn same_person(&self, id: u32, yes: bool) {
        self.pressed().answer_same_person(id, yes);
    }

    /// Takes the problem off the screen.
    pub fn dismiss_problem(&self) {
        self.pressed().board.change(|s| s.problem = None);
    }

    /// Sound on or off.
    pub fn set_sound(&self, on: bool) {
        self.pressed().board.change(|s| s.sound = on);
    }

    /// Tries the keychain again: to keep a sign-in that is only in memory, or to find one.
    pub async fn retry_keychain(&self) {
        if !self.pressed().session.keep_again().await {
            self.pressed().resume().await;
        }
    }

    /// True while the sign-in would be lost with the process.
    pub fn only_in_memory(&self) -> bool {
        self.0.board.read(|s| s.keychain != KeychainView::Stored)
    }
}
