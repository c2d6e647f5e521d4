//! Live sockets: who is there, and up to where they could have been told. A hub holds numbers only, never a message:
//! a hint is "there are notices up to N", so a slow reader skips ahead, and losing a hint loses nothing.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;

use tokio::sync::watch;

use crate::store::Recipient;

/// The sockets of this node.
#[derive(Debug, Default)]
pub struct Hub {
    companions: Board<Recipient, u32>,
    pages: Board<String, i64>,
}

impl Hub {
    /// Listens for a clinician's cursor. Dropping the receiver is going offline.
    pub fn companion(&self, recipient: &Recipient, cursor: u32) -> watch::Receiver<u32> {
        self.companions.listen(recipient, cursor)
    }

    /// Tells this clinician's companions that there are notices up to `cursor`.
    pub fn hint(&self, recipient: &Recipient, cursor: u32) {
        self.companions.post(recipient, cursor);
    }

    /// True while at least one companion of this person holds a socket here.
    pub fn is_online(&self, recipient: &Recipient) -> bool {
        self.companions.has_listener(recipient)
    }

    /// How many people have a companion online here.
    pub fn companions_online(&self) -> usize {
        self.companions.listeners()
    }

    /// Everybody whose companion holds a socket here.
    pub fn companions_here(&self) -> Vec<Recipient> {
        self.companions.keys()
    }

    /// Every visit whose page holds a socket here.
    pub fn pages_here(&self) -> Vec<String> {
        self.pages.keys()
    }

    /// Listens for a visit's version.
    pub fn page(&self, visit: &str) -> watch::Receiver<i64> {
        self.pages.listen(&visit.to_owned(), 0)
    }

    /// Tells the pages of a visit that it has changed.
    pub fn visit_changed(&self, visit: &str, version: i64) {
        self.pages.post(&visit.to_owned(), version);
    }
}

/// One growing number per key, kept while somebody listens.
#[derive(Debug)]
struct Board<K, N>(Mutex<HashMap<K, watch::Sender<N>>>);

impl<K, N> Default for Board<K, N> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: Eq + Hash + Clone, N: PartialOrd + Copy> Board<K, N> {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, watch::Sender<N>>> {
        self.0.lock().expect("nothing panics while holding the board")
    }

    fn listen(&self, key: &K, from: N) -> watch::Receiver<N> {
        let mut board = self.lock();
        // Whoever comes sweeps: entries nobody listens to any more would otherwise pile up for ever.
        if board.len() > 64 && board.len().is_power_of_two() {
            board.retain(|_, sender| sender.receiver_count() > 0);
        }
        let sender = board.entry(key.clone()).or_insert_with(|| watch::Sender::new(from));
        sender.subscribe()
    }

    fn post(&self, key: &K, number: N) {
        if let Some(sender) = self.lock().get(key) {
            // Commits may be reported out of order; the number only grows.
            sender.send_if_modified(|known| {
                let news = number > *known;
                if news {
                    *known = number;
                }
                news
            });
        }
    }

    fn has_listener(&self, key: &K) -> bool {
        self.lock().get(key).is_some_and(|sender| sender.receiver_count() > 0)
    }

    fn keys(&self) -> Vec<K> {
        let board = self.lock();
        board.iter().filter(|(_, sender)| sender.receiver_count() > 0).map(|(key, _)| key.clone()).collect()
    }

    fn listeners(&self) -> usize {
        self.lock().values().filter(|sender| sender.receiver_count() > 0).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody() -> Recipient {
        Recipient { organization: "northside".into(), tid: "t".into(), oid: "o".into() }
    }

    #[test]
    fn a_hint_reaches_every_companion_and_older_ones_are_no_news() {
        let hub = Hub::default();
        let mut first = hub.companion(&somebody(), 3);
        let mut second = hub.companion(&somebody(), 3);
        hub.hint(&somebody(), 5);
        hub.hint(&somebody(), 4);
        assert_eq!(*first.borrow_and_update(), 5);
        assert_eq!(*second.borrow_and_update(), 5);
        assert!(!first.has_changed().expect("the hub is alive"));
    }

    #[test]
    fn online_is_whoever_still_listens() {
        let hub = Hub::default();
        assert!(!hub.is_online(&somebody()));
        let socket = hub.companion(&somebody(), 0);
        assert!(hub.is_online(&somebody()));
        assert_eq!(hub.companions_here(), [somebody()]);
        drop(socket);
        assert!(!hub.is_online(&somebody()));
        assert!(hub.companions_here().is_empty());
        assert_eq!(hub.companions_online(), 0);
    }
}
