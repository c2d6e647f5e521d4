//! What the vendors' tests share, and what holds for all of them: every resource that is sent is valid R4, in the eyes of
//! others, and refers only to what R4 lets it refer to.

pub(super) mod fake;
mod references;
mod shapes;
mod witness;
