//! How each EHR connection is doing, kept in PostgreSQL, and which connections have something to do. Its row is locked
//! by every claim and settle of that connection, so pace and breaker hold over all nodes. What they are is
//! `outbox/connection.rs`.

use jiff::Timestamp;
use sqlx::PgConnection;

use super::super::StoreError;
use super::PostgresStore;
use crate::outbox::connection::{Connection, Policy};

fn read(state: &str) -> Result<Connection, StoreError> {
    serde_json::from_str(state).map_err(|_| StoreError::Unreadable("state of an EHR connection"))
}

fn written(connection: &Connection) -> Result<String, StoreError> {
    serde_json::to_string(connection).map_err(|_| StoreError::Unreadable("state of an EHR connection"))
}

/// Locks the connection's row, which is made if it is missing, and reads it.
pub(super) async fn lock(tx: &mut PgConnection, organization: &str, ehr: &str) -> Result<Connection, StoreError> {
    const LOCK: &str = "SELECT state FROM ehr_connection WHERE organization = $1 AND ehr = $2 FOR UPDATE";
    let found: Option<String> = sqlx::query_scalar(LOCK).bind(organization).bind(ehr).fetch_optional(&mut *tx).await?;
    if let Some(state) = found {
        return read(&state);
    }
    sqlx::query("INSERT INTO ehr_connection (organization, ehr, state) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(organization)
        .bind(ehr)
        .bind(written(&Connection::default())?)
        .execute(&mut *tx)
        .await?;
    // Another node may have made it at the same moment, and used it already.
    let state: String = sqlx::query_scalar(LOCK).bind(organization).bind(ehr).fetch_one(tx).await?;
    read(&state)
}

/// Writes it back.
pub(super) async fn save(
    tx: &mut PgConnection,
    organization: &str,
    ehr: &str,
    connection: &Connection,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE ehr_connection SET state = $3 WHERE organization = $1 AND ehr = $2")
        .bind(organization)
        .bind(ehr)
        .bind(written(connection)?)
        .execute(tx)
        .await?;
    Ok(())
}

impl PostgresStore {
    pub(super) async fn how_is(&self, organization: &str, ehr: &str) -> Result<Connection, StoreError> {
        let state: Option<String> =
            sqlx::query_scalar("SELECT state FROM ehr_connection WHERE organization = $1 AND ehr = $2")
                .bind(organization)
                .bind(ehr)
                .fetch_optional(&self.pool)
                .await?;
        state.map_or_else(|| Ok(Connection::default()), |state| read(&state))
    }

    /// One step through the index per connection, however many rows each has; of those in flight there are few.
    pub(super) async fn in_use(&self) -> Result<Vec<(String, String)>, StoreError> {
        let found = sqlx::query_as(
            "WITH RECURSIVE waiting AS (
               (SELECT organization, ehr FROM outbox WHERE state = 0 ORDER BY organization, ehr LIMIT 1)
               UNION ALL
               SELECT next.organization, next.ehr FROM waiting CROSS JOIN LATERAL (
                 SELECT organization, ehr FROM outbox
                 WHERE state = 0 AND (organization, ehr) > (waiting.organization, waiting.ehr)
                 ORDER BY organization, ehr LIMIT 1) AS next)
             SELECT organization, ehr FROM waiting UNION SELECT organization, ehr FROM outbox WHERE state = 1
             ORDER BY 1, 2",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(found)
    }

    pub(super) async fn take_a_turn(
        &self,
        organization: &str,
        ehr: &str,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let mut connection = lock(&mut tx, organization, ehr).await?;
        if !connection.spare(policy, now) {
            tx.rollback().await?;
            return Ok(false);
        }
        connection.take(policy, now, 1);
        save(&mut tx, organization, ehr, &connection).await?;
        tx.commit().await?;
        Ok(true)
    }
}
