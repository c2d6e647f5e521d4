//! The inbox: notices pulled by cursor, in order and once, and what they mean for the list and the alerts.
//! Hints may be doubled, late or lost; only the cursor counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use roomed_protocol::{Notice, NoticeKind, ProblemCode, VisitView};
use tokio::sync::Mutex;

use crate::alerts::Alerts;
use crate::board::{Board, sort};
use crate::clock::Clock;
use crate::core::left;
use crate::doors::Doors;
use crate::relay::socket::Listener;
use crate::relay::{Refusal, Relay};
use crate::view::{AlertAbout, AlertView, ConnectionState, ConnectionView, OfferView};

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
            turn: Mutex::new(()),
            heard: std::sync::Mutex::default(),
        }
    }

    /// Everything that happened since the cursor, then the list as it is now. In this order: what happens in between is
    /// in the list already, and is told of once more by the next hint.
    async fn catch_up(&self) -> Result<(), Refusal> {
        let _turn = self.turn.lock().await;
        let news = self.pull().await?;
        let list = self.relay.visits().await?;
        self.set_offset(list.now.parse().ok());
        self.board.change(|s| {
            s.visits.clone_from(&list.visits);
            sort(&mut s.visits);
        });
        // Who asks for help is read off the list: an old request was taken on long ago, and a visit that is gone needs none.
        self.settle(news.arrivals);
        self.settle_offer(news.offer, &news.answered);
        for visit in &list.visits {
            self.alerts.follow(visit);
        }
        self.learn_doors().await;
        Ok(())
    }

    /// What a hint announced.
    async fn pull_new(&self, cursor: u32) -> Result<(), Refusal> {
        let _turn = self.turn.lock().await;
        if self.board.read(|s| s.cursor) >= cursor {
            return Ok(());
        }
        let news = self.pull().await?;
        // The alert first: it needs nothing but the notice.
        self.settle(news.arrivals);
        news.help.into_values().for_each(|alert| self.alerts.raise(alert));
        self.settle_offer(news.offer, &news.answered);
        for id in news.touched {
            match self.relay.visit(&id).await {
                Ok(visit) => self.put(visit),
                Err(refusal) if refusal.problem.code == ProblemCode::VisitNotFound => {
                    self.board.change(|s| s.visits.retain(|v| v.id != id));
                }
                Err(_) => tracing::debug!("a visit could not be fetched"),
            }
        }
        self.learn_doors().await;
        Ok(())
    }

    /// Asks how visits are joined that could be joined now, for the time when nobody can be asked.
    pub(crate) async fn learn_doors(&self) {
        for visit in self.board.read(|s| self.doors.missing(&s.visits)) {
            match self.relay.door(&visit).await {
                Ok(door) => self.doors.put(&visit, door),
                Err(refusal) if refusal.is_silence() => break,
                // There is no meeting yet: asked again with the next news of it.
                Err(_) => {}
            }
        }
        self.board.change(|s| s.joinable = self.doors.known());
    }

    /// Whoever signs in next has heard nothing yet, and joins nothing of the one before.
    pub(crate) fn forget(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.doors.clear();
    }

    /// A visit as the relay has just described it.
    pub(crate) fn put(&self, visit: VisitView) {
        self.alerts.follow(&visit);
        self.board.upsert(visit);
    }

    /// Reads all new notices.
    async fn pull(&self) -> Result<News, Refusal> {
        let mut cursor = self.board.read(|s| s.cursor);
        let mut news = News::default();
        for _ in 0..PAGES {
            let page = self.relay.notices(cursor).await?;
            let before = cursor;
            for notice in page.notices {
                cursor = notice.seq;
                fold(&mut news, notice);
            }
            if !page.more || cursor == before {
                break;
            }
        }
        self.board.change(|s| s.cursor = s.cursor.max(cursor));
        Ok(news)
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

    fn set_offset(&self, relay_now: Option<Timestamp>) {
        let Some(relay_now) = relay_now else { return };
        let offset = relay_now.as_millisecond() - self.clock.now().as_millisecond();
        let offset = i32::try_from(offset).unwrap_or(if offset < 0 { i32::MIN } else { i32::MAX });
        self.board.change(|s| s.clock_offset_ms = offset);
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

#[async_trait::async_trait]
impl Listener for Inbox {
    fn cursor(&self) -> u32 {
        self.board.read(|s| s.cursor)
    }

    async fn up(&self, relay_cursor: u32, relay_now: Option<Timestamp>) -> bool {
        // A relay that knows less than we have seen has another store than before.
        self.board.change(|s| {
            if s.cursor > relay_cursor {
                s.cursor = 0;
            }
        });
        self.set_offset(relay_now);
        if let Err(refusal) = self.catch_up().await {
            tracing::warn!(code = ?refusal.problem.code, "could not catch up");
            return false;
        }
        let since = Some(self.clock.now().to_string());
        self.board.change(|s| {
            s.connection = ConnectionView { state: ConnectionState::Live, since };
            s.heard_at = None;
        });
        true
    }

    fn heard(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clock.now());
    }

    async fn hint(&self, cursor: u32) -> bool {
        let outcome = self.pull_new(cursor).await;
        if let Err(refusal) = &outcome {
            tracing::warn!(code = ?refusal.problem.code, "could not pull notices");
        }
        outcome.is_ok()
    }

    fn down(&self) {
        let now = self.clock.now().to_string();
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        self.board.change(|s| {
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
