//! The store in one SQLite file: one connection that writes, with everybody's work in shared transactions (`writer.rs`),
//! and several that only read. What is asserted at opening is what makes a commit durable; each concern's SQL is in its
//! own file below.

mod aftercare;
mod claim;
mod closing;
mod commit;
mod connection;
mod given_up;
mod ledger;
mod letters;
mod nodes;
mod notices;
mod onetime;
mod operate;
mod outbox;
mod settle;
mod stream;
mod visits;
mod watches;
mod web;
mod writer;

#[cfg(test)]
mod plans;
mod removals;

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::sync::watch;

use self::writer::Writer;
use super::{Store, StoreError};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Before 3.51.3 a race in WAL mode can corrupt the file or lose committed writes (sqlite.org/wal.html, "WAL-reset bug").
const OLDEST: (u32, u32, u32) = (3, 51, 3);

/// SQLite behind the [`Store`] trait.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: Arc<Writer>,
    readers: SqlitePool,
    /// No page of something that was forgotten since is in the log. Not known at opening: an earlier run may have ended
    /// between the two.
    log_is_clean: Arc<AtomicBool>,
    roll: Arc<nodes::Roll>,
}

impl SqliteStore {
    /// Opens (or makes) the database of a `sqlite:<path>` URL, brings its schema up to date and asserts that commits
    /// are durable.
    pub async fn open(url: &str, readers: u32, busy_timeout: Duration) -> Result<Self, StoreError> {
        let unfit = || StoreError::Unfit("database.url is no SQLite address; write sqlite:<path>".into());
        // Without the prefix sqlx would take anything for the name of a file.
        let url = Some(url).filter(|it| it.starts_with("sqlite:")).ok_or_else(unfit)?;
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|_| unfit())?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(busy_timeout)
            // Deleted rows are overwritten: what was forgotten is not to be found in free pages.
            .pragma("secure_delete", "ON");
        if let Some(folder) = options.get_filename().parent().filter(|it| !it.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| {
                StoreError::Unfit(format!("the database's folder {} cannot be made: {error}", folder.display()))
            })?;
        }
        let pool =
            SqlitePoolOptions::new().idle_timeout(None).max_lifetime(None).acquire_timeout(Duration::from_secs(30));
        let writer = pool.clone().max_connections(1).connect_with(options.clone()).await?;
        assert_durable(&writer).await?;
        MIGRATIONS.run(&writer).await?;
        let writer = writer.acquire().await?.detach();
        let readers = pool.max_connections(readers.max(1)).connect_with(options.read_only(true)).await?;
        Ok(Self {
            writer: Arc::new(Writer::start(writer)),
            readers,
            log_is_clean: Arc::default(),
            roll: Arc::default(),
        })
    }

    /// Writes: all of what `job` does is kept, or, if it fails, nothing of it. See [`Writer::write`].
    async fn write<F, T, E>(&self, job: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer.write(job).await
    }

    /// How many transactions were committed since it was opened: fewer than writes, when these come together.
    pub fn transactions(&self) -> u64 {
        self.writer.transactions()
    }
}

async fn assert_durable(pool: &SqlitePool) -> Result<(), StoreError> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(pool).await?;
    if numbers(&version).is_none_or(|it| it < OLDEST) {
        return Err(StoreError::Unfit(format!(
            "SQLite {version} can lose committed writes; {}.{}.{} or newer is needed",
            OLDEST.0, OLDEST.1, OLDEST.2
        )));
    }
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await?;
    if journal != "wal" {
        return Err(StoreError::Unfit(format!(
            "the database cannot use a write-ahead log (journal_mode is {journal}); put it on a local disk"
        )));
    }
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(pool).await?;
    if synchronous != 2 {
        return Err(StoreError::Unfit(format!("synchronous is {synchronous} and must be 2 (FULL)")));
    }
    Ok(())
}

fn numbers(version: &str) -> Option<(u32, u32, u32)> {
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?))
}

#[async_trait]
impl Store for SqliteStore {
    async fn ready(&self) -> Result<(), StoreError> {
        self.write(|tx| {
            Box::pin(async move {
                // Touches the file without changing it: a read-only or full disk shows here and not at the first patient.
                sqlx::query("UPDATE organization_key SET wrapped = wrapped WHERE organization = ''")
                    .execute(tx)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn organization_key(&self, organization: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let key = sqlx::query_scalar("SELECT wrapped FROM organization_key WHERE organization = ?")
            .bind(organization)
            .fetch_optional(&self.readers)
            .await?;
        Ok(key)
    }

    async fn keep_organization_key(&self, organization: &str, wrapped: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let organization = organization.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO organization_key (organization, wrapped) VALUES (?, ?) ON CONFLICT DO NOTHING",
                )
                .bind(&organization)
                .bind(wrapped)
                .execute(&mut *tx)
                .await?;
                let stands = sqlx::query_scalar("SELECT wrapped FROM organization_key WHERE organization = ?")
                    .bind(&organization)
                    .fetch_one(tx)
                    .await?;
                Ok(stands)
            })
        })
        .await
    }

    fn broken(&self) -> watch::Receiver<bool> {
        self.writer.broken()
    }

    async fn close(&self) {
        // The writer is the last, so that the log is emptied into the file.
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::{OLDEST, numbers};

    #[test]
    fn versions_compare_as_numbers() {
        assert!(numbers("3.51.10").is_some_and(|it| it > OLDEST));
        assert!(numbers("3.9.0").is_some_and(|it| it < OLDEST));
        assert_eq!(numbers("trunk"), None);
    }
}
