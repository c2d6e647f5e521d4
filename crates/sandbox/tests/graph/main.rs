//! The stand-in Graph and Teams against what Microsoft documents: strictness, handshake, sealing, roster order, faults.
//! Whole sandbox in this process, real sockets; the receiving side is coded here on its own.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod calls;
mod desk;
mod faults;
mod guests;
mod meetings;
mod pages;
mod receiver;
mod roster;
mod subscriptions;
mod unsealed;
