//! Fault switches: what the next request to a target will suffer. Set over the control API, taken by the handlers.
//! Targets are plain words (`epic.fhir`, `graph.create`); a target nobody takes does nothing. What each mode does to a
//! request stands in `strike.rs`.
//!
//! Targets of requests to an EHR, from narrow to wide; the oldest switch that names any of them strikes:
//! `epic.connection_status`, `epic.communication`, `epic.fhir`, `epic.token`, `epic.authorize`, `epic.write`, `epic`;
//! `oracle.patch`, `oracle.read`, `oracle.token`, `oracle.write`, `oracle`; `r4.create`, `r4.update`, `r4.transaction`,
//! `r4.read`, `r4.token`, `r4.notify` (deliveries), `r4.write`, `r4`. Letters: `mail` (see `mail/mod.rs`). A total outage is `drop_before` on `oracle`, times 0.

use super::Random;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Mutex};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// The request takes effect, then the answer is `status` (default 500). EHR targets only, as all below.
    StatusAfterApply,
    /// The request takes effect, then `delay_ms` (default 1000) pass before it is answered.
    DelayAfterApply,
    /// The connection is cut at once; the request is looked at and takes effect `delay_ms` (default 1000) later.
    Late,
    /// 422: this content will never be accepted. Use with `matching`.
    Poison,
    /// 401, and the token that was presented is taken back.
    Revoke,
}

/// One switch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests it strikes.
    pub target: String,
    /// What happens to them.
    pub mode: FaultMode,
    /// HTTP status for `status` and `status_after_apply`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `Retry-After` in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// Milliseconds for the modes that wait; for `delay_after_apply` and `late` by the sandbox's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// How many requests it strikes; 0 means until removed.
    #[serde(default = "once")]
    pub times: u32,
    /// Of the requests it could strike, how many in a hundred it does; absent: every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// For `percent`: the same seed strikes the same requests, counted from when the switch was set. Absent: the sandbox's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Only requests whose address or body has this text, for example a ConferenceID or an identifier's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<String>,
}

fn once() -> u32 {
    1
}

struct Switch {
    fault: Fault,
    dice: Random,
}

impl Switch {
    fn meets(&self, targets: &[&str], about: &str) -> bool {
        targets.contains(&self.fault.target.as_str())
            && self.fault.matching.as_deref().is_none_or(|it| about.contains(it))
    }

    /// Whether the dice say so, in steps of a ten-thousandth.
    fn falls(&self) -> bool {
        const STEPS: u64 = 10_000;
        self.fault.percent.is_none_or(|percent| (self.dice.below(STEPS) as f64) < percent * (STEPS as f64 / 100.0))
    }
}

/// How often each mode struck each target, by the name its switch used.
pub type Struck = BTreeMap<String, BTreeMap<FaultMode, u64>>;

/// The switches that are set, oldest first, and what those so far have done.
pub struct Faults {
    seed: u64,
    switches: Mutex<Vec<Switch>>,
    struck: Mutex<Struck>,
}

impl Faults {
    /// No switches; `seed` is for the dice of those that bring none.
    pub fn new(seed: u64) -> Self {
        Self { seed, switches: Mutex::default(), struck: Mutex::default() }
    }

    /// Sets a switch.
    pub fn put(&self, fault: Fault) {
        let dice = Random::new(fault.seed.unwrap_or(self.seed));
        super::lock(&self.switches).push(Switch { fault, dice });
    }

    /// Removes all switches, or those that name `target`.
    pub fn clear(&self, target: Option<&str>) {
        super::lock(&self.switches).retain(|it| target.is_some_and(|target| it.fault.target != target));
    }

    /// All switches still to strike.
    pub fn all(&self) -> Vec<Fault> {
        super::lock(&self.switches).iter().map(|it| it.fault.clone()).collect()
    }

    /// How often each has struck since the start.
    pub fn struck(&self) -> Struck {
        super::lock(&self.struck).clone()
    }

    /// Takes one strike of the oldest switch for `target`.
    pub fn take(&self, target: &str) -> Option<Fault> {
        self.take_any(&[target], "")
    }

    /// Takes one strike of the oldest switch that names one of `targets`, meets `about` and whose dice fall so.
    pub fn take_any(&self, targets: &[&str], about: &str) -> Option<Fault> {
        let mut switches = super::lock(&self.switches);
        let at = switches.iter().position(|it| it.meets(targets, about) && it.falls())?;
        let fault = switches[at].fault.clone();
        match fault.times {
            0 => {}
            1 => {
                switches.remove(at);
            }
            _ => switches[at].fault.times -= 1,
        }
        drop(switches);
        *super::lock(&self.struck).entry(fault.target.clone()).or_default().entry(fault.mode).or_default() += 1;
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn switch(more: serde_json::Value) -> Fault {
        let mut whole = json!({ "target": "r4.create", "mode": "drop_after_apply", "times": 0 });
        whole.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        serde_json::from_value(whole).expect("a fault")
    }

    fn pattern(seed: u64) -> Vec<bool> {
        let faults = Faults::new(1);
        faults.put(switch(json!({ "percent": 30, "seed": seed })));
        (0..200).map(|_| faults.take("r4.create").is_some()).collect()
    }

    #[test]
    fn the_same_seed_strikes_the_same_requests_and_about_as_many_as_it_says() {
        assert_eq!(pattern(5), pattern(5));
        assert_ne!(pattern(5), pattern(6));
        let struck = pattern(5).into_iter().filter(|it| *it).count();
        assert!((40..80).contains(&struck), "{struck} of 200 at 30 percent");
    }

    #[test]
    fn a_switch_strikes_by_any_of_the_names_and_only_what_it_is_about() {
        let faults = Faults::new(1);
        faults.put(switch(json!({ "target": "r4.write", "matching": "visit-7" })));
        assert!(faults.take_any(&["r4.create", "r4.write", "r4"], "about visit-8").is_none());
        assert!(faults.take_any(&["r4.read", "r4"], "about visit-7").is_none());
        assert!(faults.take_any(&["r4.create", "r4.write", "r4"], "about visit-7").is_some());
        assert_eq!(faults.struck()["r4.write"][&FaultMode::DropAfterApply], 1);
        faults.clear(Some("r4.read"));
        assert_eq!(faults.all().len(), 1);
        faults.clear(None);
        assert!(faults.all().is_empty());
    }
}
