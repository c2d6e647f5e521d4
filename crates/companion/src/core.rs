//! The parts put together: what runs, what a link leads to, and what a press does. Signing in and out is in `account`.
//! [`crate::Handle`] is its face; everything a person is to see goes to the board.

mod account;
mod acts;
mod offers;
mod offline;
mod questions;
mod shared;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use roomed_protocol::{MeView, Problem, ProblemCode, VisitView};
use tokio::sync::{Mutex as AsyncMutex, Notify, mpsc, oneshot};
use tokio::task::JoinSet;

use crate::alerts::{Alerts, Which};
use crate::board::{Board, must_ask, somebody_is_there};
use crate::clock::within;
use crate::config::Config;
use crate::epoch::{Epoch, Over};
use crate::inbox::Inbox;
use crate::launch::{Launches, Outcome};
use crate::link::{LaunchLink, LinkQueue};
use crate::pending::Pending;
use crate::ports::Ports;
use crate::problems;
use crate::relay::{Refusal, Relay};
use crate::session::Session;
use crate::view::{AlertAbout, AppState, EndedView, LaunchStep, LaunchingView, PatientBanner, SessionView};

pub(crate) use offers::left;

/// How long a link waits for a sign-in: the EHR's launch lives about as long.
const LINK_LIMIT: Duration = Duration::from_secs(300);

pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) ports: Ports,
    pub(crate) board: Arc<Board>,
    pub(crate) links: LinkQueue,
    pub(crate) alerts: Arc<Alerts>,
    pub(crate) relay: Arc<Relay>,
    pub(crate) session: Arc<Session>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) launches: Arc<Launches>,
    pub(crate) pending: Pending,
    /// The socket and everything else that ends with the sign-in.
    live: Mutex<JoinSet<()>>,
    me: Mutex<Option<MeView>>,
    /// A sign-in that is waiting for the browser; dropping it gives up.
    signing_in: Mutex<Option<oneshot::Sender<()>>>,
    /// Each question has a slot of its own: a second press on one button answers no other question.
    covers: Mutex<Option<oneshot::Sender<bool>>>,
    is_both: Mutex<Option<questions::Asking>>,
    /// How often "Is this you in both?" has been asked.
    askings: AtomicU32,
    one_question: AsyncMutex<()>,
    signed_in: Notify,
    signed_out: Notify,
    /// The next sign-in lets the clinician choose an account.
    choose: Mutex<bool>,
    resuming: AsyncMutex<()>,
    /// When a person last pressed something here.
    touched: Mutex<Timestamp>,
    /// Visits whose meeting was opened from here, and until when that may last.
    joined: Mutex<BTreeMap<String, Timestamp>>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    #[expect(clippy::too_many_arguments, reason = "the parts are made in one place and handed over once")]
    pub(crate) fn new(
        config: Config,
        ports: Ports,
        board: Arc<Board>,
        alerts: Arc<Alerts>,
        relay: Arc<Relay>,
        session: Arc<Session>,
        inbox: Arc<Inbox>,
        launches: Arc<Launches>,
    ) -> Self {
        let touched = Mutex::new(ports.clock.now());
        Self {
            config,
            ports,
            board,
            links: LinkQueue::default(),
            alerts,
            relay,
            session,
            inbox,
            launches,
            pending: Pending::default(),
            live: Mutex::default(),
            me: Mutex::default(),
            signing_in: Mutex::default(),
            covers: Mutex::default(),
            is_both: Mutex::default(),
            askings: AtomicU32::default(),
            one_question: AsyncMutex::default(),
            signed_in: Notify::new(),
            signed_out: Notify::new(),
            choose: Mutex::default(),
            resuming: AsyncMutex::default(),
            touched,
            joined: Mutex::default(),
        }
    }

    /// Everything that runs for as long as the companion does.
    pub(crate) async fn run(self: Arc<Self>) {
        let (pressed, mut presses) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let core = self.clone();
            async move { core.resume().await }
        });
        tasks.spawn({
            let core = self.clone();
            async move { core.follow_links().await }
        });
        tasks.spawn({
            let core = self.clone();
            async move { core.alerts.run(pressed).await }
        });
        tasks.spawn({
            let core = self.clone();
            async move { core.inbox.watch_offline().await }
        });
        tasks.spawn(self.clone().introduce());
        tasks.spawn(self.clone().send_pending());
        tasks.spawn(self.clone().watch_idle());
        tasks.spawn(self.clone().watch_lock());
        tasks.spawn(self.clone().watch_offer());
        while let Some(which) = presses.recv().await {
            let core = self.clone();
            tasks.spawn(async move { core.alert_pressed(&which).await });
        }
    }

    async fn follow_links(self: Arc<Self>) {
        let mut running = JoinSet::new();
        loop {
            match self.links.next().await {
                Ok(link) => {
                    let core = self.clone();
                    // Each on its own: a tab left open must not hold up the next press.
                    running.spawn(async move {
                        let ends = tokio::select! {
                            biased;
                            // The next to sign in may be somebody else, whom this press does not concern.
                            () = core.signed_out.notified() => None,
                            ends = core.launch(link.clone()) => ends,
                        };
                        core.links.done(&link);
                        if let Some(why) = ends {
                            core.end_session(why).await;
                        }
                    });
                }
                Err(_) => {
                    tracing::warn!("a link was refused");
                    self.board.problem(problems::link_refused());
                    self.ports.window.bring_forward();
                }
            }
            while running.try_join_next().is_some() {}
        }
    }

    /// Why the sign-in ends with it: it was begun by another person than the one who is signed in here.
    async fn launch(&self, link: LaunchLink) -> Option<EndedView> {
        self.touch();
        if within(&*self.ports.clock, LINK_LIMIT, self.wait_for_sign_in()).await.is_none() {
            self.board.change(|s| s.launching = None);
            self.board.problem(problems::launch_refused());
            return None;
        }
        let of = self.board.epochs.now();
        let outcome = async {
            let me = self.me(of).await?;
            // On a shared workstation a first link needs the password: a browser may still know whoever was there before.
            self.launches.run(of, link, &me, self, self.config.is_shared()).await
        };
        let outcome = outcome.await;
        if self.board.epochs.during(of, || self.board.change(|s| s.launching = None)).is_err() {
            return None;
        }
        match outcome {
            Ok(Outcome::Proven(proven)) => {
                let visit = proven.visit.clone();
                tracing::info!("a launch is proven");
                if self.begin_visit(of, &visit).await.is_err() {
                    return None;
                }
                if let Some(banner) = self.launches.banner(*proven).await {
                    let show = |s: &mut AppState| {
                        // Only while the panel is still open: it may have been closed meanwhile.
                        if s.open_visit.as_ref() == Some(&visit.id) {
                            let (name, birth_date) = (banner.name, banner.birth_date);
                            s.patient = Some(PatientBanner { visit: visit.id, name, birth_date });
                        }
                    };
                    let _ = self.board.epochs.during(of, || self.board.change(show));
                }
            }
            Ok(Outcome::NotCovering) => tracing::info!("the clinician does not cover"),
            Ok(Outcome::NotTheSame) => {
                self.ports.window.bring_forward();
                return Some(EndedView::NotTheSame);
            }
            Err(problem) if problem.code == ProblemCode::WrongPerson && self.config.is_shared() => {
                self.ports.window.bring_forward();
                return Some(EndedView::AnotherEhrUser);
            }
            Err(problem) => {
                tracing::warn!(code = ?problem.code, "a launch was refused");
                self.refused(of, problem.into());
                self.ports.window.bring_forward();
            }
        }
        None
    }

    /// A visit that is proven: in, where the patient is there already, else to its panel.
    async fn begin_visit(&self, of: Epoch, visit: &VisitView) -> Result<(), Over> {
        self.board.epochs.during(of, || {
            self.alerts.follow(visit);
            self.board.upsert(visit.clone());
            self.show(&visit.id);
            self.board.change(|s| {
                s.patient = None;
                s.problem = None;
            });
            self.inbox.see_to_doors();
        })?;
        if somebody_is_there(visit) {
            // Any problem is on the board already.
            let _ = self.enter(&visit.id).await;
        } else {
            self.ports.window.bring_forward();
        }
        Ok(())
    }

    async fn wait_for_sign_in(&self) {
        loop {
            let signed_in = self.signed_in.notified();
            tokio::pin!(signed_in);
            signed_in.as_mut().enable();
            if self.board.read(|s| s.session == SessionView::SignedIn) {
                return;
            }
            self.board.change(|s| s.launching = Some(LaunchingView { step: LaunchStep::SigningIn }));
            self.ports.window.bring_forward();
            signed_in.await;
        }
    }

    async fn alert_pressed(&self, which: &Which) {
        self.touch();
        if !self.alerts.stands(which) {
            // It was withdrawn before it was off the screen, perhaps together with whom it was for.
            return self.ports.window.bring_forward();
        }
        if self.alerts.means_join(which) {
            if self.enter(&which.visit).await.is_err() {
                self.ports.window.bring_forward();
            }
            return;
        }
        self.show(&which.visit);
        self.ports.window.bring_forward();
        // Reading that somebody asks for help is not yet helping: only *Take it on* takes that alert down.
        if which.about == AlertAbout::Ready {
            let _ = self.acknowledge(&which.visit).await;
        }
    }

    /// *Join* from outside the window: straight in, or with the question in the window where it could be the wrong visit.
    async fn enter(&self, visit: &str) -> Result<(), Problem> {
        if !self.board.read(|s| must_ask(&s.visits, visit)) {
            return self.join(visit).await;
        }
        self.show(visit);
        self.board.change(|s| s.confirm_join = Some(visit.to_owned()));
        self.ports.window.bring_forward();
        Ok(())
    }

    /// Opens a visit's panel; another patient's name goes, and so does the question about another visit.
    pub(crate) fn show(&self, visit: &str) {
        self.board.change(|s| {
            s.patient.take_if(|p| p.visit != visit);
            s.confirm_join.take_if(|asked| asked != visit);
            s.open_visit = Some(visit.to_owned());
        });
    }

    /// Says it, to nobody but whoever asked for it.
    fn refused(&self, of: Epoch, Refusal { problem, .. }: Refusal) -> Problem {
        let _ = self.board.epochs.during(of, || self.board.problem(problem.clone()));
        problem
    }
}
