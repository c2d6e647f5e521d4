//! What a thief finds sealed: in the tables of a database, or in the bare files of a server, its write-ahead log among them.

use std::collections::BTreeSet;
use std::path::Path;

use sqlx::{AssertSqlSafe, ColumnIndex, Connection, Database, Decode, PgConnection, Row, SqliteConnection, Type};

/// Sealed values, and everything that may be the context under which one was sealed.
#[derive(Clone, Default)]
pub(crate) struct Loot {
    pub(crate) sealed: BTreeSet<Vec<u8>>,
    pub(crate) contexts: BTreeSet<String>,
}

/// Longer than a row of ours, or than what the log says of one.
const NEAR: usize = 4096;
/// Format, nonce and tag, and nothing in between.
const SHORTEST: usize = 1 + 12 + 16;
/// A key in between.
const WRAPPED: usize = SHORTEST + 32;

impl Loot {
    /// Every blob of every table.
    pub(crate) async fn of_database(url: &str) -> Self {
        let (mut sealed, mut texts) = (BTreeSet::new(), BTreeSet::new());
        if url.starts_with("sqlite:") {
            let mut database = SqliteConnection::connect(url).await.unwrap();
            let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'
                          AND name NOT LIKE '\\_%' ESCAPE '\\'";
            let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut database).await.unwrap();
            for table in tables {
                let rows = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}")));
                take(&rows.fetch_all(&mut database).await.unwrap(), &mut sealed, &mut texts);
            }
        } else {
            let mut database = PgConnection::connect(url).await.unwrap();
            let tables =
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND NOT starts_with(tablename, '_')";
            let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut database).await.unwrap();
            for table in tables {
                let rows = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}")));
                take(&rows.fetch_all(&mut database).await.unwrap(), &mut sealed, &mut texts);
            }
        }
        // What is sealed is sealed in the name of an id or of an organization.
        let texts: BTreeSet<String> = texts.into_iter().filter(|it| it.len() <= 36 && !it.contains(' ')).collect();
        let mut contexts = texts.clone();
        let days: Vec<&String> = texts.iter().filter(|it| it.len() == 10 && it.starts_with("20")).collect();
        for text in &texts {
            contexts.insert(format!("{text}/meeting"));
            contexts.insert(format!("organization-key/{text}"));
            contexts.extend(days.iter().map(|day| format!("visit-key/{day}/{text}")));
        }
        Self { sealed, contexts }
    }

    /// Whatever may be a sealed value in the files under `folder`, not far from where `id` stands: rows of tables, rows
    /// that were deleted, and every step that led to them. Contexts and wrapped keys, but nothing else, are taken from `known`.
    pub(crate) fn of_files(folder: &Path, id: &str, known: &Self) -> Self {
        let mut sealed: BTreeSet<_> = known.sealed.iter().filter(|it| it.len() == WRAPPED).cloned().collect();
        each_file(folder, &mut |_, bytes| {
            for at in found(bytes, id.as_bytes()) {
                values(&bytes[at.saturating_sub(NEAR)..bytes.len().min(at + NEAR)], &mut sealed);
            }
        });
        Self { sealed, contexts: known.contexts.clone() }
    }
}

fn take<R: Row>(rows: &[R], blobs: &mut BTreeSet<Vec<u8>>, texts: &mut BTreeSet<String>)
where
    usize: ColumnIndex<R>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
    R::Database: Database,
{
    for row in rows {
        for column in 0..row.len() {
            if let Ok(text) = row.try_get::<Option<String>, _>(column) {
                texts.extend(text);
            } else if let Ok(blob) = row.try_get::<Option<Vec<u8>>, _>(column) {
                blobs.extend(blob);
            }
        }
    }
}

/// PostgreSQL writes the length before a value: in one byte if that is enough, else in four
/// (postgresql.org/docs/current/storage-toast.html, and `varatt.h` of its source, on a little-endian machine).
fn values(bytes: &[u8], into: &mut BTreeSet<Vec<u8>>) {
    for at in found(bytes, &[1]) {
        let short = at.checked_sub(1).map(|before| bytes[before]);
        let short = short.filter(|it| it & 1 == 1).map(|it| usize::from(it >> 1).saturating_sub(1));
        let long = at.checked_sub(4).map(|before| <[u8; 4]>::try_from(&bytes[before..at]).unwrap());
        let long = long.map(u32::from_le_bytes).filter(|it| it & 3 == 0);
        let long = long.map(|it| usize::try_from(it >> 2).unwrap().saturating_sub(4));
        let lengths = [short, long].into_iter().flatten().filter(|length| *length >= SHORTEST);
        let found = lengths.filter_map(|length| bytes.get(at..at + length));
        into.extend(found.filter(|it| noise(&it[1..SHORTEST])).map(<[u8]>::to_vec));
    }
}

/// Neither text nor numbers: not to try all keys on what is surely none of ours.
fn noise(bytes: &[u8]) -> bool {
    let (zeros, high) = (bytes.iter().filter(|it| **it == 0).count(), bytes.iter().filter(|it| **it > 0x7f).count());
    zeros < 4 && high > 3
}

/// Every file under `folder`. Those of a server come and go.
pub(crate) fn each_file(folder: &Path, look: &mut impl FnMut(&Path, &[u8])) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            each_file(&path, look);
        } else if let Ok(bytes) = std::fs::read(&path) {
            look(&path, &bytes);
        }
    }
}

/// Where `needle` stands.
pub(crate) fn found<'a>(bytes: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let mut rest = std::io::Cursor::new(bytes);
    std::iter::from_fn(move || {
        loop {
            // The library's own search for one byte, which is quick in a debug build too.
            std::io::BufRead::skip_until(&mut rest, needle[0]).ok().filter(|passed| *passed > 0)?;
            let end = usize::try_from(rest.position()).ok()?;
            let at = end - 1;
            if bytes[at..].starts_with(needle) {
                return Some(at);
            }
        }
    })
}
