//! The clinician's day as the EHR has it, asked for while the relay is there: at once, whenever the list of visits changes,
//! and every few minutes. What is shown keeps the time it was read at, so that its age can be told.

use std::sync::Arc;
use std::time::Duration;

use crate::board::Board;
use crate::clock::{Clock, within};
use crate::epoch::Epoch;
use crate::relay::Relay;
use crate::view::{AppState, ConnectionState};

/// How often it is asked for when nothing happens.
const EVERY: Duration = Duration::from_secs(300);

/// What makes it worth asking again: the connection, and which visits there are.
fn occasion(state: &AppState) -> (bool, Vec<String>) {
    let mut visits: Vec<String> = state.visits.iter().map(|visit| visit.id.clone()).collect();
    visits.sort_unstable();
    (state.connection.state == ConnectionState::Live, visits)
}

/// Follows it until the sign-in ends.
pub(crate) async fn follow(relay: Arc<Relay>, board: Arc<Board>, of: Epoch, clock: Arc<dyn Clock>) {
    let mut states = board.watch();
    loop {
        let now = occasion(&states.borrow_and_update());
        if now.0 {
            let (from, until) = clock.local_day(clock.now());
            match relay.agenda(from, until).await {
                Ok(agenda) => {
                    // Not the next clinician's day.
                    let _ = board.epochs.during(of, || board.change(|s| s.agenda = Some(agenda)));
                }
                // What is shown says when it was read.
                Err(refusal) => tracing::debug!(code = ?refusal.problem.code, "the day could not be read"),
            }
        }
        let changed = states.wait_for(|state| occasion(state) != now);
        if let Some(Err(_)) = within(&*clock, EVERY, async { changed.await.map(drop) }).await {
            return;
        }
    }
}
