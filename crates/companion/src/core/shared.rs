//! A workstation that several people use: the sign-in ends when nobody is there, and when somebody else begins a visit from
//! the chart. What it leaves behind is nothing: the state is made anew, and no part of it is ever written to a file.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use roomed_protocol::Presence;

use super::Core;
use crate::view::{EndedView, SessionView};

/// Most between two looks at the idle clock.
const LOOK_EVERY: Duration = Duration::from_secs(15);

impl Core {
    /// A person pressed something here.
    pub(crate) fn touch(&self) {
        *self.touched.lock().unwrap_or_else(PoisonError::into_inner) = self.ports.clock.now();
    }

    /// Ends the sign-in by itself, and says why.
    pub(super) async fn end_session(&self, why: EndedView) {
        tracing::info!(?why, "the companion signs out by itself");
        // What could not be removed from a keychain is on the board already.
        let _ = self.sign_out().await;
        self.board.change(|s| {
            if s.session == SessionView::SignedOut {
                s.ended = Some(why);
            }
        });
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

    fn is_in_a_visit(&self) -> bool {
        self.board.read(|s| {
            let mut people = s.visits.iter().filter(|visit| !visit.closing).flat_map(|visit| &visit.participants);
            people.any(|one| one.me && one.presence == Presence::Connected)
        })
    }

    /// The operating system knows of other programs; the end of a visit and a sign-in in the browser only we know of.
    async fn nobody_for(&self, now: Timestamp) -> Duration {
        let touched = *self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        let here = Duration::try_from(now.duration_since(touched)).unwrap_or_default();
        self.ports.idle.idle().await.map_or(here, |anywhere| anywhere.min(here))
    }
}
