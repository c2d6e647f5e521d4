//! The desktop's brain, without Tauri: deep links, Microsoft sign-in, the SMART launch, the inbox and its alerts.
//! The shell gives it [`Ports`] to the outside, draws [`view::AppState`] and calls [`Handle`]; it decides nothing itself.

mod agenda;
mod alerts;
mod board;
pub mod clock;
pub mod config;
mod core;
pub mod desktop;
mod doors;
mod epoch;
mod handle;
pub mod idle;
mod inbox;
mod launch;
pub mod link;
mod loopback;
pub mod muting;
mod pending;
pub mod ports;
mod problems;
mod relay;
#[cfg(target_os = "linux")]
pub mod remote;
pub mod secrets;
mod session;
pub mod sign_in;
mod teams;
pub mod view;

pub use alerts::summary;
pub use config::Config;
pub use handle::{Companion, Handle};
pub use ports::Ports;
pub use roomed_protocol::{AssignRequest, InviteRequest, InviteView, LateRequest, Problem, Role, SayRequest};
