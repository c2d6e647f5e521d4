//! Live sockets: who is there, and up to where they could have been told. A hub holds numbers only, never a message:
//! a hint is "there are notices up to N", so a slow reader skips ahead, and losing a hint loses nothing.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, watch};

use crate::store::Recipient;

/// The sockets of this node.
#[derive(Debug, Default)]
pub struct Hub {
    companions: Board<Recipient, u32>,
    /// Pages that wait for what a companion of the same person does.
    onlookers: Board<Recipient, u32>,
    pages: Board<String, i64>,
    changes: watch::Sender<u64>,
    moves: Arc<Moves>,
    sent_away: watch::Sender<()>,
}

/// A companion's place here, for as long as it is kept.
#[derive(Debug)]
pub struct Place {
    /// Up to where there are notices.
    pub hints: watch::Receiver<u32>,
    // Dropped after `hints`: whoever hears of the departure finds that nobody listens any more.
    _departure: Departure,
}

#[derive(Debug)]
struct Departure(Recipient, Arc<Moves>);

impl Drop for Departure {
    fn drop(&mut self) {
        self.1.note(self.0.clone());
    }
}

/// People whose companions came or went since somebody last asked.
#[derive(Debug, Default)]
struct Moves {
    who: Mutex<BTreeSet<Recipient>>,
    bell: Notify,
}

impl Moves {
    fn note(&self, who: Recipient) {
        self.who.lock().expect("nothing panics while holding the lock").insert(who);
        self.bell.notify_one();
    }

    fn take(&self) -> BTreeSet<Recipient> {
        std::mem::take(&mut *self.who.lock().expect("nothing panics while holding the lock"))
    }
}

impl Hub {
    /// Listens for a clinician's cursor. Dropping the place is going offline.
    pub fn companion(&self, recipient: &Recipient, cursor: u32) -> Place {
        let hints = self.companions.listen(recipient, cursor);
        self.moves.note(recipient.clone());
        Place { hints, _departure: Departure(recipient.clone(), Arc::clone(&self.moves)) }
    }

    /// Waits until companions came or went, and says whose. For one who asks; whether they are here now is to be looked at.
    pub async fn moved(&self) -> BTreeSet<Recipient> {
        loop {
            let moved = self.moves.take();
            if !moved.is_empty() {
                return moved;
            }
            self.moves.bell.notified().await;
        }
    }

    /// Tells this clinician's companions that there are notices up to `cursor`.
    pub fn hint(&self, recipient: &Recipient, cursor: u32) {
        self.companions.post(recipient, cursor);
        self.onlookers.post(recipient, cursor);
    }

    /// Listens for a clinician's cursor without being their companion: nobody becomes online by it.
    pub fn onlooker(&self, recipient: &Recipient) -> watch::Receiver<u32> {
        self.onlookers.listen(recipient, 0)
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

    /// Everybody whose cursor somebody here listens for: companions and onlookers.
    pub fn listeners_here(&self) -> BTreeSet<Recipient> {
        self.companions.keys().into_iter().chain(self.onlookers.keys()).collect()
    }

    /// True while somebody here listens for this person's cursor.
    pub fn is_listened_for(&self, recipient: &Recipient) -> bool {
        self.companions.has_listener(recipient) || self.onlookers.has_listener(recipient)
    }

    /// True while a page of this visit holds a socket here.
    pub fn is_shown(&self, visit: &str) -> bool {
        self.pages.has_listener(&visit.to_owned())
    }

    /// Every visit whose page holds a socket here.
    pub fn pages_here(&self) -> Vec<String> {
        self.pages.keys()
    }

    /// Listens for a visit's version.
    pub fn page(&self, visit: &str) -> watch::Receiver<i64> {
        self.pages.listen(&visit.to_owned(), 0)
    }

    /// Ends every page's socket here; pages come back by themselves.
    pub fn send_pages_away(&self) {
        self.sent_away.send_replace(());
    }

    /// Changes when the pages that are here by now have to go.
    pub fn sent_away(&self) -> watch::Receiver<()> {
        self.sent_away.subscribe()
    }

    /// Tells the pages of a visit that it has changed.
    pub fn visit_changed(&self, visit: &str, version: i64) {
        self.pages.post(&visit.to_owned(), version);
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Changes with every visit that changes here: for those who look at many.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
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
    use std::task::Poll;

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
        assert_eq!(*first.hints.borrow_and_update(), 5);
        assert_eq!(*second.hints.borrow_and_update(), 5);
        assert!(!first.hints.has_changed().expect("the hub is alive"));
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

    #[test]
    fn who_only_looks_hears_of_news_and_is_not_online() {
        let hub = Hub::default();
        let mut looks = hub.onlooker(&somebody());
        assert!(!hub.is_online(&somebody()));
        hub.hint(&somebody(), 5);
        assert!(looks.has_changed().expect("the hub is alive"));
        assert_eq!(*looks.borrow_and_update(), 5);
    }

    #[tokio::test]
    async fn who_asks_hears_of_each_coming_and_going_once_it_is_so() {
        let hub = Hub::default();
        let socket = hub.companion(&somebody(), 0);
        assert_eq!(hub.moved().await, BTreeSet::from([somebody()]));
        let asking = hub.moved();
        tokio::pin!(asking);
        assert!(futures_util::poll!(&mut asking).is_pending(), "nobody moves");
        drop(socket);
        assert_eq!(futures_util::poll!(asking), Poll::Ready(BTreeSet::from([somebody()])));
        assert!(!hub.is_online(&somebody()));
    }
}
