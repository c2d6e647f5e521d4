//! A relay as far as delivery goes: a real worker with its own clock and its own way to the database, that can be frozen,
//! killed, cut off and started again.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use roomed_relay::clock::{Clock, Random, SeededRandomness};
use roomed_relay::config::Config;
use roomed_relay::ehr::Ehr;
use roomed_relay::keys::Keys;
use roomed_relay::outbox::{ChartListener, Worker};
use roomed_relay::store::Store;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::ehr::{Client, Server};
use crate::memory::MemoryStore;
use crate::wire::{Cable, Watch};
use crate::world::{Dice, World};

/// Where in a delivery something may be made to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// The database has leased rows, and the process knows.
    Claimed,
    /// The gate has let a request pass.
    Passed,
    /// The next thing is the request itself.
    Sending,
    /// The answer is there.
    Answered,
    /// The outcome is on its way to the database.
    Settling,
}

/// Every point.
pub(crate) const POINTS: [Point; 5] = [Point::Claimed, Point::Passed, Point::Sending, Point::Answered, Point::Settling];

/// What to do at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Stop, until thawed.
    Freeze,
    /// Never do anything again.
    Die,
}

/// SIGSTOP: while it is hard, nothing of the process is polled.
#[derive(Default)]
pub(crate) struct Ice {
    hard: AtomicBool,
    asleep: Mutex<Vec<Waker>>,
}

impl Ice {
    pub(crate) fn freeze(&self) {
        self.hard.store(true, Ordering::SeqCst);
    }

    /// Everything goes on from where it stood, whatever the time is now.
    pub(crate) fn thaw(&self) {
        self.hard.store(false, Ordering::SeqCst);
        self.asleep.lock().unwrap().drain(..).for_each(Waker::wake);
    }

    fn sleeps(&self, context: &Context<'_>) -> bool {
        let hard = self.hard.load(Ordering::SeqCst);
        if hard {
            self.asleep.lock().unwrap().push(context.waker().clone());
        }
        hard
    }
}

/// A future of a process that can be frozen.
struct Inside {
    ice: Arc<Ice>,
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Future for Inside {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.ice.sleeps(context) { Poll::Pending } else { self.future.as_mut().poll(context) }
    }
}

/// A node's own idea of the time.
pub(crate) struct NodeClock {
    world: Arc<World>,
    off_by: AtomicI64,
}

impl NodeClock {
    /// Jumps.
    pub(crate) fn step(&self, by_ms: i64) {
        self.off_by.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Clock for NodeClock {
    fn now(&self) -> Timestamp {
        self.world.now() + SignedDuration::from_millis(self.off_by.load(Ordering::SeqCst))
    }
}

/// Rung after commits.
pub(crate) struct Bell(pub(crate) Arc<Notify>);

#[async_trait]
impl ChartListener for Bell {
    fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.0)
    }

    async fn chart_changed(&self, _: &str) {}
}

/// One life of a node.
pub(crate) struct Process {
    name: String,
    pub(crate) ice: Arc<Ice>,
    order: Mutex<Option<(Point, Order)>>,
    obeyed: Notify,
    world: Arc<World>,
}

impl Process {
    /// Who it is.
    pub(crate) fn name(&self) -> String {
        self.name.clone()
    }

    /// A point is reached: what was ordered for it happens.
    pub(crate) async fn at(&self, point: Point) {
        let order = self.order.lock().unwrap().take_if(|(at, _)| *at == point);
        let Some((_, order)) = order else { return };
        self.world.note(format_args!("{} {order:?} at {point:?}", self.name));
        self.obeyed.notify_one();
        match order {
            Order::Freeze => {
                self.ice.freeze();
                let mut stopped = false;
                std::future::poll_fn(|context| {
                    if stopped {
                        return Poll::Ready(());
                    }
                    stopped = true;
                    assert!(self.ice.sleeps(context), "it was just frozen");
                    Poll::Pending
                })
                .await;
            }
            Order::Die => std::future::pending().await,
        }
    }

    /// Orders something, and waits until it has happened; false if the point was not reached in time.
    pub(crate) async fn order(&self, point: Point, order: Order, within: std::time::Duration) -> bool {
        *self.order.lock().unwrap() = Some((point, order));
        let obeyed = tokio::time::timeout(within, self.obeyed.notified()).await.is_ok();
        *self.order.lock().unwrap() = None;
        obeyed
    }
}

/// What all nodes share.
pub(crate) struct Site {
    pub(crate) world: Arc<World>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) servers: Vec<((String, String), Arc<Server>)>,
    pub(crate) config: Config,
    pub(crate) keys: Arc<Keys>,
}

/// A node, through all its lives.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) site: Arc<Site>,
    pub(crate) clock: Arc<NodeClock>,
    pub(crate) cable: Arc<Cable>,
    pub(crate) bell: Arc<Notify>,
    lives: AtomicI64,
    life: Mutex<Option<Life>>,
}

struct Life {
    process: Arc<Process>,
    task: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Node {
    /// Not running yet.
    pub(crate) fn new(name: String, site: &Arc<Site>, off_by: i64, database_ms: std::ops::Range<u64>) -> Self {
        let clock = NodeClock { world: Arc::clone(&site.world), off_by: AtomicI64::new(off_by) };
        let dice = Dice::new(site.world.seed, &format!("cable of {name}"));
        Self {
            cable: Arc::new(Cable::new(dice, database_ms)),
            name,
            site: Arc::clone(site),
            clock: Arc::new(clock),
            bell: Arc::default(),
            lives: AtomicI64::new(0),
            life: Mutex::default(),
        }
    }

    /// The process that runs now.
    pub(crate) fn process(&self) -> Option<Arc<Process>> {
        self.life.lock().unwrap().as_ref().map(|it| Arc::clone(&it.process))
    }

    /// Starts a process, if none runs.
    pub(crate) fn start(&self) {
        let life = &mut *self.life.lock().unwrap();
        if life.is_some() {
            return;
        }
        let site = &self.site;
        let number = self.lives.fetch_add(1, Ordering::SeqCst) + 1;
        let process = Arc::new(Process {
            name: format!("{}.{number}", self.name),
            ice: Arc::default(),
            order: Mutex::default(),
            obeyed: Notify::new(),
            world: Arc::clone(&site.world),
        });
        site.world.note(format_args!("{} starts", process.name));
        let wire = self.cable.of(&process, &site.watch);
        let store: Arc<dyn Store> = Arc::new(site.store.through(Arc::new(wire)));
        let client = |server: &Arc<Server>| -> Arc<dyn Ehr> {
            Arc::new(Client { server: Arc::clone(server), process: Arc::clone(&process) })
        };
        let ehrs: HashMap<_, _> = site.servers.iter().map(|(door, server)| (door.clone(), client(server))).collect();
        let clock: Arc<dyn Clock> = self.clock.clone();
        let random = SeededRandomness::new(Dice::new(site.world.seed, &process.name).between(0, u64::MAX));
        let random: Arc<dyn Random> = Arc::new(random);
        let bell = Arc::new(Bell(Arc::clone(&self.bell)));
        let ice = Arc::clone(&process.ice);
        let worker = Worker::new(&site.config, &store, &site.keys, &ehrs, &clock, &random, &bell)
            .inside(Arc::new(move |future| Box::pin(Inside { ice: Arc::clone(&ice), future })));
        let (stop, stopping) = watch::channel(false);
        let running = Inside { ice: Arc::clone(&process.ice), future: Box::pin(worker.run(stopping)) };
        *life = Some(Life { process, task: tokio::spawn(running), stop });
    }

    /// Kills the process: at whatever it waits for, it is gone.
    pub(crate) fn kill(&self) {
        let Some(life) = self.life.lock().unwrap().take() else { return };
        self.site.world.note(format_args!("{} is killed", life.process.name));
        life.task.abort();
        life.process.ice.thaw();
    }

    /// Asks the process to stop, and waits until it has.
    pub(crate) async fn stop(&self) {
        let Some(life) = self.life.lock().unwrap().take() else { return };
        life.stop.send_replace(true);
        life.task.await.expect("a worker that is asked to stop ends in order");
        self.site.world.note(format_args!("{} has stopped", life.process.name));
    }
}
