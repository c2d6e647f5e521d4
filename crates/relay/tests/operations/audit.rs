//! `roomed-relay audit` as an auditor runs it: on a copy, without configuration or key. What is found is said once and for
//! all in `tests/stores/audit.rs`; here is how it is told.

use jiff::SignedDuration;
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};

use crate::home::{Home, Kind};
use crate::place::{Place, noon};
use crate::program::{self, Ended};

async fn audit(command: &str, database: &str, more: &[&str]) -> Ended {
    let mut arguments = vec!["audit", command, "--database", database];
    arguments.extend(more);
    program::run(&arguments).await
}

/// A relay that has some history, and was stopped.
async fn history(kind: Kind) -> Home {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    for name in ["one", "two", "three"] {
        let visit = place.visit(name).await;
        place.arrive(&visit, name).await;
        place.advance(SignedDuration::from_mins(1));
        place.deliver().await;
    }
    place.close().await;
    home
}

/// By somebody with every right, who has first switched off what would stop them.
async fn meddle(home: &Home, statements: &str) {
    let on = if home.kind() == Kind::Postgres { " ON ledger" } else { "" };
    let triggers = ["ledger_is_not_rewritten", "ledger_is_not_cut"];
    let off = triggers.map(|trigger| format!("DROP TRIGGER IF EXISTS {trigger}{on};"));
    home.sql(&format!("{} {statements}", off.concat())).await;
}

pub(crate) async fn a_good_ledger_a_changed_record_and_a_cut_tail(kind: Kind) {
    let home = history(kind).await;
    let database = home.url();
    let head = audit("head", &database, &[]).await;
    let (seq, link) = head.out.trim().split_once(' ').unwrap();
    let seq: i64 = seq.parse().unwrap();
    assert!(head.code == 0 && seq >= 12 && link.len() == 64, "{}", head.out);
    let good = audit("verify", &database, &["--head", link]).await;
    assert!(good.code == 0 && good.out.contains(link), "{} {}", good.out, good.err);
    let json = audit("verify", &database, &["--head", link, "--json"]).await.json();
    assert_eq!(
        (json["good"].as_bool(), json["records"].as_i64(), json["noted_at"].as_i64()),
        (Some(true), Some(seq), Some(seq))
    );

    let unknown = audit("verify", &database, &["--head", &"ab".repeat(32)]).await;
    assert!(unknown.code == 1 && unknown.err.contains("the head you noted is not in it"), "{}", unknown.err);
    assert_eq!(audit("verify", &database, &["--head", "abc"]).await.code, 2);

    // What is put back is the ledger that was backed up.
    let backup = home.restored_elsewhere().await;
    let same = audit("verify", &backup.url(), &["--head", link]).await;
    assert!(same.code == 0 && same.out == good.out, "{} {}", same.out, same.err);

    meddle(&home, "DELETE FROM ledger WHERE seq > 9").await;
    assert_eq!(audit("verify", &database, &[]).await.code, 0, "by itself a cut tail leaves a good ledger");
    let cut = audit("verify", &database, &["--head", link]).await;
    assert!(cut.code == 1 && cut.err.contains("ends at 9"), "{}", cut.err);
    meddle(&home, "UPDATE ledger SET outcome = 'delivered' WHERE seq = 5").await;
    let bad = audit("verify", &database, &["--json"]).await;
    assert_eq!(bad.code, 1);
    assert_eq!((bad.json()["bad"]["seq"].as_i64(), bad.json()["bad"]["what"].as_str()), (Some(5), Some("changed")));
    meddle(&home, "DELETE FROM ledger WHERE seq = 4").await;
    let gap = audit("verify", &database, &[]).await;
    assert!(gap.code == 1 && gap.err.contains("record 4 is missing"), "{}", gap.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_read_where_it_lies_and_left_as_it_is() {
    let home = Home::make(Kind::Sqlite).await;
    let place = Place::open(&home, noon()).await;
    let visit = place.visit("one").await;
    place.arrive(&visit, "page").await;
    place.deliver().await;
    // Of a running relay: database and WAL.
    let running = audit("head", &home.url(), &[]).await;
    let with_wal = audit("head", &home.stolen("copy").await.url, &[]).await;
    assert!(running.code == 0 && running.out == with_wal.out, "{} {}", running.out, with_wal.err);
    place.close().await;
    // By itself, in a folder nobody may write to.
    let alone = home.folder().join("alone");
    std::fs::create_dir(&alone).unwrap();
    let file = alone.join("relay.sqlite");
    std::fs::copy(home.folder().join("relay.sqlite"), &file).unwrap();
    let before = std::fs::read(&file).unwrap();
    let verified = audit("verify", &format!("sqlite:{}", file.display()), &[]).await;
    assert!(
        verified.code == 0 && verified.out.contains(running.out.trim().split_once(' ').unwrap().1),
        "{}",
        verified.err
    );
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert_eq!(std::fs::read_dir(&alone).unwrap().count(), 1, "nothing is made beside it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_server_an_auditor_may_read_the_ledger_and_nothing_else() {
    let home = Home::make(Kind::Postgres).await;
    let place = Place::open(&home, noon()).await;
    let visit = place.visit("one").await;
    place.arrive(&visit, "page").await;
    place.deliver().await;
    let (server, name) =
        home.url().rsplit_once('/').map(|(server, name)| (server.to_owned(), name.to_owned())).unwrap();
    let role = name.replace("test", "auditor");
    home.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'hunter2'")).await;
    let url = format!("postgres://{role}:hunter2@{}/{name}", server.rsplit_once('@').unwrap().1);
    let forbidden = audit("verify", &url, &[]).await;
    assert!(forbidden.code == 2 && forbidden.err.contains("permission denied"), "{}", forbidden.err);
    home.sql(&format!("GRANT SELECT ON ledger TO {role}")).await;
    // Beside the running relay, which goes on writing.
    let head = audit("head", &url, &[]).await;
    assert!(head.code == 0, "{}", head.err);
    let verified = audit("verify", &url, &["--head", head.out.trim().split_once(' ').unwrap().1]).await;
    assert!(verified.code == 0, "{}", verified.err);
    assert_eq!(audit("export", &url, &[]).await.out.lines().count(), usize::try_from(seq(&head)).unwrap());
    place.leave(&visit, "page").await;
    place.advance(SignedDuration::from_mins(5));
    roomed_relay::timers::tick_due(&place.relay).await.unwrap();
    place.deliver().await;
    assert!(seq(&audit("head", &url, &[]).await) > seq(&head));
    place.close().await;
}

fn seq(head: &Ended) -> i64 {
    head.out.split_once(' ').unwrap().0.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_read_is_no_bad_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.sqlite");
    let database = format!("sqlite:{}", file.display());
    let missing = audit("verify", &database, &[]).await;
    assert!(missing.code == 2 && missing.err.contains("there is no file"), "{}", missing.err);
    assert!(!file.exists(), "an auditor makes no database");
    std::fs::write(&file, "not a database, but long enough to be taken for one").unwrap();
    assert_eq!(audit("verify", &database, &["--json"]).await.code, 2);
    let address = program::run(&["audit", "verify", "--database", "mysql://root:hunter2@h/d"]).await;
    assert!(address.code == 2 && !address.err.contains("hunter2"), "{}", address.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_cannot_be_read_is_no_bad_ledger() {
    let home = Home::make(Kind::Postgres).await;
    let missing = audit("verify", &format!("{}_gone", home.url()), &[]).await;
    assert!(missing.code == 2 && missing.err.contains("cannot be opened"), "{}", missing.err);
    let silent = audit("verify", "postgres://roomed:hunter2@127.0.0.1:1/roomed", &["--json"]).await;
    assert!(silent.code == 2 && !format!("{}{}", silent.out, silent.err).contains("hunter2"), "{}", silent.err);
    assert_eq!(silent.json()["good"], Value::Null);
}

pub(crate) async fn a_database_of_something_else_is_no_bad_ledger(kind: Kind) {
    let home = Home::make(kind).await;
    if kind == Kind::Sqlite {
        let file = format!("{}?mode=rwc", home.url());
        SqliteConnection::connect(&file).await.unwrap().close().await.unwrap();
    }
    home.sql("CREATE TABLE something (else_ TEXT)").await;
    let foreign = audit("verify", &home.url(), &[]).await;
    assert!(foreign.code == 2 && foreign.err.contains("database of a relay"), "{}", foreign.err);
}

pub(crate) async fn records_are_exported_line_by_line(kind: Kind) {
    let home = history(kind).await;
    let database = home.url();
    let lines = async |more: &[&str]| {
        let ended = audit("export", &database, more).await;
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
    meddle(&home, &format!("{aside} UPDATE ledger SET reason = NULL WHERE seq = 2")).await;
    let (code, damaged) = lines(&[]).await;
    assert_eq!((code, damaged.len(), damaged[1]["damaged"].as_str()), (1, all.len(), Some("reason")));
}
