//! One-time values, page sessions and links in PostgreSQL. Using up is a DELETE that returns the row: it can happen once.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::PgConnection;

use super::super::onetime::{Link, Links, OneTime, OneTimeKind, PageSession, Sessions};
use super::super::{Recipient, StoreError};
use super::{PostgresStore, at};

/// Uses a value up within a transaction.
pub(super) async fn take(
    tx: &mut PgConnection,
    kind: OneTimeKind,
    hash: &str,
    now: Timestamp,
) -> Result<Option<OneTime>, StoreError> {
    let found: Option<(String, Vec<u8>, i64)> = sqlx::query_as(
        "DELETE FROM one_time WHERE kind = $1 AND hash = $2 AND expires_at > $3 RETURNING organization, payload, expires_at",
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
pub(super) async fn put_link(tx: &mut PgConnection, link: &Link, now: Timestamp) -> Result<bool, StoreError> {
    let kept = sqlx::query(
        "INSERT INTO link (organization, iss, fhir_user, tid, oid, linked_at) VALUES ($1, $2, $3, $4, $5, $6)
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
        "SELECT 1 FROM link WHERE organization = $1 AND iss = $2 AND fhir_user = $3 AND tid = $4 AND oid = $5",
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
impl Sessions for PostgresStore {
    async fn put_once(&self, value: OneTime) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let kept = sqlx::query(
            "INSERT INTO one_time (kind, hash, organization, payload, expires_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
        )
        .bind(value.kind.as_str())
        .bind(value.hash)
        .bind(value.organization)
        .bind(value.payload)
        .bind(value.expires_at.as_millisecond())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(kept.rows_affected() == 1)
    }

    async fn peek_once(&self, kind: OneTimeKind, hash: &str, now: Timestamp) -> Result<Option<OneTime>, StoreError> {
        let found: Option<(String, Vec<u8>, i64)> = sqlx::query_as(
            "SELECT organization, payload, expires_at FROM one_time WHERE kind = $1 AND hash = $2 AND expires_at > $3",
        )
        .bind(kind.as_str())
        .bind(hash)
        .bind(now.as_millisecond())
        .fetch_optional(&self.pool)
        .await?;
        found.map(|row| one_time(kind, hash, row)).transpose()
    }

    async fn take_once(&self, kind: OneTimeKind, hash: &str, now: Timestamp) -> Result<Option<OneTime>, StoreError> {
        let mut tx = self.begin().await?;
        let taken = take(&mut tx, kind, hash, now).await?;
        tx.commit().await?;
        Ok(taken)
    }

    async fn put_page_session(&self, session: PageSession) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO page_session (hash, visit, participant, expires_at) VALUES ($1, $2, $3, $4)")
            .bind(session.hash)
            .bind(session.visit)
            .bind(session.participant)
            .bind(session.expires_at.as_millisecond())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn page_session(&self, hash: &str, now: Timestamp) -> Result<Option<PageSession>, StoreError> {
        let found: Option<(String, String, i64)> = sqlx::query_as(
            "SELECT visit, participant, expires_at FROM page_session WHERE hash = $1 AND expires_at > $2",
        )
        .bind(hash)
        .bind(now.as_millisecond())
        .fetch_optional(&self.pool)
        .await?;
        let Some((visit, participant, expires_at)) = found else { return Ok(None) };
        Ok(Some(PageSession { hash: hash.to_owned(), visit, participant, expires_at: at(expires_at)? }))
    }

    async fn end_page_sessions(&self, visit: &str, participant: &str) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query("DELETE FROM page_session WHERE visit = $1 AND participant = $2")
            .bind(visit)
            .bind(participant)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(gone.rows_affected())
    }

    async fn forget_expired(&self, now: Timestamp) -> Result<u64, StoreError> {
        let now = now.as_millisecond();
        let mut tx = self.begin().await?;
        let values = sqlx::query("DELETE FROM one_time WHERE expires_at <= $1").bind(now).execute(&mut *tx).await?;
        let pages = sqlx::query("DELETE FROM page_session WHERE expires_at <= $1").bind(now).execute(&mut *tx).await?;
        let browsers =
            sqlx::query("DELETE FROM web_session WHERE expires_at <= $1").bind(now).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(values.rows_affected() + pages.rows_affected() + browsers.rows_affected())
    }
}

#[async_trait]
impl Links for PostgresStore {
    async fn put_link(&self, link: Link, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let stands = put_link(&mut tx, &link, now).await?;
        tx.commit().await?;
        Ok(stands)
    }

    async fn linked_person(
        &self,
        organization: &str,
        iss: &str,
        fhir_user: &str,
    ) -> Result<Option<Recipient>, StoreError> {
        let found: Option<(String, String)> =
            sqlx::query_as("SELECT tid, oid FROM link WHERE organization = $1 AND iss = $2 AND fhir_user = $3")
                .bind(organization)
                .bind(iss)
                .bind(fhir_user)
                .fetch_optional(&self.pool)
                .await?;
        Ok(found.map(|(tid, oid)| Recipient { organization: organization.to_owned(), tid, oid }))
    }

    async fn forget_links(&self, recipient: &Recipient) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query("DELETE FROM link WHERE organization = $1 AND tid = $2 AND oid = $3")
            .bind(&recipient.organization)
            .bind(&recipient.tid)
            .bind(&recipient.oid)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(gone)
    }

    async fn links_of(&self, recipient: &Recipient) -> Result<Vec<Link>, StoreError> {
        let found: Vec<(String, String)> = sqlx::query_as(
            "SELECT iss, fhir_user FROM link WHERE organization = $1 AND tid = $2 AND oid = $3 ORDER BY iss, fhir_user",
        )
        .bind(&recipient.organization)
        .bind(&recipient.tid)
        .bind(&recipient.oid)
        .fetch_all(&self.pool)
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
