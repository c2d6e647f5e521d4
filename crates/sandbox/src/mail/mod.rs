//! The hospital's mail relay: takes what is submitted over SMTP (RFC 5321) and keeps it for `GET /mail`; nothing is delivered
//! to anybody. On loopback only; without TLS, as a submission agent on the same machine is, unless a switch says otherwise.
//! Strict about sequence, sizes and line ends. Left out: pipelining, chunking, international addresses, any mechanism but PLAIN.
//!
//! How it behaves is set by the switches `mail`, `mail_sign_in`, `mail_tls` and `mail_certificate`; single letters are disturbed by fault target `mail`
//! (`matching` looks at the recipient): `status` with 4yz or 5yz, `refuse` (550), `drop_before`, `drop_after_apply`, `delay`.

mod command;
mod data;
mod fate;
mod letter;
mod session;
mod tls;

pub use letter::Letter;

use crate::core::{Canaries, Random, Shared, lock};
use jiff::Timestamp;
use std::{sync::Mutex, time::Duration};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

/// The largest letter, in bytes; announced as `SIZE`.
pub(crate) const LARGEST: usize = 256 * 1024;

/// What the mail relay remembers.
pub struct State {
    /// The user who may submit, where that is demanded.
    pub user: String,
    /// Their password.
    pub password: String,
    tls: Option<tls::Tls>,
    letters: Mutex<Vec<Letter>>,
    newest: watch::Sender<u64>,
}

impl State {
    pub(crate) fn new(random: &Random, canaries: &Canaries) -> Self {
        let password = random.stable_token("mail password", 24);
        canaries.secret("mail.password", &password);
        Self {
            user: "roomed@mail.northside.example".to_owned(),
            password,
            tls: tls::Tls::new().inspect_err(|error| tracing::error!(%error, "the mail relay has no TLS")).ok(),
            letters: Mutex::default(),
            newest: watch::Sender::new(0),
        }
    }

    /// The authority behind the mail relay's certificate, in PEM.
    pub fn authority(&self) -> &str {
        self.tls.as_ref().map_or("", |it| it.authority.as_str())
    }

    /// Keeps a letter; its number.
    fn keep(&self, at: Timestamp, letter: letter::New) -> u64 {
        let n = {
            let mut letters = lock(&self.letters);
            let n = letters.len() as u64 + 1;
            letters.push(letter.numbered(n, at));
            n
        };
        self.newest.send_modify(|it| *it = n.max(*it));
        n
    }

    /// Letters numbered higher than `after`, in order of arrival, as soon as there is one or after `patience`.
    pub async fn wait_after(&self, after: u64, patience: Duration) -> Vec<Letter> {
        let mut newest = self.newest.subscribe();
        let _ = tokio::time::timeout(patience, newest.wait_for(|n| *n > after)).await;
        let letters = lock(&self.letters);
        letters.iter().skip(usize::try_from(after).unwrap_or(usize::MAX)).cloned().collect()
    }
}

/// Talks to whoever connects, until told to stop; then hangs up on everybody.
pub(crate) async fn serve(listener: TcpListener, hospital: Shared, mut stop: watch::Receiver<bool>) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    sessions.spawn(session::talk(stream, hospital.clone()));
                }
                Err(error) => tracing::warn!(%error, "a mail connection was not accepted"),
            },
            _ = stop.wait_for(|it| *it) => return,
            Some(_) = sessions.join_next() => {}
        }
    }
}
