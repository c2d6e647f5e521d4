//! Sessions of browsers in SQLite.

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::web::{Row, WebSession, WebSessions};
use super::super::{Recipient, StoreError};
use super::SqliteStore;

#[async_trait]
impl WebSessions for SqliteStore {
    async fn put_web_session(&self, session: WebSession) -> Result<(), StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                let roles = session.roles_text();
                sqlx::query(
                    "INSERT INTO web_session (hash, organization, tid, oid, roles, sealed, ends_at, expires_at)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                )
                .bind(session.hash)
                .bind(session.person.organization)
                .bind(session.person.tid)
                .bind(session.person.oid)
                .bind(roles)
                .bind(session.sealed)
                .bind(session.ends_at.as_millisecond())
                .bind(session.expires_at.as_millisecond())
                .execute(tx)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn web_session(&self, hash: &str, now: Timestamp) -> Result<Option<WebSession>, StoreError> {
        let found: Option<Row> = sqlx::query_as(
            "SELECT organization, tid, oid, roles, sealed, ends_at, expires_at FROM web_session
             WHERE hash = ? AND expires_at > ?",
        )
        .bind(hash)
        .bind(now.as_millisecond())
        .fetch_optional(&self.readers)
        .await?;
        found.map(|row| WebSession::read(hash, row)).transpose()
    }

    async fn extend_web_session(&self, hash: &str, expires_at: Timestamp) -> Result<(), StoreError> {
        let hash = hash.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query("UPDATE web_session SET expires_at = max(expires_at, min(ends_at, ?)) WHERE hash = ?")
                    .bind(expires_at.as_millisecond())
                    .bind(hash)
                    .execute(tx)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn end_web_session(&self, hash: &str) -> Result<bool, StoreError> {
        let hash = hash.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let gone = sqlx::query("DELETE FROM web_session WHERE hash = ?").bind(hash).execute(tx).await?;
                Ok(gone.rows_affected() == 1)
            })
        })
        .await
    }

    async fn end_web_sessions_of(&self, person: &Recipient) -> Result<u64, StoreError> {
        let person = person.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let gone = sqlx::query("DELETE FROM web_session WHERE organization = ? AND tid = ? AND oid = ?")
                    .bind(person.organization)
                    .bind(person.tid)
                    .bind(person.oid)
                    .execute(tx)
                    .await?;
                Ok(gone.rows_affected())
            })
        })
        .await
    }
}
