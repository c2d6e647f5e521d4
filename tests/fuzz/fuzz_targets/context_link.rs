//! libFuzzer's way into `context_link`; what is tried stands there.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::context_link::any(bytes);
});
