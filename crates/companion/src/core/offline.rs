//! What a clinician does that must also work while the relay does not answer: joining an open visit, and the presses that
//! may reach the relay a minute later. What is kept and for how long is in `pending`, the meetings' addresses in `doors`.

use std::sync::Arc;
use std::time::Duration;

use roomed_protocol::{JoinView, LateRequest, Problem, SayRequest};

use super::Core;
use crate::clock::within;
use crate::pending::{AGAIN, Deed};
use crate::problems;
use crate::relay::Refusal;
use crate::view::ConnectionState;

/// How long a press waits for a relay that is not known to be there.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long *Join* waits for one that is, where it can do without.
const JOIN_PATIENCE: Duration = Duration::from_secs(8);

impl Core {
    fn is_live(&self) -> bool {
        self.board.read(|s| s.connection.state == ConnectionState::Live)
    }

    /// Opens the meeting, of a visit that is known also without the relay.
    pub(crate) async fn join(&self, visit: &str) -> Result<(), Problem> {
        let known = self.inbox.doors.get(visit);
        let answer = match (&known, self.is_live()) {
            (None, _) => Some(self.relay.join(visit).await),
            (Some(_), true) => within(&*self.ports.clock, JOIN_PATIENCE, self.relay.join(visit)).await,
            (Some(_), false) => within(&*self.ports.clock, PATIENCE, self.relay.join(visit)).await,
        };
        match (answer, known) {
            (Some(Ok(door)), _) => {
                self.inbox.doors.put(visit, door.clone());
                self.open(door).await?;
                self.alerts.withdraw(visit);
            }
            (None, Some(door)) => self.join_alone(visit, door).await?,
            (Some(Err(refusal)), Some(door)) if refusal.is_silence() => self.join_alone(visit, door).await?,
            (Some(Err(refusal)), _) => return Err(self.refused(refusal)),
            (None, None) => return Err(self.board.problem(problems::relay_unreachable())),
        }
        self.show(visit);
        self.board.change(|s| s.confirm_join = None);
        Ok(())
    }

    /// Without the relay: the patient is called once it is back, if that is soon.
    async fn join_alone(&self, visit: &str, door: JoinView) -> Result<(), Problem> {
        self.open(door).await?;
        tracing::info!("a meeting was opened without the relay");
        self.alerts.withdraw(visit);
        self.keep(Deed::Join { visit: visit.to_owned() })
    }

    async fn open(&self, door: JoinView) -> Result<(), Problem> {
        let (opener, policy) = (self.ports.opener.clone(), self.config.policy());
        let opened = tokio::task::spawn_blocking(move || crate::teams::open(&*opener, &door, policy)).await;
        opened.unwrap_or_else(|_| Err(problems::internal())).map_err(|p| self.board.problem(p))
    }

    pub(crate) async fn acknowledge(&self, visit: &str) -> Result<(), Problem> {
        let alert = self.alerts.withdraw(visit);
        let outcome = self.now_or_later(Deed::Acknowledge { visit: visit.to_owned(), alert: alert.clone() }).await;
        if let (Err(_), Some(alert)) = (&outcome, alert) {
            self.alerts.raise(alert);
        }
        outcome
    }

    pub(crate) async fn say(&self, visit: &str, request: &SayRequest) -> Result<(), Problem> {
        self.now_or_later(Deed::Say { visit: visit.to_owned(), request: request.clone() }).await
    }

    pub(crate) async fn late(&self, request: &LateRequest) -> Result<(), Problem> {
        self.now_or_later(Deed::Late(request.clone())).await
    }

    pub(crate) async fn help_taken(&self, visit: &str, participant: &str) -> Result<(), Problem> {
        self.now_or_later(Deed::HelpTaken { visit: visit.to_owned(), participant: participant.to_owned() }).await
    }

    /// At once where the relay answers; otherwise kept for a minute.
    async fn now_or_later(&self, deed: Deed) -> Result<(), Problem> {
        let answer = if self.is_live() {
            Some(self.fulfil(&deed).await)
        } else {
            within(&*self.ports.clock, PATIENCE, self.fulfil(&deed)).await
        };
        match answer {
            Some(Ok(())) => Ok(()),
            Some(Err(refusal)) if !refusal.is_silence() => Err(self.refused(refusal)),
            Some(Err(_)) | None => self.keep(deed),
        }
    }

    fn keep(&self, deed: Deed) -> Result<(), Problem> {
        let now = self.ports.clock.now();
        let kept = self.board.read(|s| self.pending.keep(deed, s, now));
        self.board.change(|s| s.pending = self.pending.view());
        if kept { Ok(()) } else { Err(self.board.problem(problems::relay_unreachable())) }
    }

    async fn fulfil(&self, deed: &Deed) -> Result<(), Refusal> {
        let nothing = serde_json::json!({});
        let view = match deed {
            Deed::Acknowledge { visit, .. } => self.relay.acknowledge(visit).await?,
            Deed::Say { visit, request } => self.relay.act(visit, &["say"], request).await?,
            Deed::HelpTaken { visit, participant } => {
                self.relay.act(visit, &["help-taken", participant], &nothing).await?
            }
            Deed::Late(request) => return self.relay.late(request).await,
            Deed::Join { visit } => return self.relay.join(visit).await.map(drop),
        };
        self.inbox.put(view);
        Ok(())
    }

    /// Sends what is kept as soon as the relay is there, and gives up what has become too old.
    pub(super) async fn send_pending(self: Arc<Self>) {
        let mut states = self.board.watch();
        loop {
            states.borrow_and_update();
            let now = self.ports.clock.now();
            for deed in self.pending.expire(now) {
                tracing::info!("something pressed was given up: the relay was away for too long");
                if let Deed::Acknowledge { visit, alert: Some(alert) } = deed {
                    let seen = self.board.read(|s| s.visits.iter().any(|one| one.id == visit && one.acknowledged));
                    if !seen {
                        self.alerts.raise(alert);
                    }
                }
            }
            let next = self.pending.next();
            if let Some(kept) = next.as_ref().filter(|_| self.is_live()) {
                let known = self.board.read(|s| kept.is_known(s));
                let sent = if known {
                    None
                } else {
                    Some(within(&*self.ports.clock, kept.left(now), self.fulfil(&kept.deed)).await)
                };
                match sent {
                    None | Some(Some(Ok(()))) => self.pending.remove(&kept.id),
                    Some(Some(Err(refusal))) if !refusal.is_silence() => {
                        self.pending.remove(&kept.id);
                        self.refused(refusal);
                    }
                    Some(Some(Err(_)) | None) => {}
                }
            }
            self.board.change(|s| s.pending = self.pending.view());
            let pause = next.map(|kept| kept.left(now).min(if self.is_live() { AGAIN } else { kept.left(now) }));
            let changed = async {
                tokio::select! {
                    _ = states.changed() => {}
                    () = self.pending.changed.notified() => {}
                }
            };
            match pause {
                Some(pause) => {
                    within(&*self.ports.clock, pause, changed).await;
                }
                None => changed.await,
            }
        }
    }
}
