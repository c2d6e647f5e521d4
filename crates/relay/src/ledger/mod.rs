//! The ledger: what was tried at EHRs, append-only and chained. A record and its link are `record.rs`; the stores append
//! in the transaction of the step itself. An auditor's side is `audit.rs` (what is wrong) and `copy.rs` (reading).

pub mod audit;
pub mod copy;
mod record;

pub use record::{BEGINNING, Hash, Kind, Record};
