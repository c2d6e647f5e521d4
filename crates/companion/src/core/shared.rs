//! A workstation that several people use: the sign-in ends when nobody is there, when the session is locked, and when somebody
//! else begins a visit from the chart. What it leaves behind is nothing: the state is made anew, and no part of it is ever written to a file.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roomed_protocol::{ParticipantView, Presence, VisitView};

use super::{Core, locked};
use crate::board::is_over;
use crate::view::{ConnectionState, EndedView, SessionView};

/// Most between two looks at the idle clock.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// By so much may a visit last longer than planned.
const MAY_OVERRUN: SignedDuration = SignedDuration::from_mins(30);

impl Core {
    /// A person pressed something here.
    pub(crate) fn touch(&self) {
        *locked(&self.touched) = self.ports.clock.now();
    }

    /// Ends the sign-in by itself, and says why.
    pub(super) async fn end_session(&self, why: EndedView) {
        tracing::info!(?why, "the companion signs out by itself");
        // What could not be removed from a keychain is on the board already.
        let _ = self.leave(Some(why)).await;
    }

    /// Ends the sign-in once nobody has been there for as long as is configured.
    pub(super) async fn watch_idle(self: Arc<Self>) {
        let Some(limit) = self.config.idle_limit() else { return };
        loop {
            self.ports.clock.sleep(LOOK_EVERY.min(limit / 4)).await;
            if !self.board.read(|s| s.session == SessionView::SignedIn) {
                continue;
            }
            // Whoever talks to a patient touches nothing for a long time.
            if self.is_in_a_visit() {
                self.touch();
                continue;
            }
            if self.nobody_for(self.ports.clock.now()).await >= limit {
                self.end_session(EndedView::Idle).await;
            }
        }
    }

    /// Ends the sign-in, and what waits for one, whenever the session is locked: whoever unlocks it may be somebody else. Whatever is going on then;
    /// a meeting that is open goes on without the companion.
    pub(super) async fn watch_lock(self: Arc<Self>) {
        if !self.config.is_shared() {
            return;
        }
        loop {
            self.ports.idle.locked().await;
            // A link of somebody who has gone must open nothing for whoever comes.
            self.links.clear();
            // A sign-in that is under way would end behind the lock, and a launch that waits for one after it.
            if self.board.read(|s| s.session != SessionView::SignedOut || s.launching.is_some()) {
                self.end_session(EndedView::Locked).await;
            }
        }
    }

    /// *Join* was pressed here: whoever did is in that visit for as long as it may well last.
    pub(super) fn joined(&self, visit: &str) {
        let now = self.ports.clock.now();
        let until = self.board.read(|s| {
            let it = s.visits.iter().find(|one| one.id == visit)?;
            let (start, end) = (it.start.parse::<Timestamp>().ok()?, it.end.parse::<Timestamp>().ok()?);
            // A visit that begins late lasts as long as one in time.
            now.checked_add(end.duration_since(start)).ok().map(|late| late.max(end))
        });
        let until = until.unwrap_or(now).checked_add(MAY_OVERRUN).unwrap_or(now);
        locked(&self.joined).insert(visit.to_owned(), until);
    }

    /// In one that was joined from here: a meeting that the clinician is in elsewhere says nothing of this workstation.
    /// Their presence is believed while the line is up; without it, and until it is first seen, the press counts.
    fn is_in_a_visit(&self) -> bool {
        let now = self.ports.clock.now();
        let joined = locked(&self.joined);
        self.board.read(|s| {
            let may_be_in = |visit: &&VisitView| {
                !visit.closing && !is_over(visit) && joined.get(&visit.id).is_some_and(|until| now < *until)
            };
            let live = s.connection.state == ConnectionState::Live;
            s.visits.iter().filter(may_be_in).any(|visit| {
                let left = |one: &ParticipantView| one.me && one.presence == Presence::Disconnected;
                !(live && visit.participants.iter().any(left))
            })
        })
    }

    /// The operating system knows of other programs; the end of a visit and a sign-in in the browser only we know of.
    async fn nobody_for(&self, now: Timestamp) -> Duration {
        let touched = *locked(&self.touched);
        let here = Duration::try_from(now.duration_since(touched)).unwrap_or_default();
        self.ports.idle.idle().await.map_or(here, |anywhere| anywhere.min(here))
    }
}
