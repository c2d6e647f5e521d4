//! What is over is gone: rows first, then the day's key, and then nothing opens any more, from whatever backup.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use roomed_relay::ehr::Said;
use roomed_relay::shredding::{self, Shredded};
use roomed_relay::store::EntryState;
use sqlx::{Connection, SqliteConnection};

use crate::place::{CANARY, OID, ORGANIZATION, Place, noon};
use crate::thief;

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

/// Database and WAL as they lie on the disk, taken while the relay has them open.
fn backup(from: &Path, to: &str) -> PathBuf {
    let to = from.join(to);
    std::fs::create_dir(&to).unwrap();
    for name in ["relay.sqlite", "relay.sqlite-wal"] {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }
    to.join("relay.sqlite")
}

fn tells(opened: &[Vec<u8>]) -> bool {
    opened.iter().any(|plain| contains(plain, CANARY.as_bytes()))
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|it| it == needle)
}

/// What the visit is kept as: nobody can read it, and still it is to go.
async fn sealed(file: &Path) -> Vec<u8> {
    let mut database = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    sqlx::query_scalar("SELECT sealed FROM visit").fetch_one(&mut database).await.unwrap()
}

/// Files under `folder` in which a canary stands, raw or as hexadecimal digits.
fn leaks(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(leaks(&path));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        if contains(&bytes, CANARY.as_bytes()) || contains(&bytes, hex::encode(CANARY).as_bytes()) {
            found.push(path);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_opens_a_finished_visit_from_whatever_backup_with_every_key_that_survives() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::open(folder.path(), noon()).await;
    let visit = place.visit("one").await;
    place.arrive(&visit, "page").await;
    let early = backup(folder.path(), "early");
    place.deliver().await;
    place.advance(minutes(20));
    place.end(&visit).await;
    place.deliver().await;
    let late = backup(folder.path(), "late");
    let keys = folder.path().join("keys");
    let live = folder.path().join("relay.sqlite");

    // The thief knows how: as long as the day's key is there, each of them opens.
    for file in [&early, &late, &live] {
        assert!(tells(&thief::opened(file, &keys).await), "{}: the proof below would prove nothing", file.display());
    }
    assert_eq!(leaks(folder.path()), Vec::<PathBuf>::new(), "nothing stands there in clear, at any time");

    let kept = sealed(&live).await;
    let log = live.with_extension("sqlite-wal");
    let stands = |file: &Path| contains(&std::fs::read(file).unwrap(), &kept);
    assert!(stands(&live) || stands(&log));
    let round = async || shredding::round(&place.relay).await.unwrap();
    assert_eq!(round().await, Shredded::default(), "the end can still be taken back");
    place.advance(minutes(6));
    assert_eq!(round().await, Shredded { visits: 1, ..Shredded::default() }, "today's key may be wanted today");
    assert!(place.relay.store.visit(&visit.id).await.unwrap().is_none());
    assert!(!tells(&thief::opened(&live, &keys).await), "the rows themselves are gone");
    assert!(!stands(&live) && !stands(&log), "and so are their copies in the log");
    place.advance(DAY);
    assert_eq!(round().await.days, 0, "nor is yesterday's surely not wanted any more");
    place.advance(DAY);
    assert_eq!(round().await, Shredded { days: 1, ..Shredded::default() });
    assert_eq!(round().await, Shredded::default());

    for file in [&early, &late, &live] {
        let opened = thief::opened(file, &keys).await;
        assert!(!tells(&opened), "{} opens", file.display());
        assert!(!opened.is_empty(), "the organization's key and the signing key are there still, and open");
    }
    assert_eq!(leaks(folder.path()), Vec::<PathBuf>::new());

    // What is left: a row for the reports, rows without payload for operators, and the ledger.
    let summaries = place.relay.store.summaries(ORGANIZATION, noon() - DAY, noon() + DAY).await.unwrap();
    let [kept] = &summaries[..] else { panic!("{summaries:?}") };
    assert_eq!((kept.outcome.as_str(), kept.practitioner.as_deref()), ("finished", Some(OID)));
    assert_eq!((kept.department.as_deref(), kept.arrived_at), (Some("Cardiology"), Some(noon())));
    assert_eq!((kept.started_at, kept.closed_at), (None, noon() + minutes(20)));
    assert!(kept.delivered >= 2 && kept.undelivered == 0, "{kept:?}");
    let rows = place.rows(Some(EntryState::Delivered)).await;
    assert!(!rows.is_empty() && rows.iter().all(|row| row.destroyed));
    let state = rows.iter().rfind(|row| row.channel.supersedes()).unwrap();
    let refused = place.relay.store.replay(&state.id, place.relay.clock.now()).await.unwrap().unwrap_err();
    assert!(refused.to_string().starts_with("payload destroyed"), "{refused}");
    assert!(place.relay.store.ledger_head().await.unwrap().0 >= 4);
    assert_eq!(*place.provider.0.lock().unwrap(), ["subscription-one"], "its hold at Graph is given back");
    place.advance(DAY * 90);
    shredding::round(&place.relay).await.unwrap();
    assert!(place.rows(None).await.is_empty(), "operators do not need it for longer; the ledger stays");
    place.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_settled_keeps_its_visit_and_what_is_parked_keeps_it_for_a_week() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::open(folder.path(), noon()).await;
    let visit = place.visit("one").await;
    place.arrive(&visit, "page").await;
    place.end(&visit).await;
    place.advance(minutes(60));
    let round = async || shredding::round(&place.relay).await.unwrap();
    assert_eq!(round().await.visits, 0, "rows are waiting");
    let waiting = place.rows(Some(EntryState::Waiting)).await.len();
    let never = || Said::Never { reason: "no such conference".into() };
    place.ehr.next.lock().unwrap().extend((0..waiting).map(|_| never()));
    place.deliver().await;
    assert!(place.rows(Some(EntryState::Waiting)).await.is_empty());
    let parked = place.rows(Some(EntryState::Parked)).await;
    assert!(!parked.is_empty());
    place.advance(DAY * 7 - minutes(1));
    assert_eq!(round().await.visits, 0, "an operator may still act");
    assert!(place.relay.keys.days().unwrap().contains(&"2027-01-15".to_owned()));
    place.advance(minutes(2));
    assert_eq!(round().await, Shredded { visits: 1, expired: 1, days: 1 });
    let expired = place.relay.store.entry(&parked[0].id).await.unwrap().unwrap();
    assert!(expired.destroyed && expired.reason.as_deref() == Some("no such conference"), "{expired:?}");
    let refused = place.relay.store.retry(&expired.id, place.relay.clock.now()).await.unwrap().unwrap_err();
    assert!(refused.to_string().starts_with("payload destroyed"), "{refused}");
    place.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_stays_as_long_as_one_visit_of_it_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::open(folder.path(), noon()).await;
    let (over, open) = (place.visit("over").await, place.visit("open").await);
    place.deliver().await;
    place.end(&over).await;
    place.deliver().await;
    place.advance(DAY * 3);
    // A visit that was begun again since it was listed is not forgotten: the store looks once more.
    assert_eq!(shredding::round(&place.relay).await.unwrap(), Shredded { visits: 1, ..Shredded::default() });
    assert!(place.relay.arrivals.load(&open.id).await.is_ok());
    place.end(&open).await;
    place.deliver().await;
    place.advance(minutes(6));
    assert_eq!(shredding::round(&place.relay).await.unwrap(), Shredded { visits: 1, days: 1, ..Shredded::default() });
    place.close().await;
}
