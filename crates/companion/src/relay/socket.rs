//! The socket to the relay: hello each way, hints, pings, and coming back after a loss with growing, random pauses.
//! A hint carries no fact; whatever was missed is pulled by cursor, so this file decides only when to ask.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use roomed_protocol::{FromCompanion, FromRelay, PROTOCOL_VERSION};
use secrecy::ExposeSecret;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::Relay;
use crate::clock::{Clock, within};
use crate::ports::Random;
use crate::session::NoToken;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// A line that is cut must be known to be within half a minute: somebody may have come meanwhile.
const PING_EVERY: Duration = Duration::from_secs(8);
/// Nothing at all for that many ping intervals: the line is dead though TCP has not noticed.
const SILENT_INTERVALS: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const MESSAGE_LIMIT: usize = 64 * 1024;

type Stream = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// What the socket tells the inbox.
#[async_trait::async_trait]
pub(crate) trait Listener: Send + Sync {
    /// The last notice seen, for the hello.
    fn cursor(&self) -> u32;
    /// Connected and greeted. `relay_now` is the relay's clock. False: what was missed could not be had, so try again.
    async fn up(&self, relay_cursor: u32, relay_now: Option<Timestamp>) -> bool;
    /// The relay said something, be it an answer to a ping.
    fn heard(&self);
    /// There are notices up to `cursor`. False: they could not be had, so try again.
    async fn hint(&self, cursor: u32) -> bool;
    /// This relay has nothing for them: it is asked why.
    async fn turned_away(&self);
    /// Lost, or never came up.
    fn down(&self);
}

/// Why a connection ended.
enum End {
    Lost,
    Unauthorized,
    SignedOut,
    GoingAway(Duration),
}

/// Keeps a socket up until the sign-in ends.
pub(crate) async fn run(relay: &Relay, clock: &dyn Clock, random: &dyn Random, listener: &Arc<dyn Listener>) {
    let mut failures = 0_u32;
    loop {
        let mut greeted = false;
        let end = connection(relay, clock, &**listener, &mut greeted).await;
        listener.down();
        failures = if greeted { 0 } else { failures.saturating_add(1) };
        let pause = match end {
            End::SignedOut => return,
            End::GoingAway(spread) => part_of(random, spread),
            // Full jitter (a thousand companions come back after a restart at the same moment).
            End::Lost | End::Unauthorized => {
                // A token that is refused although it is new will not be taken a second later either.
                failures = failures.saturating_add(if matches!(end, End::Unauthorized) { 3 } else { 0 });
                let most = FIRST_PAUSE.saturating_mul(1 << failures.min(6)).min(LONGEST_PAUSE);
                FIRST_PAUSE / 5 + part_of(random, most)
            }
        };
        clock.sleep(pause).await;
    }
}

fn part_of(random: &dyn Random, whole: Duration) -> Duration {
    let mut bytes = [0_u8; 2];
    random.fill(&mut bytes);
    whole.mul_f64(f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX))
}

async fn connection(relay: &Relay, clock: &dyn Clock, listener: &dyn Listener, greeted: &mut bool) -> End {
    let token = match relay.session().access().await {
        Ok(token) => token,
        Err(NoToken::SignedOut) => return End::SignedOut,
        Err(NoToken::Unreachable | NoToken::Refused) => return End::Lost,
    };
    let Ok(mut request) = relay.socket_url().as_str().into_client_request() else { return End::Lost };
    let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())) else { return End::Lost };
    bearer.set_sensitive(true);
    request.headers_mut().insert("authorization", bearer);
    let config = WebSocketConfig::default()
        .read_buffer_size(4_096)
        .max_message_size(Some(MESSAGE_LIMIT))
        .max_frame_size(Some(MESSAGE_LIMIT));
    let connecting = connect_async_with_config(request, Some(config), true);
    let mut stream = match within(clock, CONNECT_LIMIT, connecting).await {
        Some(Ok((stream, _))) => stream,
        Some(Err(WsError::Http(response))) if response.status().as_u16() == 401 => {
            return match relay.session().instead_of(&token).await {
                Err(NoToken::SignedOut) => End::SignedOut,
                _ => End::Unauthorized,
            };
        }
        // Another region's relay looks after their organization now.
        Some(Err(WsError::Http(response))) if response.status().as_u16() == 421 => {
            listener.turned_away().await;
            return End::Unauthorized;
        }
        _ => return End::Lost,
    };
    let hello = FromCompanion::Hello { version: PROTOCOL_VERSION, cursor: listener.cursor() };
    let hello = serde_json::to_string(&hello).expect("a hello of two numbers is JSON");
    if stream.send(Message::text(hello)).await.is_err() {
        return End::Lost;
    }
    let end = listen(&mut stream, clock, listener, greeted).await;
    let _ = within(clock, Duration::from_secs(1), stream.close(None)).await;
    end
}

async fn listen(stream: &mut Stream, clock: &dyn Clock, listener: &dyn Listener, greeted: &mut bool) -> End {
    let mut silent = 0;
    loop {
        let message = match within(clock, PING_EVERY, stream.next()).await {
            None if silent < SILENT_INTERVALS => {
                silent += 1;
                if stream.send(Message::Ping(Vec::new().into())).await.is_err() {
                    return End::Lost;
                }
                continue;
            }
            None => return End::Lost,
            Some(None | Some(Err(_))) => return End::Lost,
            Some(Some(Ok(message))) => message,
        };
        silent = 0;
        listener.heard();
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => return End::Lost,
            _ => continue,
        };
        // What cannot be read is a later version's and is passed over, like `Unknown`.
        match serde_json::from_str::<FromRelay>(&text) {
            Ok(FromRelay::Hello { cursor, now, .. }) => {
                if !listener.up(cursor, now.parse().ok()).await {
                    return End::Lost;
                }
                *greeted = true;
            }
            Ok(FromRelay::Hint { cursor }) => {
                if !listener.hint(cursor).await {
                    return End::Lost;
                }
            }
            Ok(FromRelay::GoingAway { within_seconds }) => {
                return End::GoingAway(Duration::from_secs(u64::from(within_seconds)));
            }
            Ok(FromRelay::Unknown) | Err(_) => {}
        }
    }
}
