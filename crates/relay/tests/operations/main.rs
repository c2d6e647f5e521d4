//! What an operator relies on: the tools of the command line, backup and restore, and that what is over is really gone.
//! On real SQLite files, real keys and, for the commands, the real binary. The stores' own promises are `tests/stores`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod audit;
mod outbox;
mod place;
mod program;
mod restore;
mod shredding;
mod thief;
