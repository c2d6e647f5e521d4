//! An identifier that the EHR has not given yet: the write-back waits for it, which is nobody's failure, holds up nobody
//! else, and ends by itself once the identifier is there.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use crate::ground::{Ground, participant, visit_until};
use crate::room::Waiting;

/// Whether Epic has given northside's first patient the identifier that the connection-status service knows them by.
async fn identified(ground: &Ground, is_so: bool) -> anyhow::Result<()> {
    let path = format!("/patients/{}", ground.patient(0)?["patient_id"].as_str().unwrap_or_default());
    ground.stack.sandbox.send(Method::PATCH, &path, &json!({ "identified": is_so })).await.map(drop)
}

async fn attempts(ground: &Ground, outcome: &str) -> anyhow::Result<f64> {
    ground.figure(&format!("roomed_outbox_attempts_total{{outcome=\"{outcome}\"}}")).await
}

#[tokio::test]
async fn a_missing_identifier_is_waited_for_and_no_failure_is_counted() -> anyhow::Result<()> {
    let often = |configuration: &mut Value| {
        configuration["outbox"]["identifier_ms"] = json!(300);
        // A failure that counts would park the row at once.
        configuration["outbox"]["park_after_failures"] = json!(1);
    };
    let ground = Ground::start_with(often).await?;
    identified(&ground, false).await?;
    let appointment = ground.schedule(0, 0).await?;
    let waiting = Waiting::start(&ground, 0, appointment.clone()).await?;
    e2e::wait::until("the identifier is looked for again and again", async || {
        Ok((attempts(&ground, "waiting-for-identifier").await? >= 3.0).then_some(()))
    })
    .await?;
    // Between two looks: while it looks, it is in flight.
    e2e::wait::until("it is known what it waits for", async || {
        let waiting = ground.figure("roomed_outbox_entries{state=\"waiting-for-identifier\"}").await?;
        Ok((waiting == 1.0).then_some(()))
    })
    .await?;
    let path = format!("/visits/{}", waiting.visit["id"].as_str().unwrap_or_default());
    let chart = participant(&waiting.clinician.get(&path).await?, "patient")["chart"].clone();
    let word = chart["state"].as_str().unwrap_or_default();
    assert!(word == "pending" || word.starts_with("waiting"), "on its way, and nobody's mistake: {chart}");
    assert_eq!(ground.accepted(&appointment, "patient").await?, Vec::<Value>::new());

    // Whoever has an identifier is told of meanwhile.
    let other = ground.schedule(0, 1).await?;
    let _other = Waiting::start(&ground, 1, other.clone()).await?;
    ground.chart_shows(&other, "patient", "Connected").await?;

    identified(&ground, true).await?;
    ground.chart_shows(&appointment, "patient", "Connected").await?;
    let written = |visit: &Value| participant(visit, "patient")["chart"]["state"] == "written";
    visit_until(&waiting.clinician, &waiting.visit, "the chart is written", written).await?;
    assert_eq!(ground.accepted(&appointment, "patient").await?.len(), 1);
    for outcome in ["retry", "unknown", "parked", "unsupported"] {
        assert_eq!(attempts(&ground, outcome).await?, 0.0, "{outcome}");
    }
    assert_eq!(ground.figure("roomed_ehr_failures_total").await?, 0.0);
    let file = SqliteConnectOptions::new().filename(ground.stack.directory.join("relay.sqlite")).read_only(true);
    let mut database = SqliteConnection::connect_with(&file).await?;
    let failures: i64 = sqlx::query_scalar("SELECT max(failures) FROM outbox").fetch_one(&mut database).await?;
    database.close().await?;
    assert_eq!(failures, 0);
    ground.no_leaks().await
}
