//! The companion's socket: a hello each way, then hints. The store is the truth; what is pushed here may be lost.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;

use roomed_protocol::{FromCompanion, FromRelay, PROTOCOL_VERSION};

use super::companion::Caller;
use super::problem::Answer;
use crate::relay::Relay;
use crate::stop;
use crate::store::Recipient;

/// A silent peer is gone after two missed pings.
const PING_EVERY: Duration = Duration::from_secs(30);
const LONGEST_MESSAGE: usize = 4 * 1024;
/// A token is good for about an hour: after so many pings the companion connects again, with a fresh one.
const MOST_PINGS: u32 = 120;

/// Small buffers: the default reserves 128 KiB per socket, and all we ever send is a hint.
pub(super) fn small(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(64 * 1024)
        .max_message_size(LONGEST_MESSAGE)
        .max_frame_size(LONGEST_MESSAGE)
}

/// `GET /api/v1/socket`.
pub(super) async fn companion(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    upgrade: WebSocketUpgrade,
) -> Answer<Response> {
    let recipient = caller.recipient();
    let place = relay.limits.companion_socket(&recipient)?;
    Ok(small(upgrade).on_upgrade(move |socket| async move {
        serve(relay, recipient, socket).await;
        drop(place);
    }))
}

async fn serve(relay: Arc<Relay>, recipient: Recipient, mut socket: WebSocket) {
    // Listen first, read the cursor second: a notice committed in between then still makes a hint.
    let mut place = relay.hub.companion(&recipient, 0);
    let now = relay.clock.now();
    let Ok(mut sent) = relay.store.cursor(&recipient).await else { return };
    if let Err(error) = relay.store.companion_seen(&recipient, now).await {
        tracing::warn!(%error, "a companion's presence could not be kept");
    }
    if !send(&mut socket, &FromRelay::Hello { version: PROTOCOL_VERSION, cursor: sent, now: now.to_string() }).await {
        return;
    }
    let mut stopping = relay.stopping.clone();
    let mut ping = tokio::time::interval(PING_EVERY);
    let (mut unanswered, mut pings) = (0, 0);
    loop {
        tokio::select! {
            changed = place.hints.changed() => {
                if changed.is_err() { return; }
                let cursor = *place.hints.borrow_and_update();
                if cursor > sent {
                    sent = cursor;
                    if !send(&mut socket, &FromRelay::Hint { cursor }).await { return; }
                }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Pong(_))) => unanswered = 0,
                Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                    // A companion that is behind is told at once; it would otherwise wait for the next notice.
                    Ok(FromCompanion::Hello { cursor, .. }) if cursor < sent => {
                        if !send(&mut socket, &FromRelay::Hint { cursor: sent }).await { return; }
                    }
                    Ok(_) => {}
                    Err(_) => return close(&mut socket, close_code::INVALID).await,
                },
                Some(Ok(Message::Ping(_))) => {}
                Some(Ok(Message::Binary(_))) => return close(&mut socket, close_code::UNSUPPORTED).await,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
            _ = ping.tick() => {
                unanswered += 1;
                pings += 1;
                if pings > MOST_PINGS { return close(&mut socket, close_code::AGAIN).await; }
                if unanswered > 2 || socket.send(Message::Ping(axum::body::Bytes::new())).await.is_err() { return; }
            }
            () = stop::begun(&mut stopping) => {
                let _ = send(&mut socket, &FromRelay::GoingAway { within_seconds: 5 }).await;
                return close(&mut socket, close_code::RESTART).await;
            }
        }
    }
}

async fn send(socket: &mut WebSocket, message: &FromRelay) -> bool {
    let text = serde_json::to_string(message).expect("a message is plain data");
    socket.send(Message::Text(text.into())).await.is_ok()
}

async fn close(socket: &mut WebSocket, code: u16) {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static("") };
    // A peer that is gone needs no goodbye.
    let _ = socket.send(Message::Close(Some(frame))).await;
}
