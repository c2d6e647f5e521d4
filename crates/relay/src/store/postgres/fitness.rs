//! What a PostgreSQL server must be like for a commit of ours to be durable, and the settings every connection brings.

use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;

use super::super::StoreError;

/// `server_version_num` of the oldest server we know to be right.
const OLDEST: i32 = 130_000;

/// The settings of every connection. They win over what is set for the role, the database or the server.
pub(super) fn settings(options: PgConnectOptions) -> PgConnectOptions {
    options.options([
        ("default_transaction_isolation", "read committed"),
        ("default_transaction_read_only", "off"),
        // A plan made while the table was small would be kept when a backlog has grown.
        ("plan_cache_mode", "force_custom_plan"),
        // Ours are short walks along an index; a plan for several workers would give their order up.
        ("max_parallel_workers_per_gather", "0"),
        // A node that froze in the middle of a transaction must not hold its locks for ever.
        ("idle_in_transaction_session_timeout", "10000"),
    ])
}

/// Raises `synchronous_commit` to `on`, unless the operator has asked for more than that.
pub(super) async fn strongest(
    connection: &mut PgConnection,
    options: PgConnectOptions,
) -> Result<PgConnectOptions, StoreError> {
    let set: String = setting(connection, "synchronous_commit").await?;
    Ok(options.options([("synchronous_commit", if set == "remote_apply" { "remote_apply" } else { "on" })]))
}

/// Asserts everything.
pub(super) async fn check(connection: &mut PgConnection) -> Result<(), StoreError> {
    let version: i32 =
        sqlx::query_scalar("SELECT current_setting('server_version_num')::int4").fetch_one(&mut *connection).await?;
    if version < OLDEST {
        return unfit(format!("PostgreSQL {} or newer is needed; this is {}", OLDEST / 10_000, version / 10_000));
    }
    let encoding = setting(connection, "server_encoding").await?;
    if encoding != "UTF8" {
        return unfit(format!(
            "the database's encoding is {encoding} and must be UTF8: make it anew with that encoding"
        ));
    }
    still(connection).await.map_err(|error| match error {
        sqlx::Error::Configuration(words) => StoreError::Unfit(words.to_string()),
        error => error.into(),
    })
}

/// Asserts what may have changed since the relay was started. For a connection pool, so the words come as a
/// configuration error.
pub(super) async fn still(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let (standby, synchronous, fsync, pages): (bool, String, String, String) = sqlx::query_as(
        "SELECT pg_is_in_recovery(), current_setting('synchronous_commit'), current_setting('fsync'),
                current_setting('full_page_writes')",
    )
    .fetch_one(connection)
    .await?;
    match wrong(standby, &synchronous, &fsync, &pages) {
        Some(words) => Err(sqlx::Error::Configuration(words.into())),
        None => Ok(()),
    }
}

fn wrong(standby: bool, synchronous: &str, fsync: &str, pages: &str) -> Option<String> {
    if standby {
        return Some("this PostgreSQL server is a standby: point database.url at the primary".to_owned());
    }
    if fsync != "on" {
        return Some(format!("fsync is {fsync}, so a crash of the machine loses what was accepted: set it to on"));
    }
    if pages != "on" {
        return Some(format!("full_page_writes is {pages}, so a power cut can tear a page: set it to on"));
    }
    // `remote_write` waits for a standby's memory where `on` waits for its disk.
    (!matches!(synchronous, "on" | "remote_apply"))
        .then(|| format!("synchronous_commit is {synchronous} and does not let itself be set to on"))
}

async fn setting(connection: &mut PgConnection, name: &str) -> Result<String, StoreError> {
    Ok(sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(connection).await?)
}

fn unfit(words: String) -> Result<(), StoreError> {
    Err(StoreError::Unfit(words))
}

#[cfg(test)]
mod tests {
    use super::wrong;

    #[test]
    fn a_server_that_can_lose_a_commit_is_named_with_what_to_change() {
        for fit in ["on", "remote_apply"] {
            assert_eq!(wrong(false, fit, "on", "on"), None);
        }
        for unfit in ["off", "local", "remote_write"] {
            assert!(wrong(false, unfit, "on", "on").is_some_and(|it| it.contains("synchronous_commit")), "{unfit}");
        }
        assert!(wrong(false, "on", "off", "on").is_some_and(|it| it.contains("fsync is off")));
        assert!(wrong(false, "on", "on", "off").is_some_and(|it| it.contains("full_page_writes is off")));
        assert!(wrong(true, "on", "on", "on").is_some_and(|it| it.contains("standby")));
    }
}
