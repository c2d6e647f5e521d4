//! What a played visit reports: its steps with who confirmed them, the notification as the bus saw it, the chart as the
//! EHR has it, and what the leak scan found.

use serde::Serialize;
use serde_json::{Value, json};

use super::people::Cast;
use crate::clock::Stopwatch;
use crate::scan::{self, Leak};

/// One confirmed (or failed) step.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Its name.
    pub step: &'static str,
    /// From the step before it.
    pub ms: u64,
    /// Confirmed.
    pub ok: bool,
    /// The other party that confirmed it.
    pub seen_by: &'static str,
}

/// How many values were found where they must not be.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Leaks {
    /// In the relay's database and its write-ahead log.
    pub database: usize,
    /// In the relay's and the companion's logs and files.
    pub logs: usize,
    /// In deep links, in addresses the browser was asked for, in Graph's addresses.
    pub urls: usize,
}

/// The whole report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Every step was confirmed and nothing leaked.
    pub ok: bool,
    /// In order.
    pub steps: Vec<Step>,
    /// As the desktop's bus saw it.
    pub notification: Value,
    /// As the EHR has them, in time order.
    pub write_backs: Vec<Value>,
    /// What the scan found.
    pub leaks: Leaks,
    /// Which field was found where; empty unless something leaked.
    pub found: Vec<Leak>,
    /// Why it stopped, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Writes the report while the visit is played.
pub(super) struct Recorder {
    last: Stopwatch,
    steps: Vec<Step>,
    current: (&'static str, &'static str),
    notification: Value,
    write_backs: Vec<Value>,
    found: Vec<Leak>,
    leaks: Option<Leaks>,
}

impl Recorder {
    pub(super) fn new() -> Self {
        Self {
            last: Stopwatch::start(),
            steps: Vec::new(),
            current: ("start", "nobody"),
            notification: Value::Null,
            write_backs: Vec::new(),
            found: Vec::new(),
            leaks: None,
        }
    }

    /// Says which step is being tried; if it fails, the report names it.
    pub(super) fn trying(&mut self, step: &'static str, seen_by: &'static str) {
        eprintln!("  {step} ...");
        self.current = (step, seen_by);
    }

    /// The step that was tried is confirmed.
    pub(super) fn confirmed(&mut self) {
        self.push(true);
    }

    /// What came before is not part of the next step.
    pub(super) fn restart(&mut self) {
        self.last = Stopwatch::start();
    }

    fn push(&mut self, ok: bool) {
        let ms = u64::try_from(self.last.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (step, seen_by) = self.current;
        self.steps.push(Step { step, ms, ok, seen_by });
        self.last = Stopwatch::start();
    }

    /// Takes in what the other parties hold at the end: the bus, the EHR, the files.
    pub(super) async fn keep(&mut self, cast: &Cast<'_>) {
        if let Some(seen) = cast.bus.seen().first() {
            self.notification = json!({ "summary": seen.summary, "body": seen.body });
        }
        self.write_backs = cast.stack.sandbox.write_backs().await.unwrap_or_default();
        let Ok(mut published) = cast.stack.sandbox.get("/canaries").await else { return };
        if let Some(all) = published["canaries"].as_array_mut() {
            let secret = |field: &str, value: &str| json!({ "field": field, "value": value, "kind": "secret" });
            // Secrets of the relay's own; the sandbox cannot know them.
            for (who, browser) in cast.browsers() {
                for name in ["roomed-visit", "roomed-web"] {
                    if let Ok(cookie) = browser.page.get_named_cookie(name).await {
                        all.push(secret(&format!("relay.{name} of the {who}"), cookie.value()));
                    }
                }
            }
            all.extend(cast.secrets.iter().map(|(field, value)| secret(field, value)));
        }
        cast.close_browsers().await;
        let Ok(mut journal) = cast.stack.sandbox.get("/journal").await else { return };
        let Ok(asked) = cast.stack.sandbox.get("/asked").await else { return };
        journal["asked"] = asked;
        let keep = |name: &str, value: &Value| std::fs::write(cast.stack.directory.join(name), value.to_string());
        // Kept for a person to look at; the report does not depend on it.
        let _ = (keep("canaries.json", &published), keep("journal.json", &journal));
        let _ = keep("organization.json", &cast.organization.0);
        let places = scan::places(&cast.stack.directory, &published, &journal, &cast.bus.seen());
        self.leaks = Some(Leaks { database: places.database.len(), logs: places.logs.len(), urls: places.urls.len() });
        self.found = [places.database, places.logs, places.urls].concat();
    }

    pub(super) fn finish(mut self, outcome: anyhow::Result<()>) -> Report {
        let error = outcome.err().map(|error| format!("{error:#}"));
        if error.is_some() {
            self.push(false);
        }
        // A scan that did not take place is no clean scan.
        let scanned = self.leaks.is_some();
        let ok = error.is_none() && scanned && self.found.is_empty();
        Report {
            ok,
            steps: self.steps,
            notification: self.notification,
            write_backs: self.write_backs,
            leaks: self.leaks.unwrap_or_default(),
            found: self.found,
            error,
        }
    }
}
