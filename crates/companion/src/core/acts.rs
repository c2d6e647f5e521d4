//! What a clinician does in a visit besides joining and ending it. The relay decides; its answer is put into the list at
//! once, so that the window does not wait for a hint.

use roomed_protocol::{AssignRequest, InviteRequest, InviteView, LateRequest, Problem, SayRequest, VisitView};

use super::Core;
use crate::relay::Refusal;

impl Core {
    fn done(&self, answer: Result<VisitView, Refusal>) -> Result<(), Problem> {
        self.inbox.put(answer.map_err(|refusal| self.refused(refusal))?);
        Ok(())
    }

    pub(crate) async fn undo_end(&self, visit: &str) -> Result<(), Problem> {
        self.done(self.relay.act(visit, &["undo"], &serde_json::json!({})).await)
    }

    pub(crate) async fn say(&self, visit: &str, request: &SayRequest) -> Result<(), Problem> {
        self.done(self.relay.act(visit, &["say"], request).await)
    }

    pub(crate) async fn late(&self, request: &LateRequest) -> Result<(), Problem> {
        self.relay.late(request).await.map_err(|refusal| self.refused(refusal))
    }

    pub(crate) async fn help_taken(&self, visit: &str, participant: &str) -> Result<(), Problem> {
        self.done(self.relay.act(visit, &["help-taken", participant], &serde_json::json!({})).await)
    }

    pub(crate) async fn assign(&self, visit: &str, request: &AssignRequest) -> Result<(), Problem> {
        self.done(self.relay.act(visit, &["assign"], request).await)
    }

    /// The link is in the answer and nowhere else.
    pub(crate) async fn invite(&self, visit: &str, request: &InviteRequest) -> Result<InviteView, Problem> {
        self.relay.invite(visit, request).await.map_err(|refusal| self.refused(refusal))
    }

    pub(crate) async fn revoke_invitation(&self, visit: &str, participant: &str) -> Result<(), Problem> {
        self.done(self.relay.revoke(visit, participant).await)
    }
}
