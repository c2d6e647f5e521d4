//! Notifications as Graph sends them and as it never would. The stand-in Entra is `identity/testing.rs`.

mod golden;
mod hostile;
mod receiving;
