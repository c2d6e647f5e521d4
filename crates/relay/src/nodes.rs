//! Several relays on one database: what another node did reaches the sockets and the worker of this one. Only hints come
//! this way; whoever is hinted reads the store. Who the other nodes are is `neighbours.rs`.

use std::sync::Arc;
use std::time::Duration;

use crate::relay::Relay;
use crate::stop;
use crate::store::{Hint, StoreError};

/// After the store could not be asked.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Passes hints on until the relay stops or the store is closed. Returns at once where there can be no other node.
pub async fn run(relay: Arc<Relay>) {
    let mut stopping = relay.stopping.clone();
    let mut hints = match relay.store.hints().await {
        Ok(Some(hints)) => hints,
        Ok(None) => return,
        Err(error) => {
            // Everything still works: companions and pages only hear of another node's news when they next ask.
            tracing::error!(%error, "other nodes' hints cannot be heard");
            return;
        }
    };
    // Whoever came here before we listened has missed what was said since.
    let mut hint = Some(Hint::Missed);
    while let Some(heard) = hint {
        if let Err(error) = heed(&relay, &heard).await {
            tracing::warn!(%error, "another node's hint could not be followed; everybody is brought up to date soon");
            // Whose hint it was would hear of nothing until their next.
            if tokio::time::timeout(AGAIN_AFTER, stop::begun(&mut stopping)).await.is_ok() {
                return;
            }
            hint = Some(Hint::Missed);
            continue;
        }
        hint = tokio::select! {
            hint = hints.recv() => hint,
            () = stop::begun(&mut stopping) => return,
        };
    }
}

async fn heed(relay: &Relay, hint: &Hint) -> Result<(), StoreError> {
    match hint {
        Hint::Outbox => relay.arrivals.outbox.notify_one(),
        // Numbers only grow here, so one that is too high would silence all that come after it: the store is asked.
        Hint::Notice { .. } => {
            if let Some(recipient) = hint.recipient().filter(|it| relay.hub.is_listened_for(it)) {
                relay.hub.hint(&recipient, relay.store.cursor(&recipient).await?);
            }
        }
        Hint::Visit { id, .. } => {
            relay.arrivals.timers.notify_one();
            let version = match relay.hub.is_shown(id) {
                true => relay.store.visit(id).await?.map_or(0, |stored| stored.version),
                false => 0,
            };
            relay.hub.visit_changed(id, version);
        }
        // Nobody knows what was said meanwhile, so everybody who listens here is brought up to date.
        Hint::Missed => {
            relay.arrivals.outbox.notify_one();
            relay.arrivals.timers.notify_one();
            for recipient in relay.hub.listeners_here() {
                relay.hub.hint(&recipient, relay.store.cursor(&recipient).await?);
            }
            for visit in relay.hub.pages_here() {
                if let Some(stored) = relay.store.visit(&visit).await? {
                    relay.hub.visit_changed(&visit, stored.version);
                }
            }
        }
    }
    Ok(())
}
