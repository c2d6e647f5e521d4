//! The store in PostgreSQL, for several nodes. Transactions are READ COMMITTED with explicit locks, always taken in this
//! order: event keys, the visit, links, the EHR connection, streams (sorted), rows of the outbox, recipients (sorted), the
//! ledger's head. Whoever adds a lock finds its place in that order; rows of nodes and companions are locked by nobody
//! who locks anything else. What makes a database fit is `fitness.rs`; each concern's SQL is in its own file.

mod aftercare;
mod claim;
mod closing;
mod commit;
mod connection;
mod enqueue;
mod fitness;
mod given_up;
mod hints;
mod ledger;
mod letters;
mod nodes;
mod notices;
mod onetime;
mod operate;
mod outbox;
mod overdue;
mod removals;
mod settle;
mod streams;
mod together;
mod visits;
mod watches;
mod web;

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, PgConnection, Postgres, Transaction};

use super::hints::{Hint, Hints};
use super::steps::{at, maybe_at};
use super::{Store, StoreError};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// PostgreSQL behind the [`Store`] trait.
#[derive(Debug)]
pub struct PostgresStore {
    pool: PgPool,
    options: PgConnectOptions,
    mouth: hints::Mouth,
    settling: together::Together,
}

impl PostgresStore {
    /// Opens the database of a `postgres://...` URL, brings its schema up to date (one node at a time) and asserts that
    /// commits are durable. `sslmode` and the like are read from the URL.
    pub async fn open(url: &str, connections: u32, lock_timeout: Duration) -> Result<Self, StoreError> {
        let unfit =
            || StoreError::Unfit("database.url is no PostgreSQL address; write postgres://user@host/name".into());
        let url = Some(url).filter(|it| it.starts_with("postgres:") || it.starts_with("postgresql:"));
        // sqlx's own words about a URL may hold a piece of it, and that may be the password.
        let options = PgConnectOptions::from_str(url.ok_or_else(unfit)?).map_err(|_| unfit())?;
        let options = fitness::settings(options.application_name("roomed-relay"));
        let mut first = PgConnection::connect_with(&options).await?;
        let options = fitness::strongest(&mut first, options).await?;
        drop(first.close().await);

        let mut first = PgConnection::connect_with(&options).await?;
        fitness::check(&mut first).await?;
        MIGRATIONS.run_direct(None, &mut first, false).await?;
        let node = sqlx::query_scalar("SELECT gen_random_uuid()::text").fetch_one(&mut first).await?;
        drop(first.close().await);

        let options = options.options([("lock_timeout", lock_timeout.as_millis())]);
        let pool = PgPoolOptions::new()
            .max_connections(connections.max(2))
            .acquire_timeout(Duration::from_secs(30))
            // The server may have been exchanged for another one meanwhile.
            .after_connect(|connection, _| Box::pin(fitness::still(connection)))
            .connect_with(options.clone())
            .await?;
        let mouth = hints::Mouth::open(pool.clone(), node);
        Ok(Self { pool, options, mouth, settling: together::Together::default() })
    }

    async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.pool.begin().await
    }
}

/// A time to store.
fn ms(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millisecond)
}

/// A stored number that we only ever wrote small.
fn small(number: i64) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|_| StoreError::Unreadable("number"))
}

#[async_trait]
impl Store for PostgresStore {
    async fn ready(&self) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        // Changes nothing, but a server that has become a standby refuses it.
        sqlx::query("UPDATE organization_key SET wrapped = wrapped WHERE organization = ''").execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn organization_key(&self, organization: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let key = sqlx::query_scalar("SELECT wrapped FROM organization_key WHERE organization = $1")
            .bind(organization)
            .fetch_optional(&self.pool)
            .await?;
        Ok(key)
    }

    async fn keep_organization_key(&self, organization: &str, wrapped: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO organization_key (organization, wrapped) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(organization)
            .bind(wrapped)
            .execute(&mut *tx)
            .await?;
        let stands = sqlx::query_scalar("SELECT wrapped FROM organization_key WHERE organization = $1")
            .bind(organization)
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(stands)
    }

    async fn hints(&self) -> Result<Option<Hints>, StoreError> {
        Ok(Some(self.listen().await?))
    }

    async fn close(&self) {
        self.mouth.close().await;
        self.pool.close().await;
    }
}

impl PostgresStore {
    /// Runs a DELETE that names one moment.
    async fn delete(&self, statement: &'static str, before: Timestamp) -> Result<u64, StoreError> {
        let gone = sqlx::query(statement).bind(before.as_millisecond()).execute(&self.pool).await?;
        Ok(gone.rows_affected())
    }

    /// Tells the other nodes, soon and perhaps.
    fn tell(&self, hints: impl IntoIterator<Item = Hint>) {
        self.mouth.say(hints);
    }
}
