//! Two clinicians press *Join* at two nodes: they are in one meeting.

use std::sync::Arc;

use roomed_relay::arrivals::Along;
use roomed_relay::meeting::MeetingRequest;
use tokio::sync::Barrier;

use crate::node::Ground;
use crate::place::Place;

/// The meeting was deleted since the backup that both came out of, and both find that at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_find_a_meeting_deleted_agree_on_the_next() {
    let ground = Ground::make().await;
    let (one, other) = (ground.place().await, ground.place().await);
    *other.provider.known.lock().unwrap() = one.provider.known();
    let visit = one.visit("one").await;
    let along = Along { doubts_meeting: true, ..Along::default() };
    let gone = one.relay.arrivals.update(&visit.id, &[], along).await.unwrap().record.meeting_external_id;
    one.provider.known().gone.lock().unwrap().insert(gone.clone());
    // Neither hears of the other's answer before it has its own.
    let both = Arc::new(Barrier::new(2));
    for place in [&one, &other] {
        let (both, gone) = (Arc::clone(&both), gone.clone());
        place.provider.ensures(move |request: MeetingRequest| {
            let both = Arc::clone(&both);
            let waits = request.external_id == gone;
            Box::pin(async move {
                if waits {
                    both.wait().await;
                }
                Ok(())
            })
        });
    }
    let (first, second) = tokio::join!(one.relay.ensure_meeting(&visit.id), other.relay.ensure_meeting(&visit.id));
    let (first, second) = (first.unwrap().id, second.unwrap().id);
    assert_eq!(first, second);
    assert_eq!(one.provider.standing(), [first.as_str()], "no other was made");
    let kept = async |place: &Place| {
        let opened = place.relay.arrivals.load(&visit.id).await.unwrap();
        place.relay.arrivals.meeting(&opened).await.unwrap().map(|it| it.id)
    };
    assert_eq!((kept(&one).await, kept(&other).await), (Some(first.clone()), Some(first)));
}
