//! Reading visits from SQLite. Writing them is `commit.rs`.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

use super::super::StoreError;
use super::super::steps::{at, maybe_at};
use super::super::visits::{
    Change, CommitError, Committed, LookupKey, Meeting, Member, OpenVisit, Recipient, StoredVisit, VisitRow, Visits,
    WrappedKey,
};
use super::SqliteStore;

/// A row of `visit` as it comes from the database.
struct Raw(StoredVisit);

impl FromRow<'_, SqliteRow> for Raw {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let time = |column: &str| -> Result<Timestamp, sqlx::Error> {
            at(row.try_get(column)?).map_err(|error| sqlx::Error::Decode(error.into()))
        };
        let maybe = |column: &str| -> Result<Option<Timestamp>, sqlx::Error> {
            maybe_at(row.try_get(column)?).map_err(|error| sqlx::Error::Decode(error.into()))
        };
        Ok(Self(StoredVisit {
            version: row.try_get("version")?,
            members: Vec::new(),
            row: VisitRow {
                id: row.try_get("id")?,
                organization: row.try_get("organization")?,
                appointment: LookupKey(row.try_get("appointment")?),
                key: WrappedKey { day: row.try_get("key_day")?, bytes: row.try_get("key_wrapped")? },
                sealed: row.try_get("sealed")?,
                stage: row.try_get("stage")?,
                planned_start: time("planned_start")?,
                planned_end: time("planned_end")?,
                next_timer_at: maybe("next_timer_at")?,
                closed_at: maybe("closed_at")?,
            },
        }))
    }
}

impl SqliteStore {
    /// Reads the members of each visit, in the transaction that read the visits.
    async fn with_members(tx: &mut sqlx::SqliteConnection, visits: Vec<Raw>) -> Result<Vec<StoredVisit>, StoreError> {
        let mut whole = Vec::with_capacity(visits.len());
        for Raw(mut visit) in visits {
            let members: Vec<(String, String, bool, bool)> =
                sqlx::query_as("SELECT tid, oid, proven, covering FROM visit_member WHERE visit = ? ORDER BY tid, oid")
                    .bind(&visit.row.id)
                    .fetch_all(&mut *tx)
                    .await?;
            visit.members =
                members.into_iter().map(|(tid, oid, proven, covering)| Member { tid, oid, proven, covering }).collect();
            whole.push(visit);
        }
        Ok(whole)
    }
}

#[async_trait]
impl Visits for SqliteStore {
    async fn visit(&self, id: &str) -> Result<Option<StoredVisit>, StoreError> {
        let mut tx = self.readers.begin().await?;
        let found = sqlx::query_as("SELECT * FROM visit WHERE id = ?").bind(id).fetch_all(&mut *tx).await?;
        Ok(Self::with_members(&mut tx, found).await?.pop())
    }

    async fn visit_of_appointment(
        &self,
        organization: &str,
        appointment: &LookupKey,
    ) -> Result<Option<StoredVisit>, StoreError> {
        let mut tx = self.readers.begin().await?;
        let found = sqlx::query_as("SELECT * FROM visit WHERE organization = ? AND appointment = ?")
            .bind(organization)
            .bind(&appointment.0)
            .fetch_all(&mut *tx)
            .await?;
        Ok(Self::with_members(&mut tx, found).await?.pop())
    }

    async fn visit_of_meeting(&self, organization: &str, meeting: &LookupKey) -> Result<Option<String>, StoreError> {
        let found = sqlx::query_scalar("SELECT id FROM visit WHERE organization = ? AND meeting = ?")
            .bind(organization)
            .bind(&meeting.0)
            .fetch_optional(&self.readers)
            .await?;
        Ok(found)
    }

    async fn meeting(&self, visit: &str) -> Result<Option<Meeting>, StoreError> {
        let found: Option<(Vec<u8>, Vec<u8>)> =
            sqlx::query_as("SELECT meeting, meeting_sealed FROM visit WHERE id = ? AND meeting IS NOT NULL")
                .bind(visit)
                .fetch_optional(&self.readers)
                .await?;
        Ok(found.map(|(lookup, sealed)| Meeting { lookup: LookupKey(lookup), sealed }))
    }

    async fn open_visits(&self, organization: &str) -> Result<Vec<StoredVisit>, StoreError> {
        let mut tx = self.readers.begin().await?;
        let found = sqlx::query_as(
            "SELECT * FROM visit WHERE organization = ? AND closed_at IS NULL ORDER BY planned_start, id",
        )
        .bind(organization)
        .fetch_all(&mut *tx)
        .await?;
        Self::with_members(&mut tx, found).await
    }

    async fn open_visits_of(&self, recipient: &Recipient) -> Result<Vec<StoredVisit>, StoreError> {
        let mut tx = self.readers.begin().await?;
        let found = sqlx::query_as(
            "SELECT visit.* FROM visit_member JOIN visit ON visit.id = visit_member.visit
             WHERE visit_member.tid = ? AND visit_member.oid = ? AND organization = ? AND closed_at IS NULL
             ORDER BY planned_start, visit.id",
        )
        .bind(&recipient.tid)
        .bind(&recipient.oid)
        .bind(&recipient.organization)
        .fetch_all(&mut *tx)
        .await?;
        Self::with_members(&mut tx, found).await
    }

    async fn due_visits(&self, now: Timestamp, limit: u32) -> Result<Vec<OpenVisit>, StoreError> {
        let due: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT id, organization, next_timer_at FROM visit
             WHERE next_timer_at IS NOT NULL AND next_timer_at <= ? ORDER BY next_timer_at LIMIT ?",
        )
        .bind(now.as_millisecond())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        due.into_iter().map(|(id, organization, due)| Ok(OpenVisit { id, organization, due_at: at(due)? })).collect()
    }

    async fn next_timer_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let next = sqlx::query_scalar("SELECT min(next_timer_at) FROM visit WHERE next_timer_at IS NOT NULL")
            .fetch_one(&self.readers)
            .await?;
        maybe_at(next)
    }

    async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        self.commit_change(change).await
    }

    async fn days_in_use(&self) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT DISTINCT key_day FROM visit ORDER BY key_day").fetch_all(&self.readers).await?)
    }
}
