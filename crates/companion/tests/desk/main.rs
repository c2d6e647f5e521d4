//! The companion against a small world of its own: relay, identity provider and EHR on one loopback port, doubles for the
//! desktop. The same against the stand-in hospital and on the real desktop is in the package `e2e`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod agenda;
mod alerts;
#[cfg(target_os = "linux")]
mod bus;
mod clock;
mod desktop;
mod endings;
mod first_link;
mod guard;
mod help;
mod identity;
#[cfg(target_os = "linux")]
mod idle;
mod launches;
#[cfg(target_os = "linux")]
mod muted;
mod offers;
mod offline;
mod people;
mod reconnects;
mod refusals;
#[cfg(target_os = "linux")]
mod remote;
mod shared;
mod sign_in;
mod slow;
mod socket;
mod world;
