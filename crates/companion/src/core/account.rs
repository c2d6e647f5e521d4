//! Signing in and out: the kept sign-in at start-up, the one in the browser, who it is, and the end of it.

use std::sync::Arc;
use std::time::Duration;

use roomed_protocol::{MeView, Problem, ProblemCode, SignInView};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::{Core, locked};
use crate::agenda;
use crate::clock::within;
use crate::config::KeepSignIn;
use crate::epoch::Epoch;
use crate::inbox::Line;
use crate::problems;
use crate::relay::socket::{self, Listener};
use crate::secrets::{SecretError, VaultError};
use crate::sign_in::SignInError;
use crate::view::{AppState, ConnectionState, EndedView, KeychainView, MyselfView, SessionView};

/// Pause before who is signed in is asked again.
const AGAIN: Duration = Duration::from_secs(5);

impl Core {
    /// Looks for a kept sign-in. Goes on waiting when the keychain shows a prompt of its own.
    pub(crate) async fn resume(&self) {
        let _one = self.resuming.lock().await;
        let since = self.board.epochs.now();
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
        // Somebody may have signed in by hand, or out, while the keychain was waited for.
        let Ok(Some(stored)) = stored else { return };
        if !waiting || self.board.epochs.now() != since {
            return;
        }
        let organization = stored.at.organization.clone();
        self.session.resume(stored).await;
        if self.begin(since).await {
            self.board.change(|s| s.organization = Some(organization));
        }
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
        let since = self.board.epochs.now();
        let (keep, given_up) = oneshot::channel();
        // A second press starts over: the first tab may be closed.
        *locked(&self.signing_in) = Some(keep);
        self.board.change(|s| {
            s.session = SessionView::SigningIn;
            s.ended = None;
            s.unsent = 0;
            s.problem = None;
        });
        // Until somebody is signed in: the first tab may be closed, and the second press is the same question.
        let choose = self.config.is_shared() || *locked(&self.choose);
        let work = async {
            let at = self.sign_in_view().await?;
            self.session.sign_in(at, choose).await.map_err(|e| sign_in_problem(&e))
        };
        let outcome = tokio::select! {
            biased;
            _ = given_up => return Ok(()),
            outcome = work => outcome,
        };
        locked(&self.signing_in).take();
        match outcome {
            Ok(()) => {
                if self.begin(since).await {
                    tracing::info!("signed in");
                    *locked(&self.choose) = false;
                }
                Ok(())
            }
            Err(problem) => {
                // After a sign-out nobody waits for this one any more.
                let _ = self.board.epochs.during(since, || {
                    self.board.change(|s| s.session = SessionView::SignedOut);
                    self.board.problem(problem.clone())
                });
                Err(problem)
            }
        }
    }

    /// From signed in to live. False if somebody has signed out since: then nobody is.
    async fn begin(&self, since: Epoch) -> bool {
        self.touch();
        // A link may be waiting for just this.
        let launching = self.board.read(|s| s.launching);
        let begun = self.board.epochs.next_after(since, || {
            self.forget_everything(|s| {
                s.session = SessionView::SignedIn;
                s.launching = launching;
                (s.ended, s.unsent) = (None, 0);
            });
        });
        let Some(of) = begun else {
            // What could not be removed is said by whoever signed out.
            let _ = self.session.sign_out().await;
            return false;
        };
        let (relay, inbox, ports) = (self.relay.clone(), self.inbox.clone(), self.ports.clone());
        let line: Arc<dyn Listener> = Arc::new(Line { inbox: inbox.clone(), of });
        let begun = self.board.epochs.during(of, || {
            let mut live = locked(&self.live);
            live.spawn(agenda::follow(relay.clone(), self.board.clone(), of, ports.clock.clone()));
            live.spawn(async move { inbox.learn_doors(of).await });
            live.spawn(async move { socket::run(&relay, &*ports.clock, &*ports.random, &line).await });
        });
        self.signed_in.notify_waiters();
        begun.is_ok()
    }

    /// The state is made anew, and no part remembers anything of a sign-in. Run by every end of one, and before the next:
    /// within [`crate::epoch::Epochs::next`], so that nothing that comes back late gets in again.
    fn forget_everything(&self, then: impl FnOnce(&mut AppState)) {
        // Dropping them ends them.
        *locked(&self.live) = JoinSet::new();
        locked(&self.me).take();
        locked(&self.covers).take();
        locked(&self.is_both).take();
        locked(&self.joined).clear();
        self.alerts.clear();
        self.inbox.forget();
        // Whoever is here next is told that something came to nothing by it: how much, not what.
        let unsent = self.pending.clear();
        self.launches.forget();
        self.board.change(|s| {
            // What has been said of an earlier end stands until somebody signs in.
            let (ended, before) = match s.session {
                SessionView::SignedIn => (None, 0),
                _ => (s.ended, s.unsent),
            };
            *s = AppState {
                ended,
                unsent: before.saturating_add(unsent),
                organization: s.organization.take(),
                keychain: s.keychain,
                notifications: s.notifications,
                ..AppState::default()
            };
            then(s);
        });
    }

    /// Nobody is signed in from now on. What the next one sees, and who they are, is asked anew.
    fn close(&self, then: impl FnOnce(&mut AppState)) -> Epoch {
        *locked(&self.choose) = true;
        let of = self.board.epochs.next(|| self.forget_everything(then));
        self.signed_out.notify_waiters();
        of
    }

    /// Microsoft has ended the sign-in: as good as a sign-out. Links that wait stay: whoever pressed is there.
    pub(crate) fn sign_in_ended(&self) {
        self.close(|s| s.problem = Some(problems::not_signed_in()));
    }

    pub(crate) async fn sign_out(&self) -> Result<(), Problem> {
        self.leave(None).await
    }

    /// Signs out. The screen first: the tokens may have to wait for the keychain.
    pub(super) async fn leave(&self, why: Option<EndedView>) -> Result<(), Problem> {
        locked(&self.signing_in).take();
        self.links.clear();
        let of = self.close(|s| s.ended = why.or(s.ended));
        let erased = self.session.sign_out().await;
        tracing::info!("signed out");
        match erased {
            Ok(()) | Err(VaultError::Store(SecretError::Missing)) => Ok(()),
            Err(VaultError::Waiting | VaultError::Store(_)) => {
                Err(self.refused(of, problems::keychain_kept_it().into()))
            }
        }
    }

    /// Who is signed in, and from where a launch may come.
    pub(super) async fn me(&self, of: Epoch) -> Result<MeView, Problem> {
        let known = locked(&self.me).clone();
        match known {
            Some(me) => Ok(me),
            None => self.ask_me(of).await,
        }
    }

    async fn ask_me(&self, of: Epoch) -> Result<MeView, Problem> {
        let me = self.board.epochs.under(of, self.relay.me()).await?.map_err(|r| r.problem)?;
        self.board.epochs.during(of, || {
            self.alerts.repeat_every(Duration::from_secs(u64::from(me.alert_repeat_seconds)));
            self.board.change(|s| {
                s.organization = Some(me.organization.clone());
                s.waiting = me.waiting;
                s.sends.clone_from(&me.sends);
                s.me = Some(MyselfView { name: me.display_name.clone(), initials: initials(&me.display_name) });
            });
            *locked(&self.me) = Some(me.clone());
        })?;
        Ok(me)
    }

    /// Asks who is signed in whenever the connection comes up: approved EHRs change while companions run for weeks.
    pub(super) async fn introduce(self: Arc<Self>) {
        let mut states = self.board.watch();
        let mut asked = None;
        loop {
            let of = self.board.epochs.now();
            let connection = states.borrow_and_update().connection.clone();
            if connection.state == ConnectionState::Live && asked.as_ref() != Some(&connection) {
                match self.ask_me(of).await {
                    Ok(_) => asked = Some(connection),
                    Err(problem) => {
                        tracing::warn!(code = ?problem.code, "who is signed in is not known yet");
                        // That the relay is out of reach is said by the connection already.
                        if problem.code != ProblemCode::RelayUnreachable {
                            self.refused(of, problem.into());
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

pub(super) fn sign_in_problem(error: &SignInError) -> Problem {
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
