//! The stand-in hospital: Entra, three EHRs (Epic, Oracle Health, a generic FHIR R4 server), Graph, Teams and a mail relay on
//! loopback listeners, strict as the vendors are.
//! It shares no types with the rest of Roomed, so that it can disagree with it. Not for real patients.

pub mod clock;
mod control;
pub mod core;
pub mod entra;
pub mod epic;
mod fhir;
pub mod graph;
pub mod mail;
pub mod oracle;
pub mod pages;
pub mod r4;
mod smart;
pub mod teams;
mod web;

use crate::core::{Hospital, Random, Shared, switches::SERVER_DATE};
use anyhow::Context;
use axum::{
    Router,
    extract::{Request, State},
    http::header,
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use serde::Serialize;
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

/// How to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Microsoft Entra ID.
    pub entra: SocketAddr,
    /// Epic: Hyperspace, MyChart, SMART, FHIR, Interconnect.
    pub epic: SocketAddr,
    /// Oracle Health: Backend Services, FHIR.
    pub oracle: SocketAddr,
    /// A generic FHIR R4 server: Backend Services, FHIR.
    pub r4: SocketAddr,
    /// Microsoft Graph.
    pub graph: SocketAddr,
    /// Teams meetings.
    pub teams: SocketAddr,
    /// The mail relay (SMTP).
    pub mail: SocketAddr,
    /// The control API.
    pub control: SocketAddr,
    /// The same seed gives the same people, ids and order of tokens.
    pub seed: Option<u64>,
    /// Gives every patient field a value found nowhere else.
    pub canaries: bool,
}

impl Default for Options {
    /// Free loopback ports, a seed nobody knows, ordinary names.
    fn default() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            entra: any,
            epic: any,
            oracle: any,
            r4: any,
            graph: any,
            teams: any,
            mail: any,
            control: any,
            seed: None,
            canaries: false,
        }
    }
}

/// Where the listeners are: `http://127.0.0.1:port`, without a trailing slash.
#[derive(Clone, Debug, Serialize)]
pub struct Addresses {
    /// Microsoft Entra ID.
    pub entra: String,
    /// Epic.
    pub epic: String,
    /// Oracle Health.
    pub oracle: String,
    /// The generic FHIR R4 server.
    pub r4: String,
    /// Microsoft Graph.
    pub graph: String,
    /// Teams.
    pub teams: String,
    /// The mail relay: `smtp://127.0.0.1:port`.
    pub mail: String,
    /// Control API.
    pub control: String,
}

/// The way to start a stand-in hospital.
pub struct Sandbox;

/// A stand-in hospital that accepts requests. Dropping it stops it at once.
pub struct Running {
    /// Where it listens.
    pub addresses: Addresses,
    /// Its insides, for tests in the same process.
    pub hospital: Shared,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Sandbox {
    /// Binds the listeners and begins to answer. Refuses an address that is not loopback.
    pub async fn start(options: Options) -> anyhow::Result<Running> {
        let seed = options.seed.unwrap_or_else(Random::fresh_seed);
        let hospital: Shared = Arc::new(Hospital::new(seed, options.canaries));

        let (entra, entra_at) = bind("entra", options.entra).await?;
        let (epic, epic_at) = bind("epic", options.epic).await?;
        let (oracle, oracle_at) = bind("oracle", options.oracle).await?;
        let (r4, r4_at) = bind("r4", options.r4).await?;
        let (graph, graph_at) = bind("graph", options.graph).await?;
        let (teams, teams_at) = bind("teams", options.teams).await?;
        let (mail, mail_at) = bind("mail", options.mail).await?;
        let (control, control_at) = bind("control", options.control).await?;
        let addresses = Addresses {
            entra: entra_at,
            epic: epic_at,
            oracle: oracle_at,
            r4: r4_at,
            graph: graph_at,
            teams: teams_at,
            mail: mail_at.replacen("http:", "smtp:", 1),
            control: control_at,
        };
        hospital.addresses.get_or_init(|| addresses.clone());

        let stop = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        for (listener, routes) in [
            (entra, entra::router()),
            (epic, epic::router()),
            (oracle, oracle::router()),
            (r4, r4::router()),
            (graph, graph::router().layer(from_fn_with_state(hospital.clone(), note_address))),
            (teams, teams::router()),
            (control, control::router()),
        ] {
            let routes = routes.layer(from_fn_with_state(hospital.clone(), note_referer));
            let routes = routes.layer(from_fn_with_state(hospital.clone(), tell_date));
            tasks.spawn(serve(listener, routes.with_state(hospital.clone()), stop.subscribe()));
        }
        tasks.spawn(mail::serve(mail, hospital.clone(), stop.subscribe()));
        Ok(Running { addresses, hospital, stop, tasks })
    }
}

impl Running {
    /// Stops accepting, lets what is being answered finish, and returns once all is quiet.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        // A page that listens to live marks would hold its connection open for ever.
        self.hospital.epic.hang_up();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), all).await;
    }
}

/// What the servers' clocks say, as the switch has it.
async fn tell_date(State(hospital): State<Shared>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if hospital.switches.is(&SERVER_DATE, "", "ahead") {
        let date = hospital.clock.in_seconds(600).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        response.headers_mut().extend(date.parse().ok().map(|date| (header::DATE, date)));
    }
    response
}

async fn note_address(State(hospital): State<Shared>, request: Request, next: Next) -> Response {
    if let Some(asked) = request.uri().path_and_query() {
        hospital.asked.graph(asked.as_str());
    }
    next.run(request).await
}

async fn note_referer(State(hospital): State<Shared>, request: Request, next: Next) -> Response {
    if let Some(from) = request.headers().get(header::REFERER).and_then(|value| value.to_str().ok()) {
        hospital.asked.referer(from);
    }
    next.run(request).await
}

async fn bind(name: &str, at: SocketAddr) -> anyhow::Result<(TcpListener, String)> {
    anyhow::ensure!(at.ip().is_loopback(), "the {name} listener must be on loopback, not {at}");
    let listener = TcpListener::bind(at).await.with_context(|| format!("cannot listen on {at} for {name}"))?;
    let address = format!("http://{}", listener.local_addr()?);
    Ok((listener, address))
}

async fn serve(listener: TcpListener, routes: Router, mut stop: watch::Receiver<bool>) {
    let stopped = async move {
        let _ = stop.wait_for(|it| *it).await;
    };
    if let Err(error) = axum::serve(listener, routes).with_graceful_shutdown(stopped).await {
        tracing::error!(%error, "a listener ended");
    }
}
