//! Delivery, simulated: real workers over a store in memory, against EHRs that misbehave, in virtual time and from a seed.
//! `ROOMED_SEED=n` repeats one seed with its journal, `ROOMED_SEEDS=n` runs so many instead of a few, and the figures go
//! to the file that `ROOMED_SIMULATION_REPORT` names. What a database does to rows is the conformance suite's part.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod chaos;
mod checker;
mod ehr;
mod memory;
mod node;
mod plan;
mod report;
mod run;
mod scenarios;
mod traffic;
mod truth;
mod wire;
mod world;
