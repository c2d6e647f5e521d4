//! What a launch asks its clinician, one question at a time: "Covering for a colleague?" and "Is this you in both?". The
//! window words them. Signing out drops a question, and with it the launch; so does the end of the proof it is asked about.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use roomed_protocol::{FirstLink, Problem};
use tokio::sync::oneshot;

use super::{Core, locked};
use crate::clock::within;
use crate::epoch::Epoch;
use crate::launch::Ask;
use crate::problems;
use crate::sign_in::SignInError;
use crate::view::{CoveringView, FirstLinkView};

impl Core {
    pub(crate) fn cover(&self, yes: bool) {
        if let Some(answer) = locked(&self.covers).take() {
            let _ = answer.send(yes);
        }
    }

    /// To that asking only: whoever presses twice, or late, has read another one.
    pub(crate) fn answer_same_person(&self, id: u32, yes: bool) {
        if let Some((_, answer)) = locked(&self.is_both).take_if(|(asked, _)| *asked == id) {
            let _ = answer.send(yes);
        }
    }

    /// Puts the question on the board; it is there for whoever is signed in now, and nobody else.
    fn ask_same_person(&self, of: Epoch, asked: &mut FirstLinkView) -> Result<oneshot::Receiver<bool>, Problem> {
        let (answer, answered) = oneshot::channel();
        asked.id = self.askings.fetch_add(1, Ordering::Relaxed) + 1;
        self.board.epochs.during(of, || {
            *locked(&self.is_both) = Some((asked.id, answer));
            self.board.change(|s| s.first_link = Some(asked.clone()));
        })?;
        Ok(answered)
    }

    /// Asks until there is an answer, with a sign-in where that is part of it.
    async fn both(&self, of: Epoch, question: &FirstLink, sign_in_again: bool) -> Result<bool, Problem> {
        let FirstLink { account, ehr_user, .. } = question.clone();
        let account = Some(account).filter(|it| !it.trim().is_empty());
        let mut asked = FirstLinkView { id: 0, account, ehr_user, sign_in_again, signing_in: false };
        let mut said = self.ask_same_person(of, &mut asked)?;
        self.ports.window.bring_forward();
        let mut yes = answer_of((&mut said).await)?;
        loop {
            if !yes || !sign_in_again {
                return Ok(yes);
            }
            asked.signing_in = true;
            said = self.ask_same_person(of, &mut asked)?;
            tokio::select! {
                biased;
                // The tab may be closed: a second yes opens another, a no is a no.
                again = &mut said => yes = answer_of(again)?,
                proven = self.proves_it() => return proven,
            }
        }
    }

    /// How long it is until then by the relay's clock.
    fn left_until(&self, until: Timestamp) -> Duration {
        let offset = SignedDuration::from_millis(i64::from(self.board.read(|s| s.clock_offset_ms)));
        let now = self.ports.clock.now().saturating_add(offset).unwrap_or(until);
        Duration::try_from(until.duration_since(now)).unwrap_or_default()
    }

    /// The sign-in once more, with the password. True if it is the same account; nothing changes if it is not.
    async fn proves_it(&self) -> Result<bool, Problem> {
        match self.session.sign_in_again().await {
            Ok(same) => Ok(same),
            // Whoever cannot sign in to it is not its owner, as far as this desk knows.
            Err(SignInError::InteractionNeeded | SignInError::Unfinished) => Ok(false),
            Err(error) => Err(super::account::sign_in_problem(&error)),
        }
    }
}

#[async_trait]
impl Ask for Core {
    async fn covering(&self, start: Option<String>) -> bool {
        let _one = self.one_question.lock().await;
        let (answer, answered) = oneshot::channel();
        *locked(&self.covers) = Some(answer);
        self.board.change(|s| s.covering = Some(CoveringView { start }));
        self.ports.window.bring_forward();
        let yes = answered.await.unwrap_or(false);
        self.board.change(|s| s.covering = None);
        yes
    }

    async fn same_person(
        &self,
        of: Epoch,
        question: &FirstLink,
        sign_in_again: bool,
        until: Option<Timestamp>,
    ) -> Result<bool, Problem> {
        let _one = self.one_question.lock().await;
        let left = until.map_or(Duration::ZERO, |until| self.left_until(until));
        let both = match left.is_zero() {
            true => None,
            false => within(&*self.ports.clock, left, self.both(of, question, sign_in_again)).await,
        };
        self.board.epochs.during(of, || {
            locked(&self.is_both).take();
            self.board.change(|s| s.first_link = None);
        })?;
        both.unwrap_or_else(|| Err(problems::asked_for_too_long()))
    }
}

/// An asking of "Is this you in both?" and where its answer goes.
pub(super) type Asking = (u32, oneshot::Sender<bool>);

/// A question is dropped by the end of the sign-in it was asked under.
fn answer_of(said: Result<bool, oneshot::error::RecvError>) -> Result<bool, Problem> {
    said.map_err(|_| problems::not_signed_in())
}
