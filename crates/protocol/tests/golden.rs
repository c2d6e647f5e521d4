//! Golden JSON: every wire message, and every variant of a tagged one, reads from and writes to the file of its name in
//! `golden/v2/`. A file is never edited once released: a changed message gets `golden/v3/`, and what v1 said is still read.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod samples;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use roomed_protocol::{
    CallbackRegistration, FromCompanion, FromRelay, JoinView, LaunchProof, MeView, NonceRequest, NonceView, Notice,
    NoticeKind, NoticesView, PatientView, Problem, ProblemCode, Role, SignInView, VisitsView,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use ts_rs::{Config, TS};

fn folder(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(version)
}

/// Compares both ways; tells the file it was.
fn agrees<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, sample: &T) -> String {
    let file = format!("{name}.json");
    if std::env::var_os("ROOMED_WRITE_GOLDEN").is_some() {
        let text = serde_json::to_string_pretty(sample).unwrap() + "\n";
        std::fs::write(folder("v2").join(&file), text).unwrap();
    }
    let text = std::fs::read_to_string(folder("v2").join(&file))
        .unwrap_or_else(|_| panic!("golden/v2/{file} is missing; ROOMED_WRITE_GOLDEN=1 writes it, to be looked at"));
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
    seen.insert(agrees("launch-proof.first-link", &samples::answered_launch_proof()));
    seen.insert(agrees("first-link", &samples::first_link()));
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
    seen.insert(agrees("agenda-view", &samples::agenda_view()));
    seen.insert(agrees("answer-request", &samples::answer_request()));
    seen.insert(agrees("device-report", &samples::device_report()));
    seen.insert(agrees("late-request", &samples::late_request()));
    seen.insert(agrees("offer-answer", &samples::offer_answer()));
    seen.insert(agrees("probe-view", &samples::probe_view()));
    seen.insert(agrees("staff-me", &samples::staff_me()));
    seen.insert(agrees("staff-view", &samples::staff_view()));
    for (variant, request) in samples::say_requests() {
        seen.insert(agrees(&format!("say-request.{variant}"), &request));
    }
    for (variant, request) in samples::invite_requests() {
        seen.insert(agrees(&format!("invite-request.{variant}"), &request));
    }
    for (variant, view) in samples::invite_views() {
        seen.insert(agrees(&format!("invite-view.{variant}"), &view));
    }
    for (variant, request) in samples::assign_requests() {
        seen.insert(agrees(&format!("assign-request.{variant}"), &request));
    }
    let files: BTreeSet<String> = std::fs::read_dir(folder("v2"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, seen);
}

/// Reads a file of version 1 as what its name says it is.
fn reads(name: &str, text: &str) -> Result<(), serde_json::Error> {
    fn read<T: DeserializeOwned>(text: &str) -> Result<(), serde_json::Error> {
        serde_json::from_str::<T>(text).map(drop)
    }
    match name.split('.').next().unwrap() {
        "callback-registration" => read::<CallbackRegistration>(text),
        "from-companion" => read::<FromCompanion>(text),
        "from-relay" => read::<FromRelay>(text),
        "join-view" => read::<JoinView>(text),
        "launch-proof" => read::<LaunchProof>(text),
        "me-view" => read::<MeView>(text),
        "nonce-request" => read::<NonceRequest>(text),
        "nonce-view" => read::<NonceView>(text),
        "notices-view" => read::<NoticesView>(text),
        "patient-view" => read::<PatientView>(text),
        "problem" => read::<Problem>(text),
        "sign-in-view" => read::<SignInView>(text),
        "visits-view" => read::<VisitsView>(text),
        other => panic!("nobody reads {other}"),
    }
}

#[test]
fn what_version_1_said_is_still_read() {
    let mut read = 0;
    for entry in std::fs::read_dir(folder("v1")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        reads(&name, &text).unwrap_or_else(|error| panic!("{name}: {error}"));
        read += 1;
    }
    assert_eq!(read, 23, "no file of version 1 is lost");
}

#[test]
fn a_word_of_a_later_version_takes_nothing_else_with_it() {
    let later = json!({"seq": 1, "visit": "v", "at": "a", "kind": "the-building-is-on-fire", "floor": 3});
    assert_eq!(serde_json::from_value::<Notice>(later).unwrap().kind, NoticeKind::Unknown);
    let mut visits = serde_json::to_value(samples::visits_view()).unwrap();
    let person = &mut visits["visits"][3]["participants"][0];
    person["role"] = json!("student");
    person["presence"] = json!("levitating");
    let read: VisitsView = serde_json::from_value(visits).unwrap();
    assert_eq!(read.visits.len(), samples::visits_view().visits.len());
    assert_eq!(read.visits[3].participants[0].role, Role::Unknown);
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
