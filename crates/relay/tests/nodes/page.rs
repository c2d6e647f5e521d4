//! A patient's page: its socket at one node, and what becomes of the patient in the chart.

use std::time::Duration;

use futures_util::StreamExt;
use jiff::SignedDuration;
use roomed_relay::clock::{Clock, Random, SystemRandomness};
use roomed_relay::keys::one_time;
use roomed_relay::store::{Channel, PageSession};
use roomed_visit::{ChartStatus, LegId, Source, Testimony};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::node::Node;
use crate::place::{Place, Visit};

/// While it is open, the patient is there.
pub(crate) struct Page(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Page {
    /// Comes to `node`, which has heard of it when this returns.
    pub(crate) async fn open(node: &Node, visit: &Visit) -> Self {
        let secret = SystemRandomness::default().token();
        let session = PageSession {
            hash: one_time::hash(&secret),
            visit: visit.id.clone(),
            participant: visit.patient.as_str().to_owned(),
            expires_at: node.place.clock.now() + SignedDuration::from_hours(1),
        };
        node.place.relay.store.put_page_session(session).await.unwrap();
        let mut request = format!("ws://{}/v/api/socket", node.address).into_client_request().unwrap();
        for (name, value) in [("cookie", format!("roomed-visit={secret}")), ("origin", "http://127.0.0.1:8400".into())]
        {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let mut socket = connect_async(request).await.unwrap().0;
        assert!(matches!(socket.next().await, Some(Ok(Message::Text(_)))), "the socket begins with a view");
        Self(socket)
    }

    /// Waits until the relay ends it.
    pub(crate) async fn ended(mut self) {
        let end = async { while let Some(Ok(_)) = self.0.next().await {} };
        tokio::time::timeout(Duration::from_secs(20), end).await.expect("the page's socket is ended");
    }
}

/// *I'm ready*.
pub(crate) async fn ready(place: &Place, visit: &Visit) {
    let said = Testimony::Ready { participant: visit.patient.clone(), at: place.now(), source: Source::VisitPage };
    place.hear(visit, said).await;
}

/// The pages of the visit that count as open.
pub(crate) async fn open_pages(place: &Place, visit: &Visit) -> Vec<LegId> {
    let opened = place.relay.arrivals.load(&visit.id).await.unwrap();
    opened.record.visit.open_pages().into_iter().map(|(_, leg)| leg).collect()
}

/// What the chart was told of the patient last, and how often it was told anything.
pub(crate) async fn told(place: &Place, visit: &Visit) -> (Option<ChartStatus>, usize) {
    let opened = place.relay.arrivals.load(&visit.id).await.unwrap();
    let told = opened.record.visit.participant(&visit.patient).unwrap().told_chart();
    let rows = place.rows(None).await.into_iter().filter(|row| row.visit == visit.id && row.channel == Channel::State);
    (told, rows.count())
}
