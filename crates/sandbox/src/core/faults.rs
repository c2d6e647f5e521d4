//! Fault switches: what the next request to a target will suffer. Set over the control API, taken by the handlers.
//! Targets are plain words (`epic.fhir`, `graph.create`); a target nobody takes does nothing.

use crate::clock::Clock;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::{sync::Mutex, time::Duration};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultMode {
    /// Nothing is done; the answer is `status` (default 503), with `retry_after` if given.
    Status,
    /// The request takes effect, then the connection is cut without an answer.
    DropAfterApply,
    /// The connection is cut before anything is done.
    DropBefore,
    /// `delay_ms` (default 1000) pass before the request is looked at.
    Delay,
    /// The vendor refuses on principle (each target says what that means).
    Refuse,
    /// The target's message is sent twice.
    Duplicate,
    /// The target's message waits until after the next one.
    Reorder,
}

/// One switch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests it strikes.
    pub target: String,
    /// What happens to them.
    pub mode: FaultMode,
    /// HTTP status for `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `Retry-After` in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// Real milliseconds for `delay`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// How many requests it strikes; 0 means until removed.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

/// What is left for a handler to do after a fault struck.
pub enum Struck {
    /// Answer this and do nothing.
    Answer(Response),
    /// Do it, then call [`cut`].
    CutAfter,
    /// The vendor refuses on principle.
    Refused,
    /// Go on as if nothing were wrong (also for `duplicate` and `reorder`, which only message senders know).
    Go,
}

impl Fault {
    /// Lets the fault strike a request: waits, cuts or hands back what the handler has to do.
    pub async fn strike(&self, clock: &Clock) -> Struck {
        match self.mode {
            FaultMode::Status => {
                let status = self.status.and_then(|it| StatusCode::from_u16(it).ok());
                let mut response = status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE).into_response();
                if let Some(seconds) = self.retry_after {
                    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                }
                Struck::Answer(response)
            }
            FaultMode::DropBefore => cut(),
            FaultMode::DropAfterApply => Struck::CutAfter,
            FaultMode::Delay => {
                clock.delay(Duration::from_millis(self.delay_ms.unwrap_or(1000))).await;
                Struck::Go
            }
            FaultMode::Refuse => Struck::Refused,
            FaultMode::Duplicate | FaultMode::Reorder => Struck::Go,
        }
    }
}

/// Ends this connection's task without a word, so that the caller sees a closed socket and no answer.
pub fn cut() -> ! {
    std::panic::resume_unwind(Box::new("cut by a fault switch"))
}

/// The switches that are set, oldest first.
#[derive(Default)]
pub struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// Sets a switch.
    pub fn put(&self, fault: Fault) {
        super::lock(&self.0).push(fault);
    }

    /// Removes all switches.
    pub fn clear(&self) {
        super::lock(&self.0).clear();
    }

    /// All switches still to strike.
    pub fn all(&self) -> Vec<Fault> {
        super::lock(&self.0).clone()
    }

    /// Takes one strike of the oldest switch for `target`.
    pub fn take(&self, target: &str) -> Option<Fault> {
        let mut faults = super::lock(&self.0);
        let at = faults.iter().position(|it| it.target == target)?;
        let fault = faults[at].clone();
        match fault.times {
            0 => {}
            1 => {
                faults.remove(at);
            }
            _ => faults[at].times -= 1,
        }
        Some(fault)
    }

    /// Takes and strikes in one go; `Struck::Go` when no switch is set.
    pub async fn strike(&self, target: &str, clock: &Clock) -> Struck {
        match self.take(target) {
            Some(fault) => fault.strike(clock).await,
            None => Struck::Go,
        }
    }
}
