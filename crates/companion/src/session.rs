//! The signed-in clinician's tokens: the refresh token here and in the keychain, access tokens in memory only.
//! One refresh at a time, whoever asks: Entra's rotation would make a second one use a token that is already replaced.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roomed_protocol::SignInView;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use crate::board::Board;
use crate::clock::Clock;
use crate::config::KeepSignIn;
use crate::secrets::{SecretError, Stored, Vault, VaultError};
use crate::sign_in::{Account, Granted, Prompt, SignIn, SignInError};
use crate::view::KeychainView;

/// How long before its end an access token is replaced.
const EARLY: Duration = Duration::from_secs(300);

/// Why there is no access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoToken {
    SignedOut,
    Unreachable,
    Refused,
}

pub(crate) struct Session {
    sign_in: SignIn,
    vault: Vault,
    keep: KeepSignIn,
    clock: Arc<dyn Clock>,
    board: Arc<Board>,
    held: Mutex<Option<Held>>,
    /// Told when the provider has ended the sign-in, before anybody else hears of it.
    ended: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

struct Held {
    at: SignInView,
    account: Account,
    refresh: Option<SecretString>,
    access: Option<(SecretString, Timestamp)>,
}

impl Session {
    pub(crate) fn new(
        sign_in: SignIn,
        vault: Vault,
        keep: KeepSignIn,
        clock: Arc<dyn Clock>,
        board: Arc<Board>,
    ) -> Self {
        Self { sign_in, vault, keep, clock, board, held: Mutex::new(None), ended: OnceLock::new() }
    }

    /// What is to be done when the provider has ended the sign-in. Once.
    pub(crate) fn when_ended(&self, then: impl Fn() + Send + Sync + 'static) {
        let _ = self.ended.set(Box::new(then));
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Takes up a sign-in out of the keychain.
    pub(crate) async fn resume(&self, stored: Stored) {
        let account = Account { tid: stored.tid, oid: stored.oid };
        *self.held.lock().await =
            Some(Held { at: stored.at, account, refresh: Some(stored.refresh_token), access: None });
    }

    /// Runs a sign-in in the browser and takes it up.
    pub(crate) async fn sign_in(&self, at: SignInView, choose: bool) -> Result<(), SignInError> {
        let prompt = if choose { Prompt::Account } else { Prompt::Whatever };
        let (granted, account) = self.sign_in.run(&at, prompt).await?;
        let mut held = self.held.lock().await;
        *held = Some(Held { at, account, refresh: None, access: None });
        if let Some(held) = &mut *held {
            self.take(held, granted).await;
        }
        Ok(())
    }

    /// Whoever is signed in signs in once more, with their password. False if somebody else did: then nothing has changed.
    pub(crate) async fn sign_in_again(&self) -> Result<bool, SignInError> {
        let known = self.held.lock().await.as_ref().map(|held| (held.at.clone(), held.account.clone()));
        let (at, account) = known.ok_or(SignInError::InteractionNeeded)?;
        let (granted, now) = self.sign_in.run(&at, Prompt::Password).await?;
        let mut held = self.held.lock().await;
        // Somebody may have signed out meanwhile.
        let Some(held) = held.as_mut().filter(|held| held.account == account && now == account) else {
            return Ok(false);
        };
        self.take(held, granted).await;
        Ok(true)
    }

    /// Forgets everything, here and in the keychain.
    pub(crate) async fn sign_out(&self) -> Result<(), VaultError> {
        let mut held = self.held.lock().await;
        *held = None;
        let erased = self.erase();
        drop(held);
        erased.await
    }

    /// Begun at once, whoever waits for it. In memory mode the keychain is never asked for anything.
    fn erase(&self) -> impl Future<Output = Result<(), VaultError>> + use<> {
        let erasing = (self.keep == KeepSignIn::Keychain).then(|| self.vault.erase());
        async move {
            match erasing {
                Some(erasing) => erasing.await,
                None => Ok(()),
            }
        }
    }

    /// An access token that is good for a while.
    pub(crate) async fn access(&self) -> Result<SecretString, NoToken> {
        self.token(None).await
    }

    /// Another access token than the one the relay refused.
    pub(crate) async fn instead_of(&self, refused: &SecretString) -> Result<SecretString, NoToken> {
        self.token(Some(refused)).await
    }

    async fn token(&self, refused: Option<&SecretString>) -> Result<SecretString, NoToken> {
        // The lock is held over the refresh: everybody else waits for its outcome instead of starting another.
        let mut slot = self.held.lock().await;
        let Some(held) = &mut *slot else { return Err(NoToken::SignedOut) };
        if let Some((token, until)) = &held.access {
            let other = refused.is_none_or(|r| r.expose_secret() != token.expose_secret());
            if other && self.clock.now() < *until {
                return Ok(token.clone());
            }
        }
        let Some(refresh) = &held.refresh else {
            *slot = None;
            self.ended();
            return Err(NoToken::SignedOut);
        };
        match self.sign_in.refresh(&held.at, refresh).await {
            Ok(granted) => {
                let token = granted.access_token.clone();
                self.take(held, granted).await;
                Ok(token)
            }
            Err(SignInError::InteractionNeeded) => {
                *slot = None;
                // Before anybody can be signed in anew, and before this work is dropped as that of an ended sign-in.
                let erased = self.erase();
                drop(slot);
                tracing::info!("the sign-in has ended");
                self.ended();
                if erased.await.is_err() {
                    tracing::warn!("an ended sign-in could not be removed from the keychain");
                }
                Err(NoToken::SignedOut)
            }
            Err(SignInError::Unreachable) => Err(NoToken::Unreachable),
            Err(error) => {
                tracing::warn!(%error, "no access token");
                Err(NoToken::Refused)
            }
        }
    }

    async fn take(&self, held: &mut Held, granted: Granted) {
        let life = granted.expires_in;
        let usable = life.saturating_sub(EARLY.min(life / 5));
        let usable = SignedDuration::try_from(usable).unwrap_or(SignedDuration::ZERO);
        let until = self.clock.now().checked_add(usable).unwrap_or(Timestamp::MAX);
        held.access = Some((granted.access_token, until));
        if granted.refresh_token.is_some() {
            held.refresh = granted.refresh_token;
            self.keep(held).await;
        }
    }

    async fn keep(&self, held: &Held) {
        let Some(refresh_token) = held.refresh.clone() else { return };
        if self.keep == KeepSignIn::Memory {
            self.board.change(|s| s.keychain = KeychainView::MemoryOnly);
            return;
        }
        let stored =
            Stored { tid: held.account.tid.clone(), oid: held.account.oid.clone(), at: held.at.clone(), refresh_token };
        let kept = match self.vault.save(stored).await {
            Ok(()) => KeychainView::Stored,
            Err(VaultError::Store(SecretError::Missing)) => KeychainView::Missing,
            Err(VaultError::Store(SecretError::TooLong)) => KeychainView::MemoryOnly,
            Err(VaultError::Waiting | VaultError::Store(SecretError::Locked)) => KeychainView::Locked,
        };
        self.board.change(|s| s.keychain = kept);
    }

    /// Keeps the sign-in that so far is only in memory: the keychain may have been unlocked. False if nobody is signed in.
    pub(crate) async fn keep_again(&self) -> bool {
        let slot = self.held.lock().await;
        let Some(held) = &*slot else { return false };
        self.keep(held).await;
        true
    }

    fn ended(&self) {
        if let Some(then) = self.ended.get() {
            then();
        }
    }
}
