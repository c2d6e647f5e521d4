//! Whole visits on the real binaries, played by `e2e::scenario`: that every step of the issue was confirmed by somebody
//! else, in order, and what chart, notification and files hold afterwards. Runs inside `cargo xtask session -- ..`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use e2e::scenario::{Report, Scenario, play};
use e2e::window::end_companions;
use serde_json::Value;
use tokio::sync::Mutex;

/// The session has one screen and one bus.
static DESKTOP: Mutex<()> = Mutex::const_new(());

struct Played {
    report: Report,
    folder: tempfile::TempDir,
}

async fn played(scenario: Scenario) -> Played {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    end_companions().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let report = play(scenario, folder.path()).await;
    end_companions().await.unwrap();
    assert!(report.ok, "{report:#?}");
    let leaks = (report.leaks.database, report.leaks.logs, report.leaks.urls);
    assert_eq!(leaks, (0, 0, 0), "{:?}", report.found);
    Played { report, folder }
}

impl Played {
    fn steps(&self) -> Vec<&'static str> {
        self.report.steps.iter().map(|step| step.step).collect()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.folder.path().join(name)).unwrap()).unwrap()
    }

    /// Whose connection status the chart was told, in time order: (external id type, status).
    fn chart(&self) -> Vec<(u64, u64)> {
        let number = |of: &Value, key: &str| of[key].as_str().map_or(of[key].as_u64(), |it| it.parse().ok()).unwrap();
        let told = |it: &Value| (number(it, "external_id_type"), number(it, "connection_status"));
        self.report.write_backs.iter().map(told).collect()
    }

    /// Patient and provider, connected and disconnected, by the numbers that this organization's EHR uses.
    fn chart_holds_both_ends(&self) {
        let status = &self.json("organization.json")["ehr"]["connection_status"];
        let number = |pointer: &str| status.pointer(pointer).and_then(Value::as_u64).unwrap();
        let (connected, disconnected) = (number("/connected"), number("/disconnected"));
        let (patient, provider) = (number("/external_id_type/patient"), number("/external_id_type/practitioner"));
        let chart = self.chart();
        for whose in [patient, provider] {
            let of_one: Vec<u64> = chart.iter().filter(|(of, _)| *of == whose).map(|(_, status)| *status).collect();
            assert_eq!(of_one.first(), Some(&connected), "{chart:?}");
            assert_eq!(of_one.last(), Some(&disconnected), "{chart:?}");
        }
        assert!(
            self.report.write_backs.iter().all(|it| it["conference_id"] == self.report.write_backs[0]["conference_id"])
        );
    }

    /// What the desktop showed says that somebody is there and when, and nobody's name.
    fn notification_is_free_of_names(&self) {
        let text = |key: &str| self.report.notification[key].as_str().unwrap();
        assert_eq!(text("summary"), "Patient ready");
        let digits: Vec<bool> = text("body").chars().map(|it| it.is_ascii_digit()).collect();
        assert_eq!(digits, [true, true, false, true, true], "{}", text("body"));
    }
}

const MEETING: [&str; 5] = ["deep-link", "smart-launch", "visit-opened", "meeting-created", "subscription-validated"];
const ARRIVAL: [&str; 3] = ["patient-waiting", "chart-shows-patient", "notification-shown"];
const VISIT: [&str; 7] = [
    "provider-joined",
    "chart-shows-provider",
    "patient-connected",
    "patient-disconnected",
    "provider-disconnected",
    "chart-shows-disconnects",
    "visit-closed",
];

#[tokio::test]
async fn the_clinician_begins_then_the_patient_comes() {
    let _alone = DESKTOP.lock().await;
    let played = played(Scenario::ClinicianFirst).await;
    assert_eq!(played.steps(), [&["sign-in"][..], &MEETING, &ARRIVAL, &VISIT].concat());
    played.chart_holds_both_ends();
    played.notification_is_free_of_names();
}

#[tokio::test]
async fn the_patient_comes_first_and_begin_goes_straight_in() {
    let _alone = DESKTOP.lock().await;
    let played = played(Scenario::PatientFirst).await;
    assert_eq!(played.steps(), [&["sign-in"][..], &ARRIVAL, &MEETING, &VISIT].concat());
    played.chart_holds_both_ends();
    played.notification_is_free_of_names();
}

#[tokio::test]
async fn the_patient_comes_first_and_nobody_is_linked() {
    let _alone = DESKTOP.lock().await;
    let played = played(Scenario::PatientFirstUnlinked).await;
    assert_eq!(played.steps(), ["patient-waiting", "delegate-alerted", "page-says-so"]);
    played.notification_is_free_of_names();
    let journal = played.json("journal.json");
    assert!(journal["entries"].as_array().unwrap().iter().all(|entry| entry["what"] != "meeting.created"));
    // The chart knows of the arrival, and of nobody else.
    assert_eq!(played.chart().len(), 1);
}

const STAFF: [&str; 2] = ["staff-see-arrival", "patient-roomed"];
const GUESTS: [&str; 3] = ["interpreter-waiting", "colleague-waiting", "family-waiting"];
const MET: [&str; 6] = [
    "provider-joined",
    "patient-connected",
    "interpreter-connected",
    "colleague-connected",
    "family-connected",
    "five-inside",
];
const LEFT: [&str; 7] = [
    "ended-for-all",
    "patient-disconnected",
    "interpreter-disconnected",
    "everybody-out",
    "visit-closed",
    "schedule-tells-it",
    "ledger-tells-it",
];

#[tokio::test]
async fn everybody_is_in_and_the_schedule_and_the_ledger_tell_it() {
    let _alone = DESKTOP.lock().await;
    let played = played(Scenario::Everyone).await;
    let signed_in = ["sign-in", "staff-sign-in"];
    assert_eq!(played.steps(), [&signed_in[..], &MEETING, &ARRIVAL, &STAFF, &GUESTS, &MET, &LEFT].concat());
    played.chart_holds_both_ends();
    played.notification_is_free_of_names();
    // Of the five inside two are in the chart, each once connected and once disconnected.
    assert_eq!(played.chart().len(), 4, "{:?}", played.report.write_backs);
}
