//! Settles that come together at PostgreSQL: that they share a transaction, and what becomes of each when it fails.

use std::sync::Arc;
use std::time::Duration;

use roomed_relay::outbox::connection::Health;
use roomed_relay::store::{EntryState, Lease, Outcome, Settled, Settlement, Store, StoreError};
use sqlx::Executor;

use crate::given::{self, entry, new_visit, t};
use crate::postgres::{Place, given as postgres};

/// Settles them all while somebody else holds the EHR connection, so that all but the first come together.
async fn settle_together(store: &dyn Store, place: &Place, leases: Vec<Lease>) -> Vec<Result<Settled, StoreError>> {
    let mut outside = place.connect().await;
    outside.execute("BEGIN; SELECT * FROM ehr_connection FOR UPDATE").await.unwrap();
    let settles = leases.into_iter().map(|lease| {
        let settlement = Settlement {
            outcome: Outcome::Delivered,
            health: Health::Well,
            now: t(1),
            reassert_at: t(9),
            requests: 0,
            connection: given::plenty(),
        };
        store.settle(lease, settlement)
    });
    let release = async {
        let first = "SELECT count(*) > 0 FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let mut spy = place.connect().await;
        while !sqlx::query_scalar::<_, bool>(first).fetch_one(&mut spy).await.unwrap() {}
        outside.execute("COMMIT").await.unwrap();
    };
    tokio::join!(futures_util::future::join_all(settles), release).0
}

#[tokio::test]
async fn settles_that_come_together_share_a_transaction() {
    let (store, place) = postgres().await;
    new_visit(&*store, "v", (0..40).map(|n| entry(&format!("o{n}"), &format!("s{n}"), 0)).collect()).await;
    let settled = settle_together(&*store, &place, given::claim(&*store, 0).await).await;
    assert_eq!(settled.len(), 40);
    assert!(settled.into_iter().all(|it| it.is_ok_and(|it| it == Settled::Done)));
    let transactions = "SELECT count(DISTINCT xmin::text) FROM ledger WHERE kind = 'settled'";
    let transactions: i64 = sqlx::query_scalar(transactions).fetch_one(&mut place.connect().await).await.unwrap();
    assert!(transactions <= 2, "the first may go alone, the others not: {transactions}");
    assert_eq!(store.ledger(0, 99).await.unwrap().len(), 80);
    assert!(store.connections_in_use().await.unwrap().is_empty());
    // Whoever comes later goes on as ever.
    given::tell(&*store, "v", vec![entry("later", "s1", 0)], 2).await;
    let lease = given::claim_one(&*store, 2).await;
    assert_eq!(given::settle(&*store, lease, Outcome::Delivered, 3).await, Settled::Done);
}

#[tokio::test]
async fn a_settle_that_is_refused_takes_no_other_with_it() {
    let (store, place) = postgres().await;
    new_visit(&*store, "v", (0..9).map(|n| entry(&format!("o{n}"), &format!("s{n}"), 0)).collect()).await;
    let leases = given::claim(&*store, 0).await;
    let refuse =
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
                  CREATE TRIGGER refuse BEFORE UPDATE ON outbox FOR EACH ROW WHEN (NEW.id = 'o5')
                    EXECUTE FUNCTION refuse();";
    place.connect().await.execute(refuse).await.unwrap();
    let ids: Vec<String> = leases.iter().map(|it| it.id.clone()).collect();
    let settled = settle_together(&*store, &place, leases).await;
    for (id, settled) in ids.iter().zip(settled) {
        assert_eq!(settled.is_ok(), id != "o5", "{id}: {settled:?}");
        let state = store.entry(id).await.unwrap().unwrap().state;
        assert_eq!(state, if id == "o5" { EntryState::InFlight } else { EntryState::Delivered }, "{id}");
    }
    let settled = store.ledger(0, 99).await.unwrap().into_iter().filter(|it| it.record.kind == "settled");
    assert_eq!(settled.count(), 8, "each once, and nothing of the one that was refused");
}

#[tokio::test]
async fn a_settle_whose_commit_fails_is_told_to_all_who_shared_it_and_begun_again_by_nobody() {
    let (store, place) = postgres().await;
    new_visit(&*store, "v", (0..9).map(|n| entry(&format!("o{n}"), &format!("s{n}"), 0)).collect()).await;
    let leases = given::claim(&*store, 0).await;
    // What is drawn from a sequence stays drawn: so it counts what was undone too.
    let refuse = "CREATE SEQUENCE tried;
                  CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN PERFORM nextval('tried'); RETURN NEW; END $$;
                  CREATE TRIGGER count BEFORE UPDATE ON outbox FOR EACH ROW EXECUTE FUNCTION counted();
                  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
                  CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON outbox DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION refuse();";
    let mut outside = place.connect().await;
    outside.execute(refuse).await.unwrap();
    let settled = settle_together(&*store, &place, leases).await;
    assert_eq!((settled.len(), settled.iter().filter(|it| it.is_err()).count()), (9, 9), "{settled:?}");
    let tried: i64 = sqlx::query_scalar("SELECT last_value FROM tried").fetch_one(&mut outside).await.unwrap();
    assert_eq!(tried, 9, "once each: it might have been kept, and then a second one would be one too many");
    assert!(store.ledger(0, 99).await.unwrap().iter().all(|it| it.record.kind != "settled"));
}

#[tokio::test]
async fn while_the_database_is_away_nobody_waits_for_the_others_tries() {
    let (store, place) = postgres().await;
    new_visit(&*store, "v", (0..9).map(|n| entry(&format!("o{n}"), &format!("s{n}"), 0)).collect()).await;
    let leases = given::claim(&*store, 0).await;
    let mut outside = place.connect().await;
    // Whoever works on a row is cut off, as by a server that stops.
    let cut = "CREATE SEQUENCE tried;
               CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN PERFORM nextval('tried'); PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
               CREATE TRIGGER cut BEFORE UPDATE ON outbox FOR EACH ROW EXECUTE FUNCTION cut();";
    outside.execute(cut).await.unwrap();
    let settled = settle_together(&*store, &place, leases).await;
    assert!(settled.iter().all(Result::is_err), "{settled:?}");
    let tried: i64 = sqlx::query_scalar("SELECT last_value FROM tried").fetch_one(&mut outside).await.unwrap();
    assert!(tried <= 2, "the first, and one for all the others: {tried}");
}

#[tokio::test]
async fn an_attempt_is_settled_though_whoever_waited_for_it_has_gone() {
    let (store, place) = postgres().await;
    new_visit(&*store, "v", vec![entry("o", "s", 0), entry("p", "r", 0)]).await;
    let mut outside = place.connect().await;
    let leases = given::claim(&*store, 0).await;
    outside.execute("BEGIN; SELECT * FROM ehr_connection FOR UPDATE").await.unwrap();
    let settling = leases.into_iter().map(|lease| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { given::settle(&*store, lease, Outcome::Delivered, 1).await })
    });
    let settling: Vec<_> = settling.collect();
    let waits =
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut spy = place.connect().await;
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut spy).await.unwrap() {}
    for one in settling {
        one.abort();
        assert!(one.await.unwrap_err().is_cancelled());
    }
    outside.execute("COMMIT").await.unwrap();
    let settled = async {
        let mut every = tokio::time::interval(Duration::from_millis(5));
        while !store.connections_in_use().await.unwrap().is_empty() {
            every.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), settled).await.expect("both are settled");
}
