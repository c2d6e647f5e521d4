//! Several relays on one database: this one says that it is here and whose companions are, and closes the pages of those
//! that are not here any more, since nobody else can say so. A page that is still there comes back within the grace period.
//! On SQLite there is nobody else, so what an earlier run left open is closed at start. Hints are `nodes.rs`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use roomed_visit::{LegId, ParticipantId, Testimony, VisitEvent};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};

use crate::arrivals::{Along, ArrivalError};
use crate::clock::{Random, moment};
use crate::relay::Relay;
use crate::stop;
use crate::store::{NodeId, Recipient, StoreError, Stretch};
use crate::wire;

/// The life of a node, as the others see it.
#[derive(Debug, Clone, Copy)]
pub struct Pulse {
    /// How often it says that it is here.
    pub every: Duration,
    /// Silent for so long, it is gone. Together with the visits' grace period this is how long a patient may be believed
    /// to be there after their node has died.
    pub silent: SignedDuration,
    /// Lost pages are looked for at least this often, for those of a node that came and went without being noticed.
    pub look: Duration,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { every: Duration::from_secs(5), silent: SignedDuration::from_secs(20), look: Duration::from_secs(60) }
    }
}

/// A name for one more page's socket at `node`.
pub fn page_leg(node: &NodeId, random: &dyn Random) -> LegId {
    LegId::new(format!("{node}.{}", random.id()))
}

/// The node that holds a page's socket. None of an older version, which did not say.
fn holder(leg: &LegId) -> Option<NodeId> {
    leg.as_str().split_once('.').map(|(node, _)| NodeId::new(node))
}

/// Legs that do not say whose they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unnamed {
    /// Of an earlier version, which is believed to have been replaced by this relay.
    AreLost,
    /// Of an earlier version, which may have come after this relay.
    AreSpared,
}

/// What this node has told the others, and what it knows of them.
#[derive(Debug)]
pub struct Neighbours {
    stretch: Stretch,
    /// Alive at the last look for pages.
    alive: BTreeSet<NodeId>,
    looked_at: Instant,
    /// These people have a companion here, as the others know it.
    told: BTreeSet<Recipient>,
    /// Of these the others may know something else than is so.
    moved: BTreeSet<Recipient>,
    /// The look for lost pages. It goes on beside the beats: with many visits open it takes longer than the others wait for
    /// a sign of life.
    look: JoinSet<Result<(BTreeSet<NodeId>, Instant), ArrivalError>>,
}

impl Neighbours {
    /// Takes this node's place among the others, before it holds any page, and closes what those that are gone have left.
    pub async fn enter(relay: &Relay) -> Result<Self, ArrivalError> {
        let stretch = relay.store.node_seen(&relay.node).await?;
        let alive = relay.store.nodes_alive(relay.pulse.silent).await?.into_iter().collect();
        let (told, moved, look) = (BTreeSet::new(), BTreeSet::new(), JoinSet::new());
        let entered = Self { stretch, alive, looked_at: moment(), told, moved, look };
        close_lost_pages(relay, Unnamed::AreLost).await?;
        Ok(entered)
    }

    /// Goes on until the relay stops.
    pub async fn run(mut self, relay: Arc<Relay>) {
        let mut stopping = relay.stopping.clone();
        let mut every = tokio::time::interval(relay.pulse.every);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let done = tokio::select! {
                _ = every.tick() => self.beat(&relay).await,
                moved = relay.hub.moved() => {
                    self.moved.extend(moved);
                    self.tell(&relay).await.map_err(ArrivalError::from)
                }
                Some(looked) = self.look.join_next() => self.looked(looked),
                () = stop::begun(&mut stopping) => return,
            };
            if let Err(error) = done {
                tracing::warn!(%error, "the other nodes could not be told or looked at; the next beat tries again");
            }
        }
    }

    /// Says that this node is here, and looks whether the others still are.
    async fn beat(&mut self, relay: &Arc<Relay>) -> Result<(), ArrivalError> {
        let stretch = relay.store.node_seen(&relay.node).await?;
        if stretch != self.stretch {
            // The others have closed the pages whose sockets are here. Each comes back on a new one, which is open.
            tracing::warn!("this node was silent for so long that the others took it for gone; its pages connect anew");
            relay.hub.send_pages_away();
            self.stretch = stretch;
            self.told.clear();
            self.moved.extend(relay.hub.companions_here());
        }
        self.tell(relay).await?;
        let alive: BTreeSet<_> = relay.store.nodes_alive(relay.pulse.silent).await?.into_iter().collect();
        let now = moment();
        if self.alive.is_subset(&alive) && now.duration_since(self.looked_at) < relay.pulse.look {
            self.alive = alive;
        } else if self.look.is_empty() {
            let relay = Arc::clone(relay);
            let looked = async move { close_lost_pages(&relay, Unnamed::AreSpared).await.map(|()| (alive, now)) };
            self.look.spawn(looked);
        }
        Ok(())
    }

    /// One that failed is begun again by the next beat, since nothing of it is remembered.
    fn looked(
        &mut self,
        looked: Result<Result<(BTreeSet<NodeId>, Instant), ArrivalError>, JoinError>,
    ) -> Result<(), ArrivalError> {
        match looked {
            Ok(looked) => (self.alive, self.looked_at) = looked?,
            Err(error) => tracing::error!(panicked = error.is_panic(), "the look for lost pages ended before its time"),
        }
        Ok(())
    }

    /// Tells the others whose companions came and went here. Said by one task alone, so that what is said last is so.
    async fn tell(&mut self, relay: &Relay) -> Result<(), StoreError> {
        let (here, away): (Vec<_>, Vec<_>) = self.moved.iter().cloned().partition(|who| relay.hub.is_online(who));
        let came: Vec<_> = here.into_iter().filter(|who| !self.told.contains(who)).collect();
        let left: Vec<_> = away.into_iter().filter(|who| self.told.contains(who)).collect();
        if !came.is_empty() {
            relay.store.companions_came(&relay.node, &came).await?;
            self.told.extend(came);
        }
        if !left.is_empty() {
            relay.store.companions_left(&relay.node, &left).await?;
            self.told.retain(|who| !left.contains(who));
        }
        self.moved.clear();
        Ok(())
    }
}

/// Closes the open legs of pages whose socket nobody holds any more.
async fn close_lost_pages(relay: &Relay, unnamed: Unnamed) -> Result<(), ArrivalError> {
    let mut open = Vec::new();
    for organization in &relay.config.organizations {
        for stored in relay.store.open_visits(&organization.key).await? {
            match relay.arrivals.open(stored) {
                Ok(opened) => open.push((opened.stored.row.id, opened.record.visit.open_pages())),
                Err(error) => tracing::error!(%error, "an open visit could not be opened to look for lost pages"),
            }
        }
    }
    // Asked for after the visits: a node that opened one of these legs was alive before it did.
    let mut alive: BTreeSet<_> = relay.store.nodes_alive(relay.pulse.silent).await?.into_iter().collect();
    alive.insert(relay.node.clone());
    let is_lost = |(_, leg): &(ParticipantId, LegId)| match holder(leg) {
        Some(node) => !alive.contains(&node),
        None => unnamed == Unnamed::AreLost,
    };
    let mut done = Ok(());
    for (visit, pages) in open {
        let at = wire::to_rules(relay.clock.now());
        let lost = pages.into_iter().filter(is_lost);
        let closed = lost.map(|(participant, leg)| Testimony::PageClosed { participant, leg, at });
        let events: Vec<_> = closed.map(VisitEvent::Witnessed).collect();
        if !events.is_empty() {
            tracing::info!(visit, pages = events.len(), "pages whose relay is gone are closed");
            // One that cannot be written must not keep the others open.
            if let Err(error) = relay.arrivals.update(&visit, &events, Along::default()).await {
                done = Err(error);
            }
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemRandomness;

    #[test]
    fn a_leg_says_who_holds_it_and_one_of_an_older_version_does_not() {
        let random = SystemRandomness::default();
        let node = NodeId::new(random.id());
        let (one, other) = (page_leg(&node, &random), page_leg(&node, &random));
        assert_ne!(one, other);
        assert_eq!(holder(&one), Some(node));
        assert_eq!(holder(&LegId::new(format!("page-{}", random.id()))), None);
    }
}
