//! Nodes in PostgreSQL. A node is alive while it has a row; whoever looks deletes the rows that were silent for too long.
//! Either the deletion or the node's own word comes first, never both, since both are writes of one row.

use async_trait::async_trait;
use jiff::SignedDuration;
use sqlx::{Postgres, Transaction};

use super::super::nodes::{NodeId, Nodes, Stretch};
use super::super::{Recipient, StoreError};
use super::PostgresStore;
use super::claim::database_now;

const SEEN: &str = concat!("UPDATE node SET seen_at = ", database_now!(), " WHERE id = $1 RETURNING stretch");

const NEW: &str = concat!(
    "INSERT INTO node (id, seen_at) VALUES ($1, ",
    database_now!(),
    ") ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at RETURNING stretch"
);

/// One that is locked is just saying that it is here, or is just being given up by somebody else. One that was seen so far
/// ahead was seen before the database's clock was set back.
const GIVE_UP: &str = concat!(
    "DELETE FROM node WHERE id IN (SELECT id FROM node WHERE seen_at <= ",
    database_now!(),
    " - $1 OR seen_at > ",
    database_now!(),
    " + $1 ORDER BY id FOR UPDATE SKIP LOCKED)"
);

const CAME: &str = "INSERT INTO companion (organization, tid, oid, node)
    SELECT who.*, $1::text FROM unnest($2::text[], $3::text[], $4::text[]) AS who ON CONFLICT DO NOTHING";

const LEFT: &str =
    "DELETE FROM companion USING unnest($2::text[], $3::text[], $4::text[]) AS who (organization, tid, oid)
    WHERE companion.node = $1 AND companion.organization = who.organization AND companion.tid = who.tid
      AND companion.oid = who.oid";

const ELSEWHERE: &str = "SELECT DISTINCT companion.organization, companion.tid, companion.oid
    FROM companion JOIN unnest($2::text[], $3::text[], $4::text[]) AS who (organization, tid, oid)
      USING (organization, tid, oid)
    WHERE companion.node <> $1";

/// People as columns.
type Columns<'a> = (Vec<&'a str>, Vec<&'a str>, Vec<&'a str>);

fn columns(who: &[Recipient]) -> Columns<'_> {
    let column = |of: fn(&Recipient) -> &str| who.iter().map(of).collect();
    (column(|it| &it.organization), column(|it| &it.tid), column(|it| &it.oid))
}

impl PostgresStore {
    /// A transaction in which this node is not given up; none if it has been.
    async fn while_alive(&self, node: &NodeId) -> Result<Option<Transaction<'static, Postgres>>, StoreError> {
        let mut tx = self.begin().await?;
        let locked = sqlx::query("SELECT FROM node WHERE id = $1 FOR KEY SHARE").bind(node.as_str());
        let is_alive = locked.fetch_optional(&mut *tx).await?.is_some();
        Ok(is_alive.then_some(tx))
    }

    async fn change_companions(
        &self,
        statement: &'static str,
        node: &NodeId,
        who: &[Recipient],
    ) -> Result<(), StoreError> {
        let Some(mut tx) = self.while_alive(node).await? else { return Ok(()) };
        let (organizations, tids, oids) = columns(who);
        let change = sqlx::query(statement).bind(node.as_str()).bind(organizations).bind(tids).bind(oids);
        change.execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

#[async_trait]
impl Nodes for PostgresStore {
    async fn node_seen(&self, node: &NodeId) -> Result<Stretch, StoreError> {
        let known = sqlx::query_scalar(SEEN).bind(node.as_str()).fetch_optional(&self.pool).await?;
        match known {
            Some(stretch) => Ok(Stretch(stretch)),
            None => Ok(Stretch(sqlx::query_scalar(NEW).bind(node.as_str()).fetch_one(&self.pool).await?)),
        }
    }

    async fn node_left(&self, node: &NodeId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM node WHERE id = $1").bind(node.as_str()).execute(&self.pool).await?;
        Ok(())
    }

    async fn nodes_alive(&self, silent: SignedDuration) -> Result<Vec<NodeId>, StoreError> {
        let silent = i64::try_from(silent.as_millis()).unwrap_or(i64::MAX / 2);
        sqlx::query(GIVE_UP).bind(silent).execute(&self.pool).await?;
        let alive: Vec<String> = sqlx::query_scalar("SELECT id FROM node ORDER BY id").fetch_all(&self.pool).await?;
        Ok(alive.into_iter().map(NodeId::new).collect())
    }

    async fn companions_came(&self, node: &NodeId, who: &[Recipient]) -> Result<(), StoreError> {
        self.change_companions(CAME, node, who).await
    }

    async fn companions_left(&self, node: &NodeId, who: &[Recipient]) -> Result<(), StoreError> {
        self.change_companions(LEFT, node, who).await
    }

    async fn online_elsewhere(&self, node: &NodeId, who: &[Recipient]) -> Result<Vec<Recipient>, StoreError> {
        let (organizations, tids, oids) = columns(who);
        let found: Vec<(String, String, String)> = sqlx::query_as(ELSEWHERE)
            .bind(node.as_str())
            .bind(organizations)
            .bind(tids)
            .bind(oids)
            .fetch_all(&self.pool)
            .await?;
        Ok(found.into_iter().map(|(organization, tid, oid)| Recipient { organization, tid, oid }).collect())
    }
}
