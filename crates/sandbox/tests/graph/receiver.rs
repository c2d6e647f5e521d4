//! A subscriber's endpoint: answers the handshake (or spoils it), keeps what is posted, answers as told.

use crate::desk::within;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// How the handshake is answered.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Handshake {
    Proper,
    RawQuery,
    Html,
    Accepted,
}

pub(crate) struct Inbox {
    pub(crate) base: String,
    handshake: Mutex<Handshake>,
    statuses: Mutex<VecDeque<u16>>,
    validated: Mutex<Vec<String>>,
    posts: Mutex<Vec<(String, Value)>>,
    count: watch::Sender<usize>,
}

impl Inbox {
    pub(crate) async fn open() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inbox = Arc::new(Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            handshake: Mutex::new(Handshake::Proper),
            statuses: Mutex::default(),
            validated: Mutex::default(),
            posts: Mutex::default(),
            count: watch::Sender::new(0),
        });
        let routes = Router::new().route("/{*path}", post(receive)).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        inbox
    }

    pub(crate) fn shake(&self, how: Handshake) {
        *self.handshake.lock().unwrap() = how;
    }

    /// The statuses of the next answers; afterwards 202.
    pub(crate) fn answer(&self, statuses: &[u16]) {
        self.statuses.lock().unwrap().extend(statuses);
    }

    /// Paths that were validated so far.
    pub(crate) fn validated(&self) -> Vec<String> {
        self.validated.lock().unwrap().clone()
    }

    /// Waits for `count` posts and answers all there are: (path with query, body).
    pub(crate) async fn posts(&self, count: usize) -> Vec<(String, Value)> {
        let mut seen = self.count.subscribe();
        within("posts", seen.wait_for(|it| *it >= count)).await.unwrap();
        self.posts.lock().unwrap().clone()
    }
}

async fn receive(
    State(inbox): State<Arc<Inbox>>,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = query.unwrap_or_default();
    if let Some((_, token)) = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "validationToken")
    {
        assert!(headers["content-type"].to_str().unwrap().starts_with("text/plain"));
        inbox.validated.lock().unwrap().push(uri.path().to_owned());
        let raw = query.split("validationToken=").nth(1).unwrap_or_default().to_owned();
        let how = *inbox.handshake.lock().unwrap();
        return match how {
            Handshake::Proper => token.into_owned().into_response(),
            Handshake::RawQuery => raw.into_response(),
            Handshake::Html => axum::response::Html(token.into_owned()).into_response(),
            Handshake::Accepted => (StatusCode::ACCEPTED, token.into_owned()).into_response(),
        };
    }
    let body = serde_json::from_slice(&body).unwrap();
    inbox.posts.lock().unwrap().push((uri.to_string(), body));
    inbox.count.send_modify(|it| *it += 1);
    let status = inbox.statuses.lock().unwrap().pop_front().unwrap_or(202);
    StatusCode::from_u16(status).unwrap().into_response()
}
