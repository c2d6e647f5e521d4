//! One run of a plan from a seed: a world is made, everything happens, it comes to rest, and is judged.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use roomed_relay::clock::{Clock, Random, SeededRandomness, SystemClock};
use roomed_relay::config::Config;
use roomed_relay::keys::Keys;
use roomed_relay::store::Store;

use crate::chaos;
use crate::checker::{Verdict, judge};
use crate::ehr::Server;
use crate::memory::MemoryStore;
use crate::node::{Node, Site};
use crate::plan::Plan;
use crate::traffic::Generator;
use crate::truth::Truth;
use crate::wire::Watch;
use crate::world::{Dice, World, pass};

/// What a run came to.
pub(crate) struct Ran {
    pub(crate) seed: u64,
    pub(crate) verdict: Verdict,
    pub(crate) wrongs: Vec<String>,
    pub(crate) journal: (u64, u64),
    pub(crate) lines: Vec<String>,
    pub(crate) node_faults: u64,
    pub(crate) probes: u64,
}

const CONFIG: &str = r#"
[keys]
master_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
[[organizations]]
key = "northside"
name = "Northside Health"
region = "emea"
tid = "6b1c1b4e-59ac-4b0e-9d34-7f2d1c1f0001"
organizer_oid = "6b1c1b4e-59ac-4b0e-9d34-7f2d1c1f0002"
delegates = []
ehr = []
[organizations.entra]
authority = "http://127.0.0.1:1/t/v2.0"
companion_client_id = "c"
relay_client_id = "r"
relay_client_secret = "s"
scope = "s"
[organizations.graph]
base = "http://127.0.0.1:2/v1.0"
subscriptions_base = "http://127.0.0.1:2/beta"
token_endpoint = "http://127.0.0.1:1/token"
validation_keys = "http://127.0.0.1:1/keys"
validation_issuer = "i"
notification_app_id = "a"
"#;

/// The configuration as it is shipped, and keys for it: the same for every run of this process.
fn site_wide() -> &'static (Config, Arc<Keys>, tempfile::TempDir) {
    static SITE: OnceLock<(Config, Arc<Keys>, tempfile::TempDir)> = OnceLock::new();
    SITE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::assemble(CONFIG, Path::new("simulation"), Vec::new()).unwrap();
        config.keys.directory = folder.path().join("keys");
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(|| 0), true));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SeededRandomness::new(1));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let keys = runtime.block_on(Keys::open(&config, &store, &clock, &random)).unwrap();
        (config, Arc::new(keys), folder)
    })
}

/// The configuration as it is shipped.
pub(crate) fn shipped() -> &'static Config {
    &site_wide().0
}

/// Nothing beside traffic and faults.
pub(crate) async fn nothing(_: Arc<Run>) {}

/// Everything of one run.
pub(crate) struct Run {
    pub(crate) plan: Plan,
    pub(crate) world: Arc<World>,
    pub(crate) truth: Arc<Truth>,
    pub(crate) site: Arc<Site>,
    pub(crate) nodes: Vec<Arc<Node>>,
    pub(crate) generator: Arc<Generator>,
}

impl Run {
    /// A world in which nothing has happened yet.
    fn new(plan: &Plan, seed: u64) -> Self {
        let (config, keys, _) = site_wide();
        let world = Arc::new(World::new(seed, plan.lines));
        let truth = Arc::new(Truth::new(&world));
        let database = {
            let world = Arc::clone(&world);
            Arc::new(move || world.now().as_millisecond())
        };
        let store = Arc::new(MemoryStore::new(database, plan.shared));
        let servers = (0..plan.ehrs).map(|number| {
            let iss = format!("https://ehr{number}.example");
            let server = Server::new(&iss, plan.ehr.clone(), &world, &truth);
            (("northside".to_owned(), iss), Arc::new(server))
        });
        let site = Arc::new(Site {
            world: Arc::clone(&world),
            watch: Arc::new(Watch::new(&world, &truth, &store)),
            store,
            servers: servers.collect(),
            config: config.clone(),
            keys: Arc::clone(keys),
        });
        let dice = Dice::new(seed, "clocks");
        let nodes: Vec<Arc<Node>> = (0..plan.nodes)
            .map(|number| {
                let off_by = i64::try_from(dice.between(0, 2 * plan.skew_ms + 1)).unwrap();
                let off_by = off_by - i64::try_from(plan.skew_ms).unwrap();
                Arc::new(Node::new(format!("n{number}"), &site, off_by, plan.database_ms.clone()))
            })
            .collect();
        let generator = Arc::new(Generator::new(&site, &truth, &nodes));
        Self { plan: plan.clone(), world, truth, site, nodes, generator }
    }

    /// Waits until nothing waits and nothing is in flight, and what may still land has landed.
    pub(crate) async fn rest(&self) {
        let patience = self.world.ms() + 4 * 24 * 3_600_000;
        let mut trickle = 0;
        while self.site.store.look(crate::memory::State::unsettled) > 0 {
            if self.world.ms() > patience {
                self.world.wrong("it never comes to rest");
                return;
            }
            pass(1_000).await;
            // What the EHR never takes can be told from an outage only while it takes something else.
            if self.world.ms() / 40_000 > trickle
                && self.site.store.look(|it| it.unsettled_of(|visit| !visit.starts_with('t')))
            {
                trickle = self.world.ms() / 40_000;
                self.generator.trickle(trickle);
            }
        }
        // A frozen request, an answer nobody waits for, a re-assertion owed by them: then all of it again.
        pass(60_000).await;
        while self.site.store.look(crate::memory::State::unsettled) > 0 {
            pass(1_000).await;
        }
    }
}

/// Runs a plan. `during` is what happens beside its traffic and its faults, if anything does.
pub(crate) fn run<F: Future<Output = ()>>(plan: &Plan, seed: u64, during: impl FnOnce(Arc<Run>) -> F) -> Ran {
    site_wide();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let run = Arc::new(Run::new(plan, seed));
        for node in &run.nodes {
            node.start();
        }
        let ((), node_faults, ()) = tokio::join!(
            run.generator.run(&run.plan.traffic, 0),
            chaos::run(&run.plan, &run.nodes),
            during(Arc::clone(&run))
        );
        run.rest().await;
        for node in &run.nodes {
            node.stop().await;
        }
        let verdict = judge(&run.world, &run.site.store, &run.truth.facts());
        let (place, link) = run.site.store.look(crate::memory::State::head);
        run.world.note(format_args!("the ledger ends at {place} with {link:?}"));
        Ran {
            seed,
            verdict,
            wrongs: run.world.wrongs(),
            journal: run.world.journal(),
            lines: run.world.lines(),
            node_faults,
            probes: run.site.watch.probes(),
        }
    })
}
