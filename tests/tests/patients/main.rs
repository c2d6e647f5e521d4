//! Patients, guests, staff and clinicians with real Chromiums on a real relay and the stand-in hospital: what happens to
//! them when a line is cut, a phone is locked, a relay is restarted, a second device is used; and what their browsers are
//! asked to keep and to fetch. Leaves out the companion's window (target `window`) and whole visits (`scenarios`).
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod clinic;
mod devices;
mod ending;
mod interrupted;
mod languages;
mod meeting;
mod restart;
mod tabs;
mod traffic;
