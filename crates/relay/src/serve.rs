//! `roomed-relay serve`: puts the parts together, listens, and stops without losing anything that was accepted.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use roomed_smart::{Guard, UrlPolicy};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify, watch};

use crate::arrivals::Arrivals;
use crate::clock::{Clock, Random};
use crate::config::Config;
use crate::context_link::ContextLinks;
use crate::ehr::{self, Ehr};
use crate::hub::Hub;
use crate::identity::{Identity, Tenant};
use crate::keys::Keys;
use crate::meeting::Meetings;
use crate::meeting::graph::{Certificates, Receiver, Shelf};
use crate::meeting::teams::{Policy, Teams};
use crate::neighbours::{Neighbours, Pulse};
use crate::outbox::Worker;
use crate::relay::{self, Relay};
use crate::sender::{self, Sender, post};
use crate::store::{NodeId, Store};
use crate::turns::Turns;
use crate::{http, nodes, removal, restore, timers, witness};

/// What the outside gives a relay.
pub struct Outside {
    /// Configuration, checked.
    pub config: Config,
    /// The store, open.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Figures.
    pub metrics: metrics_exporter_prometheus::PrometheusHandle,
    /// The database came out of a backup.
    pub restored: bool,
}

/// A relay that is not listening yet.
pub struct Assembled {
    /// The parts.
    pub relay: Arc<Relay>,
    /// The outbox's worker.
    pub worker: Worker,
    stop: watch::Sender<bool>,
    restored: bool,
}

/// Puts the parts together.
///
/// # Errors
/// Says in words which part cannot be made, and why.
pub async fn assemble(outside: Outside) -> anyhow::Result<Assembled> {
    let Outside { config, store, clock, random, metrics, restored } = outside;
    let policy = if config.dev.loopback_http { UrlPolicy::AllowLoopbackHttp } else { UrlPolicy::HttpsOnly };
    let http = roomed_smart::http::client(policy).context("the HTTP client cannot be made")?;
    let ehr_http = roomed_smart::http::guarded(policy, Guard::new(config.ehr.private_ranges.clone()))
        .context("the HTTP client for EHRs cannot be made")?;
    let keys = Keys::open(&config, &store, &clock, &random).await.context("the keys cannot be opened")?;
    let keys = Arc::new(keys);
    let certificates = Certificates::open(Arc::clone(&keys) as Arc<dyn Shelf>, Arc::clone(&clock))
        .context("the certificate for Graph's notifications cannot be opened")?;
    let certificates = Arc::new(certificates);
    let context_links = ContextLinks::of(&config)?;
    let config = Arc::new(config);
    let hub = Arc::new(Hub::default());
    let node = NodeId::new(random.id());
    let (stop, stopping) = watch::channel(false);

    let receiver = Receiver::of(&config.organizations, &http, Arc::clone(&certificates), Arc::clone(&clock))
        .context("an organization's Graph validation keys address is not a URL")?;
    let mut meetings: HashMap<String, Arc<dyn Meetings>> = HashMap::new();
    let mut ehrs: HashMap<(String, String), Arc<dyn Ehr>> = HashMap::new();
    let mut senders: HashMap<String, Arc<dyn Sender>> = HashMap::new();
    let mut tenants = Vec::new();
    for organization in &config.organizations {
        let (certificates, clock_of_teams) = (Arc::clone(&certificates), Arc::clone(&clock));
        let public_url = &config.public_url;
        let teams = Teams::of(
            organization,
            &config.meeting,
            public_url,
            Policy { lobby: organization.meeting.lobby, ..Policy::default() },
            &http,
            certificates,
            clock_of_teams,
        )
        .with_context(|| format!("organization {}: a Graph address is not a URL", organization.key))?;
        meetings.insert(organization.key.clone(), Arc::new(teams));
        for connection in &organization.ehr {
            let key = keys.signing_key();
            let made = ehr::connect(connection, &organization.key, &config, key, &ehr_http, policy, &clock, &random);
            ehrs.insert((organization.key.clone(), connection.iss.clone()), made);
        }
        if let Some(sending) = &organization.sending {
            let sender = sender::of(sending, organization, &config.public_url);
            let sender = sender.with_context(|| format!("organization {}: links cannot be sent", organization.key))?;
            senders.insert(organization.key.clone(), sender);
        }
        let tenant = Tenant::of(organization);
        tenants.push(tenant.with_context(|| format!("organization {}: tid is no GUID", organization.key))?);
    }
    let identity = Identity::new(tenants, &http, Arc::clone(&clock));
    let arrivals = Arrivals::new(
        Arc::clone(&config),
        Arc::clone(&store),
        Arc::clone(&keys),
        Arc::clone(&clock),
        Arc::clone(&random),
        Arc::clone(&hub),
        node.clone(),
    );
    let arrivals = Arc::new(arrivals);
    let worker = Worker::new(&config, &store, &keys, &ehrs, &clock, &random, &arrivals);
    let jwks = relay::public_keys(keys.signing_keys());
    let limits = http::Limits::of(&config.limits);
    let relay = Relay {
        config,
        store,
        clock,
        random,
        keys,
        arrivals,
        node,
        pulse: Pulse::default(),
        hub,
        identity,
        receiver,
        certificates,
        meetings,
        ehrs,
        senders,
        context_links,
        http,
        ehr_http,
        policy,
        ehr_keys: Mutex::default(),
        making: Turns::default(),
        removing: Turns::default(),
        jwks,
        names: Arc::default(),
        limits,
        doctor: Arc::default(),
        metrics,
        care: Notify::new(),
        stopping,
    };
    Ok(Assembled { relay: Arc::new(relay), worker, stop, restored })
}

impl Assembled {
    /// Serves until `quit` comes: then no new request is taken, sockets are told to come back elsewhere, and what runs
    /// is finished. What the outbox had not sent stays in the store.
    pub async fn serve(
        self,
        listener: TcpListener,
        quit: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let Self { relay, worker, stop, restored } = self;
        // Before anything that could be sent, and before any task that could send it.
        if restored {
            restore::begin(&relay).await.context("what the backup holds could not be quarantined")?;
        }
        let neighbours =
            Neighbours::enter(&relay).await.context("the pages of relays that are gone could not be closed")?;
        let tasks = [
            tokio::spawn(timers::run_visits(Arc::clone(&relay))),
            tokio::spawn(timers::run_care(Arc::clone(&relay))),
            tokio::spawn(restore::run(Arc::clone(&relay))),
            tokio::spawn(worker.run(relay.stopping.clone())),
            tokio::spawn(witness::run(Arc::clone(&relay))),
            tokio::spawn(nodes::run(Arc::clone(&relay))),
            tokio::spawn(neighbours.run(Arc::clone(&relay))),
            tokio::spawn(post::run(Arc::clone(&relay))),
            tokio::spawn(removal::run(Arc::clone(&relay))),
            tokio::spawn(removal::given_up::run(Arc::clone(&relay))),
        ];
        let mut broken = relay.store.broken();
        let app = http::router(Arc::clone(&relay)).into_make_service_with_connect_info::<SocketAddr>();
        let quit = async move {
            tokio::select! {
                () = quit => tracing::info!("stopping"),
                // What was acknowledged is safe, what comes now is not: nothing may be taken any more, and a commit that
                // failed on the disk must never be tried again on the same pages. The next start reads what is there.
                Ok(_) = broken.wait_for(|it| *it) => {
                    tracing::error!("the disk failed under a commit; the relay stops, see to the disk before it starts");
                    std::process::exit(74);
                }
            }
            // Sockets and tasks watch this; the listener closes when this future ends.
            stop.send_replace(true);
        };
        axum::serve(listener, app).with_graceful_shutdown(quit).await.context("the listener failed")?;
        for task in tasks {
            task.await.context("a task of the relay panicked")?;
        }
        if let Err(error) = relay.store.node_left(&relay.node).await {
            tracing::warn!(%error, "the other nodes were not told that this one stops; they will find out");
        }
        Ok(())
    }
}
