//! A clinician is there if their companion is, at whichever node.

use roomed_relay::offers::Standing;
use roomed_relay::store::Recipient;

use crate::node::{CALM, Ground, until};
use crate::page::ready;
use crate::place::{OID, ORGANIZATION, Place, Visit};

async fn delegates_told(place: &Place, visit: &Visit) -> bool {
    place.relay.arrivals.load(&visit.id).await.unwrap().record.delegates_told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clinician_at_another_node_is_told_and_the_delegates_are_not() {
    let ground = Ground::make().await;
    let (one, other) = (ground.start(CALM).await, ground.start(CALM).await);
    let tid = one.place.relay.organization(ORGANIZATION).unwrap().tid.clone();
    let clinician = Recipient { organization: ORGANIZATION.into(), tid, oid: OID.into() };
    let seen_by_other = async || {
        let store = &other.place.relay.store;
        let found = store.online_elsewhere(&other.place.relay.node, std::slice::from_ref(&clinician)).await.unwrap();
        found == [clinician.clone()]
    };
    assert!(!seen_by_other().await);

    // What a companion's socket holds for as long as it is open.
    let companion = one.place.relay.hub.companion(&clinician, 0);
    until("the other node sees the companion", seen_by_other).await;
    let visit = other.place.visit("first").await;
    ready(&other.place, &visit).await;
    assert!(!delegates_told(&other.place, &visit).await, "a clinician who is there counts as away");
    let notices = other.place.relay.store.notices_after(&clinician, 0, 100).await.unwrap();
    assert!(notices.iter().any(|it| it.kind.contains("patient-ready")), "{notices:?}");

    // Given up and back again, the node says once more who is there.
    ground.give_all_up().await;
    until("the companion is seen again", seen_by_other).await;

    drop(companion);
    until("the other node sees the companion go", async || !seen_by_other().await).await;
    let visit = other.place.visit("second").await;
    ready(&other.place, &visit).await;
    assert!(delegates_told(&other.place, &visit).await, "nobody is there, and nobody else was told");
}

/// Whoever may connect to the database may say anything to those who listen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_hint_silences_nobody() {
    let ground = Ground::make().await;
    let (one, other) = (ground.start(CALM).await, ground.start(CALM).await);
    let tid = one.place.relay.organization(ORGANIZATION).unwrap().tid.clone();
    let clinician = Recipient { organization: ORGANIZATION.into(), tid: tid.clone(), oid: OID.into() };
    let mut companion = one.place.relay.hub.companion(&clinician, 0);
    until("the other node sees the companion", async || other.place.relay.has_companion(&clinician).await).await;
    let visit = other.place.visit("first").await;
    let mut page = one.place.relay.hub.page(&visit.id);
    let highest = (u32::MAX, i64::MAX);
    let (organization, oid, id) = (ORGANIZATION, OID, &visit.id);
    for forged in [
        format!(r#""kind":"notice","organization":"{organization}","tid":"{tid}","oid":"{oid}","seq":{}"#, highest.0),
        format!(r#""kind":"visit","id":"{id}","version":{}"#, highest.1),
    ] {
        ground.say(&format!(r#"{{"node":"nobody",{forged}}}"#)).await;
    }

    // Lines come in the order in which they were said.
    ready(&other.place, &visit).await;
    let cursor = other.place.relay.store.cursor(&clinician).await.unwrap();
    let stored = other.place.relay.store.visit(&visit.id).await.unwrap().unwrap();
    assert!(cursor > 0, "the clinician was told");
    until("the companion hears of it", async || *companion.hints.borrow_and_update() >= cursor).await;
    until("the page hears of it", async || *page.borrow_and_update() >= stored.version).await;
    assert_eq!(*companion.hints.borrow_and_update(), cursor);
    assert_eq!(*page.borrow_and_update(), stored.version);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_is_offered_to_a_companion_at_another_node_and_the_page_hears_of_the_answer() {
    let ground = Ground::make().await;
    let (page, desk) = (ground.start(CALM).await, ground.start(CALM).await);
    let tid = page.place.relay.organization(ORGANIZATION).unwrap().tid.clone();
    let clinician = Recipient { organization: ORGANIZATION.into(), tid, oid: OID.into() };
    let (at_page, at_desk) = (&page.place.relay, &desk.place.relay);
    assert!(!at_page.has_companion(&clinician).await);
    let mut companion = at_desk.hub.companion(&clinician, 0);
    until("the page's node knows of the companion", async || at_page.has_companion(&clinician).await).await;

    let visit = page.place.visit("first").await;
    let offer = at_page.offer(&clinician, &visit.id, at_page.clock.now()).await.unwrap();
    companion.hints.changed().await.unwrap();
    let notices = at_desk.store.notices_after(&clinician, 0, 100).await.unwrap();
    assert!(notices.iter().any(|it| it.visit == visit.id && it.kind.contains(&offer)), "{notices:?}");

    let waits = at_page.offer_answered(&clinician, &visit.id, &offer);
    let answers = async { at_desk.answer_offer(&clinician, &offer, true).await };
    let both = async { tokio::join!(waits, answers) };
    // Less than whoever waits would be kept waiting for without news.
    let (heard, answered) = tokio::time::timeout(std::time::Duration::from_secs(10), both).await.unwrap();
    assert_eq!((heard.unwrap(), answered.unwrap()), (Standing::Taken, visit.id.clone()));
    let again = at_page.answer_offer(&clinician, &offer, true).await;
    assert_eq!(again.unwrap_err().0, roomed_protocol::ProblemCode::OfferOver, "at no node a second time");
}
