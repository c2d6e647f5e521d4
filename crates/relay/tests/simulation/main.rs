//! Delivery, simulated: real workers over a store in memory, against EHRs that misbehave, in virtual time and from a seed.
//! `ROOMED_SEED=n` repeats one seed with its journal, `ROOMED_SEEDS=n` runs so many instead of a few, both together so many
//! from that one on, and the figures go to the file that `ROOMED_SIMULATION_REPORT` names. What a database does to rows is the conformance suite's part.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod chaos;
mod checker;
mod conformance;
mod ehr;
mod memory;
mod node;
mod outage;
mod plan;
mod report;
mod run;
mod scenarios;
mod traffic;
mod truth;
mod wire;
mod world;

// The suite that the databases pass; what is about people, secrets and files does not apply here.
#[path = "../stores/chain.rs"]
#[expect(dead_code, reason = "part of it is about what this store does not have")]
mod chain;
#[path = "../stores/commits.rs"]
#[expect(dead_code, reason = "part of it is about what this store does not have")]
mod commits;
#[path = "../stores/delivery.rs"]
mod delivery;
#[path = "../stores/events.rs"]
mod events;
#[path = "../stores/forgetting.rs"]
#[expect(dead_code, reason = "part of it is about what this store does not have")]
mod forgetting;
#[path = "../stores/given.rs"]
mod given;
#[path = "../stores/health.rs"]
#[expect(dead_code, reason = "part of it is about what this store does not have")]
mod health;
#[path = "../stores/operator.rs"]
mod operator;
#[path = "../stores/order.rs"]
mod order;
#[path = "../stores/streams.rs"]
mod streams;
