//! The relay: visits, meetings, roster events, write-back, push and the pages patients see. Read `arrivals.rs` first:
//! everything that happens to a visit goes through it. The URL table is `http/mod.rs`; rules about visits are the
//! crate `visit`, and what clients are told is the crate `protocol`.

pub mod arrivals;
pub mod clock;
pub mod config;
pub mod context_link;
pub mod doctor;
pub mod ehr;
pub mod failpoint;
pub mod http;
pub mod hub;
pub mod identity;
pub mod invitations;
pub mod keys;
pub mod ledger;
pub mod log;
pub mod meeting;
pub mod names;
pub mod neighbours;
pub mod nodes;
pub mod notices;
pub mod offers;
pub mod opening;
pub mod outbox;
mod pages;
mod promises;
pub mod query;
pub mod record;
pub mod relay;
pub mod removal;
pub mod restore;
mod rounds;
pub mod sender;
pub mod serve;
pub mod shredding;
pub mod stop;
pub mod store;
pub mod timers;
pub mod trust;
pub mod turns;
pub mod wire;
pub mod witness;
