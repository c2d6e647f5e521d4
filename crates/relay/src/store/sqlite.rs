//! The store in one SQLite file: one writing connection that always begins IMMEDIATE, and several that only read.
//! What is asserted at opening is what makes a commit durable; each concern's SQL is in its own file below.

mod commit;
mod notices;
mod onetime;
mod outbox;
mod settle;
mod visits;
mod watches;

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, Transaction};

use super::{Store, StoreError};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Before 3.51.3 a race in WAL mode can corrupt the file or lose committed writes (sqlite.org/wal.html, "WAL-reset bug").
const OLDEST: (u32, u32, u32) = (3, 51, 3);

/// SQLite behind the [`Store`] trait.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
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
        let readers = pool.max_connections(readers.max(1)).connect_with(options.read_only(true)).await?;
        Ok(Self { writer, readers })
    }

    /// A write transaction that holds the lock from its first statement, so that it never fails half-way with BUSY.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
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

/// A stored time.
fn at(milliseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(milliseconds).map_err(|_| StoreError::Unreadable("time"))
}

/// A stored time that may be missing.
fn maybe_at(milliseconds: Option<i64>) -> Result<Option<Timestamp>, StoreError> {
    milliseconds.map(at).transpose()
}

#[async_trait]
impl Store for SqliteStore {
    async fn ready(&self) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        // Touches the file without changing it: a read-only or full disk shows here and not at the first patient.
        sqlx::query("UPDATE organization_key SET wrapped = wrapped WHERE organization = ''").execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn organization_key(&self, organization: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let key = sqlx::query_scalar("SELECT wrapped FROM organization_key WHERE organization = ?")
            .bind(organization)
            .fetch_optional(&self.readers)
            .await?;
        Ok(key)
    }

    async fn keep_organization_key(&self, organization: &str, wrapped: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("INSERT INTO organization_key (organization, wrapped) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(organization)
            .bind(wrapped)
            .execute(&mut *tx)
            .await?;
        let stands = sqlx::query_scalar("SELECT wrapped FROM organization_key WHERE organization = ?")
            .bind(organization)
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(stands)
    }

    async fn close(&self) {
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
