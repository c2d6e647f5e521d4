//! `roomed-relay audit` as an auditor runs it: on a copy, without configuration or key. What is found is said once and for
//! all in `tests/stores/audit.rs`; here is how it is told.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::place::{Place, noon};
use crate::program::{self, Ended};

async fn audit(command: &str, file: &Path, more: &[&str]) -> Ended {
    let database = format!("sqlite:{}", file.display());
    let mut arguments = vec!["audit", command, "--database", &database];
    arguments.extend(more);
    program::run(&arguments).await
}

/// A relay's database with some history, closed: a file by itself.
async fn history(folder: &Path) -> PathBuf {
    let place = Place::open(folder, noon()).await;
    for name in ["one", "two", "three"] {
        let visit = place.visit(name).await;
        place.arrive(&visit, name).await;
        place.advance(SignedDuration::from_mins(1));
        place.deliver().await;
    }
    place.close().await;
    folder.join("relay.sqlite")
}

async fn meddle(file: &Path, statements: &str) {
    let mut database = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    let statements = format!(
        "DROP TRIGGER IF EXISTS ledger_is_not_rewritten; DROP TRIGGER IF EXISTS ledger_is_not_cut; {statements}"
    );
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_ledger_a_changed_record_and_a_cut_tail() {
    let folder = tempfile::tempdir().unwrap();
    let file = history(folder.path()).await;
    let head = audit("head", &file, &[]).await;
    let (seq, link) = head.out.trim().split_once(' ').unwrap();
    let seq: i64 = seq.parse().unwrap();
    assert!(head.code == 0 && seq >= 12 && link.len() == 64, "{}", head.out);
    let good = audit("verify", &file, &["--head", link]).await;
    assert!(good.code == 0 && good.out.contains(link), "{} {}", good.out, good.err);
    let json = audit("verify", &file, &["--head", link, "--json"]).await.json();
    assert_eq!(
        (json["good"].as_bool(), json["records"].as_i64(), json["noted_at"].as_i64()),
        (Some(true), Some(seq), Some(seq))
    );

    let unknown = audit("verify", &file, &["--head", &"ab".repeat(32)]).await;
    assert!(unknown.code == 1 && unknown.err.contains("the head you noted is not in it"), "{}", unknown.err);
    assert_eq!(audit("verify", &file, &["--head", "abc"]).await.code, 2);

    meddle(&file, "DELETE FROM ledger WHERE seq > 9").await;
    assert_eq!(audit("verify", &file, &[]).await.code, 0, "by itself a cut tail leaves a good ledger");
    let cut = audit("verify", &file, &["--head", link]).await;
    assert!(cut.code == 1 && cut.err.contains("ends at 9"), "{}", cut.err);
    meddle(&file, "UPDATE ledger SET outcome = 'delivered' WHERE seq = 5").await;
    let bad = audit("verify", &file, &["--json"]).await;
    assert_eq!(bad.code, 1);
    assert_eq!((bad.json()["bad"]["seq"].as_i64(), bad.json()["bad"]["what"].as_str()), (Some(5), Some("changed")));
    meddle(&file, "DELETE FROM ledger WHERE seq = 4").await;
    let gap = audit("verify", &file, &[]).await;
    assert!(gap.code == 1 && gap.err.contains("record 4 is missing"), "{}", gap.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_read_where_it_lies_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::open(folder.path(), noon()).await;
    let visit = place.visit("one").await;
    place.arrive(&visit, "page").await;
    place.deliver().await;
    // Of a running relay: database and WAL.
    let running = audit("head", &folder.path().join("relay.sqlite"), &[]).await;
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for name in ["relay.sqlite", "relay.sqlite-wal"] {
        std::fs::copy(folder.path().join(name), copy.join(name)).unwrap();
    }
    let with_wal = audit("head", &copy.join("relay.sqlite"), &[]).await;
    assert!(running.code == 0 && running.out == with_wal.out, "{} {}", running.out, with_wal.err);
    place.close().await;
    // By itself, in a folder nobody may write to.
    let alone = folder.path().join("alone");
    std::fs::create_dir(&alone).unwrap();
    std::fs::copy(folder.path().join("relay.sqlite"), alone.join("relay.sqlite")).unwrap();
    let before = std::fs::read(alone.join("relay.sqlite")).unwrap();
    let verified = audit("verify", &alone.join("relay.sqlite"), &[]).await;
    assert!(
        verified.code == 0 && verified.out.contains(running.out.trim().split_once(' ').unwrap().1),
        "{}",
        verified.err
    );
    assert_eq!(std::fs::read(alone.join("relay.sqlite")).unwrap(), before);
    assert_eq!(std::fs::read_dir(&alone).unwrap().count(), 1, "nothing is made beside it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_no_bad_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.sqlite");
    let missing = audit("verify", &file, &[]).await;
    assert!(missing.code == 2 && missing.err.contains("there is no file"), "{}", missing.err);
    assert!(!file.exists(), "an auditor makes no database");
    std::fs::write(&file, "not a database, but long enough to be taken for one").unwrap();
    assert_eq!(audit("verify", &file, &["--json"]).await.code, 2);
    std::fs::remove_file(&file).unwrap();
    let mut other = SqliteConnection::connect(&format!("sqlite:{}?mode=rwc", file.display())).await.unwrap();
    sqlx::raw_sql("CREATE TABLE something (else_ TEXT)").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let foreign = audit("verify", &file, &[]).await;
    assert!(foreign.code == 2 && foreign.err.contains("database of a relay"), "{}", foreign.err);
    let address = program::run(&["audit", "verify", "--database", "mysql://root:hunter2@h/d"]).await;
    assert!(address.code == 2 && !address.err.contains("hunter2"), "{}", address.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_exported_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = history(folder.path()).await;
    let lines = async |more: &[&str]| {
        let ended = audit("export", &file, more).await;
        let lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (ended.code, lines)
    };
    let (code, all) = lines(&[]).await;
    assert!(code == 0 && all.len() >= 12, "{}", all.len());
    assert_eq!(all[0]["previous"], "00".repeat(32));
    assert_eq!((&all[1]["previous"], &all[1]["seq"]), (&all[0]["link"], &Value::from(2)));
    assert_eq!(all[0]["reference"].as_str().unwrap().len(), 64, "an HMAC, in hexadecimal digits");
    let later = lines(&["--since", "2027-01-15T12:02:30Z"]).await.1;
    assert!(!later.is_empty() && later.len() < all.len());
    assert_eq!(lines(&["--organization", "harbor"]).await, (0, vec![]));
    let aside = "CREATE TABLE loose AS SELECT * FROM ledger; DROP TABLE ledger; ALTER TABLE loose RENAME TO ledger;";
    meddle(&file, &format!("{aside} UPDATE ledger SET reason = NULL WHERE seq = 2")).await;
    let (code, damaged) = lines(&[]).await;
    assert_eq!((code, damaged.len(), damaged[1]["damaged"].as_str()), (1, all.len(), Some("reason")));
}
