//! Alerts: somebody waits and nobody has acknowledged it, or asks for help and nobody has taken it on. Each stands in the
//! window (`AppState.alert`) and as an OS notification, repeated until it is withdrawn. Time and role only; the text has no
//! place for more.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roomed_protocol::{Role, VisitView};
use tokio::sync::{Notify, mpsc};

use crate::board::{Board, is_over};
use crate::clock::{Clock, within};
use crate::ports::{AlertAction, AlertText, Answer, Notifier, Refused, ShownAlert};
use crate::view::{AlertAbout, AlertView, NotificationsView};

/// Most OS notifications at once: each may cost a thread (`dependencies.md` 1.5). The window shows the rest.
const MOST_SHOWN: usize = 3;
const SHOW_LIMIT: Duration = Duration::from_secs(5);
/// How often a desktop that holds notifications back is asked whether it still does, while nobody waits.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Which alert: a visit has one for its arrival and one for a request for help.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Which {
    pub(crate) about: AlertAbout,
    pub(crate) visit: String,
}

impl Which {
    fn of(alert: &AlertView) -> Self {
        Self { about: alert.about, visit: alert.visit.clone() }
    }

    pub(crate) fn arrival(visit: &str) -> Self {
        Self { about: AlertAbout::Ready, visit: visit.to_owned() }
    }
}

pub(crate) struct Alerts {
    standing: Mutex<BTreeMap<Which, AlertView>>,
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
            standing.insert(Which::of(&alert), alert);
        });
    }

    /// Somebody has seen to the arrival. A request for help stands until it is taken on. Returns what stood.
    pub(crate) fn withdraw(&self, visit: &str) -> Option<AlertView> {
        self.edit(|standing| standing.remove(&Which::arrival(visit)))
    }

    pub(crate) fn clear(&self) {
        self.edit(BTreeMap::clear);
    }

    /// A visit that is gone, or over for good: there is nothing to see to, and nothing to take on.
    pub(crate) fn forget(&self, visit: &str) {
        self.edit(|standing| standing.retain(|which, _| which.visit != visit));
    }

    /// These are all visits there are.
    pub(crate) fn only(&self, visits: &[VisitView]) {
        self.edit(|standing| standing.retain(|which, _| visits.iter().any(|visit| visit.id == which.visit)));
    }

    /// What a visit's newest state means for its alerts: a proven launch turns *Open* into *Join*, help that somebody took
    /// on needs nobody any more, and nothing stands for a visit that is over.
    pub(crate) fn follow(&self, visit: &VisitView) {
        let over = is_over(visit);
        self.edit(|standing| {
            if over || visit.acknowledged {
                standing.remove(&Which::arrival(&visit.id));
            } else if let Some(alert) = standing.get_mut(&Which::arrival(&visit.id)) {
                alert.proven |= visit.proven;
            }
            let which = Which { about: AlertAbout::Help, visit: visit.id.clone() };
            let asks = || visit.participants.iter().filter_map(|who| Some((who.help_since.clone()?, who.role)));
            let known = standing.get(&which).is_some_and(|alert| asks().any(|(_, role)| role == alert.role));
            match asks().min_by(|(one, _), (other, _)| one.cmp(other)) {
                Some((since, role)) if !over && !known => {
                    let (start, proven) = (visit.start.clone(), visit.proven);
                    let alert = AlertView {
                        visit: visit.id.clone(),
                        about: AlertAbout::Help,
                        start,
                        role,
                        proven,
                        as_delegate: false,
                        since,
                    };
                    standing.insert(which, alert);
                }
                Some(_) if !over => {}
                _ => {
                    standing.remove(&which);
                }
            }
        });
    }

    /// False if it has been withdrawn: its notification may be pressed before it is off the screen.
    pub(crate) fn stands(&self, which: &Which) -> bool {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).contains_key(which)
    }

    /// True if pressing this alert means *Join*.
    pub(crate) fn means_join(&self, which: &Which) -> bool {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.get(which).is_some_and(|alert| action(alert) == AlertAction::Join)
    }

    fn edit<T>(&self, edit: impl FnOnce(&mut BTreeMap<Which, AlertView>) -> T) -> T {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = standing.clone();
        let outcome = edit(&mut standing);
        if *standing == before {
            return outcome;
        }
        let first = standing.values().min_by(|a, b| rank(a).cmp(&rank(b))).cloned();
        // Still locked: of two changes at once, the later one is the one that is shown.
        self.board.change(|s| s.alert = first);
        drop(standing);
        self.changed.notify_one();
        outcome
    }

    /// Keeps the OS notifications in step with what stands. Presses go to `pressed`.
    pub(crate) async fn run(&self, pressed: mpsc::UnboundedSender<Which>) {
        let mut up: HashMap<Which, Up> = HashMap::new();
        self.look().await;
        loop {
            let first = self.first();
            let gone: Vec<Which> = up.keys().filter(|w| !first.iter().any(|a| Which::of(a) == **w)).cloned().collect();
            for which in gone {
                self.take_down(&mut up, &which).await;
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
                // Once nobody is silenced any more, the window is not to go on saying so.
                None if self.are_held_back() => {
                    if within(&*self.clock, LOOK_AGAIN, self.changed.notified()).await.is_none() {
                        self.look().await;
                    }
                }
                None => self.changed.notified().await,
            }
        }
    }

    fn are_held_back(&self) -> bool {
        use NotificationsView as N;
        self.board.read(|s| matches!(s.notifications, N::DoNotDisturb | N::SwitchedOff | N::Unavailable))
    }

    /// Asks the desktop whether notifications come through.
    async fn look(&self) {
        let seen = within(&*self.clock, SHOW_LIMIT, self.notifier.standing()).await;
        self.board.change(|s| s.notifications = seen.unwrap_or(NotificationsView::Unknown));
    }

    /// Those that come first.
    fn first(&self) -> Vec<AlertView> {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut alerts: Vec<AlertView> = standing.values().cloned().collect();
        alerts.sort_by(|a, b| rank(a).cmp(&rank(b)));
        alerts.truncate(MOST_SHOWN);
        alerts
    }

    async fn take_down(&self, up: &mut HashMap<Which, Up>, which: &Which) {
        if let Some(shown) = up.remove(which).and_then(|u| u.shown) {
            within(&*self.clock, SHOW_LIMIT, shown.close()).await;
        }
    }

    /// Shows one that is new, due again, or says something else now.
    async fn put_up(&self, up: &mut HashMap<Which, Up>, alert: &AlertView, pressed: &mpsc::UnboundedSender<Which>) {
        let (which, text) = (Which::of(alert), self.text(alert));
        if up.get(&which).is_some_and(|u| u.text == text && self.clock.now() < u.again) {
            return;
        }
        // Down first: a replaced notification does not pop up again on every desktop.
        self.take_down(up, &which).await;
        let shown = self.show(&text, &which, pressed).await.ok();
        let every = *self.every.lock().unwrap_or_else(PoisonError::into_inner);
        let every = SignedDuration::try_from(every).unwrap_or(SignedDuration::from_secs(30));
        let again = self.clock.now().checked_add(every).unwrap_or(Timestamp::MAX);
        up.insert(which, Up { shown, text, again });
    }

    async fn show(
        &self,
        text: &AlertText,
        which: &Which,
        pressed: &mpsc::UnboundedSender<Which>,
    ) -> Result<Box<dyn ShownAlert>, Refused> {
        let (pressed, which) = (pressed.clone(), which.clone());
        let answered = Box::new(move |answer| {
            if answer == Answer::Pressed {
                let _ = pressed.send(which);
            }
        });
        let outcome =
            within(&*self.clock, SHOW_LIMIT, self.notifier.show(text, answered)).await.unwrap_or(Err(Refused));
        match outcome {
            // Shown to the desktop is not shown by it.
            Ok(_) => self.look().await,
            Err(Refused) => self.board.change(|s| s.notifications = NotificationsView::Unavailable),
        }
        outcome
    }

    fn text(&self, alert: &AlertView) -> AlertText {
        AlertText {
            summary: summary(alert).to_owned(),
            body: alert.start.parse().map(|at| self.clock.local_time(at)).unwrap_or_default(),
            action: action(alert),
        }
    }
}

/// Help before waiting, then the longest standing.
fn rank(alert: &AlertView) -> (AlertAbout, &str, &str) {
    (alert.about, &alert.since, &alert.visit)
}

/// Whoever asks for help is to be read first: a press opens the visit.
fn action(alert: &AlertView) -> AlertAction {
    if alert.proven && alert.about == AlertAbout::Ready { AlertAction::Join } else { AlertAction::Open }
}

/// Who waits or asks for help, in a few words that may stand on a locked screen: the same in the notification and the tray.
pub fn summary(alert: &AlertView) -> &'static str {
    match (alert.about, alert.role) {
        (AlertAbout::Ready, Role::Patient) => "Patient ready",
        (AlertAbout::Ready, Role::Proxy) => "Patient's proxy ready",
        (AlertAbout::Ready, Role::Practitioner | Role::Colleague) => "Colleague ready",
        (AlertAbout::Ready, Role::Interpreter | Role::Family | Role::Unattributed | Role::Unknown) => {
            "Somebody is waiting"
        }
        (AlertAbout::Help, Role::Patient) => "Patient asks for help",
        (AlertAbout::Help, Role::Proxy) => "Patient's proxy asks for help",
        (AlertAbout::Help, Role::Interpreter) => "Interpreter asks for help",
        (AlertAbout::Help, Role::Practitioner | Role::Colleague) => "Colleague asks for help",
        (AlertAbout::Help, Role::Family | Role::Unattributed | Role::Unknown) => "Somebody asks for help",
    }
}
