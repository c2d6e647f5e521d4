//! The fuzz targets of `tests/fuzz` without a fuzzer: over their seeds, and over a fixed number of texts that proptest makes.
//! Nightly compilers and libFuzzer are for whoever searches on.

#[path = "../../fuzz/src/lib.rs"]
pub mod targets;

use std::path::Path;

use proptest::prelude::*;
use roomed_relay::context_link::Fault;
use targets::{context_link, deep_link};

/// Every seed of a target, by name.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let files = std::fs::read_dir(folder).expect("the target has seeds");
    let files = files.map(|file| file.expect("a file").path());
    files.map(|file| (file.display().to_string(), std::fs::read(&file).expect("a seed"))).collect()
}

/// A seed's name says what comes out of it, so that the seeds lead as deep as they are meant to.
#[test]
fn the_seeds_lead_where_their_names_say() {
    let mut kinds = std::collections::BTreeSet::new();
    for (file, bytes) in seeds("context_link") {
        let found = match context_link::any(&bytes) {
            Some(Ok(_)) => "good",
            Some(Err(Fault::Altered)) => "altered",
            Some(Err(Fault::Expired)) => "expired",
            Some(Err(Fault::Early)) => "early",
            Some(Err(Fault::Incomplete)) => "incomplete",
            Some(Err(Fault::NotConfigured)) | None => "nothing",
        };
        assert!(file.contains(&format!("/{found}-")), "{file}: {found}");
        kinds.insert(found);
    }
    assert_eq!(kinds.len(), 5, "{kinds:?}");
    for (file, bytes) in seeds("deep_link") {
        let found = if deep_link::any(&bytes) { "/good-" } else { "/refused-" };
        assert!(file.contains(found), "{file}: {found}");
    }
}

proptest! {
    // A finding is in the message, and belongs into the seeds.
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_a_link_to_the_relay(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
        context_link::any(&bytes);
    }

    /// What comes near: the record's parameters with values that are nearly theirs.
    #[test]
    fn anything_like_a_record_is_a_link_to_the_relay(
        text in "4( ?&?(SessionID|ExternalID|ExternalIDType|PatientID|AppointmentTime|LinkValidityPeriod|Timestamp|x)=( |\\+|%20)?([0-3]|[0-9]{1,12}|08/1[0-2]/2020( |\\+)0[0-9]:00( |\\+)[AP]M|2020-08-11T(0[0-9]|1[3-5]):00(Z|-05:00)?|15971[67][0-9]{4}|\\PC{0,8})){0,8}"
    ) {
        context_link::any(text.as_bytes());
    }

    #[test]
    fn anything_is_a_link_to_the_companion(
        text in "(roomed:(//)?launch/?\\?)(x=[a-z]&)?iss=([!-~]|%[2-7][0-9a-f]|\\PC){1,6}&launch=([!-~]|%[2-7][0-9a-f]|\\PC){1,6}(&(handle|iss|x)=(\\PC|%[0-9a-fA-F]{2}){0,3})?"
    ) {
        deep_link::any(text.as_bytes());
    }

    #[test]
    fn a_seed_with_some_bytes_changed_is_a_link_to_both(
        seed in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        for (target, run) in [("context_link", true), ("deep_link", false)] {
            let all = seeds(target);
            let mut bytes = all[seed.index(all.len())].1.clone();
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            if run {
                context_link::any(&bytes);
            } else {
                deep_link::any(&bytes);
            }
        }
    }
}
