//! How each EHR connection is doing, kept in SQLite, and which connections have something to do. What pace and breaker
//! are is `outbox/connection.rs`.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::super::StoreError;
use super::SqliteStore;
use crate::outbox::connection::{Connection, Policy};

/// The next connection in the order of an index that begins with both columns: one step per connection, however many
/// rows each has.
pub(super) const NEXT_WAITING: &str = "SELECT organization, ehr FROM outbox INDEXED BY outbox_runnable
     WHERE state = 0 AND (organization, ehr) > (?, ?) ORDER BY organization, ehr LIMIT 1";
pub(super) const NEXT_IN_FLIGHT: &str = "SELECT organization, ehr FROM outbox INDEXED BY outbox_lease
     WHERE state = 1 AND (organization, ehr) > (?, ?) ORDER BY organization, ehr LIMIT 1";

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

impl SqliteStore {
    pub(super) async fn in_use(&self) -> Result<Vec<(String, String)>, StoreError> {
        let mut tx = self.readers.begin().await?;
        let mut found = std::collections::BTreeSet::new();
        for next in [NEXT_WAITING, NEXT_IN_FLIGHT] {
            let mut last = (String::new(), String::new());
            while let Some(pair) = sqlx::query_as(next).bind(&last.0).bind(&last.1).fetch_optional(&mut *tx).await? {
                last = pair;
                found.insert(last.clone());
            }
        }
        Ok(found.into_iter().collect())
    }

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
                if connection.allowance(&policy, now).now == 0 {
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
