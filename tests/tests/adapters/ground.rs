//! A stack of its own for a test: who plays, what stands written, what a refusal must be, and the closing leak scan.

use anyhow::Context;
use e2e::clinician::{Answer, Clinician};
use e2e::scan;
use e2e::stack::{Options, Organization, Stack};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Row, SqliteConnection};
use tempfile::TempDir;

use crate::chart::sandbox_word;

/// Status, `code` and `who` of a problem.
pub(crate) type Refusal = (u16, &'static str, &'static str);

/// A hospital and a relay, and what their administrators know.
pub(crate) struct Ground {
    pub(crate) stack: Stack,
    pub(crate) northside: Organization,
    pub(crate) harbor: Organization,
    /// Which EHR both have.
    pub(crate) vendor: &'static str,
    _folder: TempDir,
}

impl AsRef<Stack> for Ground {
    fn as_ref(&self) -> &Stack {
        &self.stack
    }
}

/// Everything that a refused request must leave as it was.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Written {
    rows: Vec<(&'static str, i64)>,
    visits: Vec<(String, String)>,
    hospital: Vec<String>,
    write_backs: usize,
    figures: Vec<String>,
}

impl Written {
    /// Rows of one table.
    pub(crate) fn rows_of(&self, table: &str) -> usize {
        let found = self.rows.iter().find(|(name, _)| *name == table);
        found.and_then(|(_, rows)| usize::try_from(*rows).ok()).unwrap_or_default()
    }
}

impl Ground {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::start_with(|_| {}).await
    }

    /// A hospital that has made other choices.
    pub(crate) async fn start_with(adjust: fn(&mut Value)) -> anyhow::Result<Self> {
        Self::start_at("epic", adjust).await
    }

    /// A hospital with another EHR; `vendor` in the relay's word.
    pub(crate) async fn start_at(vendor: &'static str, adjust: fn(&mut Value)) -> anyhow::Result<Self> {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        // Tests look again and again; `limits.rs` is where the limits are tried.
        let roomy: fn(&mut Value) = |configuration| {
            configuration["limits"] = json!({ "anonymous_per_minute": 100_000, "person_per_minute": 100_000 });
        };
        let options = Options { adjust: vec![roomy, adjust], ..Options::default() };
        let folder = tempfile::tempdir()?;
        let stack = Stack::start_at(folder.path(), vendor, &options).await?;
        let northside = stack.sandbox.organization("northside").await?;
        let harbor = stack.sandbox.organization("harbor").await?;
        Ok(Self { stack, northside, harbor, vendor, _folder: folder })
    }

    /// Northside's n-th practitioner, signed in to Microsoft.
    pub(crate) async fn clinician(&self, n: usize) -> anyhow::Result<Clinician> {
        let person = self.northside.of_role("practitioner", n)?;
        let mut clinician = Clinician::sign_in(&self.stack, &self.northside, person).await?;
        let ehr = self.northside.ehr(self.vendor)?;
        let text = |name: &str| ehr[name].as_str().unwrap_or_default().to_owned();
        (clinician.iss, clinician.app.client_id) = (text("iss"), text("companion_client_id"));
        Ok(clinician)
    }

    /// Northside's delegate.
    pub(crate) async fn delegate(&self) -> anyhow::Result<Clinician> {
        Clinician::sign_in(&self.stack, &self.northside, self.northside.of_role("staff", 0)?).await
    }

    /// Northside's n-th patient.
    pub(crate) fn patient(&self, n: usize) -> anyhow::Result<&Value> {
        self.northside.0.pointer(&format!("/patients/{n}")).context("there is no such patient")
    }

    /// A visit of Northside's n-th practitioner and m-th patient, starting now; answers with `appointment_id`, `csn`,
    /// `encounter_id`.
    pub(crate) async fn schedule(&self, practitioner: usize, patient: usize) -> anyhow::Result<Value> {
        self.schedule_with(practitioner, patient, |_| {}).await
    }

    /// The same with something else than usual about it.
    pub(crate) async fn schedule_unusual(&self, change: impl FnOnce(&mut Value)) -> anyhow::Result<Value> {
        self.schedule_with(0, 0, change).await
    }

    /// A group visit of Northside's first practitioner with these patients, starting now; answers with `conference_id`
    /// and the `appointments`, in the same order.
    pub(crate) async fn schedule_group(&self, patients: &[usize]) -> anyhow::Result<Value> {
        let ids = patients.iter().map(|n| Ok(self.patient(*n)?["patient_id"].clone()));
        let body = json!({
            "org": "northside", "patient_ids": ids.collect::<anyhow::Result<Vec<_>>>()?,
            "practitioner_id": self.northside.of_role("practitioner", 0)?["practitioner_id"],
            "start": e2e::clock::now().to_string(),
        });
        self.stack.sandbox.send(Method::POST, "/groups", &body).await
    }

    async fn schedule_with(
        &self,
        practitioner: usize,
        patient: usize,
        change: impl FnOnce(&mut Value),
    ) -> anyhow::Result<Value> {
        let mut body = json!({
            "ehr": sandbox_word(self.vendor),
            "org": "northside",
            "patient_id": self.patient(patient)?["patient_id"],
            "practitioner_id": self.northside.of_role("practitioner", practitioner)?["practitioner_id"],
            "type": self.northside.text("/ehr/virtual_visit_types/0/code")?,
            "start": e2e::clock::now().to_string(),
        });
        change(&mut body);
        self.stack.sandbox.send(Method::POST, "/appointments", &body).await
    }

    /// Sets a fault switch.
    pub(crate) async fn fault(&self, fault: Value) -> anyhow::Result<()> {
        self.stack.sandbox.send(Method::PUT, "/faults", &fault).await.map(drop)
    }

    /// Clears all fault switches.
    pub(crate) async fn no_faults(&self) -> anyhow::Result<()> {
        self.stack.sandbox.send(Method::DELETE, "/faults", &Value::Null).await.map(drop)
    }

    /// The appointment's mark in the schedule: `Connected`, `Disconnected` or `Not connected`.
    pub(crate) async fn mark(&self, appointment: &Value, whose: &str) -> anyhow::Result<String> {
        let all = self.stack.sandbox.get("/appointments").await?;
        let all = all["appointments"].as_array().context("there are no appointments")?;
        let found = all.iter().find(|it| it["appointment_id"] == appointment["appointment_id"]);
        Ok(found.context("the appointment is gone")?["marks"][whose].as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the schedule shows it.
    pub(crate) async fn chart_shows(&self, appointment: &Value, whose: &str, words: &str) -> anyhow::Result<()> {
        e2e::wait::until(&format!("the chart shows the {whose} as {words}"), async || {
            Ok((self.mark(appointment, whose).await? == words).then_some(()))
        })
        .await
    }

    /// The statuses the chart accepted for one participant of this appointment, in time order.
    pub(crate) async fn accepted(&self, appointment: &Value, kind: &str) -> anyhow::Result<Vec<Value>> {
        let kind = self.northside.0.pointer(&format!("/ehr/connection_status/external_id_type/{kind}")).cloned();
        let all = self.stack.sandbox.write_backs().await?;
        let own =
            |it: &Value| it["conference_id"] == appointment["csn"] && Some(&it["external_id_type"]) == kind.as_ref();
        Ok(all.into_iter().filter(own).collect())
    }

    /// One of the relay's figures; 0 while it has none.
    pub(crate) async fn figure(&self, name: &str) -> anyhow::Result<f64> {
        let text = reqwest::get(format!("{}/metrics", self.stack.relay)).await?.text().await?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        Ok(line.unwrap_or(0.0))
    }

    /// What stands written once nothing moves any more: two looks at it, one after the other, see the same.
    pub(crate) async fn at_rest(&self) -> anyhow::Result<Written> {
        let mut last = self.written().await?;
        e2e::wait::until("nothing is written any more", async || {
            let before = std::mem::replace(&mut last, self.written().await?);
            Ok((before == last).then(|| last.clone()))
        })
        .await
    }

    /// What stands written at the relay and in the hospital.
    pub(crate) async fn written(&self) -> anyhow::Result<Written> {
        let file = SqliteConnectOptions::new().filename(self.stack.directory.join("relay.sqlite")).read_only(true);
        let mut database = SqliteConnection::connect_with(&file).await?;
        let mut rows = Vec::new();
        for (table, count) in [
            ("visit", "SELECT count(*) FROM visit"),
            ("visit_member", "SELECT count(*) FROM visit_member"),
            ("inbox", "SELECT count(*) FROM inbox"),
            ("notice", "SELECT count(*) FROM notice"),
            ("outbox", "SELECT count(*) FROM outbox"),
            ("link", "SELECT count(*) FROM link"),
            ("watch", "SELECT count(*) FROM watch"),
            ("page_session", "SELECT count(*) FROM page_session"),
            ("web_session", "SELECT count(*) FROM web_session"),
        ] {
            rows.push((table, sqlx::query_scalar(count).fetch_one(&mut database).await?));
        }
        let visits = sqlx::query("SELECT id, stage FROM visit ORDER BY id").fetch_all(&mut database).await?;
        let visits = visits.iter().map(|row| Ok((row.try_get("id")?, row.try_get("stage")?)));
        let visits = visits.collect::<Result<_, sqlx::Error>>()?;
        database.close().await?;
        let made = ["meeting.created", "meeting.updated", "subscription.created", "connection_status"];
        let journal = self.stack.sandbox.journal().await?;
        let hospital = journal.into_iter().map(|entry| entry.what).filter(|what| made.contains(&what.as_str()));
        let figures = reqwest::get(format!("{}/metrics", self.stack.relay)).await?.text().await?;
        let counted = |line: &&str| {
            line.starts_with("roomed_visit_effects_total") || line.starts_with("roomed_graph_events_total")
        };
        let mut figures: Vec<_> = figures.lines().filter(counted).map(str::to_owned).collect();
        // Their order is the exporter's business.
        figures.sort();
        Ok(Written {
            rows,
            visits,
            hospital: hospital.collect(),
            write_backs: self.stack.sandbox.write_backs().await?.len(),
            figures,
        })
    }

    /// None of these secrets stands in the relay's database or log.
    pub(crate) fn holds_nowhere(&self, secrets: &[&str]) -> anyhow::Result<()> {
        let all: Vec<_> = secrets.iter().map(|it| scan::Canary::new("secret", it)).collect();
        for place in ["relay.sqlite", "relay.sqlite-wal", "logs/relay.log"] {
            let found = scan::file(&self.stack.directory.join(place), &all);
            anyhow::ensure!(found.is_empty(), "{found:?}");
        }
        Ok(())
    }

    /// Nothing that must stay where it belongs is found in the relay's database and log, looked for while the relay runs
    /// and after it has stopped (which moves the write-ahead log into the database), nor of a patient in what Graph and
    /// Teams were told.
    pub(crate) async fn no_leaks(mut self) -> anyhow::Result<()> {
        let all = scan::canaries(&self.stack.sandbox.get("/canaries").await?);
        anyhow::ensure!(all.len() > 10, "the sandbox publishes too little to look for");
        let log = std::fs::metadata(self.stack.directory.join("logs/relay.log"))?.len();
        anyhow::ensure!(log > 0, "the relay logs nothing, so there is nothing to look through");
        for running in [true, false] {
            if !running {
                self.stack.stop_relay().await?;
            }
            for place in ["relay.sqlite", "relay.sqlite-wal", "logs/relay.log"] {
                let found = scan::file(&self.stack.directory.join(place), &all);
                anyhow::ensure!(found.is_empty(), "{found:?}");
            }
        }
        let told = self.stack.sandbox.journal().await?.into_iter().filter(|it| it.who == "graph" || it.who == "teams");
        let told: String = told.map(|it| it.detail.to_string()).collect();
        let of_patients: Vec<_> = all.into_iter().filter(|it| it.field.starts_with("patient.")).collect();
        let found = scan::bytes("what Microsoft was told", told.as_bytes(), &of_patients);
        anyhow::ensure!(found.is_empty(), "{found:?}");
        Ok(())
    }
}

/// A refusal is exactly this one.
#[track_caller]
pub(crate) fn refused(what: &str, answer: &Answer, expected: Refusal) {
    assert_eq!(answer.problem(), expected, "{what}: {}", answer.body);
    assert_eq!(answer.body["status"], expected.0, "{what}: the body says another status");
    assert_eq!(answer.body["type"], "about:blank", "{what}: not a problem of RFC 9457");
}

/// A visit without what differs from one request to the next, to compare two looks at it.
pub(crate) fn story(visit: &Value) -> Value {
    let list = |name: &str| visit[name].as_array().cloned().unwrap_or_default();
    let person = |it: &Value| json!({ "role": it["role"], "presence": it["presence"], "chart": it["chart"]["state"] });
    let line = |it: &Value| json!({ "what": it["what"], "role": it["role"], "source": it["source"] });
    let mut people: Vec<_> = list("participants").iter().map(person).collect();
    people.sort_by_key(Value::to_string);
    json!({
        "stage": visit["stage"], "proven": visit["proven"], "covering": visit["covering"],
        "acknowledged": visit["acknowledged"], "closing": visit["closing"],
        "participants": people, "timeline": list("timeline").iter().map(line).collect::<Vec<_>>(),
    })
}

/// Somebody in a visit by role.
pub(crate) fn participant<'a>(visit: &'a Value, role: &str) -> &'a Value {
    let all = visit["participants"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().find(|it| it["role"] == role).unwrap_or(&Value::Null)
}

/// Waits until a visit is as wanted; answers with it.
pub(crate) async fn visit_until(
    who: &Clinician,
    visit: &Value,
    what: &str,
    wanted: impl Fn(&Value) -> bool,
) -> anyhow::Result<Value> {
    let path = format!("/visits/{}", visit["id"].as_str().unwrap_or_default());
    e2e::wait::until(what, async || Ok(Some(who.get(&path).await?).filter(|it| wanted(it)))).await
}
