//! Rounds of work until the relay stops: one at once, then whenever its bell rings or the next thing is due, and now and
//! then in any case, since a clock may be set while we wait. What a round does is its caller's.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::relay::Relay;
use crate::stop;
use crate::store::StoreError;

/// A clock may be set while we wait: look again at least this often.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// What is due may be another's for a moment more: no faster than this.
const SHORTEST_WAIT: Duration = Duration::from_millis(5);

/// Does `round` again and again; it answers with when the next thing is due. `what` is said in the log where one fails.
pub(crate) async fn run<R>(relay: &Relay, bell: &Notify, what: &str, round: impl Fn() -> R)
where
    R: Future<Output = Result<Option<Timestamp>, StoreError>>,
{
    let mut stopping = relay.stopping.clone();
    loop {
        // Before looking: what comes meanwhile rings as well.
        let mut rung = std::pin::pin!(bell.notified());
        rung.as_mut().enable();
        let next = round().await.unwrap_or_else(|error| {
            tracing::error!(%error, what, "a round failed; it is done again");
            None
        });
        let wait = next.map_or(LONGEST_WAIT, |at| until(at, relay.clock.now()));
        tokio::select! {
            // Running into the time limit is the normal case: then it is simply time to look.
            _ = tokio::time::timeout(wait, rung) => {}
            () = stop::begun(&mut stopping) => return,
        }
    }
}

fn until(at: Timestamp, now: Timestamp) -> Duration {
    let wait = Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO);
    wait.clamp(SHORTEST_WAIT, LONGEST_WAIT)
}
