//! One sign-in after the other: what was asked under one is neither committed nor asked again under the next. Every answer
//! that comes back late goes through here; which parts are forgotten when a sign-in ends is `core/account.rs`.

use std::future::Future;

use roomed_protocol::Problem;
use tokio::sync::watch;

use crate::problems;
use crate::relay::Refusal;

/// A sign-in, from its begin to its end; also the time between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

/// The sign-in has ended meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Over;

impl From<Over> for Problem {
    fn from(_: Over) -> Self {
        problems::not_signed_in()
    }
}

impl From<Over> for Refusal {
    fn from(over: Over) -> Self {
        Problem::from(over).into()
    }
}

/// Which one it is now.
pub(crate) struct Epochs(watch::Sender<u64>);

impl Epochs {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    pub(crate) fn now(&self) -> Epoch {
        Epoch(*self.0.borrow())
    }

    /// Commits what belongs to `of`; it does not end before that is done. Not to be begun within another.
    ///
    /// # Errors
    /// [`Over`] if it has ended; then nothing is done.
    pub(crate) fn during<T>(&self, of: Epoch, commit: impl FnOnce() -> T) -> Result<T, Over> {
        let now = self.0.borrow();
        if *now != of.0 {
            return Err(Over);
        }
        let outcome = commit();
        drop(now);
        Ok(outcome)
    }

    /// The outcome of `work`. It is dropped when `of` ends: a request in the middle of it would go on with the next
    /// person's token.
    ///
    /// # Errors
    /// [`Over`] if that comes first.
    pub(crate) async fn under<T>(&self, of: Epoch, work: impl Future<Output = T>) -> Result<T, Over> {
        let mut epochs = self.0.subscribe();
        tokio::select! {
            biased;
            _ = epochs.wait_for(|now| *now != of.0) => Err(Over),
            outcome = work => Ok(outcome),
        }
    }

    /// Begins the next one; `forget` is done before anything can be committed under it.
    pub(crate) fn next(&self, forget: impl FnOnce()) -> Epoch {
        let mut next = Epoch(0);
        self.0.send_modify(|now| {
            *now += 1;
            next = Epoch(*now);
            forget();
        });
        next
    }

    /// The same, unless `of` has ended already.
    pub(crate) fn next_after(&self, of: Epoch, forget: impl FnOnce()) -> Option<Epoch> {
        let mut next = None;
        self.0.send_if_modified(|now| {
            let stands = *now == of.0;
            if stands {
                *now += 1;
                next = Some(Epoch(*now));
                forget();
            }
            stands
        });
        next
    }
}
