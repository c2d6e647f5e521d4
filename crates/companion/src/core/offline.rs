//! What a clinician does that must also work while the relay does not answer: joining an open visit, and the presses that
//! may reach the relay a minute later. What is kept and for how long is in `pending`, the meetings' addresses in `doors`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use roomed_protocol::{JoinView, LateRequest, Problem, SayRequest};

use super::Core;
use crate::clock::within;
use crate::epoch::{Epoch, Over};
use crate::pending::{AGAIN, Deed, Kept};
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
        let (of, pressed) = (self.board.epochs.now(), self.ports.clock.now());
        let joining = || Deed::Join { visit: visit.to_owned() };
        let known = self.inbox.doors.get(visit);
        let asking = self.board.epochs.under(of, self.relay.join(visit));
        let Some(door) = known else {
            let door = asking.await?.map_err(|refusal| self.deed_refused(of, joining(), refusal))?;
            return self.go_in(of, visit, door).await;
        };
        let patience = if self.is_live() { JOIN_PATIENCE } else { PATIENCE };
        match within(&*self.ports.clock, patience, asking).await.transpose()? {
            Some(Ok(door)) => self.go_in(of, visit, door).await,
            Some(Err(refusal)) if !refusal.is_no_answer() => Err(self.deed_refused(of, joining(), refusal)),
            // Without the relay: the patient is called once it is back, if that is soon.
            Some(Err(_)) | None => {
                self.open(of, door).await?;
                tracing::info!("a meeting was opened without the relay");
                let kept = self.keep(of, joining(), pressed);
                self.entered(of, visit)?;
                kept
            }
        }
    }

    async fn go_in(&self, of: Epoch, visit: &str, door: JoinView) -> Result<(), Problem> {
        self.board.epochs.during(of, || self.inbox.doors.put(visit, door.clone()))?;
        self.open(of, door).await?;
        self.board.epochs.during(of, || self.done_at_once(&Deed::Join { visit: visit.to_owned() }))?;
        Ok(self.entered(of, visit)?)
    }

    /// The meeting is open.
    fn entered(&self, of: Epoch, visit: &str) -> Result<(), Over> {
        self.board.epochs.during(of, || {
            self.alerts.withdraw(visit);
            self.joined(visit);
            self.show(visit);
            self.board.change(|s| s.confirm_join = None);
        })
    }

    async fn open(&self, of: Epoch, door: JoinView) -> Result<(), Problem> {
        self.board.epochs.during(of, || ())?;
        let (opener, policy) = (self.ports.opener.clone(), self.config.policy());
        let opened = tokio::task::spawn_blocking(move || crate::teams::open(&*opener, &door, policy)).await;
        opened.unwrap_or_else(|_| Err(problems::internal())).map_err(|p| self.refused(of, p.into()))
    }

    pub(crate) async fn acknowledge(&self, visit: &str) -> Result<(), Problem> {
        let of = self.board.epochs.now();
        let alert = self.board.epochs.during(of, || self.alerts.withdraw(visit))?;
        self.now_or_later(of, Deed::Acknowledge { visit: visit.to_owned(), alert }).await
    }

    pub(crate) async fn say(&self, visit: &str, request: &SayRequest) -> Result<(), Problem> {
        let of = self.board.epochs.now();
        self.now_or_later(of, Deed::Say { visit: visit.to_owned(), request: request.clone() }).await
    }

    pub(crate) async fn late(&self, request: &LateRequest) -> Result<(), Problem> {
        self.now_or_later(self.board.epochs.now(), Deed::Late(request.clone())).await
    }

    pub(crate) async fn help_taken(&self, visit: &str, participant: &str) -> Result<(), Problem> {
        let of = self.board.epochs.now();
        self.now_or_later(of, Deed::HelpTaken { visit: visit.to_owned(), participant: participant.to_owned() }).await
    }

    /// At once where the relay answers; otherwise kept for a minute from now on.
    async fn now_or_later(&self, of: Epoch, deed: Deed) -> Result<(), Problem> {
        let pressed = self.ports.clock.now();
        let doing = self.board.epochs.under(of, self.fulfil(of, &deed));
        let answer = if self.is_live() {
            Some(doing.await?)
        } else {
            within(&*self.ports.clock, PATIENCE, doing).await.transpose()?
        };
        match answer {
            Some(Ok(())) => Ok(self.board.epochs.during(of, || self.done_at_once(&deed))?),
            Some(Err(refusal)) if !refusal.is_silence() => Err(self.deed_refused(of, deed, refusal)),
            Some(Err(_)) | None => self.keep(of, deed, pressed),
        }
    }

    fn done_at_once(&self, deed: &Deed) {
        self.pending.done(deed);
        self.board.change(|s| s.pending = self.pending.view());
    }

    fn keep(&self, of: Epoch, deed: Deed, pressed: Timestamp) -> Result<(), Problem> {
        let kept = self.board.epochs.during(of, || {
            let kept = self.board.read(|s| self.pending.keep(deed, s, pressed));
            self.board.change(|s| s.pending = self.pending.view());
            kept
        })?;
        if kept { Ok(()) } else { Err(self.refused(of, problems::relay_unreachable().into())) }
    }

    /// The relay has heard it and will not. Where there is no such visit any more, its alerts have nobody to take them down;
    /// else an alert that was taken down at the press stands again.
    fn deed_refused(&self, of: Epoch, deed: Deed, refusal: Refusal) -> Problem {
        let gone = deed.is_of_no_visit(&refusal);
        let commit = || match deed {
            Deed::Acknowledge { alert: Some(alert), .. } if !gone => self.alerts.raise(alert),
            Deed::Acknowledge { visit, .. }
            | Deed::Say { visit, .. }
            | Deed::HelpTaken { visit, .. }
            | Deed::Join { visit }
                if gone =>
            {
                self.alerts.forget(&visit);
            }
            _ => {}
        };
        // Under the next sign-in it is nobody's.
        let _ = self.board.epochs.during(of, commit);
        self.refused(of, refusal)
    }

    async fn fulfil(&self, of: Epoch, deed: &Deed) -> Result<(), Refusal> {
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
        Ok(self.inbox.put(of, view)?)
    }

    /// Sends what is kept as soon as the relay is there, and gives up what has become too old.
    pub(super) async fn send_pending(self: Arc<Self>) {
        let mut states = self.board.watch();
        loop {
            states.borrow_and_update();
            let (of, now) = (self.board.epochs.now(), self.ports.clock.now());
            // Whatever is over is forgotten already.
            let _ = self.board.epochs.during(of, || self.give_up(now));
            let next = self.pending.next();
            if let Some(kept) = next.as_ref().filter(|_| self.is_live()) {
                self.send(of, kept, now).await;
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

    fn give_up(&self, now: Timestamp) {
        for deed in self.pending.expire(now) {
            tracing::info!("something pressed was given up: the relay was away for too long");
            if let Deed::Acknowledge { visit, alert: Some(alert) } = deed {
                let seen = self.board.read(|s| s.visits.iter().any(|one| one.id == visit && one.acknowledged));
                if !seen {
                    self.alerts.raise(alert);
                }
            }
        }
    }

    async fn send(&self, of: Epoch, kept: &Kept, now: Timestamp) {
        if self.board.read(|s| kept.is_known(s)) {
            return self.pending.remove(&kept.id);
        }
        let sending = self.board.epochs.under(of, self.fulfil(of, &kept.deed));
        match within(&*self.ports.clock, kept.left(now), sending).await {
            Some(Ok(Ok(()))) => self.pending.remove(&kept.id),
            // Whoever is called to an open meeting can be called a moment later as well.
            Some(Ok(Err(refusal))) if refusal.is_no_answer() && matches!(kept.deed, Deed::Join { .. }) => {}
            Some(Ok(Err(refusal))) if !refusal.is_silence() => {
                self.pending.remove(&kept.id);
                self.deed_refused(of, kept.deed.clone(), refusal);
            }
            Some(Ok(Err(_)) | Err(Over)) | None => {}
        }
    }
}
