//! One-time values, page sessions and links in SQLite. Using up is a DELETE that returns the row: it can happen once.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::super::onetime::{Link, Links, OneTime, OneTimeKind, PageSession, Sessions};
use super::super::steps::at;
use super::super::{Recipient, StoreError};
use super::SqliteStore;

/// Uses a value up within a transaction.
pub(super) async fn take(
    tx: &mut SqliteConnection,
    kind: OneTimeKind,
    hash: &str,
    now: Timestamp,
) -> Result<Option<OneTime>, StoreError> {
    let found: Option<(String, Vec<u8>, i64)> = sqlx::query_as(
        "DELETE FROM one_time WHERE kind = ? AND hash = ? AND expires_at > ? RETURNING organization, payload, expires_at",
    )
    .bind(kind.as_str())
    .bind(hash)
    .bind(now.as_millisecond())
    .fetch_optional(tx)
    .await?;
    found.map(|row| one_time(kind, hash, row)).transpose()
}

fn one_time(kind: OneTimeKind, hash: &str, row: (String, Vec<u8>, i64)) -> Result<OneTime, StoreError> {
    let (organization, payload, expires_at) = row;
    Ok(OneTime { kind, hash: hash.to_owned(), organization, payload, expires_at: at(expires_at)? })
}

/// Keeps a link within a transaction. False where one of the two is linked otherwise, by whoever was first.
pub(super) async fn put_link(tx: &mut SqliteConnection, link: &Link, now: Timestamp) -> Result<bool, StoreError> {
    let kept = sqlx::query(
        "INSERT INTO link (organization, iss, fhir_user, tid, oid, linked_at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
    )
    .bind(&link.organization)
    .bind(&link.iss)
    .bind(&link.fhir_user)
    .bind(&link.tid)
    .bind(&link.oid)
    .bind(now.as_millisecond())
    .execute(&mut *tx)
    .await?;
    if kept.rows_affected() == 1 {
        return Ok(true);
    }
    let stands: Option<i32> = sqlx::query_scalar(
        "SELECT 1 FROM link WHERE organization = ? AND iss = ? AND fhir_user = ? AND tid = ? AND oid = ?",
    )
    .bind(&link.organization)
    .bind(&link.iss)
    .bind(&link.fhir_user)
    .bind(&link.tid)
    .bind(&link.oid)
    .fetch_optional(tx)
    .await?;
    Ok(stands.is_some())
}

#[async_trait]
impl Sessions for SqliteStore {
    async fn put_once(&self, value: OneTime) -> Result<bool, StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                let kept = sqlx::query(
                    "INSERT INTO one_time (kind, hash, organization, payload, expires_at) VALUES (?, ?, ?, ?, ?)
                     ON CONFLICT DO NOTHING",
                )
                .bind(value.kind.as_str())
                .bind(value.hash)
                .bind(value.organization)
                .bind(value.payload)
                .bind(value.expires_at.as_millisecond())
                .execute(tx)
                .await?;
                Ok(kept.rows_affected() == 1)
            })
        })
        .await
    }

    async fn peek_once(&self, kind: OneTimeKind, hash: &str, now: Timestamp) -> Result<Option<OneTime>, StoreError> {
        let found: Option<(String, Vec<u8>, i64)> = sqlx::query_as(
            "SELECT organization, payload, expires_at FROM one_time WHERE kind = ? AND hash = ? AND expires_at > ?",
        )
        .bind(kind.as_str())
        .bind(hash)
        .bind(now.as_millisecond())
        .fetch_optional(&self.readers)
        .await?;
        found.map(|row| one_time(kind, hash, row)).transpose()
    }

    async fn take_once(&self, kind: OneTimeKind, hash: &str, now: Timestamp) -> Result<Option<OneTime>, StoreError> {
        let hash = hash.to_owned();
        self.write(move |tx| Box::pin(async move { take(tx, kind, &hash, now).await })).await
    }

    async fn put_page_session(&self, session: PageSession) -> Result<(), StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query("INSERT INTO page_session (hash, visit, participant, expires_at) VALUES (?, ?, ?, ?)")
                    .bind(session.hash)
                    .bind(session.visit)
                    .bind(session.participant)
                    .bind(session.expires_at.as_millisecond())
                    .execute(tx)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn page_session(&self, hash: &str, now: Timestamp) -> Result<Option<PageSession>, StoreError> {
        let found: Option<(String, String, i64)> =
            sqlx::query_as("SELECT visit, participant, expires_at FROM page_session WHERE hash = ? AND expires_at > ?")
                .bind(hash)
                .bind(now.as_millisecond())
                .fetch_optional(&self.readers)
                .await?;
        let Some((visit, participant, expires_at)) = found else { return Ok(None) };
        Ok(Some(PageSession { hash: hash.to_owned(), visit, participant, expires_at: at(expires_at)? }))
    }

    async fn end_page_sessions(&self, visit: &str, participant: &str) -> Result<u64, StoreError> {
        let (visit, participant) = (visit.to_owned(), participant.to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                let gone = sqlx::query("DELETE FROM page_session WHERE visit = ? AND participant = ?")
                    .bind(visit)
                    .bind(participant)
                    .execute(tx)
                    .await?;
                Ok(gone.rows_affected())
            })
        })
        .await
    }

    async fn forget_expired(&self, now: Timestamp) -> Result<u64, StoreError> {
        let values = self.delete("DELETE FROM one_time WHERE expires_at <= ?", now).await?;
        let browsers = self.delete("DELETE FROM web_session WHERE expires_at <= ?", now).await?;
        Ok(values + browsers + self.delete("DELETE FROM page_session WHERE expires_at <= ?", now).await?)
    }
}

#[async_trait]
impl Links for SqliteStore {
    async fn put_link(&self, link: Link, now: Timestamp) -> Result<bool, StoreError> {
        self.write(move |tx| Box::pin(async move { put_link(tx, &link, now).await })).await
    }

    async fn linked_person(
        &self,
        organization: &str,
        iss: &str,
        fhir_user: &str,
    ) -> Result<Option<Recipient>, StoreError> {
        let found: Option<(String, String)> =
            sqlx::query_as("SELECT tid, oid FROM link WHERE organization = ? AND iss = ? AND fhir_user = ?")
                .bind(organization)
                .bind(iss)
                .bind(fhir_user)
                .fetch_optional(&self.readers)
                .await?;
        Ok(found.map(|(tid, oid)| Recipient { organization: organization.to_owned(), tid, oid }))
    }

    async fn forget_links(&self, recipient: &Recipient) -> Result<u64, StoreError> {
        let recipient = recipient.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let gone = sqlx::query("DELETE FROM link WHERE organization = ? AND tid = ? AND oid = ?")
                    .bind(recipient.organization)
                    .bind(recipient.tid)
                    .bind(recipient.oid)
                    .execute(tx)
                    .await?;
                Ok(gone.rows_affected())
            })
        })
        .await
    }

    async fn links_of(&self, recipient: &Recipient) -> Result<Vec<Link>, StoreError> {
        let found: Vec<(String, String)> = sqlx::query_as(
            "SELECT iss, fhir_user FROM link WHERE organization = ? AND tid = ? AND oid = ? ORDER BY iss, fhir_user",
        )
        .bind(&recipient.organization)
        .bind(&recipient.tid)
        .bind(&recipient.oid)
        .fetch_all(&self.readers)
        .await?;
        let link = |(iss, fhir_user)| Link {
            organization: recipient.organization.clone(),
            iss,
            fhir_user,
            tid: recipient.tid.clone(),
            oid: recipient.oid.clone(),
        };
        Ok(found.into_iter().map(link).collect())
    }
}
