//! Sessions of browsers in PostgreSQL.

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::web::{Row, WebSession, WebSessions};
use super::super::{Recipient, StoreError};
use super::PostgresStore;

#[async_trait]
impl WebSessions for PostgresStore {
    async fn put_web_session(&self, session: WebSession) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let roles = session.roles_text();
        sqlx::query(
            "INSERT INTO web_session (hash, organization, tid, oid, roles, sealed, ends_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(session.hash)
        .bind(session.person.organization)
        .bind(session.person.tid)
        .bind(session.person.oid)
        .bind(roles)
        .bind(session.sealed)
        .bind(session.ends_at.as_millisecond())
        .bind(session.expires_at.as_millisecond())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn web_session(&self, hash: &str, now: Timestamp) -> Result<Option<WebSession>, StoreError> {
        let found: Option<Row> = sqlx::query_as(
            "SELECT organization, tid, oid, roles, sealed, ends_at, expires_at FROM web_session
             WHERE hash = $1 AND expires_at > $2",
        )
        .bind(hash)
        .bind(now.as_millisecond())
        .fetch_optional(&self.pool)
        .await?;
        found.map(|row| WebSession::read(hash, row)).transpose()
    }

    async fn extend_web_session(&self, hash: &str, expires_at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE web_session SET expires_at = greatest(expires_at, least(ends_at, $1)) WHERE hash = $2")
            .bind(expires_at.as_millisecond())
            .bind(hash)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn end_web_session(&self, hash: &str) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query("DELETE FROM web_session WHERE hash = $1").bind(hash).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(gone.rows_affected() == 1)
    }

    async fn end_web_sessions_of(&self, person: &Recipient) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query("DELETE FROM web_session WHERE organization = $1 AND tid = $2 AND oid = $3")
            .bind(&person.organization)
            .bind(&person.tid)
            .bind(&person.oid)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(gone.rows_affected())
    }
}
