//! A visit that was begun in a browser and may be opened here: the window comes forward with the question, which goes away
//! when it is answered, here or on another computer, or expires. The browser has proven it; what stays there is the
//! patient's name, because no token of the EHR comes along.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roomed_protocol::{Problem, ProblemCode};

use super::Core;
use crate::clock::within;
use crate::view::OfferView;

/// How long an offer can still be answered, by a clock that differs from the relay's by `offset_ms`.
pub(crate) fn left(offer: &OfferView, now: Timestamp, offset_ms: i32) -> Duration {
    let until = offer.until.parse::<Timestamp>().unwrap_or(Timestamp::MIN);
    let relay_now = now.saturating_add(SignedDuration::from_millis(offset_ms.into())).unwrap_or(now);
    Duration::try_from(until.duration_since(relay_now)).unwrap_or_default()
}

impl Core {
    /// Opens the offered visit here, or leaves it where it is.
    pub(crate) async fn take_offer(&self, take: bool) -> Result<(), Problem> {
        let of = self.board.epochs.now();
        let Some(offer) = self.board.read(|s| s.offer.clone()) else { return Ok(()) };
        let visit = match self.board.epochs.under(of, self.relay.answer_offer(&offer.id, take)).await? {
            Ok(visit) => visit,
            Err(refusal) => {
                // Nothing can be made of it any more; one that the relay has not heard of can be answered again.
                if matches!(refusal.problem.code, ProblemCode::OfferOver | ProblemCode::VisitClosed) {
                    self.no_offer(&offer);
                }
                return Err(self.not_later(of, refusal));
            }
        };
        self.no_offer(&offer);
        if take {
            tracing::info!("an offered visit is opened");
            self.begin_visit(of, &visit).await?;
        }
        Ok(())
    }

    fn no_offer(&self, offer: &OfferView) {
        self.board.change(|s| drop(s.offer.take_if(|it| it.id == offer.id)));
    }

    /// Brings the window forward with a new offer, and takes it down once it is over.
    pub(super) async fn watch_offer(self: Arc<Self>) {
        let mut states = self.board.watch();
        let mut shown = None;
        loop {
            let (offer, offset) = {
                let state = states.borrow_and_update();
                (state.offer.clone(), state.clock_offset_ms)
            };
            let Some(offer) = offer else {
                if states.changed().await.is_err() {
                    return;
                }
                continue;
            };
            if shown.as_ref() != Some(&offer.id) {
                shown = Some(offer.id.clone());
                self.ports.window.bring_forward();
            }
            let left = left(&offer, self.ports.clock.now(), offset);
            if left.is_zero() {
                self.no_offer(&offer);
                continue;
            }
            within(&*self.ports.clock, left, states.changed()).await;
        }
    }
}
