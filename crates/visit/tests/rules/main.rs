//! The rules of a visit, one module per rule, and the properties that hold for any order of testimony.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod alert;
mod arrival;
mod attribution;
mod called_off;
mod closing;
mod door;
mod doubt;
mod grace;
mod group;
mod orders;
mod people;
mod perhaps_met;
mod refresh;
mod stage;
mod story;
mod unclear;
mod words;
