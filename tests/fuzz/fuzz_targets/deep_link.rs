//! libFuzzer's way into `deep_link`; what is tried stands there.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::deep_link::any(bytes);
});
