//! Graph's plumbing: calls out (`client.rs`, `token.rs`, `subscription.rs`, `attendance.rs`, `calls.rs`) and notifications in
//! (`notification.rs` reads the envelope, `validation.rs` its tokens, `decrypt.rs` opens, `event.rs` reads what was
//! sealed, `receive.rs` puts them in order). Policy is in `../teams.rs`.

pub(crate) mod attendance;
pub(crate) mod calls;
pub mod certificate;
pub mod client;
pub mod decrypt;
pub(crate) mod event;
pub mod notification;
pub mod receive;
pub(crate) mod subscription;
#[cfg(test)]
mod tests;
pub mod token;
pub mod validation;

pub use self::certificate::{Certificate, CertificateError, Certificates, Shelf};
pub use self::notification::{Batch, LifecycleEvent, LifecycleKind};
pub use self::receive::{DropReason, Expected, Received, Receiver, client_state_hash};
