//! Pages for people who sign in with a browser: a clinician without the companion today, staff and the portal by the same
//! sign-in. Who they are is in a session at the relay; the browser has a cookie that means nothing elsewhere.

pub(super) mod launch;
pub(super) mod offer;
pub(super) mod page;
mod session;
pub(super) mod sign_in;
pub(super) mod visit;

pub(super) use session::{WebCaller, cookie_name};
