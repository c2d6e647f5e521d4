//! What the outbox benches start from: a database that is new, and visits with rows to deliver in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use roomed_relay::clock::{Clock, SystemClock};
use roomed_relay::outbox::connection::Policy;
use roomed_relay::store::sqlite::SqliteStore;
use roomed_relay::store::{Channel, ClaimPolicy, LookupKey, NewOutboxEntry, Store, VisitRow, WrappedKey, open};
use sqlx::{Connection, PgConnection};

/// Whose rows they are.
pub(super) const ORGANIZATION: &str = "northside";
/// The EHR they are for.
pub(super) const EHR: &str = "http://127.0.0.1:3/fhir";

/// As in `relay.default.toml`.
const CONNECTIONS: u32 = 16;
/// PostgreSQL's processes hand their figures in when they end.
const LOOK_EVERY: Duration = Duration::from_millis(300);

static MADE: AtomicU32 = AtomicU32::new(0);

/// Which kind of database.
pub(super) enum Database {
    /// Files in this folder.
    Sqlite(PathBuf),
    /// Databases of this server.
    Postgres(String),
}

impl Database {
    pub(super) fn sqlite(directory: &Path) -> Self {
        Self::Sqlite(directory.to_owned())
    }

    pub(super) fn postgres(server: String) -> Self {
        Self::Postgres(server)
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// A new, empty database.
    pub(super) async fn fresh(&self) -> anyhow::Result<Opened> {
        let n = MADE.fetch_add(1, Ordering::Relaxed);
        let url = match self {
            Self::Sqlite(directory) => format!("sqlite:{}", directory.join(format!("bench-{n}.sqlite")).display()),
            Self::Postgres(server) => {
                let mut connection = PgConnection::connect(server).await.context("the PostgreSQL server")?;
                let name = format!("bench_{}_{n}", std::process::id());
                sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
                connection.close().await?;
                let mut url = url::Url::parse(server)?;
                url.set_path(&name);
                url.to_string()
            }
        };
        let patience = Duration::from_secs(30);
        Ok(match self {
            Self::Sqlite(_) => {
                let store = Arc::new(SqliteStore::open(&url, CONNECTIONS, patience).await?);
                Opened { store: Arc::clone(&store) as Arc<dyn Store>, url, sqlite: Some(store) }
            }
            Self::Postgres(_) => Opened { store: open(&url, CONNECTIONS, patience).await?, url, sqlite: None },
        })
    }

    /// Where its files lie.
    pub(super) async fn folder(&self) -> anyhow::Result<PathBuf> {
        match self {
            Self::Sqlite(directory) => Ok(directory.clone()),
            Self::Postgres(server) => {
                let mut connection = PgConnection::connect(server).await.context("the PostgreSQL server")?;
                let data: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&mut connection).await?;
                connection.close().await?;
                // Beside the server's own files, never among them.
                Ok(Path::new(&data).parent().context("the server's data lie in no folder")?.to_owned())
            }
        }
    }

    /// How often its log has been forced to the disk so far. What a connection to PostgreSQL did is known once it is closed.
    pub(super) async fn forced(&self, opened: &Opened) -> anyhow::Result<u32> {
        match (self, &opened.sqlite) {
            (Self::Postgres(server), _) => forced(server).await,
            (Self::Sqlite(_), store) => Ok(u32::try_from(store.as_ref().context("no file")?.transactions())?),
        }
    }
}

/// Asks until the server has counted what its processes did lately.
async fn forced(server: &str) -> anyhow::Result<u32> {
    let mut connection = PgConnection::connect(server).await?;
    let version = "SELECT current_setting('server_version_num')::int4";
    let version: i32 = sqlx::query_scalar(version).fetch_one(&mut connection).await?;
    let count = match version {
        ..180_000 => "SELECT wal_sync FROM pg_stat_wal",
        _ => "SELECT sum(fsyncs)::bigint FROM pg_stat_io WHERE object = 'wal'",
    };
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let mut last = None;
    loop {
        looks.tick().await;
        let count: i64 =
            sqlx::query_scalar(count).fetch_one(&mut connection).await.context("the server's own figures")?;
        if last.replace(count) == Some(count) {
            connection.close().await?;
            return Ok(u32::try_from(count)?);
        }
    }
}

/// A database in use.
pub(super) struct Opened {
    pub(super) store: Arc<dyn Store>,
    /// For what is quicker by hand.
    pub(super) url: String,
    sqlite: Option<Arc<SqliteStore>>,
}

impl std::ops::Deref for Opened {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

/// The present moment.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

/// A visit with nothing in it.
pub(super) fn visit(id: &str) -> VisitRow {
    VisitRow {
        id: id.to_owned(),
        organization: ORGANIZATION.to_owned(),
        appointment: LookupKey(id.as_bytes().to_vec()),
        key: WrappedKey { day: "2027-01-15".into(), bytes: vec![7; 60] },
        sealed: vec![7; 1_500],
        stage: "planned".into(),
        planned_start: now(),
        planned_end: now(),
        next_timer_at: None,
        closed_at: None,
    }
}

/// A row of its own stream.
pub(super) fn entry(id: String, stream: String, sealed: Vec<u8>) -> NewOutboxEntry {
    NewOutboxEntry {
        id,
        stream,
        channel: Channel::State,
        participant: "p".into(),
        ehr: EHR.into(),
        sealed,
        reference: vec![7; 32],
        digest: vec![7; 32],
        run_at: now(),
    }
}

/// As fast as it goes: what is measured is the store.
pub(super) fn unpaced() -> Policy {
    Policy {
        per_second: 1_000_000,
        per_row: 1,
        burst: 1_000_000,
        trip_after: u32::MAX,
        open_for: SignedDuration::from_secs(30),
        open_at_most: SignedDuration::from_secs(300),
        asked_at_most: SignedDuration::from_secs(300),
    }
}

/// Claims at most `limit` rows.
pub(super) fn claim(limit: u32) -> ClaimPolicy {
    ClaimPolicy {
        organization: ORGANIZATION.into(),
        ehr: EHR.into(),
        now: now(),
        limit,
        lease: SignedDuration::from_secs(600),
        settle_delay: SignedDuration::from_secs(5),
        longest_wait: SignedDuration::from_hours(1),
        one_per_visit: false,
        connection: unpaced(),
    }
}
