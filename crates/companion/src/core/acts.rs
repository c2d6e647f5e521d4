//! What a clinician does in a visit that must not come late: ending it and taking that back, invitations, and whom a guest
//! is. Where the relay does not answer, that is said, and nothing is kept. The relay decides; its answer is put into the
//! list at once, so that the window does not wait for a hint.

use std::future::Future;

use roomed_protocol::{AssignRequest, InviteRequest, InviteView, Problem, VisitView};

use super::Core;
use crate::epoch::Epoch;
use crate::problems;
use crate::relay::Refusal;

impl Core {
    async fn act(&self, request: impl Future<Output = Result<VisitView, Refusal>>) -> Result<(), Problem> {
        let of = self.board.epochs.now();
        let visit = self.board.epochs.under(of, request).await?.map_err(|refusal| self.not_later(of, refusal))?;
        Ok(self.inbox.put(of, visit)?)
    }

    pub(super) fn not_later(&self, of: Epoch, refusal: Refusal) -> Problem {
        self.refused(of, if refusal.is_silence() { problems::not_while_offline().into() } else { refusal })
    }

    pub(crate) async fn end(&self, visit: &str) -> Result<(), Problem> {
        self.act(self.relay.end(visit)).await
    }

    pub(crate) async fn undo_end(&self, visit: &str) -> Result<(), Problem> {
        self.act(self.relay.act(visit, &["undo"], &serde_json::json!({}))).await
    }

    pub(crate) async fn assign(&self, visit: &str, request: &AssignRequest) -> Result<(), Problem> {
        self.act(self.relay.act(visit, &["assign"], request)).await
    }

    /// The link is in the answer and nowhere else.
    pub(crate) async fn invite(&self, visit: &str, request: &InviteRequest) -> Result<InviteView, Problem> {
        let of = self.board.epochs.now();
        let inviting = self.board.epochs.under(of, self.relay.invite(visit, request));
        inviting.await?.map_err(|refusal| self.not_later(of, refusal))
    }

    pub(crate) async fn revoke_invitation(&self, visit: &str, participant: &str) -> Result<(), Problem> {
        self.act(self.relay.revoke(visit, participant)).await
    }
}
