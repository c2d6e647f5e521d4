//! Which database a URL means. What each needs to be fit is in its own file.

use std::sync::Arc;
use std::time::Duration;

use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;
use super::{Store, StoreError};

/// Opens the database of `url` (`sqlite:<path>` or `postgres://...`), brings its schema up to date and asserts that
/// commits are durable. `connections` is how many read at a time in SQLite, how many work at a time in PostgreSQL;
/// `busy_timeout` is how long to wait for somebody else's lock.
pub async fn open(url: &str, connections: u32, busy_timeout: Duration) -> Result<Arc<dyn Store>, StoreError> {
    match url.split(':').next() {
        Some("sqlite") => Ok(Arc::new(SqliteStore::open(url, connections, busy_timeout).await?)),
        Some("postgres" | "postgresql") => Ok(Arc::new(PostgresStore::open(url, connections, busy_timeout).await?)),
        _ => Err(StoreError::Unfit(
            "database.url names no database; write sqlite:<path> or postgres://user@host/database".into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_of_something_else_is_refused_without_being_repeated() {
        let refused = open("mysql://root:secret@host/db", 1, Duration::from_secs(1)).await.err().expect("refused");
        let words = refused.to_string();
        assert!(words.contains("sqlite:<path>") && !words.contains("secret"), "{words}");
    }
}
