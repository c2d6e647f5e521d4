//! What a fault switch does to the request it strikes: before it is looked at, after it has taken effect, or much later.
//! `strike` is for doors where nothing is written; `under` is for those where an answer can be lost after the fact.

use super::{Fault, FaultMode, Faults, Hospital, Shared};
use crate::clock::Clock;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// What is left for a handler to do after a fault struck.
pub enum Strike {
    /// Answer this and do nothing.
    Answer(Response),
    /// Do it, then call [`cut`].
    CutAfter,
    /// The vendor refuses on principle.
    Refused,
    /// Go on as if nothing were wrong (also for the modes this door does not know).
    Go,
}

/// A refusal whose words are the vendor's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// On principle.
    Refused,
    /// This content, for ever: 422.
    Poisoned,
    /// The token has just been taken back: 401.
    Revoked,
}

/// A request as the switches see it.
pub(crate) struct Aim<'a> {
    /// Its names, from narrow to wide.
    pub(crate) targets: &'a [&'a str],
    /// Address and body, for switches that are about something.
    pub(crate) about: &'a str,
}

impl Fault {
    /// Lets the fault strike a request: waits, cuts or hands back what the handler has to do.
    pub async fn strike(&self, clock: &Clock) -> Strike {
        match self.mode {
            FaultMode::Status => Strike::Answer(self.answer(StatusCode::SERVICE_UNAVAILABLE)),
            FaultMode::DropBefore => cut(),
            FaultMode::DropAfterApply => Strike::CutAfter,
            FaultMode::Delay => {
                clock.delay(self.wait()).await;
                Strike::Go
            }
            FaultMode::Refuse => Strike::Refused,
            _ => Strike::Go,
        }
    }

    fn answer(&self, usual: StatusCode) -> Response {
        let status = self.status.and_then(|it| StatusCode::from_u16(it).ok());
        let mut response = status.unwrap_or(usual).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// When its time will have passed by the sandbox's clock, so that moving the clock on lets it pass at once.
    fn over(&self, clock: &Clock) -> Timestamp {
        let millis = i64::try_from(self.wait().as_millis()).unwrap_or(i64::MAX);
        let now = clock.now();
        now.saturating_add(SignedDuration::from_millis(millis)).unwrap_or(now)
    }

    fn wait(&self) -> Duration {
        Duration::from_millis(self.delay_ms.unwrap_or(1000))
    }
}

impl Faults {
    /// Takes and strikes in one go; `Strike::Go` when no switch is set for any of `targets`.
    pub async fn strike(&self, targets: &[&str], clock: &Clock) -> Strike {
        match self.take_any(targets, "") {
            Some(fault) => fault.strike(clock).await,
            None => Strike::Go,
        }
    }
}

/// Strikes what an EHR says about itself, with switches for the whole EHR only; the answer if one did.
pub(crate) async fn outage(hospital: &Hospital, ehr: &str) -> Option<Response> {
    match hospital.faults.strike(&[ehr], &hospital.clock).await {
        Strike::Answer(answer) => Some(answer),
        Strike::CutAfter => cut(),
        Strike::Refused | Strike::Go => None,
    }
}

/// Does `work` under the switches for `aim`. `refusal` says no in the vendor's words.
pub(crate) async fn under(
    hospital: &Shared,
    aim: Aim<'_>,
    work: impl Future<Output = Response> + Send + 'static,
    refusal: impl FnOnce(Refusal) -> Response,
) -> Response {
    let Some(fault) = hospital.faults.take_any(aim.targets, aim.about) else { return work.await };
    match fault.mode {
        FaultMode::StatusAfterApply => {
            work.await;
            fault.answer(StatusCode::INTERNAL_SERVER_ERROR)
        }
        FaultMode::DelayAfterApply => {
            let answer = work.await;
            hospital.clock.until(fault.over(&hospital.clock)).await;
            answer
        }
        FaultMode::Late => {
            let (hospital, over) = (hospital.clone(), fault.over(&hospital.clock));
            tokio::spawn(async move {
                hospital.clock.until(over).await;
                work.await;
            });
            cut()
        }
        FaultMode::Poison => refusal(Refusal::Poisoned),
        FaultMode::Revoke => refusal(Refusal::Revoked),
        _ => match fault.strike(&hospital.clock).await {
            Strike::Answer(answer) => answer,
            Strike::Refused => refusal(Refusal::Refused),
            Strike::CutAfter => {
                work.await;
                cut()
            }
            Strike::Go => work.await,
        },
    }
}

/// Ends this connection's task without a word, so that the caller sees a closed socket and no answer.
pub fn cut() -> ! {
    std::panic::resume_unwind(Box::new("cut by a fault switch"))
}
