//! The auditor's walk on both databases: whatever is done to the table behind the relay's back is found and named.

use std::sync::Arc;
use std::time::Duration;

use roomed_relay::ledger::Hash;
use roomed_relay::ledger::audit::{Fault, Found, Walk};
use roomed_relay::ledger::copy::Copy;
use roomed_relay::store::sqlite::SqliteStore;
use roomed_relay::store::{Chained, Outcome, Store};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tokio::sync::Mutex;

use crate::given::{claim, entry, event, new_visit, parked, settle, t, tell};

const COLUMNS: [&str; 15] = [
    "seq",
    "previous",
    "link",
    "kind",
    "at",
    "organization",
    "ehr",
    "entry",
    "channel",
    "attempt",
    "fence",
    "reference",
    "digest",
    "outcome",
    "reason",
];
const NUMBERS: [&str; 4] = ["seq", "at", "attempt", "fence"];
const BLOBS: [&str; 4] = ["previous", "link", "reference", "digest"];

/// A database whose ledger somebody with every right meddles with.
struct Victim {
    url: String,
    server: Server,
}

enum Server {
    Sqlite { raw: Box<Mutex<SqliteConnection>>, _folder: tempfile::TempDir },
    Postgres { raw: Box<Mutex<PgConnection>>, _place: Box<crate::postgres::Place> },
}

async fn sqlite() -> (Arc<dyn Store>, Victim) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("relay.sqlite").display());
    let store = SqliteStore::open(&url, 2, Duration::from_secs(10)).await.unwrap();
    let mut raw = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("PRAGMA synchronous = OFF").execute(&mut raw).await.unwrap();
    (Arc::new(store), Victim { url, server: Server::Sqlite { raw: Box::new(Mutex::new(raw)), _folder: folder } })
}

async fn postgres() -> (Arc<dyn Store>, Victim) {
    let place = crate::postgres::Place::make("").await;
    let store = place.node().await.unwrap();
    let raw = Box::new(Mutex::new(place.connect().await));
    (store, Victim { url: place.url(), server: Server::Postgres { raw, _place: Box::new(place) } })
}

impl Victim {
    async fn sql(&self, statements: &str) {
        let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
        match &self.server {
            Server::Sqlite { raw, .. } => drop(statements.execute(&mut *raw.lock().await).await.unwrap()),
            Server::Postgres { raw, .. } => drop(statements.execute(&mut *raw.lock().await).await.unwrap()),
        }
    }

    async fn columns(&self) -> Vec<String> {
        match &self.server {
            Server::Sqlite { raw, .. } => {
                let names = "SELECT name FROM pragma_table_info('ledger')";
                sqlx::query_scalar(names).fetch_all(&mut *raw.lock().await).await.unwrap()
            }
            Server::Postgres { raw, .. } => {
                let names = "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'ledger'
                             ORDER BY ordinal_position";
                sqlx::query_scalar(names).fetch_all(&mut *raw.lock().await).await.unwrap()
            }
        }
    }

    /// The ledger as it was kept aside, without constraints and triggers, after `statement`.
    async fn after(&self, statement: &str) -> Result<i64, Fault> {
        self.sql(&format!("DROP TABLE ledger; CREATE TABLE ledger AS SELECT * FROM kept; {statement}")).await;
        self.verify(None).await
    }

    async fn verify(&self, head: Option<Hash>) -> Result<i64, Fault> {
        Ok(Copy::open(&self.url).await.unwrap().verify(head).await.unwrap()?.records)
    }

    async fn head(&self) -> (i64, Hash) {
        Copy::open(&self.url).await.unwrap().head().await.unwrap().unwrap()
    }

    /// One flipped byte, as SQL.
    fn flipped(&self, column: &str) -> String {
        let is_sqlite = matches!(self.server, Server::Sqlite { .. });
        match column {
            "seq" => "seq + 100".into(),
            it if NUMBERS.contains(&it) => format!("{it} + 1"),
            it if BLOBS.contains(&it) && is_sqlite => {
                // The last byte becomes another one.
                format!(
                    "unhex(substr(hex({it}), 1, length(hex({it})) - 1) || CASE WHEN hex({it}) LIKE '%0' THEN '1' ELSE '0' END)"
                )
            }
            it if BLOBS.contains(&it) => format!("set_byte({it}, 0, 255 - get_byte({it}, 0))"),
            it => format!("CASE WHEN {it} = '' THEN 'x' ELSE '~' || substr({it}, 2) END"),
        }
    }
}

/// Nine records of every kind.
async fn history(store: &dyn Store) -> Vec<Chained> {
    new_visit(store, "v", vec![entry("a", "s", 0), event("e", "f", 0)]).await;
    for lease in claim(store, 1).await {
        let outcome = if lease.id == "a" { Outcome::Delivered } else { parked("no") };
        settle(store, lease, outcome, 2).await;
    }
    tell(store, "v", vec![entry("b", "s", 99)], 3).await;
    tell(store, "v", vec![entry("c", "s", 4)], 4).await;
    for lease in claim(store, 5).await {
        settle(store, lease, Outcome::Delivered, 6).await;
    }
    store.skip("e", "told by phone", t(7)).await.unwrap().unwrap();
    tell(store, "v", vec![event("g", "f", 8)], 8).await;
    drop(claim(store, 9).await);
    let records = store.ledger(0, 100).await.unwrap();
    store.close().await;
    assert_eq!(records.len(), 9);
    records
}

async fn whatever_is_changed_is_found((store, victim): (Arc<dyn Store>, Victim)) {
    assert_eq!(victim.verify(None).await, Ok(0), "an empty ledger is whole");
    let records = history(&*store).await;
    let last = i64::try_from(records.len()).unwrap();
    assert_eq!(victim.columns().await, COLUMNS, "a column that the link does not cover would not be watched");
    assert_eq!(victim.verify(None).await, Ok(last));
    victim.sql("CREATE TABLE kept AS SELECT * FROM ledger").await;
    assert_eq!(victim.after("").await, Ok(last));
    // A connection to a server takes its time: there, the first, one in the middle and the last have to do.
    let some = |seq: &i64| matches!(victim.server, Server::Sqlite { .. }) || [1, 5, last].contains(seq);
    for seq in (1..=last).filter(some) {
        for column in COLUMNS {
            let changed = victim.flipped(column);
            let statement = format!("UPDATE ledger SET {column} = {changed} WHERE seq = {seq}");
            let fault = victim.after(&statement).await.expect_err(&statement);
            assert_eq!(fault.seq(), Some(seq), "{statement}: {fault}");
            let statement = format!("UPDATE ledger SET {column} = NULL WHERE seq = {seq}");
            let fault = victim.after(&statement).await.expect_err(&statement);
            // A row without its place is in no order; that one is missing is what shows.
            if column != "seq" {
                assert_eq!(fault, Fault::Column { seq, column }, "{statement}");
            }
        }
        let fault = victim.after(&format!("DELETE FROM ledger WHERE seq = {seq}")).await;
        // Only a head that was noted shows a cut tail.
        let expected = if seq == last { Ok(last - 1) } else { Err(Fault::Missing { seq, found: seq + 1 }) };
        assert_eq!(fault, expected);
    }
    rows_moved_and_put_in(&victim, &records).await;
    heads(&victim, &records).await;
}

async fn rows_moved_and_put_in(victim: &Victim, records: &[Chained]) {
    let swapped = "UPDATE ledger SET seq = CASE seq WHEN 3 THEN 4 ELSE 3 END WHERE seq IN (3, 4)";
    assert_eq!(victim.after(swapped).await, Err(Fault::Changed { seq: 3 }));
    let renumbered = "UPDATE ledger SET seq = seq + 1 WHERE seq >= 5;
                      INSERT INTO ledger SELECT 5, previous, link, kind, at, organization, ehr, entry, channel, attempt,
                        fence, reference, digest, outcome, reason FROM kept WHERE seq = 5";
    assert_eq!(victim.after(renumbered).await, Err(Fault::Changed { seq: 6 }));
    let twice = "INSERT INTO ledger SELECT * FROM kept WHERE seq = 9";
    assert_eq!(victim.after(twice).await, Err(Fault::OutOfPlace { seq: 10, found: 9 }));
    let beside =
        "INSERT INTO ledger SELECT 0, previous, link, kind, at, organization, ehr, entry, channel, attempt, fence,
                    reference, digest, outcome, reason FROM kept WHERE seq = 5";
    assert_eq!(victim.after(beside).await, Err(Fault::OutOfPlace { seq: 1, found: 0 }));
    let nowhere = beside.replace("SELECT 0,", "SELECT NULL,");
    let fault = victim.after(&nowhere).await.unwrap_err();
    assert!(matches!(fault, Fault::Outside { rows: 10, walked: 9 } | Fault::Column { column: "seq", .. }), "{fault}");
    // Somebody who knows how links are made writes one record anew: the next one was chained to another.
    let mut forged = records[4].clone();
    forged.record.reason = "nothing happened".into();
    let previous: Hash = forged.previous.clone().try_into().unwrap();
    let link = forged.record.link(5, &previous);
    let literal = |bytes: &[u8]| match victim.server {
        Server::Sqlite { .. } => format!("x'{}'", hex::encode(bytes)),
        Server::Postgres { .. } => format!("decode('{}', 'hex')", hex::encode(bytes)),
    };
    let written = format!("UPDATE ledger SET reason = 'nothing happened', link = {} WHERE seq = 5", literal(&link));
    assert_eq!(victim.after(&written).await, Err(Fault::Unchained { seq: 6 }));
}

async fn heads(victim: &Victim, records: &[Chained]) {
    let last = i64::try_from(records.len()).unwrap();
    victim.after("").await.unwrap();
    let (seq, head) = victim.head().await;
    assert_eq!((seq, &head[..]), (last, &records.last().unwrap().link[..]));
    assert_eq!(victim.verify(Some(head)).await, Ok(last));
    let early: Hash = records[2].link.clone().try_into().unwrap();
    let whole = Copy::open(&victim.url).await.unwrap().verify(Some(early)).await.unwrap().unwrap();
    assert_eq!((whole.noted_at, whole.head), (Some(3), head));
    victim.after("DELETE FROM ledger WHERE seq >= 8").await.unwrap();
    let fault = victim.verify(Some(head)).await.unwrap_err();
    assert_eq!(fault, Fault::CutTail { end: 7 });
    assert!(fault.to_string().contains("ends at 7"), "{fault}");
    assert_eq!(victim.verify(Some(early)).await, Ok(7), "what was noted before the cut is still there");
    victim.after("DELETE FROM ledger").await.unwrap();
    assert_eq!(victim.verify(Some(head)).await, Err(Fault::CutTail { end: 0 }));
}

#[tokio::test]
async fn whatever_is_changed_in_sqlite_is_found() {
    whatever_is_changed_is_found(sqlite().await).await;
}

#[tokio::test]
async fn whatever_is_changed_in_postgres_is_found() {
    whatever_is_changed_is_found(postgres().await).await;
}

/// SQLite lets a column hold anything, once its table is made anew.
#[tokio::test]
async fn a_value_of_another_kind_is_found_and_stops_no_walk() {
    let (store, victim) = sqlite().await;
    history(&*store).await;
    victim.sql("CREATE TABLE kept AS SELECT * FROM ledger").await;
    for column in COLUMNS {
        let other = if NUMBERS.contains(&column) {
            "'three'".into()
        } else if BLOBS.contains(&column) {
            // The very same bytes, as a text.
            "'same bytes'".into()
        } else {
            format!("CAST({column} AS BLOB)")
        };
        let fault = victim.after(&format!("UPDATE ledger SET {column} = {other} WHERE seq = 3")).await.unwrap_err();
        if column == "seq" {
            assert_eq!(fault, Fault::Missing { seq: 3, found: 4 });
        } else {
            assert_eq!(fault, Fault::Column { seq: 3, column }, "{column}");
        }
    }
    let same = "UPDATE ledger SET reference = CAST(reference AS TEXT) WHERE seq = 3";
    assert_eq!(victim.after(same).await, Err(Fault::Column { seq: 3, column: "reference" }));
}

/// Every byte of every record, without a database.
#[tokio::test]
async fn every_single_byte_counts() {
    let (store, _victim) = sqlite().await;
    let records = history(&*store).await;
    let walk = |changed: &[Chained]| {
        let mut walk = Walk::new(None);
        changed.iter().try_for_each(|it| walk.step(Found::Ok(it.clone())))
    };
    assert_eq!(walk(&records), Ok(()));
    let mut flips = 0;
    for at in 0..records.len() {
        let seq = i64::try_from(at).unwrap() + 1;
        let mut try_one = |change: &dyn Fn(&mut Chained) -> bool| {
            let mut changed = records.clone();
            if !change(&mut changed[at]) {
                return false;
            }
            let fault = walk(&changed).unwrap_err();
            assert_eq!(fault.seq(), Some(seq), "{fault}");
            flips += 1;
            true
        };
        let blobs: [fn(&mut Chained) -> &mut Vec<u8>; 4] =
            [|it| &mut it.previous, |it| &mut it.link, |it| &mut it.record.reference, |it| &mut it.record.digest];
        for blob in blobs {
            let mut n = 0;
            while try_one(&|it| blob(it).get_mut(n).map(|byte| *byte ^= 1).is_some()) {
                n += 1;
            }
        }
        let texts: [fn(&mut Chained) -> &mut String; 7] = [
            |it| &mut it.record.kind,
            |it| &mut it.record.organization,
            |it| &mut it.record.ehr,
            |it| &mut it.record.entry,
            |it| &mut it.record.channel,
            |it| &mut it.record.outcome,
            |it| &mut it.record.reason,
        ];
        for text in texts {
            let mut n = 0;
            let flip = |text: &mut String, n: usize| {
                let mut bytes = std::mem::take(text).into_bytes();
                let there = bytes.get_mut(n).map(|byte| *byte ^= 1).is_some();
                *text = String::from_utf8(bytes).unwrap();
                there
            };
            while try_one(&|it| flip(text(it), n)) {
                n += 1;
            }
            assert!(try_one(&|it| {
                text(it).push('x');
                true
            }));
        }
        let numbers: [fn(&mut Chained) -> &mut i64; 3] =
            [|it| &mut it.record.at, |it| &mut it.record.attempt, |it| &mut it.record.fence];
        for number in numbers {
            for bit in 0..64 {
                assert!(try_one(&|it| {
                    *number(it) ^= 1 << bit;
                    true
                }));
            }
        }
        // What is at the end of one column cannot be moved to the beginning of the next.
        assert!(try_one(&|it| {
            let moved = it.record.kind.pop().unwrap();
            it.record.organization.insert(0, moved);
            true
        }));
    }
    assert!(flips > 2_500, "{flips}");
}
