//! The inbox: notices pulled by cursor, in order and once, and what they mean for the list and the alerts.
//! Hints may be doubled, late or lost; only the cursor counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use roomed_protocol::{Notice, NoticeKind, ProblemCode, VisitView};
use tokio::sync::{Mutex, Notify};

use crate::alerts::Alerts;
use crate::board::{Board, sort};
use crate::clock::Clock;
use crate::core::left;
use crate::doors::Doors;
use crate::epoch::{Epoch, Over};
use crate::relay::socket::Listener;
use crate::relay::{Refusal, Relay};
use crate::view::{AlertAbout, AlertView, AppState, ConnectionState, ConnectionView, OfferView};

/// For how long a lost connection is only "Reconnecting".
const OFFLINE_AFTER: Duration = Duration::from_secs(30);
/// Most pages of one pull.
const PAGES: usize = 100;

pub(crate) struct Inbox {
    pub(crate) relay: Arc<Relay>,
    pub(crate) board: Arc<Board>,
    pub(crate) alerts: Arc<Alerts>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) doors: Doors,
    /// The address of a meeting is still to be asked for.
    doors_wanted: Notify,
    /// One pull at a time.
    turn: Mutex<()>,
    /// When the relay was last heard. Told only when the line is lost: until then it would change at every ping.
    heard: std::sync::Mutex<Option<Timestamp>>,
}

impl Inbox {
    pub(crate) fn new(relay: Arc<Relay>, board: Arc<Board>, alerts: Arc<Alerts>, clock: Arc<dyn Clock>) -> Self {
        Self {
            relay,
            board,
            alerts,
            clock,
            doors: Doors::default(),
            doors_wanted: Notify::new(),
            turn: Mutex::new(()),
            heard: std::sync::Mutex::default(),
        }
    }

    /// Everything that happened since the cursor, then the list as it is now. In this order: what happens in between is
    /// in the list already, and is told of once more by the next hint. The cursor moves once all of it is settled: what
    /// was read and then lost with the line is read again.
    async fn catch_up(&self, of: Epoch) -> Result<(), Refusal> {
        let _turn = self.turn.lock().await;
        let mut news = self.pull().await?;
        let list = self.relay.visits().await?;
        self.board.epochs.during(of, || {
            let offset = self.offset(list.now.parse().ok());
            self.board.change(|s| {
                s.clock_offset_ms = offset.unwrap_or(s.clock_offset_ms);
                s.visits.clone_from(&list.visits);
                sort(&mut s.visits);
            });
            // Who asks for help is read off the list: an old request was taken on long ago, and a visit that is gone needs
            // none.
            news.arrivals.retain(|id, _| list.visits.iter().any(|visit| visit.id == *id));
            self.alerts.only(&list.visits);
            self.settle(news.arrivals);
            self.settle_offer(news.offer, &news.answered);
            for visit in &list.visits {
                self.alerts.follow(visit);
            }
            self.advance(news.cursor);
            self.see_to_doors();
        })?;
        Ok(())
    }

    /// What a hint announced.
    async fn pull_new(&self, of: Epoch, cursor: u32) -> Result<(), Refusal> {
        let _turn = self.turn.lock().await;
        if self.board.read(|s| s.cursor) >= cursor {
            return Ok(());
        }
        let news = self.pull().await?;
        self.board.epochs.during(of, || {
            // The alert first: it needs nothing but the notice.
            self.settle(news.arrivals);
            news.help.into_values().for_each(|alert| self.alerts.raise(alert));
            self.settle_offer(news.offer, &news.answered);
            self.advance(news.cursor);
        })?;
        let mut lost = Ok(());
        for id in news.touched {
            match self.relay.visit(&id).await {
                Ok(visit) => self.put(of, visit)?,
                Err(refusal) if refusal.problem.code == ProblemCode::VisitNotFound => {
                    self.board.epochs.during(of, || {
                        self.alerts.forget(&id);
                        self.board.change(|s| {
                            s.visits.retain(|v| v.id != id);
                            s.patient.take_if(|p| p.visit == id);
                        });
                    })?;
                }
                // The line is not what it seems: the whole list is asked for once it is back.
                Err(refusal) if refusal.is_silence() => lost = Err(refusal),
                Err(_) => tracing::debug!("a visit could not be fetched"),
            }
        }
        self.board.epochs.during(of, || self.see_to_doors())?;
        lost
    }

    /// Drops the meetings' addresses that are of no use any more, and has the others asked for: in a task of its own, so that
    /// no alert waits for it.
    pub(crate) fn see_to_doors(&self) {
        let missing = self.board.read(|s| self.doors.missing(&s.visits));
        self.board.change(|s| s.joinable = self.doors.known());
        if !missing.is_empty() {
            self.doors_wanted.notify_one();
        }
    }

    /// Asks how visits are joined that could be joined now, for the time when nobody can be asked. Ends with the sign-in.
    pub(crate) async fn learn_doors(&self, of: Epoch) {
        loop {
            self.doors_wanted.notified().await;
            for visit in self.board.read(|s| self.doors.missing(&s.visits)) {
                match self.relay.door(&visit).await {
                    Ok(door) => {
                        let learnt = self.board.epochs.during(of, || {
                            self.doors.put(&visit, door);
                            self.board.change(|s| s.joinable = self.doors.known());
                        });
                        if learnt == Err(Over) {
                            return;
                        }
                    }
                    Err(refusal) if refusal.is_silence() => break,
                    // There is no meeting yet: asked again with the next news of it.
                    Err(_) => {}
                }
            }
        }
    }

    /// Whoever signs in next has heard nothing yet, and joins nothing of the one before.
    pub(crate) fn forget(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.doors.clear();
    }

    /// A visit as the relay has just described it.
    ///
    /// # Errors
    /// [`Over`] if it was asked under a sign-in that has ended.
    pub(crate) fn put(&self, of: Epoch, visit: VisitView) -> Result<(), Over> {
        self.board.epochs.during(of, || {
            self.alerts.follow(&visit);
            self.board.upsert(visit);
        })
    }

    /// Reads all new notices.
    async fn pull(&self) -> Result<News, Refusal> {
        let mut news = News { cursor: self.board.read(|s| s.cursor), ..News::default() };
        for _ in 0..PAGES {
            let before = news.cursor;
            let page = self.relay.notices(before).await?;
            for notice in page.notices {
                news.cursor = notice.seq;
                fold(&mut news, notice);
            }
            if !page.more || news.cursor == before {
                break;
            }
        }
        Ok(news)
    }

    /// Everything up to `cursor` is settled.
    fn advance(&self, cursor: u32) {
        self.board.change(|s| s.cursor = s.cursor.max(cursor));
    }

    fn settle(&self, alerts: BTreeMap<String, Option<AlertView>>) {
        for (visit, alert) in alerts {
            match alert {
                Some(alert) => self.alerts.raise(alert),
                None => drop(self.alerts.withdraw(&visit)),
            }
        }
    }

    /// The newest offer that nobody has answered and that is not over.
    fn settle_offer(&self, offer: Option<OfferView>, answered: &BTreeSet<String>) {
        let now = self.clock.now();
        self.board.change(|s| {
            if offer.is_some() {
                s.offer = offer;
            }
            let offset = s.clock_offset_ms;
            s.offer.take_if(|it| answered.contains(&it.id) || left(it, now, offset).is_zero());
        });
    }

    /// The relay's clock minus this workstation's, in milliseconds.
    fn offset(&self, relay_now: Option<Timestamp>) -> Option<i32> {
        let offset = relay_now?.as_millisecond() - self.clock.now().as_millisecond();
        Some(i32::try_from(offset).unwrap_or(if offset < 0 { i32::MIN } else { i32::MAX }))
    }

    /// "Offline since 10:31" once a loss has lasted.
    pub(crate) async fn watch_offline(&self) {
        let mut states = self.board.watch();
        loop {
            let lost = states.borrow_and_update().connection.clone();
            if lost.state != ConnectionState::Reconnecting {
                if states.changed().await.is_err() {
                    return;
                }
                continue;
            }
            self.clock.sleep(OFFLINE_AFTER).await;
            self.board.change(|s| {
                if s.connection == lost && lost.since.is_some() {
                    s.connection.state = ConnectionState::Offline;
                }
            });
            if states.borrow_and_update().connection == lost && states.changed().await.is_err() {
                return;
            }
        }
    }
}

/// The inbox at the end of a socket, under one sign-in.
pub(crate) struct Line {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) of: Epoch,
}

impl Line {
    /// Changes what is shown, while the sign-in lasts.
    fn change(&self, change: impl FnOnce(&Inbox, &mut AppState)) {
        let board = &self.inbox.board;
        // Otherwise nobody is there any more to be shown anything.
        let _ = board.epochs.during(self.of, || board.change(|s| change(&self.inbox, s)));
    }
}

#[async_trait::async_trait]
impl Listener for Line {
    fn cursor(&self) -> u32 {
        self.inbox.board.read(|s| s.cursor)
    }

    async fn up(&self, relay_cursor: u32, relay_now: Option<Timestamp>) -> bool {
        // A relay that knows less than we have seen has another store than before.
        self.change(|inbox, s| {
            if s.cursor > relay_cursor {
                s.cursor = 0;
            }
            s.clock_offset_ms = inbox.offset(relay_now).unwrap_or(s.clock_offset_ms);
        });
        if let Err(refusal) = self.inbox.catch_up(self.of).await {
            tracing::warn!(code = ?refusal.problem.code, "could not catch up");
            return false;
        }
        let since = Some(self.inbox.clock.now().to_string());
        self.change(|_, s| {
            s.connection = ConnectionView { state: ConnectionState::Live, since };
            s.heard_at = None;
        });
        true
    }

    fn heard(&self) {
        let inbox = &self.inbox;
        let now = Some(inbox.clock.now());
        let _ = inbox.board.epochs.during(self.of, || {
            *inbox.heard.lock().unwrap_or_else(PoisonError::into_inner) = now;
        });
    }

    async fn hint(&self, cursor: u32) -> bool {
        let outcome = self.inbox.pull_new(self.of, cursor).await;
        if let Err(refusal) = &outcome {
            tracing::warn!(code = ?refusal.problem.code, "could not pull notices");
        }
        outcome.is_ok()
    }

    async fn turned_away(&self) {
        let Err(refusal) = self.inbox.relay.me().await else { return };
        tracing::warn!(code = ?refusal.problem.code, "the relay turns us away");
        self.change(|_, s| s.problem = Some(refusal.problem));
    }

    fn down(&self) {
        let now = self.inbox.clock.now().to_string();
        let heard = *self.inbox.heard.lock().unwrap_or_else(PoisonError::into_inner);
        self.change(|_, s| {
            s.heard_at = heard.map(|at| at.to_string());
            if s.connection.state == ConnectionState::Live || s.connection.since.is_none() {
                s.connection = ConnectionView { state: ConnectionState::Reconnecting, since: Some(now) };
            }
        });
    }
}

/// What new notices come to.
#[derive(Default)]
struct News {
    /// The last of them.
    cursor: u32,
    /// Which arrivals stand unseen after them, or no longer do.
    arrivals: BTreeMap<String, Option<AlertView>>,
    /// Who asked for help. Whether somebody has taken it on since is in the visit only.
    help: BTreeMap<String, AlertView>,
    /// The newest visit that may be opened here.
    offer: Option<OfferView>,
    /// Offers that were answered, here or elsewhere.
    answered: BTreeSet<String>,
    /// The visits they touch.
    touched: BTreeSet<String>,
}

fn fold(news: &mut News, notice: Notice) {
    let Notice { visit, at: since, kind, .. } = notice;
    news.touched.insert(visit.clone());
    match kind {
        NoticeKind::PatientReady { start, role, proven, as_delegate } => {
            let about = AlertAbout::Ready;
            let alert = AlertView { visit: visit.clone(), about, start, role, proven, as_delegate, since };
            news.arrivals.insert(visit, Some(alert));
        }
        NoticeKind::AlertWithdrawn => {
            news.arrivals.insert(visit, None);
        }
        NoticeKind::HelpWanted { start, role } => {
            let about = AlertAbout::Help;
            let alert =
                AlertView { visit: visit.clone(), about, start, role, proven: false, as_delegate: false, since };
            news.help.insert(visit, alert);
        }
        NoticeKind::Offered { offer: id, start, until } => news.offer = Some(OfferView { id, visit, start, until }),
        NoticeKind::OfferAnswered { offer } => {
            news.answered.insert(offer);
        }
        NoticeKind::VisitChanged
        | NoticeKind::CoveredBy { .. }
        | NoticeKind::LeftUnseen { .. }
        | NoticeKind::Unknown => {}
    }
}
