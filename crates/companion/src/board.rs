//! The one [`AppState`] and how it changes: every change goes through here, and only real changes are told.

use roomed_protocol::{Presence, Problem, Role, StageView, VisitView};
use tokio::sync::watch;

use crate::view::AppState;

pub(crate) struct Board(watch::Sender<AppState>);

impl Board {
    pub(crate) fn new(state: AppState) -> Self {
        Self(watch::Sender::new(state))
    }

    pub(crate) fn watch(&self) -> watch::Receiver<AppState> {
        self.0.subscribe()
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&AppState) -> T) -> T {
        look(&self.0.borrow())
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut AppState)) {
        self.0.send_if_modified(|state| {
            let before = state.clone();
            change(state);
            *state != before
        });
    }

    pub(crate) fn problem(&self, problem: Problem) -> Problem {
        self.change(|s| s.problem = Some(problem.clone()));
        problem
    }

    /// Puts a visit in its place.
    pub(crate) fn upsert(&self, visit: VisitView) {
        self.change(|s| {
            match s.visits.iter_mut().find(|v| v.id == visit.id) {
                Some(old) => *old = visit,
                None => s.visits.push(visit),
            }
            sort(&mut s.visits);
        });
    }
}

/// True while the patient is there and not yet in.
pub(crate) fn waits(visit: &VisitView) -> bool {
    let over = matches!(visit.stage, StageView::Finished | StageView::Noshow | StageView::Cancelled);
    !over && visit.participants.iter().any(|p| p.role == Role::Patient && p.presence == Presence::Waiting)
}

/// True if the patient is there, waiting or already in the meeting: then *Begin* goes straight in.
pub(crate) fn patient_is_there(visit: &VisitView) -> bool {
    let there = |p: Presence| matches!(p, Presence::Waiting | Presence::Connected);
    visit.participants.iter().any(|p| p.role == Role::Patient && there(p.presence))
}

/// Longest waiting first, then by time.
pub(crate) fn sort(visits: &mut [VisitView]) {
    visits.sort_by(|a, b| {
        let key = |v: &VisitView| {
            (!waits(v), if waits(v) { v.arrived_at.clone().unwrap_or_default() } else { String::new() })
        };
        key(a).cmp(&key(b)).then_with(|| a.start.cmp(&b.start)).then_with(|| a.id.cmp(&b.id))
    });
}
