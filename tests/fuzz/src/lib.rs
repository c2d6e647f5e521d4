//! What is fuzzed: one function per reader of links from outside, from any bytes to a panic if the reader breaks a promise.
//! Used by libFuzzer's targets beside this folder, and by the ordinary tests of `tests/tests/fuzz`.

pub mod context_link;
pub mod deep_link;
