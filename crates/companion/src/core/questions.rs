//! What a launch asks its clinician, one question at a time: "Covering for a colleague?" and "Is this you in both?". The
//! window words them. Signing out drops a question, and with it the launch.

use async_trait::async_trait;
use roomed_protocol::{FirstLink, Problem};
use tokio::sync::oneshot;

use super::{Core, locked};
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

    pub(crate) fn answer_same_person(&self, yes: bool) {
        if let Some(answer) = locked(&self.is_both).take() {
            let _ = answer.send(yes);
        }
    }

    /// Puts the question on the board; it is there for whoever is signed in now, and nobody else.
    fn ask_same_person(&self, of: Epoch, asked: &FirstLinkView) -> Result<oneshot::Receiver<bool>, Problem> {
        let (answer, answered) = oneshot::channel();
        self.board.epochs.during(of, || {
            *locked(&self.is_both) = Some(answer);
            self.board.change(|s| s.first_link = Some(asked.clone()));
        })?;
        Ok(answered)
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

    async fn same_person(&self, of: Epoch, question: &FirstLink, sign_in_again: bool) -> Result<bool, Problem> {
        let _one = self.one_question.lock().await;
        let FirstLink { account, ehr_user, .. } = question.clone();
        let mut asked = FirstLinkView { account, ehr_user, sign_in_again, signing_in: false };
        let mut said = self.ask_same_person(of, &asked)?;
        self.ports.window.bring_forward();
        let mut yes = answer_of((&mut said).await)?;
        let both = loop {
            if !yes || !sign_in_again {
                break Ok(yes);
            }
            asked.signing_in = true;
            said = self.ask_same_person(of, &asked)?;
            tokio::select! {
                biased;
                // The tab may be closed: a second yes opens another, a no is a no.
                again = &mut said => yes = answer_of(again)?,
                proven = self.proves_it() => break proven,
            }
        };
        self.board.epochs.during(of, || self.board.change(|s| s.first_link = None))?;
        both
    }
}

/// A question is dropped by the end of the sign-in it was asked under.
fn answer_of(said: Result<bool, oneshot::error::RecvError>) -> Result<bool, Problem> {
    said.map_err(|_| problems::not_signed_in())
}
