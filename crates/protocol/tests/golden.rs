//! Golden JSON: every wire message, and every variant of a tagged one, reads from and writes to the file of its name in
//! `golden/v1/`. A file is never edited once released: a changed message gets `golden/v2/`, and v1 must still be read.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod samples;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use roomed_protocol::{
    CallbackRegistration, FromCompanion, FromRelay, LaunchProof, NonceRequest, Notice, PatientView, Problem,
    ProblemCode,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use ts_rs::{Config, TS};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

/// Compares both ways; tells the file it was.
fn agrees<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, sample: &T) -> String {
    let file = format!("{name}.json");
    let text = std::fs::read_to_string(folder().join(&file)).unwrap_or_else(|_| {
        panic!("golden/v1/{file} is missing; it should hold {}", serde_json::to_string_pretty(sample).unwrap())
    });
    let golden: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(sample).unwrap(), golden, "writing {name}");
    assert_eq!(&serde_json::from_value::<T>(golden).unwrap(), sample, "reading {name}");
    file
}

#[test]
fn every_message_agrees_with_its_file_and_no_file_is_without_a_message() {
    let mut seen = BTreeSet::new();
    seen.insert(agrees("sign-in-view", &samples::sign_in_view()));
    seen.insert(agrees("me-view", &samples::me_view()));
    seen.insert(agrees("nonce-request", &samples::nonce_request()));
    seen.insert(agrees("nonce-view", &samples::nonce_view()));
    seen.insert(agrees("callback-registration", &samples::callback_registration()));
    seen.insert(agrees("launch-proof", &samples::launch_proof()));
    seen.insert(agrees("launch-proof.native", &samples::native_launch_proof()));
    seen.insert(agrees("join-view", &samples::join_view()));
    seen.insert(agrees("join-view.browser-only", &samples::browser_join_view()));
    seen.insert(agrees("visits-view", &samples::visits_view()));
    seen.insert(agrees("notices-view", &samples::notices_view()));
    seen.insert(agrees("problem", &samples::problem()));
    for (variant, message) in samples::from_relay() {
        seen.insert(agrees(&format!("from-relay.{variant}"), &message));
    }
    for (variant, message) in samples::from_companion() {
        seen.insert(agrees(&format!("from-companion.{variant}"), &message));
    }
    for (variant, view) in samples::patient_views() {
        seen.insert(agrees(&format!("patient-view.{variant}"), &view));
    }
    let files: BTreeSet<String> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, seen);
}

#[test]
fn a_message_of_a_later_version_is_ignored_and_an_added_field_too() {
    let later = json!({"type": "staff-room", "door": 3});
    assert_eq!(serde_json::from_value::<FromRelay>(later.clone()).unwrap(), FromRelay::Unknown);
    assert_eq!(serde_json::from_value::<FromCompanion>(later).unwrap(), FromCompanion::Unknown);
    let hint = json!({"type": "hint", "cursor": 7, "urgency": "high"});
    assert_eq!(serde_json::from_value::<FromRelay>(hint).unwrap(), FromRelay::Hint { cursor: 7 });
    let page = json!({"organization": "N", "start": "s", "now": "n", "stage": "ended", "survey": true});
    assert!(serde_json::from_value::<PatientView>(page).is_ok());
    let notice = json!({"seq": 1, "visit": "v", "at": "a", "kind": "alert-withdrawn", "by": "x"});
    assert!(serde_json::from_value::<Notice>(notice).is_ok());
}

#[test]
fn a_request_with_a_field_nobody_knows_is_refused() {
    let mut proof = serde_json::to_value(samples::launch_proof()).unwrap();
    proof["patient_name"] = json!("x");
    assert!(serde_json::from_value::<LaunchProof>(proof).is_err());
    assert!(serde_json::from_value::<NonceRequest>(json!({"iss": "i", "extra": 1})).is_err());
    assert!(
        serde_json::from_value::<CallbackRegistration>(json!({"state_sha256": "0", "port": 1, "extra": 1})).is_err()
    );
}

#[test]
fn every_code_says_who_can_fix_it_and_reads_back() {
    let listed = include_str!("golden/problem-codes.txt");
    let known = ProblemCode::inline(&Config::new());
    assert_eq!(listed.lines().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" | "), known);
    for word in listed.lines() {
        let code: ProblemCode = serde_json::from_value(json!(word)).unwrap();
        assert_eq!(serde_json::to_value(code).unwrap(), json!(word));
        let problem = Problem { code, who: code.who(), ..samples::problem() };
        assert_eq!(serde_json::from_value::<Problem>(serde_json::to_value(&problem).unwrap()).unwrap(), problem);
    }
}

#[test]
fn debug_output_of_a_proof_and_a_join_link_holds_no_secret() {
    let said = format!("{:?} {:?}", samples::launch_proof(), samples::join_view());
    let proof = samples::launch_proof();
    for secret in
        [Some(proof.id_token), proof.handle, proof.patient, proof.encounter, Some(samples::join_view().https_url)]
    {
        assert!(!said.contains(&secret.unwrap()), "{said}");
    }
}
