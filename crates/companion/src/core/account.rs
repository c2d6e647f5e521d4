//! Signing in and out: the kept sign-in at start-up, the one in the browser, who it is, and the end of it.

use std::sync::Arc;
use std::time::Duration;

use roomed_protocol::{MeView, Problem, ProblemCode, SignInView};
use tokio::sync::oneshot;

use super::{Core, locked};
use crate::agenda;
use crate::clock::within;
use crate::config::KeepSignIn;
use crate::problems;
use crate::relay::socket::{self, Listener};
use crate::secrets::{SecretError, VaultError};
use crate::sign_in::SignInError;
use crate::view::{AppState, ConnectionState, KeychainView, MyselfView, SessionView};

/// Pause before who is signed in is asked again.
const AGAIN: Duration = Duration::from_secs(5);

impl Core {
    /// Looks for a kept sign-in. Goes on waiting when the keychain shows a prompt of its own.
    pub(crate) async fn resume(&self) {
        let _one = self.resuming.lock().await;
        if self.config.keep_sign_in == KeepSignIn::Memory {
            self.board.change(|s| s.keychain = KeychainView::MemoryOnly);
            return;
        }
        let mut loading = self.session.vault().load();
        let outcome = match within(&*self.ports.clock, crate::secrets::LIMIT, &mut loading).await {
            Some(outcome) => outcome,
            None => {
                self.board.change(|s| {
                    if s.session == SessionView::SignedOut {
                        s.session = SessionView::WaitingForKeychain;
                    }
                });
                loading.await
            }
        };
        let stored = outcome.unwrap_or(Err(SecretError::Missing));
        let waiting =
            self.board.read(|s| matches!(s.session, SessionView::WaitingForKeychain | SessionView::SignedOut));
        self.board.change(|s| {
            s.keychain = match &stored {
                Ok(_) => KeychainView::Stored,
                Err(SecretError::Missing) => KeychainView::Missing,
                Err(SecretError::Locked | SecretError::TooLong) => KeychainView::Locked,
            };
            if s.session == SessionView::WaitingForKeychain {
                s.session = SessionView::SignedOut;
            }
        });
        // Somebody may have signed in by hand while the keychain was waited for.
        let Ok(Some(stored)) = stored else { return };
        if !waiting {
            return;
        }
        self.board.change(|s| s.organization = Some(stored.at.organization.clone()));
        self.session.resume(stored).await;
        self.begin();
    }

    async fn sign_in_view(&self) -> Result<SignInView, Problem> {
        let view = self.relay.sign_in_view(&self.config.organization).await?;
        self.board.change(|s| s.organization = Some(view.organization.clone()));
        Ok(view)
    }

    pub(crate) async fn sign_in(&self) -> Result<(), Problem> {
        if self.board.read(|s| s.session == SessionView::SignedIn) {
            return Ok(());
        }
        let (keep, given_up) = oneshot::channel();
        // A second press starts over: the first tab may be closed.
        *locked(&self.signing_in) = Some(keep);
        self.board.change(|s| {
            s.session = SessionView::SigningIn;
            s.ended = None;
            s.problem = None;
        });
        let choose = std::mem::take(&mut *locked(&self.choose));
        let work = async {
            let at = self.sign_in_view().await?;
            self.session.sign_in(at, choose).await.map_err(|e| sign_in_problem(&e))
        };
        let outcome = tokio::select! {
            outcome = work => outcome,
            _ = given_up => return Ok(()),
        };
        locked(&self.signing_in).take();
        match outcome {
            Ok(()) => {
                tracing::info!("signed in");
                self.begin();
                Ok(())
            }
            Err(problem) => {
                self.board.change(|s| s.session = SessionView::SignedOut);
                Err(self.board.problem(problem))
            }
        }
    }

    /// From signed in to live.
    fn begin(&self) {
        self.touch();
        self.board.change(|s| {
            s.session = SessionView::SignedIn;
            s.problem = None;
            s.cursor = 0;
        });
        locked(&self.me).take();
        let (relay, inbox, ports) = (self.relay.clone(), self.inbox.clone(), self.ports.clone());
        let mut live = locked(&self.live);
        live.abort_all();
        live.spawn(async move {
            let listener: Arc<dyn Listener> = inbox;
            socket::run(&relay, &*ports.clock, &*ports.random, &listener).await;
        });
        live.spawn(agenda::follow(self.relay.clone(), self.board.clone(), self.ports.clock.clone()));
        drop(live);
        self.signed_in.notify_waiters();
    }

    pub(crate) async fn sign_out(&self) -> Result<(), Problem> {
        locked(&self.signing_in).take();
        locked(&self.live).abort_all();
        locked(&self.me).take();
        locked(&self.answer).take();
        self.links.clear();
        self.signed_out.notify_waiters();
        *locked(&self.choose) = true;
        self.alerts.clear();
        self.inbox.forget();
        self.pending.clear();
        self.launches.forget();
        let erased = self.session.sign_out().await;
        self.board.change(|s| {
            *s = AppState {
                organization: s.organization.take(),
                keychain: s.keychain,
                notifications: s.notifications,
                sound: s.sound,
                ..AppState::default()
            };
        });
        tracing::info!("signed out");
        match erased {
            Ok(()) | Err(VaultError::Store(SecretError::Missing)) => Ok(()),
            Err(VaultError::Waiting | VaultError::Store(_)) => Err(self.board.problem(problems::keychain_kept_it())),
        }
    }

    /// Who is signed in, and from where a launch may come.
    pub(super) async fn me(&self) -> Result<MeView, Problem> {
        let known = locked(&self.me).clone();
        match known {
            Some(me) => Ok(me),
            None => self.ask_me().await,
        }
    }

    async fn ask_me(&self) -> Result<MeView, Problem> {
        let me = self.relay.me().await.map_err(|r| r.problem)?;
        self.alerts.repeat_every(Duration::from_secs(u64::from(me.alert_repeat_seconds)));
        self.board.change(|s| {
            s.organization = Some(me.organization.clone());
            s.waiting = me.waiting;
            s.sends.clone_from(&me.sends);
            s.me = Some(MyselfView { name: me.display_name.clone(), initials: initials(&me.display_name) });
        });
        *locked(&self.me) = Some(me.clone());
        Ok(me)
    }

    /// Asks who is signed in whenever the connection comes up: approved EHRs change while companions run for weeks.
    pub(super) async fn introduce(self: Arc<Self>) {
        let mut states = self.board.watch();
        let mut asked = None;
        loop {
            let connection = states.borrow_and_update().connection.clone();
            if connection.state == ConnectionState::Live && asked.as_ref() != Some(&connection) {
                match self.ask_me().await {
                    Ok(_) => asked = Some(connection),
                    Err(problem) => {
                        tracing::warn!(code = ?problem.code, "who is signed in is not known yet");
                        // That the relay is out of reach is said by the connection already.
                        if problem.code != ProblemCode::RelayUnreachable {
                            self.board.problem(problem);
                        }
                        self.ports.clock.sleep(AGAIN).await;
                    }
                }
                continue;
            }
            if states.changed().await.is_err() {
                return;
            }
        }
    }
}

fn sign_in_problem(error: &SignInError) -> Problem {
    tracing::warn!(%error, "no sign-in");
    match error {
        SignInError::Unreachable => problems::microsoft_unreachable(),
        SignInError::Unfinished | SignInError::InteractionNeeded => problems::sign_in_unfinished(),
        SignInError::Refused(_) | SignInError::Invalid(_) => problems::microsoft_refused(),
        SignInError::NoBrowser => problems::browser_missing(),
    }
}

/// First letters of the first and the last word, without titles' dots.
fn initials(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().filter(|w| !w.ends_with('.') && !w.ends_with(',')).collect();
    let letters = words.first().into_iter().chain(words.last().filter(|_| words.len() > 1));
    letters.filter_map(|w| w.chars().find(|c| c.is_alphanumeric())).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_of_names() {
        assert_eq!(initials("Maya Okafor"), "MO");
        assert_eq!(initials("Dr. Ana María de la Cruz"), "AC");
        assert_eq!(initials("madonna"), "M");
        assert_eq!(initials(""), "");
    }
}
