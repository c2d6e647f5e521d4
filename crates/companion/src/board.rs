//! The one [`AppState`] and how it changes: every change goes through here, and only real changes are told.

use roomed_protocol::{ParticipantView, Presence, Problem, Role, StageView, VisitView};
use tokio::sync::watch;

use crate::epoch::Epochs;
use crate::view::AppState;

pub(crate) struct Board {
    state: watch::Sender<AppState>,
    /// Whose it is.
    pub(crate) epochs: Epochs,
}

impl Board {
    pub(crate) fn new(state: AppState) -> Self {
        Self { state: watch::Sender::new(state), epochs: Epochs::new() }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<AppState> {
        self.state.subscribe()
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&AppState) -> T) -> T {
        look(&self.state.borrow())
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut AppState)) {
        self.state.send_if_modified(|state| {
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

/// Those a visit is held for: its patients and those who act for them; where there is none, the colleagues.
fn awaited(visit: &VisitView) -> impl Iterator<Item = &ParticipantView> {
    let is_patient = |p: &ParticipantView| matches!(p.role, Role::Patient | Role::Proxy);
    let with_patient = visit.participants.iter().any(is_patient);
    let is_colleague = |p: &ParticipantView| !p.me && matches!(p.role, Role::Practitioner | Role::Colleague);
    visit.participants.iter().filter(move |p| if with_patient { is_patient(p) } else { is_colleague(p) })
}

/// True once nothing more can happen in it.
pub(crate) fn is_over(visit: &VisitView) -> bool {
    matches!(visit.stage, StageView::Finished | StageView::Noshow | StageView::Cancelled)
}

/// True while somebody is there and not yet in.
pub(crate) fn waits(visit: &VisitView) -> bool {
    !is_over(visit) && awaited(visit).any(|p| p.presence == Presence::Waiting)
}

/// Since when whoever waits longest does, in this stay of theirs.
fn waiting_since(visit: &VisitView) -> Option<&str> {
    let waiting = awaited(visit).filter(|p| p.presence == Presence::Waiting);
    waiting.filter_map(|p| p.since.as_deref()).min().or(visit.arrived_at.as_deref())
}

/// True if somebody is there, waiting or already in the meeting: then *Begin* goes straight in.
pub(crate) fn somebody_is_there(visit: &VisitView) -> bool {
    awaited(visit).any(|p| matches!(p.presence, Presence::Waiting | Presence::Connected | Presence::Unclear))
}

/// True while somebody waits to be let in and the visit is not being closed.
fn is_waited_in(visit: &VisitView) -> bool {
    !visit.closing && waits(visit)
}

/// True if *Join* could be meant for another visit than this, so that a person has to say it in the window: the clinician
/// is still in another, or several are waited in. The window words the question (`guardOf` in its `rules.ts`).
pub(crate) fn must_ask(visits: &[VisitView], visit: &str) -> bool {
    let am_in = |one: &VisitView| one.participants.iter().any(|who| who.me && who.presence == Presence::Connected);
    let Some(this) = visits.iter().find(|one| one.id == visit) else { return false };
    let mut others = visits.iter().filter(|one| one.id != visit && !one.closing && !is_over(one));
    !am_in(this) && others.any(|one| am_in(one) || is_waited_in(one) && is_waited_in(this))
}

/// Longest waiting first, then by time.
pub(crate) fn sort(visits: &mut [VisitView]) {
    visits.sort_by(|a, b| {
        let key = |v: &VisitView| (!waits(v), waiting_since(v).filter(|_| waits(v)).unwrap_or_default().to_owned());
        key(a).cmp(&key(b)).then_with(|| a.start.cmp(&b.start)).then_with(|| a.id.cmp(&b.id))
    });
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use serde_json::{Value, json};

    use super::*;

    /// The window is held to the same table (`ui/companion/rules.test.ts`).
    #[test]
    fn who_is_waited_for() {
        let table: Vec<Value> = serde_json::from_str(include_str!("../../../ui/companion/awaited.json")).unwrap();
        assert!(table.len() > 8);
        for line in table {
            let person = |(n, role): (usize, &Value)| {
                let me = role == "me";
                let role = if me { "practitioner" } else { role.as_str().unwrap() };
                json!({"id": n.to_string(), "role": role, "me": me, "presence": "waiting", "chart": {"state": "nothing"}})
            };
            let people: Vec<Value> = line["people"].as_array().unwrap().iter().enumerate().map(person).collect();
            let visit: VisitView =
                serde_json::from_value(json!({"id": "v", "stage": "arrived", "participants": people,
                "start": "2026-11-22T08:30:00Z", "end": "2026-11-22T09:00:00Z", "proven": true, "covering": false,
                "covered": false, "acknowledged": false, "closing": false, "timeline": [], "messages": []}))
                .unwrap();
            let found: Vec<Value> = awaited(&visit).map(|who| who.id.parse::<u64>().unwrap().into()).collect();
            assert_eq!(Value::Array(found), line["awaited"], "{}", line["visit"]);
            assert_eq!(waits(&visit), line["awaited"] != json!([]));
        }
    }
}
