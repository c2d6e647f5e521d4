//! How each EHR connection is doing, kept in SQLite, and which connections have something to do. What pace and breaker
//! are is `outbox/connection.rs`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::super::StoreError;
use super::SqliteStore;
use crate::outbox::connection::{Connection, Policy};

/// The next connection of the same organization, or the first of the next organization, in the order of an index that
/// begins with both columns: one step per connection, however many rows each has. (A comparison of both columns at once
/// would go along the index by the first one only.)
pub(super) const NEXT_WAITING: [&str; 2] = [
    "SELECT organization, ehr FROM outbox INDEXED BY outbox_runnable
     WHERE state = 0 AND organization = ?1 AND ehr > ?2 ORDER BY ehr LIMIT 1",
    "SELECT organization, ehr FROM outbox INDEXED BY outbox_runnable
     WHERE state = 0 AND organization > ?1 ORDER BY organization, ehr LIMIT 1",
];
pub(super) const NEXT_IN_FLIGHT: [&str; 2] = [
    "SELECT organization, ehr FROM outbox INDEXED BY outbox_lease
     WHERE state = 1 AND organization = ?1 AND ehr > ?2 ORDER BY ehr LIMIT 1",
    "SELECT organization, ehr FROM outbox INDEXED BY outbox_lease
     WHERE state = 1 AND organization > ?1 ORDER BY organization, ehr LIMIT 1",
];

/// Reads it; as new where there is none.
pub(super) async fn load(
    executor: impl sqlx::SqliteExecutor<'_>,
    organization: &str,
    ehr: &str,
) -> Result<Connection, StoreError> {
    let state: Option<String> =
        sqlx::query_scalar("SELECT state FROM ehr_connection WHERE organization = ? AND ehr = ?")
            .bind(organization)
            .bind(ehr)
            .fetch_optional(executor)
            .await?;
    let Some(state) = state else { return Ok(Connection::default()) };
    serde_json::from_str(&state).map_err(|_| StoreError::Unreadable("state of an EHR connection"))
}

/// Writes it back.
pub(super) async fn save(
    tx: &mut SqliteConnection,
    organization: &str,
    ehr: &str,
    connection: &Connection,
) -> Result<(), StoreError> {
    let state = serde_json::to_string(connection).map_err(|_| StoreError::Unreadable("state of an EHR connection"))?;
    sqlx::query(
        "INSERT INTO ehr_connection (organization, ehr, state) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET state = excluded.state",
    )
    .bind(organization)
    .bind(ehr)
    .bind(state)
    .execute(tx)
    .await?;
    Ok(())
}

async fn after(
    tx: &mut SqliteConnection,
    next: [&'static str; 2],
    (organization, ehr): &(String, String),
) -> Result<Option<(String, String)>, StoreError> {
    for statement in next {
        let found = sqlx::query_as(statement).bind(organization).bind(ehr).fetch_optional(&mut *tx).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Connections that have rows waiting or in flight.
pub(super) async fn in_use(tx: &mut SqliteConnection) -> Result<Vec<(String, String)>, StoreError> {
    let mut found = BTreeSet::new();
    for next in [NEXT_WAITING, NEXT_IN_FLIGHT] {
        let mut last = (String::new(), String::new());
        while let Some(pair) = after(tx, next, &last).await? {
            found.insert(pair.clone());
            last = pair;
        }
    }
    Ok(found.into_iter().collect())
}

impl SqliteStore {
    pub(super) async fn take_a_turn(
        &self,
        organization: &str,
        ehr: &str,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (organization, ehr, policy) = (organization.to_owned(), ehr.to_owned(), policy.clone());
        self.write(move |tx| {
            Box::pin(async move {
                let mut connection = load(&mut *tx, &organization, &ehr).await?;
                if !connection.spare(&policy, now) {
                    return Ok(false);
                }
                connection.take(&policy, now, 1);
                save(tx, &organization, &ehr, &connection).await?;
                Ok(true)
            })
        })
        .await
    }
}
