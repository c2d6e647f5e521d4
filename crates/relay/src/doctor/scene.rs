//! What checks are given: the configuration, the relay's own clients with their guards, and what lies in database and keys
//! directory, opened for reading. A tenant and a door remember what an earlier check has learned.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use roomed_smart::discovery::SmartConfiguration;
use roomed_smart::{Guard, UrlPolicy};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::ask::{Answer, Silence};
use crate::clock::{Clock, Random};
use crate::config::{Config, EhrConfig, Organization};
use crate::keys::{self, KeyError};
use crate::meeting::graph::client::{Graph, Pace};
use crate::meeting::teams;
use crate::store::look::{Blind, Look};

/// Opening a database takes at most so long.
const OPENING: Duration = Duration::from_secs(5);

/// A relay to be looked at.
pub(super) struct Scene {
    pub(super) config: Config,
    pub(super) http: reqwest::Client,
    pub(super) ehr_http: reqwest::Client,
    pub(super) policy: UrlPolicy,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) keys: Result<Arc<keys::Look>, KeyError>,
    pub(super) database: Mutex<Result<Look, Blind>>,
}

impl Scene {
    /// Opens what there is.
    pub(super) async fn open(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> anyhow::Result<Self> {
        let policy = if config.dev.loopback_http { UrlPolicy::AllowLoopbackHttp } else { UrlPolicy::HttpsOnly };
        let http = roomed_smart::http::client(policy).context("the HTTP client cannot be made")?;
        let ehr_http = roomed_smart::http::guarded(policy, Guard::new(config.ehr.private_ranges.clone()))
            .context("the HTTP client for EHRs cannot be made")?;
        let keys = keys::Look::open(&config, &random).map(Arc::new);
        let opening = Look::open(config.database.url.expose_secret());
        let database = tokio::time::timeout(OPENING, opening).await.unwrap_or(Err(Blind::Closed));
        Ok(Self { config, http, ehr_http, policy, clock, random, keys, database: Mutex::new(database) })
    }

    /// Those that are asked about: all, or the one of this key.
    pub(super) fn organizations<'a>(&'a self, only: Option<&'a str>) -> impl Iterator<Item = &'a Organization> {
        self.config.organizations.iter().filter(move |it| only.is_none_or(|key| key == it.key))
    }
}

/// The Microsoft side of an organization.
pub(super) struct Tenant<'a> {
    pub(super) scene: &'a Scene,
    pub(super) organization: &'a Organization,
    pub(super) base: Result<Url, url::ParseError>,
    pub(super) graph: Option<Graph>,
    /// What Entra's own description said.
    pub(super) described: OnceLock<Result<Answer, Silence>>,
    /// Set once Entra gave a token.
    pub(super) let_in: OnceLock<()>,
    /// The meeting that was made to try things on.
    pub(super) probe: OnceLock<Probe>,
}

/// A meeting of the doctor's.
pub(super) struct Probe {
    pub(super) id: String,
    pub(super) join_web_url: String,
}

impl<'a> Tenant<'a> {
    pub(super) fn new(scene: &'a Scene, organization: &'a Organization) -> Self {
        let base = Url::parse(&organization.graph.base);
        let attempt = Duration::from_secs(scene.config.meeting.request_seconds.into());
        let pace = Pace { attempts: 2, ..Pace::of(attempt) };
        let graph = base.as_ref().ok().map(|base| {
            let credentials = teams::credentials(organization, base);
            Graph::new(scene.http.clone(), credentials, pace, Arc::clone(&scene.clock))
        });
        Self {
            scene,
            organization,
            base,
            graph,
            described: OnceLock::new(),
            let_in: OnceLock::new(),
            probe: OnceLock::new(),
        }
    }
}

/// One EHR connection.
pub(super) struct Door<'a> {
    pub(super) scene: &'a Scene,
    pub(super) connection: &'a EhrConfig,
    /// What the server said of itself.
    pub(super) statement: tokio::sync::OnceCell<Result<Answer, Silence>>,
    /// Set once its SMART configuration was read.
    pub(super) configuration: OnceLock<SmartConfiguration>,
}

impl<'a> Door<'a> {
    pub(super) fn new(scene: &'a Scene, connection: &'a EhrConfig) -> Self {
        Self { scene, connection, statement: tokio::sync::OnceCell::new(), configuration: OnceLock::new() }
    }
}

/// A short text out of an answer that may stand in a report: digits and dots only.
pub(super) fn version(value: &Value) -> Option<&str> {
    value.as_str().filter(|it| (1..=12).contains(&it.len()) && it.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}
