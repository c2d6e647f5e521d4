//! The whole system on its real binaries: what scenarios, window tests, demo and bench have in common.
//! The only place that knows relay, companion and sandbox at once. No rule of the product is decided here.

pub mod bench;
pub mod browser;
pub mod chaos;
pub mod clinician;
pub mod clock;
pub mod demo;
pub mod line;
pub mod notifications;
pub mod redirect;
pub mod room;
pub mod scan;
pub mod scenario;
pub mod stack;
pub mod wait;
pub mod window;
