//! The loopback listener that takes one redirect from the system browser (RFC 8252, 7.3), for sign-in and launches alike.
//! It speaks just enough HTTP for that, answers nothing it does not expect, and forwards what it got nowhere.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::clock::{Clock, within};

const PATH: &str = "/callback";
const LONGEST_HEAD: usize = 32 * 1024;
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// For how long the closing page can still be fetched.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// A bound listener on an ephemeral port.
pub(crate) struct Loopback {
    listeners: Vec<TcpListener>,
    port: u16,
    clock: Arc<dyn Clock>,
}

/// Which page the browser ends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    Done,
    Refused,
}

impl Loopback {
    /// Listens on 127.0.0.1, and on the same port of [::1] where that can be had: `localhost` may mean either.
    pub(crate) async fn bind(clock: Arc<dyn Clock>) -> io::Result<Self> {
        let first = TcpListener::bind("127.0.0.1:0").await?;
        let port = first.local_addr()?.port();
        let mut listeners = vec![first];
        listeners.extend(TcpListener::bind(("::1", port)).await.ok());
        Ok(Self { listeners, port, clock })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The redirect URI with this host.
    pub(crate) fn redirect_uri(&self, host: &str) -> String {
        format!("http://{host}:{}{PATH}", self.port)
    }

    /// Waits for a redirect whose query `accept` takes; others are told that they are none of ours.
    /// The address bar is left without the code: the browser is sent on to a page of its own.
    pub(crate) async fn wait<T: Send + 'static>(
        self,
        accept: impl Fn(&str) -> Option<(T, Page)> + Send + Sync + 'static,
    ) -> T {
        let (told, mut taken) = mpsc::channel(1);
        let accept = Arc::new(accept);
        let mut listening = JoinSet::new();
        for listener in self.listeners {
            let (accept, told, clock) = (accept.clone(), told.clone(), self.clock.clone());
            listening.spawn(async move {
                let mut open = JoinSet::new();
                // Browsers open connections that they never use, so no connection may hold up another.
                while let Ok((stream, _)) = listener.accept().await {
                    let (accept, told, clock) = (accept.clone(), told.clone(), clock.clone());
                    open.spawn(async move {
                        within(&*clock, HEAD_LIMIT, answer(stream, &*accept, &told)).await;
                    });
                }
            });
        }
        let value = loop {
            match taken.recv().await {
                Some(value) => break value,
                // Senders live in the listening tasks and in `told`, which is held here.
                None => std::future::pending::<()>().await,
            }
        };
        let clock = self.clock;
        tokio::spawn(async move {
            clock.sleep(AFTERWARDS).await;
            listening.abort_all();
        });
        drop(told);
        value
    }
}

async fn answer<T>(mut stream: TcpStream, accept: &impl Fn(&str) -> Option<(T, Page)>, told: &mpsc::Sender<T>) {
    let Some(target) = read_target(&mut stream).await else { return };
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let response = match path {
        PATH => match accept(query) {
            Some((value, page)) => {
                // Full means that another connection was first; the browser gets the same page.
                let _ = told.try_send(value);
                redirect(page)
            }
            None => {
                page("404 Not Found", "Nothing to do here", "This address belongs to no sign-in that is under way.")
            }
        },
        "/done" => page("200 OK", "Done", "You can close this tab and go back to Roomed."),
        "/refused" => page("200 OK", "Not signed in", "Close this tab. Roomed tells you what to do next."),
        _ => page("404 Not Found", "Nothing to do here", "This address belongs to no sign-in that is under way."),
    };
    let _ = stream.write_all(response.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// The target of a GET request.
async fn read_target(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut buffer = [0_u8; 4_096];
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        let n = stream.read(&mut buffer).await.ok()?;
        if n == 0 || head.len() + n > LONGEST_HEAD {
            return None;
        }
        head.extend_from_slice(&buffer[..n]);
    }
    let line = head.split(|b| *b == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut parts = line.split(' ');
    let (method, target, version) = (parts.next()?, parts.next()?, parts.next()?);
    (method == "GET" && version.starts_with("HTTP/1.") && parts.next().is_none()).then(|| target.to_owned())
}

const HEADERS: &str = "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n";

fn redirect(page: Page) -> String {
    let place = match page {
        Page::Done => "/done",
        Page::Refused => "/refused",
    };
    format!("HTTP/1.1 303 See Other\r\nLocation: {place}\r\nContent-Length: 0\r\n{HEADERS}\r\n")
}

fn page(status: &str, title: &str, sentence: &str) -> String {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>Roomed</title><style>body{{font:16px/1.5 'Segoe UI',\
         system-ui,sans-serif;max-width:28rem;margin:20vh auto;padding:0 1rem;text-align:center}}h1{{font-size:1.5rem;\
         font-weight:600}}</style><main><h1>{title}</h1><p>{sentence}</p></main></html>"
    );
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n{HEADERS}\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::clock::SystemClock;

    async fn get(port: u16, target: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn one_redirect_is_taken_and_the_code_leaves_the_address_bar() {
        let loopback = Loopback::bind(Arc::new(SystemClock)).await.unwrap();
        let port = loopback.port();
        assert_eq!(loopback.redirect_uri("localhost"), format!("http://localhost:{port}/callback"));
        let waiting = tokio::spawn(loopback.wait(|q| (q == "good").then(|| (q.to_owned(), Page::Done))));
        let idle = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        assert!(get(port, "/").await.starts_with("HTTP/1.1 404"));
        assert!(get(port, "/callback?bad").await.starts_with("HTTP/1.1 404"));
        let moved = get(port, "/callback?good").await;
        assert!(moved.starts_with("HTTP/1.1 303") && moved.contains("Location: /done\r\n"));
        assert_eq!(waiting.await.unwrap(), "good");
        assert!(get(port, "/done").await.contains("close this tab"));
        drop(idle);
    }
}
