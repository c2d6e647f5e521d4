//! Reading visits from PostgreSQL. Writing them is `commit.rs`.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};

use super::super::StoreError;
use super::super::visits::{
    Change, CommitError, Committed, LookupKey, Meeting, Member, OpenVisit, Recipient, StoredVisit, VisitRow, Visits,
    WrappedKey,
};
use super::{PostgresStore, at, maybe_at};

/// Visits with their members, in one statement and so of one moment; what follows it says which.
macro_rules! visits {
    ($which:literal) => {
        concat!(
            "SELECT visit.*, members.* FROM visit CROSS JOIN LATERAL (
               SELECT array_agg(tid ORDER BY tid, oid) AS tids, array_agg(oid ORDER BY tid, oid) AS oids,
                      array_agg(proven ORDER BY tid, oid) AS proofs, array_agg(covering ORDER BY tid, oid) AS covers
               FROM visit_member WHERE visit_member.visit = visit.id) AS members ",
            $which
        )
    };
}

/// A row of `visits!` as it comes from the database.
struct Raw(StoredVisit);

impl FromRow<'_, PgRow> for Raw {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let time = |column: &str| -> Result<Timestamp, sqlx::Error> {
            at(row.try_get(column)?).map_err(|error| sqlx::Error::Decode(error.into()))
        };
        let maybe = |column: &str| -> Result<Option<Timestamp>, sqlx::Error> {
            maybe_at(row.try_get(column)?).map_err(|error| sqlx::Error::Decode(error.into()))
        };
        Ok(Self(StoredVisit {
            version: row.try_get("version")?,
            members: members(row)?,
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

fn members(row: &PgRow) -> Result<Vec<Member>, sqlx::Error> {
    let words = |column| row.try_get::<Option<Vec<String>>, _>(column).map(Option::unwrap_or_default);
    let flags = |column| row.try_get::<Option<Vec<bool>>, _>(column).map(Option::unwrap_or_default);
    let people = words("tids")?.into_iter().zip(words("oids")?);
    let how = flags("proofs")?.into_iter().zip(flags("covers")?);
    Ok(people.zip(how).map(|((tid, oid), (proven, covering))| Member { tid, oid, proven, covering }).collect())
}

fn whole(found: Vec<Raw>) -> Vec<StoredVisit> {
    found.into_iter().map(|it| it.0).collect()
}

#[async_trait]
impl Visits for PostgresStore {
    async fn visit(&self, id: &str) -> Result<Option<StoredVisit>, StoreError> {
        let found = sqlx::query_as(visits!("WHERE visit.id = $1")).bind(id).fetch_all(&self.pool).await?;
        Ok(whole(found).pop())
    }

    async fn visit_of_appointment(
        &self,
        organization: &str,
        appointment: &LookupKey,
    ) -> Result<Option<StoredVisit>, StoreError> {
        let found = sqlx::query_as(visits!("WHERE visit.organization = $1 AND visit.appointment = $2"))
            .bind(organization)
            .bind(&appointment.0)
            .fetch_all(&self.pool)
            .await?;
        Ok(whole(found).pop())
    }

    async fn visit_of_meeting(&self, organization: &str, meeting: &LookupKey) -> Result<Option<String>, StoreError> {
        let found = sqlx::query_scalar("SELECT id FROM visit WHERE organization = $1 AND meeting = $2")
            .bind(organization)
            .bind(&meeting.0)
            .fetch_optional(&self.pool)
            .await?;
        Ok(found)
    }

    async fn meeting(&self, visit: &str) -> Result<Option<Meeting>, StoreError> {
        let found: Option<(Vec<u8>, Vec<u8>)> =
            sqlx::query_as("SELECT meeting, meeting_sealed FROM visit WHERE id = $1 AND meeting IS NOT NULL")
                .bind(visit)
                .fetch_optional(&self.pool)
                .await?;
        Ok(found.map(|(lookup, sealed)| Meeting { lookup: LookupKey(lookup), sealed }))
    }

    async fn open_visits(&self, organization: &str) -> Result<Vec<StoredVisit>, StoreError> {
        let found = sqlx::query_as(visits!(
            "WHERE visit.organization = $1 AND visit.closed_at IS NULL ORDER BY visit.planned_start, visit.id"
        ))
        .bind(organization)
        .fetch_all(&self.pool)
        .await?;
        Ok(whole(found))
    }

    async fn open_visits_of(&self, recipient: &Recipient) -> Result<Vec<StoredVisit>, StoreError> {
        let found = sqlx::query_as(visits!(
            "JOIN visit_member AS this ON this.visit = visit.id
             WHERE this.tid = $1 AND this.oid = $2 AND visit.organization = $3 AND visit.closed_at IS NULL
             ORDER BY visit.planned_start, visit.id"
        ))
        .bind(&recipient.tid)
        .bind(&recipient.oid)
        .bind(&recipient.organization)
        .fetch_all(&self.pool)
        .await?;
        Ok(whole(found))
    }

    async fn due_visits(&self, now: Timestamp, limit: u32) -> Result<Vec<OpenVisit>, StoreError> {
        let due: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT id, organization, next_timer_at FROM visit
             WHERE next_timer_at IS NOT NULL AND next_timer_at <= $1 ORDER BY next_timer_at LIMIT $2",
        )
        .bind(now.as_millisecond())
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        due.into_iter().map(|(id, organization, due)| Ok(OpenVisit { id, organization, due_at: at(due)? })).collect()
    }

    async fn next_timer_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let next = sqlx::query_scalar("SELECT min(next_timer_at) FROM visit WHERE next_timer_at IS NOT NULL")
            .fetch_one(&self.pool)
            .await?;
        maybe_at(next)
    }

    async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        self.commit_change(change).await
    }

    async fn days_in_use(&self) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT DISTINCT key_day FROM visit ORDER BY key_day").fetch_all(&self.pool).await?)
    }
}
