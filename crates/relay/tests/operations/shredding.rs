//! What is over is gone: rows first, then the day's key, and then nothing opens any more, from whatever backup.

use std::path::PathBuf;

use jiff::SignedDuration;
use roomed_relay::ehr::Said;
use roomed_relay::shredding::{self, Shredded};
use roomed_relay::store::EntryState;
use roomed_relay::timers;
use roomed_visit::{Command, Identity, LegId, LegState, Oid, Testimony, VisitEvent};
use sqlx::{Connection, SqliteConnection};

use crate::home::{Home, Kind, Stolen};
use crate::loot::{Loot, each_file, found};
use crate::place::{CANARY, OID, ORGANIZATION, Place, noon};
use crate::thief;

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

/// Where a thief looks: each copy of the database, the database itself, and whatever files its server has.
async fn loot(home: &Home, copies: &[&Stolen], visit: &str) -> Vec<(&'static str, Loot)> {
    let mut all = Vec::new();
    for copy in copies {
        all.push(("a copy", Loot::of_database(&copy.url).await));
    }
    if let Some(files) = home.files_of_the_server().await {
        for (what, folder) in [("the server's tables", "base"), ("the server's log", "pg_wal")] {
            all.push((what, Loot::of_files(&files.join(folder), visit, &all[0].1)));
        }
    }
    all.push(("the database", Loot::of_database(&home.url()).await));
    all
}

fn tells(opened: &[Vec<u8>]) -> bool {
    opened.iter().any(|plain| found(plain, CANARY.as_bytes()).next().is_some())
}

/// Files in which a canary stands, raw or as hexadecimal digits: of the relay's, and of its database server.
async fn leaks(home: &Home) -> Vec<PathBuf> {
    let digits = hex::encode(CANARY);
    let mut leaks = Vec::new();
    for folder in [Some(home.folder().to_owned()), home.files_of_the_server().await].into_iter().flatten() {
        each_file(&folder, &mut |path, bytes| {
            let mut forms = [CANARY.as_bytes(), digits.as_bytes()].into_iter();
            if forms.any(|form| found(bytes, form).next().is_some()) {
                leaks.push(path.to_owned());
            }
        });
    }
    leaks
}

/// What the visit is kept as: nobody can read it, and still it is to go.
async fn sealed(home: &Home) -> Vec<u8> {
    let mut database = SqliteConnection::connect(&home.url()).await.unwrap();
    sqlx::query_scalar("SELECT sealed FROM visit").fetch_one(&mut database).await.unwrap()
}

/// Whether these bytes stand in SQLite's file or its log.
fn stands(home: &Home, bytes: &[u8]) -> bool {
    let files = ["relay.sqlite", "relay.sqlite-wal"].map(|name| std::fs::read(home.folder().join(name)).unwrap());
    files.iter().any(|file| found(file, bytes).next().is_some())
}

pub(crate) async fn nothing_opens_a_finished_visit_from_whatever_backup_with_every_key_that_survives(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    let visit = place.visit("one").await;
    place.arrive(&visit, "page").await;
    let early = home.stolen("early").await;
    place.deliver().await;
    place.advance(minutes(20));
    place.end(&visit).await;
    place.deliver().await;
    let late = home.stolen("late").await;
    let keys = home.folder().join("keys");
    let loot = async || loot(&home, &[&early, &late], &visit.id).await;

    // The thief knows how: as long as the day's key is there, each of them opens.
    for (what, loot) in loot().await {
        assert!(tells(&thief::opened(loot, &keys)), "{what}: the proof below would prove nothing");
    }
    assert_eq!(leaks(&home).await, Vec::<PathBuf>::new(), "nothing stands there in clear, at any time");

    let kept = if kind == Kind::Sqlite { Some(sealed(&home).await) } else { None };
    assert!(kept.iter().all(|kept| stands(&home, kept)), "it stands there as long as it is wanted");
    let round = async || shredding::round(&place.relay).await.unwrap();
    assert_eq!(round().await, Shredded::default(), "the end can still be taken back");
    place.advance(minutes(6));
    assert_eq!(round().await, Shredded { visits: 1, ..Shredded::default() }, "today's key may be wanted today");
    assert!(place.relay.store.visit(&visit.id).await.unwrap().is_none());
    let live = Loot::of_database(&home.url()).await;
    assert!(!tells(&thief::opened(live, &keys)), "the rows themselves are gone");
    assert!(!kept.iter().any(|kept| stands(&home, kept)), "and so are their copies in the log");
    place.advance(DAY);
    assert_eq!(round().await.days, 0, "nor is yesterday's surely not wanted any more");
    place.advance(DAY);
    assert_eq!(round().await, Shredded { days: 1, ..Shredded::default() });
    assert_eq!(round().await, Shredded::default());

    for (what, loot) in loot().await {
        let opened = thief::opened(loot, &keys);
        assert!(!tells(&opened), "{what} opens");
        assert!(!opened.is_empty(), "the organization's key and the signing key are there still, and open");
    }
    assert_eq!(leaks(&home).await, Vec::<PathBuf>::new());

    // What is left: a row for the reports, rows without payload for operators, and the ledger.
    let summaries = place.relay.store.summaries(ORGANIZATION, noon() - DAY, noon() + DAY).await.unwrap();
    let [kept] = &summaries[..] else { panic!("{summaries:?}") };
    assert_eq!((kept.outcome.as_str(), kept.practitioner.as_deref()), ("finished", Some(OID)));
    assert_eq!((kept.department.as_deref(), kept.arrived_at), (Some("Cardiology"), Some(noon())));
    assert_eq!((kept.started_at, kept.closed_at), (None, noon() + minutes(20)));
    assert!(kept.delivered >= 2 && kept.undelivered == 0, "{kept:?}");
    assert_eq!(
        (kept.waited, kept.left_unseen),
        (None, Some(0)),
        "ended before they met, and nobody went away of themselves"
    );
    let rows = place.rows(Some(EntryState::Delivered)).await;
    assert!(!rows.is_empty() && rows.iter().all(|row| row.destroyed));
    let state = rows.iter().rfind(|row| row.channel.supersedes()).unwrap();
    let refused = place.relay.store.replay(&state.id, place.relay.clock.now()).await.unwrap().unwrap_err();
    assert!(refused.to_string().starts_with("payload destroyed"), "{refused}");
    assert!(place.relay.store.ledger_head().await.unwrap().0 >= 4);
    assert_eq!(*place.provider.unwatched.lock().unwrap(), ["subscription-one"], "its hold at Graph is given back");
    place.advance(DAY * 90);
    shredding::round(&place.relay).await.unwrap();
    assert!(place.rows(None).await.is_empty(), "operators do not need it for longer; the ledger stays");
    place.close().await;
}

pub(crate) async fn what_is_not_settled_keeps_its_visit_and_what_is_parked_keeps_it_for_a_week(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
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

pub(crate) async fn a_day_stays_as_long_as_one_visit_of_it_is_open(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
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

pub(crate) async fn who_went_away_unseen_and_how_long_was_waited_is_kept_for_the_reports(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    let (unseen, seen) = (place.visit("unseen").await, place.visit("seen").await);
    for visit in [&unseen, &seen] {
        place.arrive(visit, "page").await;
    }
    place.advance(minutes(7));
    let [doctor, patient] = [Identity::User(Oid::new(OID)), Identity::Guest];
    let at = place.now();
    place.hear(&seen, Testimony::HandedOver { participant: seen.patient.clone(), at }).await;
    for (leg, identity) in [("d", doctor), ("p", patient)] {
        let leg = LegId::new(leg);
        place.hear(&seen, Testimony::Roster { leg, identity, state: LegState::InCall, at }).await;
    }
    place.advance(minutes(5));
    place.leave(&unseen, "page").await;
    // Nobody comes back; both are closed long after their time.
    place.advance(minutes(10));
    place.hear(&seen, Testimony::CallEnded { at: place.now() }).await;
    place.advance(DAY);
    timers::tick_due(&place.relay).await.unwrap();
    place.deliver().await;
    place.advance(minutes(6));
    assert_eq!(shredding::round(&place.relay).await.unwrap().visits, 2);
    let kept = place.relay.store.summaries(ORGANIZATION, noon() - DAY, noon() + DAY).await.unwrap();
    let of = |visit: &str| kept.iter().find(|it| it.visit == visit).map(|it| (it.waited, it.left_unseen)).unwrap();
    assert_eq!(of(&unseen.id), (Some(12 * 60), Some(1)));
    assert_eq!(of(&seen.id), (Some(7 * 60), Some(0)));
    place.close().await;
}

pub(crate) async fn a_cancelled_visit_waits_for_its_meeting_to_be_deleted_for_a_day_at_most(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    let (cancelled, ended) = (place.visit("cancelled").await, place.visit("ended").await);
    place.happen(&cancelled, VisitEvent::Decided(Command::Cancel)).await;
    place.end(&ended).await;
    place.deliver().await;
    assert!(place.relay.store.has_given_up(&cancelled.id).await.unwrap(), "somebody is to delete its meeting");
    assert!(!place.relay.store.has_given_up(&ended.id).await.unwrap(), "an ended one's stays");
    place.advance(minutes(6));
    let round = async || shredding::round(&place.relay).await.unwrap().visits;
    assert_eq!(round().await, 1, "the other one");
    assert!(place.relay.arrivals.load(&cancelled.id).await.is_ok(), "nobody else knows which meeting that is");
    place.advance(DAY);
    assert_eq!(round().await, 1);
    place.close().await;
}
