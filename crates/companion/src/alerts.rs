//! Alerts: somebody waits and nobody has acknowledged it. Each stands in the window (`AppState.alert`) and as an OS
//! notification, repeated until it is withdrawn. Time and role only; the text has no place for more.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roomed_protocol::{Role, VisitView};
use tokio::sync::{Notify, mpsc};

use crate::board::Board;
use crate::clock::{Clock, within};
use crate::ports::{AlertAction, AlertText, Answer, Notifier, Refused, ShownAlert};
use crate::view::{AlertView, NotificationsView};

/// Most OS notifications at once: each may cost a thread (`dependencies.md` 1.5). The window shows the rest.
const MOST_SHOWN: usize = 3;
const SHOW_LIMIT: Duration = Duration::from_secs(5);

pub(crate) struct Alerts {
    standing: Mutex<BTreeMap<String, AlertView>>,
    every: Mutex<Duration>,
    changed: Notify,
    board: Arc<Board>,
    notifier: Arc<dyn Notifier>,
    clock: Arc<dyn Clock>,
}

/// One that is on the screen.
struct Up {
    shown: Option<Box<dyn ShownAlert>>,
    text: AlertText,
    again: Timestamp,
}

impl Alerts {
    pub(crate) fn new(board: Arc<Board>, notifier: Arc<dyn Notifier>, clock: Arc<dyn Clock>) -> Self {
        Self {
            standing: Mutex::default(),
            every: Mutex::new(Duration::from_secs(30)),
            changed: Notify::new(),
            board,
            notifier,
            clock,
        }
    }

    pub(crate) fn repeat_every(&self, every: Duration) {
        *self.every.lock().unwrap_or_else(PoisonError::into_inner) = every.max(Duration::from_secs(5));
    }

    pub(crate) fn raise(&self, alert: AlertView) {
        self.edit(|standing| {
            standing.insert(alert.visit.clone(), alert);
        });
    }

    pub(crate) fn withdraw(&self, visit: &str) {
        self.edit(|standing| {
            standing.remove(visit);
        });
    }

    pub(crate) fn clear(&self) {
        self.edit(BTreeMap::clear);
    }

    /// What a visit's newest state means for its alert: a proven launch turns *Open* into *Join*.
    pub(crate) fn follow(&self, visit: &VisitView, withdraw: bool) {
        self.edit(|standing| {
            if withdraw {
                standing.remove(&visit.id);
            } else if let Some(alert) = standing.get_mut(&visit.id) {
                alert.proven |= visit.proven;
            }
        });
    }

    /// True if pressing the alert of this visit means *Join*.
    pub(crate) fn is_proven(&self, visit: &str) -> bool {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).get(visit).is_some_and(|a| a.proven)
    }

    fn edit(&self, edit: impl FnOnce(&mut BTreeMap<String, AlertView>)) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = standing.clone();
        edit(&mut standing);
        if *standing == before {
            return;
        }
        let first = standing.values().min_by(|a, b| (&a.since, &a.visit).cmp(&(&b.since, &b.visit))).cloned();
        drop(standing);
        self.board.change(|s| s.alert = first);
        self.changed.notify_one();
    }

    /// Keeps the OS notifications in step with what stands. Presses go to `pressed` by visit id.
    pub(crate) async fn run(&self, pressed: mpsc::UnboundedSender<String>) {
        let mut up: HashMap<String, Up> = HashMap::new();
        loop {
            let first = self.first();
            let gone: Vec<String> = up.keys().filter(|v| !first.iter().any(|a| a.visit == **v)).cloned().collect();
            for visit in gone {
                self.take_down(&mut up, &visit).await;
            }
            for alert in &first {
                self.put_up(&mut up, alert, &pressed).await;
            }
            let now = self.clock.now();
            let next = up.values().map(|u| u.again.duration_since(now).try_into().unwrap_or(Duration::ZERO)).min();
            match next {
                Some(pause) => {
                    within(&*self.clock, pause, self.changed.notified()).await;
                }
                None => self.changed.notified().await,
            }
        }
    }

    /// Those that have stood longest.
    fn first(&self) -> Vec<AlertView> {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut alerts: Vec<AlertView> = standing.values().cloned().collect();
        alerts.sort_by(|a, b| (&a.since, &a.visit).cmp(&(&b.since, &b.visit)));
        alerts.truncate(MOST_SHOWN);
        alerts
    }

    async fn take_down(&self, up: &mut HashMap<String, Up>, visit: &str) {
        if let Some(shown) = up.remove(visit).and_then(|u| u.shown) {
            within(&*self.clock, SHOW_LIMIT, shown.close()).await;
        }
    }

    /// Shows one that is new, due again, or says something else now.
    async fn put_up(&self, up: &mut HashMap<String, Up>, alert: &AlertView, pressed: &mpsc::UnboundedSender<String>) {
        let text = self.text(alert);
        if up.get(&alert.visit).is_some_and(|u| u.text == text && self.clock.now() < u.again) {
            return;
        }
        // Down first: a replaced notification does not pop up again on every desktop.
        self.take_down(up, &alert.visit).await;
        let shown = self.show(&text, &alert.visit, pressed).await.ok();
        let every = *self.every.lock().unwrap_or_else(PoisonError::into_inner);
        let every = SignedDuration::try_from(every).unwrap_or(SignedDuration::from_secs(30));
        let again = self.clock.now().checked_add(every).unwrap_or(Timestamp::MAX);
        up.insert(alert.visit.clone(), Up { shown, text, again });
    }

    async fn show(
        &self,
        text: &AlertText,
        visit: &str,
        pressed: &mpsc::UnboundedSender<String>,
    ) -> Result<Box<dyn ShownAlert>, Refused> {
        let (pressed, visit) = (pressed.clone(), visit.to_owned());
        let answered = Box::new(move |answer| {
            if answer == Answer::Pressed {
                let _ = pressed.send(visit);
            }
        });
        let outcome =
            within(&*self.clock, SHOW_LIMIT, self.notifier.show(text, answered)).await.unwrap_or(Err(Refused));
        let seen = if outcome.is_ok() { NotificationsView::Shown } else { NotificationsView::Unavailable };
        self.board.change(|s| s.notifications = seen);
        outcome
    }

    fn text(&self, alert: &AlertView) -> AlertText {
        AlertText {
            summary: summary(alert.role).to_owned(),
            body: alert.start.parse().map(|at| self.clock.local_time(at)).unwrap_or_default(),
            action: if alert.proven { AlertAction::Join } else { AlertAction::Open },
        }
    }
}

/// Who waits, in a few words that may stand on a locked screen.
pub(crate) fn summary(role: Role) -> &'static str {
    match role {
        Role::Patient => "Patient ready",
        Role::Proxy => "Patient's proxy ready",
        Role::Practitioner | Role::Colleague => "Colleague ready",
        Role::Interpreter | Role::Family | Role::Unattributed | Role::Unknown => "Somebody is waiting",
    }
}
