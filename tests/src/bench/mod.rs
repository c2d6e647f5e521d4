//! `cargo xtask bench`: figures of the real relay, each beside a floor or a peer that is measured in the same run, taking
//! turns with it, because on a shared machine only ratios mean anything (dependencies.md 4.1). No test asserts a time.

mod arrival;
mod companion;
mod crowd;
mod floor;
mod machine;
mod outbox;
mod patient;
mod peer;
mod report;
mod scene;
mod tap;

pub use arrival::arrival;
pub use companion::{Sizes as CompanionSizes, companion};
pub use outbox::{Sizes, outbox};
pub use patient::{Sizes as PatientSizes, patient};
pub use peer::{Buffers, serve};
pub use report::{Figure, Report};
