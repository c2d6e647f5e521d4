//! What was pressed while the relay could not be reached: kept in memory, shown, sent once it answers, and given up after a
//! minute instead of coming as a surprise. Only what may come a little late is ever kept: [`Deed`] is the whole list.
//! *End for all*, its undo, invitations and whom a guest is take effect on people and are pressed again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roomed_protocol::{LateRequest, ProblemCode, Role, SayRequest, VisitView};
use tokio::sync::Notify;

use crate::relay::Refusal;
use crate::view::{AlertView, AppState, PendingAction, PendingState, PendingView};

/// After this, nobody expects it any more.
pub(crate) const EXPIRES: Duration = Duration::from_secs(60);
/// Pause between attempts while the socket says that the relay is there.
pub(crate) const AGAIN: Duration = Duration::from_secs(5);
/// Most that are kept.
const MOST: usize = 20;
/// By so much may the relay's clock be judged wrongly.
const LEEWAY: SignedDuration = SignedDuration::from_secs(2);

/// What may be done later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deed {
    /// `alert`: what was taken down at the press, and comes back if nobody can be told.
    Acknowledge {
        visit: String,
        alert: Option<AlertView>,
    },
    Late(LateRequest),
    Say {
        visit: String,
        request: SayRequest,
    },
    HelpTaken {
        visit: String,
        participant: String,
    },
    /// The meeting is open already: the patient is to be called.
    Join {
        visit: String,
    },
}

impl Deed {
    fn action(&self) -> PendingAction {
        match self {
            Self::Acknowledge { .. } => PendingAction::Acknowledge,
            Self::Late(_) => PendingAction::Late,
            Self::Say { .. } => PendingAction::Say,
            Self::HelpTaken { .. } => PendingAction::HelpTaken,
            Self::Join { .. } => PendingAction::Join,
        }
    }

    fn visit(&self) -> Option<&str> {
        match self {
            Self::Acknowledge { visit, .. }
            | Self::Say { visit, .. }
            | Self::HelpTaken { visit, .. }
            | Self::Join { visit } => Some(visit),
            Self::Late(request) => request.visits.first().map(String::as_str),
        }
    }

    /// True if doing this makes the earlier one pointless.
    fn replaces(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Late(now), Self::Late(before)) => before.visits.iter().all(|visit| now.visits.contains(visit)),
            (Self::Acknowledge { visit, .. }, Self::Acknowledge { visit: before, .. }) => visit == before,
            (now, before) => now == before,
        }
    }

    /// The visits for which an earlier *Running late* is no longer true.
    fn no_longer_late(&self) -> &[String] {
        match self {
            Self::Late(request) => &request.visits,
            Self::Join { visit } => std::slice::from_ref(visit),
            Self::Acknowledge { .. } | Self::Say { .. } | Self::HelpTaken { .. } => &[],
        }
    }

    /// True if this was refused because there is no such visit any more. *Join* is not found as well where nobody has proven
    /// a launch, and *Running late* is of several.
    pub(crate) fn is_of_no_visit(&self, refusal: &Refusal) -> bool {
        match refusal.problem.code {
            ProblemCode::VisitClosed => !matches!(self, Self::Late(_)),
            ProblemCode::VisitNotFound => !matches!(self, Self::Late(_) | Self::Join { .. }),
            _ => false,
        }
    }

    /// True if the relay heard it although its answer was lost: a message must not be said twice.
    fn is_known(&self, state: &AppState, since: Timestamp) -> bool {
        let Self::Say { visit, request } = self else { return false };
        let Some(visit) = state.visits.iter().find(|one| one.id == *visit) else { return false };
        // A message names a role. In a group that may be another patient, to whom the same was said.
        let to = match &request.to {
            None => None,
            Some(to) => match only_role_of(visit, to) {
                Some(role) => Some(role),
                None => return false,
            },
        };
        let pressed = since + SignedDuration::from_millis(i64::from(state.clock_offset_ms)) - LEEWAY;
        visit.messages.iter().any(|said| {
            (said.preset, said.minutes, said.to) == (request.preset, request.minutes, to)
                && said.at.parse::<Timestamp>().is_ok_and(|at| at >= pressed)
        })
    }
}

/// The role of a participant who is the only one of that role.
fn only_role_of(visit: &VisitView, participant: &str) -> Option<Role> {
    let role = visit.participants.iter().find(|one| one.id == participant)?.role;
    (visit.participants.iter().filter(|one| one.role == role).count() == 1).then_some(role)
}

/// One that waits to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) deed: Deed,
    since: Timestamp,
    start: String,
    state: PendingState,
}

impl Kept {
    /// How long it may still be sent.
    pub(crate) fn left(&self, now: Timestamp) -> Duration {
        let age = Duration::try_from(now.duration_since(self.since)).unwrap_or_default();
        EXPIRES.saturating_sub(age)
    }

    pub(crate) fn is_known(&self, state: &AppState) -> bool {
        self.deed.is_known(state, self.since)
    }
}

/// Everything that is kept.
#[derive(Default)]
pub(crate) struct Pending {
    kept: Mutex<(u64, Vec<Kept>)>,
    pub(crate) changed: Notify,
}

impl Pending {
    fn edit<T>(&self, edit: impl FnOnce(&mut u64, &mut Vec<Kept>) -> T) -> T {
        let mut slot = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, kept) = &mut *slot;
        edit(count, kept)
    }

    /// Keeps what was pressed at `since`. False if there is no room for it.
    pub(crate) fn keep(&self, deed: Deed, state: &AppState, since: Timestamp) -> bool {
        let visit = state.visits.iter().find(|one| deed.visit() == Some(&one.id));
        let start = visit.map_or_else(|| since.to_string(), |one| one.start.clone());
        let kept = self.edit(|count, kept| {
            kept.retain(|earlier| !deed.replaces(&earlier.deed));
            not_late(kept, deed.no_longer_late());
            if kept.len() >= MOST {
                return false;
            }
            *count += 1;
            kept.push(Kept { id: format!("p{count}"), deed, since, start, state: PendingState::Waiting });
            true
        });
        self.changed.notify_one();
        kept
    }

    /// This was done at once: what was kept before it must not come after it.
    pub(crate) fn done(&self, deed: &Deed) {
        self.edit(|_, kept| {
            kept.retain(|earlier| earlier.state != PendingState::Waiting || !deed.replaces(&earlier.deed));
            not_late(kept, deed.no_longer_late());
        });
        self.changed.notify_one();
    }

    /// The oldest that may still be sent.
    pub(crate) fn next(&self) -> Option<Kept> {
        self.edit(|_, kept| kept.iter().find(|one| one.state == PendingState::Waiting).cloned())
    }

    /// It was sent, refused, or read.
    pub(crate) fn remove(&self, id: &str) {
        self.edit(|_, kept| kept.retain(|one| one.id != id));
        self.changed.notify_one();
    }

    /// Forgets everything; answers how much of it had not been sent, or not been read as too old.
    pub(crate) fn clear(&self) -> u32 {
        self.edit(|_, kept| u32::try_from(std::mem::take(kept).len()).unwrap_or(u32::MAX))
    }

    /// Gives up what is too old; returns what that was.
    pub(crate) fn expire(&self, now: Timestamp) -> Vec<Deed> {
        self.edit(|_, kept| {
            let old = |one: &&mut Kept| one.state == PendingState::Waiting && one.left(now).is_zero();
            let given_up = kept.iter_mut().filter(old).map(|one| {
                one.state = PendingState::Expired;
                one.deed.clone()
            });
            given_up.collect()
        })
    }

    /// As the window shows it.
    pub(crate) fn view(&self) -> Vec<PendingView> {
        let view = |one: &Kept| PendingView {
            id: one.id.clone(),
            action: one.deed.action(),
            start: one.start.clone(),
            since: one.since.to_string(),
            state: one.state,
        };
        self.edit(|_, kept| kept.iter().map(view).collect())
    }
}

/// Takes these visits out of every *Running late* that still waits.
fn not_late(kept: &mut Vec<Kept>, visits: &[String]) {
    kept.retain_mut(|one| match &mut one.deed {
        Deed::Late(request) if one.state == PendingState::Waiting => {
            request.visits.retain(|visit| !visits.contains(visit));
            !request.visits.is_empty()
        }
        _ => true,
    });
}
