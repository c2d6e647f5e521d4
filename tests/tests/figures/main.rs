//! That a bench measures what it says it measures: every figure is there, in the form of the design, and nothing else is on
//! standard output. Run tiny; no test asserts a time. Bench `arrival` needs minutes even so and is not run here.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::process::{Command, Output};

use serde_json::Value;

const SERVER: &str = "ROOMED_TEST_POSTGRES";
/// Of each database, in reading order: what the name begins with after the database's, and the unit.
const FIGURES: [(&str, &str); 7] = [
    ("durable inserts with 64 callers", "/s"),
    ("inserts each time the log is forced to the disk, 64 callers", "inserts"),
    ("one durable insert alone", "us"),
    ("claim and settle, 500 rows waiting", "us"),
    ("counting them for /metrics, 500 rows waiting", "us"),
    ("drain of 200 rows", "/s"),
    ("accepted to delivered, idle EHR, p99", "us"),
];

fn bench(name: &str) -> Command {
    let mut bench = Command::new(env!("CARGO_BIN_EXE_bench"));
    bench.args([name, "--json", "--tiny"]);
    bench
}

/// The one JSON object that is to be all of standard output.
fn said(ended: &Output) -> Value {
    let words = String::from_utf8_lossy(&ended.stderr);
    serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("no JSON object: {error}\n{words}"))
}

#[test]
fn every_figure_of_the_outbox_is_measured_on_both_databases() {
    assert!(
        std::env::var_os(SERVER).is_some(),
        "{SERVER} names no PostgreSQL server: run `cargo xtask test stores`, or `cargo xtask postgres cargo test ...`"
    );
    let ended = bench("outbox").output().unwrap();
    let report = said(&ended);
    assert!(ended.status.success(), "{report}");
    assert_eq!(report["bench"], "outbox");
    let mut figures = report["figures"].as_array().unwrap().iter();
    for database in ["SQLite", "PostgreSQL"] {
        for (name, unit) in FIGURES {
            let figure = figures.next().unwrap_or_else(|| panic!("{database}: {name} is missing"));
            let full = figure["figure"].as_str().unwrap();
            assert!(full.starts_with(&format!("{database}: {name}")) && full.contains(" build)"), "{full}");
            assert_eq!(figure["unit"], unit, "{full}");
            for words in ["against", "aim"] {
                assert!(figure[words].as_str().is_some_and(|it| !it.is_empty()), "{full}: {words}");
            }
            for number in ["value", "against_value", "ratio"] {
                assert!(figure[number].as_f64().is_some_and(|it| it > 0.0), "{full}: {number} is {}", figure[number]);
            }
        }
    }
    assert_eq!(figures.next(), None);
}

/// Of a patient, in reading order: what the name begins with, and the unit.
const OF_A_PATIENT: [(&str, &str); 8] = [
    ("script of the visit page in one language", "KiB"),
    ("the visit page of use, nothing cached", "ms"),
    ("I'm ready -> durable commit -> the companion asks the desktop for the alert, p50", "us"),
    ("I'm ready -> durable commit -> the companion asks the desktop for the alert, p99", "us"),
    ("memory of a waiting patient, growth of VmRSS over 8", "KiB"),
    ("I'm ready answered, 8 wait and 5 arrive per second, p50", "us"),
    ("I'm ready answered, 8 wait and 5 arrive per second, p99", "us"),
    ("arrivals that failed, 8 wait and 5 arrive per second", "of all"),
];

#[test]
fn every_figure_of_a_patient_is_measured() {
    every_figure("patient", &OF_A_PATIENT);
}

/// Of the companion, in reading order: what the name begins with, and the unit.
const OF_THE_COMPANION: [(&str, &str); 8] = [
    ("companion, process start -> page painted", "ms"),
    ("deep link at a companion in the tray -> window made anew and painted", "ms"),
    ("memory of companion and web processes, PSS, the window shown", "MiB"),
    ("memory of companion and web processes, PSS, the window closed", "MiB"),
    ("idle, the window shown, processor time of companion and web processes", "ms/s"),
    ("idle, the window closed, processor time of companion and web processes", "ms/s"),
    ("relay, process start -> first answer that it is ready", "ms"),
    ("memory of a relay that nobody uses, PSS", "MiB"),
];

/// In a stage of its own (xtask/src/stages.rs), which has a desktop.
#[test]
fn every_figure_of_the_companion_is_measured() {
    assert!(
        std::env::var_os("ROOMED_SESSION_DIR").is_some(),
        "there is no desktop session: run `cargo xtask test window`, or `cargo xtask session -- cargo test ...`"
    );
    every_figure("companion", &OF_THE_COMPANION);
}

/// Runs it; all of these are there and nothing else is.
fn every_figure(name: &str, wanted: &[(&str, &str)]) {
    let ended = bench(name).output().unwrap();
    let report = said(&ended);
    assert!(ended.status.success(), "{report}");
    assert_eq!(report["bench"], name);
    let figures = report["figures"].as_array().unwrap();
    assert_eq!(figures.len(), wanted.len(), "{report}");
    for (figure, (name, unit)) in figures.iter().zip(wanted) {
        let full = figure["figure"].as_str().unwrap();
        assert!(full.starts_with(name), "{full}");
        assert_eq!(figure["unit"], *unit, "{full}");
        for words in ["against", "aim"] {
            assert!(figure[words].as_str().is_some_and(|it| !it.is_empty()), "{full}: {words}");
        }
        assert!(figure["against_value"].as_f64().is_some_and(|it| it > 0.0), "{full}: {figure}");
        let value = figure["value"].as_f64().unwrap();
        if *unit == "of all" {
            assert!(value.abs() < 0.1, "{figure}")
        } else {
            assert!(value > 0.0, "{full}: {figure}")
        }
    }
}

#[test]
fn without_a_server_it_says_how_to_get_one() {
    let ended = bench("outbox").env_remove(SERVER).output().unwrap();
    let report = said(&ended);
    assert!(!ended.status.success());
    assert!(report["figures"].as_array().unwrap().is_empty());
    assert!(report["error"].as_str().unwrap().contains("cargo xtask bench outbox"), "{report}");
}

#[test]
fn without_a_desktop_it_says_how_to_get_one() {
    let ended = bench("companion").env_remove("ROOMED_SESSION_DIR").output().unwrap();
    let report = said(&ended);
    assert!(!ended.status.success());
    assert!(report["figures"].as_array().unwrap().is_empty());
    assert!(report["error"].as_str().unwrap().contains("cargo xtask bench companion"), "{report}");
}
