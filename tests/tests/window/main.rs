//! The companion's real window on a real desktop: display, session bus, keychain, notifications, link handlers. Runs
//! inside `cargo xtask session -- ..` and fails anywhere else. What the companion decides is tested in its own crate.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod agenda;
mod alert;
mod connection;
mod cut;
mod end;
mod hidden;
mod inside;
mod join;
mod keychain;
mod links;
mod many;
mod muted;
mod offer;
mod patient;
mod pictures;
mod room;
mod shared;
mod two;
