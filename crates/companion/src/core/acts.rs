//! What a clinician does in a visit that must not come late: ending it and taking that back, invitations, and whom a guest
//! is. Where the relay does not answer, that is said, and nothing is kept. The relay decides; its answer is put into the
//! list at once, so that the window does not wait for a hint.

use roomed_protocol::{AssignRequest, InviteRequest, InviteView, Problem, VisitView};

use super::Core;
use crate::problems;
use crate::relay::Refusal;

impl Core {
    fn done(&self, answer: Result<VisitView, Refusal>) -> Result<(), Problem> {
        self.inbox.put(answer.map_err(|refusal| self.not_later(refusal))?);
        Ok(())
    }

    pub(super) fn not_later(&self, refusal: Refusal) -> Problem {
        if refusal.is_silence() { self.board.problem(problems::not_while_offline()) } else { self.refused(refusal) }
    }

    pub(crate) async fn end(&self, visit: &str) -> Result<(), Problem> {
        self.done(self.relay.end(visit).await)
    }

    pub(crate) async fn undo_end(&self, visit: &str) -> Result<(), Problem> {
        self.done(self.relay.act(visit, &["undo"], &serde_json::json!({})).await)
    }

    pub(crate) async fn assign(&self, visit: &str, request: &AssignRequest) -> Result<(), Problem> {
        self.done(self.relay.act(visit, &["assign"], request).await)
    }

    /// The link is in the answer and nowhere else.
    pub(crate) async fn invite(&self, visit: &str, request: &InviteRequest) -> Result<InviteView, Problem> {
        self.relay.invite(visit, request).await.map_err(|refusal| self.not_later(refusal))
    }

    pub(crate) async fn revoke_invitation(&self, visit: &str, participant: &str) -> Result<(), Problem> {
        self.done(self.relay.revoke(visit, participant).await)
    }
}
