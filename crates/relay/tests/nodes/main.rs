//! Relays that share a PostgreSQL database, each served as `roomed-relay serve` does it, with patients' pages on real
//! sockets: what one of them believes when another restarts, dies, freezes, or has the clinician. What the database
//! promises them is `tests/stores`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod clinicians;
#[path = "../operations/home.rs"]
#[expect(dead_code, reason = "part of it is for what an operator does")]
mod home;
mod meetings;
mod node;
mod page;
mod pages;
#[path = "../operations/place.rs"]
#[expect(dead_code, reason = "part of it is for what an operator does")]
mod place;
#[path = "../operations/provider.rs"]
#[expect(dead_code, reason = "part of it is for what an operator does")]
mod provider;
#[path = "../stores/server.rs"]
mod server;
#[path = "../operations/server_time.rs"]
mod server_time;
mod turns;
