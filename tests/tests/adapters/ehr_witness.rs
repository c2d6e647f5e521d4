//! The EHR as a witness: what the front desk types into the chart reaches the visit although nobody presses anything here.

use e2e::clinician::Clinician;
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::Ground;

fn id(of: &Value) -> &str {
    of["appointment_id"].as_str().unwrap_or_default()
}

/// A relay that looks every second, with a clinician who has begun a visit.
async fn begun(adjust: fn(&mut Value)) -> anyhow::Result<(Ground, Clinician, Value, Value)> {
    let ground = Ground::start_with(adjust).await?;
    let clinician = ground.clinician(0).await?;
    let appointment = ground.schedule(0, 0).await?;
    let visit = clinician.enter(&ground.stack, id(&appointment)).await?;
    Ok((ground, clinician, appointment, visit))
}

fn often(configuration: &mut Value) {
    configuration["ehr"] = json!({ "poll_seconds": 1 });
}

async fn change(ground: &Ground, appointment: &Value, change: Value) -> anyhow::Result<()> {
    let path = format!("/appointments/{}", id(appointment));
    ground.stack.sandbox.send(Method::PATCH, &path, &change).await.map(drop)
}

async fn seen(clinician: &Clinician, visit: &Value, what: &str, wanted: fn(&Value) -> bool) -> anyhow::Result<Value> {
    let path = format!("/visits/{}", visit["id"].as_str().unwrap_or_default());
    e2e::wait::until(what, async || {
        let view = clinician.get(&path).await?;
        Ok(wanted(&view).then_some(view))
    })
    .await
}

#[tokio::test]
async fn arrived_at_the_front_desk_is_an_arrival_and_the_clinician_is_told() -> anyhow::Result<()> {
    let (ground, clinician, appointment, visit) = begun(often).await?;
    assert_eq!(visit["stage"], "planned");
    change(&ground, &appointment, json!({ "status": "arrived" })).await?;
    let view = seen(&clinician, &visit, "the arrival", |it| it["stage"] == "arrived").await?;
    assert!(view["arrived_at"].is_string(), "{view}");
    let notices = clinician.get("/notices").await?["notices"].clone();
    let ready = notices.as_array().into_iter().flatten().filter(|it| it["kind"] == "patient-ready").count();
    assert_eq!(ready, 1, "{notices}");
    ground.chart_shows(&appointment, "patient", "Connected").await?;
    // Looked at again and again, and still one arrival.
    let asked = async || Ok::<_, anyhow::Error>(ground.figure("roomed_ehr_witnessed_total{what=\"arrived\"}").await?);
    assert!((asked().await? - 1.0).abs() < 0.5, "said once");
    ground.no_leaks().await
}

#[tokio::test]
async fn a_cancelled_appointment_ends_the_visit_and_a_moved_one_moves_it() -> anyhow::Result<()> {
    let (ground, clinician, appointment, visit) = begun(often).await?;
    let start = visit["start"].as_str().unwrap_or_default().to_owned();
    let later: jiff::Timestamp = start.parse()?;
    let later = later + jiff::SignedDuration::from_mins(20);
    change(&ground, &appointment, json!({ "start": later.to_string() })).await?;
    let path = format!("/visits/{}", visit["id"].as_str().unwrap_or_default());
    e2e::wait::until("the new time", async || {
        let view = clinician.get(&path).await?;
        let now: jiff::Timestamp = view["start"].as_str().unwrap_or_default().parse()?;
        Ok((now == later).then_some(()))
    })
    .await?;
    change(&ground, &appointment, json!({ "status": "cancelled" })).await?;
    seen(&clinician, &visit, "the cancellation", |it| it["stage"] == "cancelled").await?;
    ground.no_leaks().await
}

#[tokio::test]
async fn an_ehr_that_does_not_answer_changes_nothing_and_is_asked_again() -> anyhow::Result<()> {
    let (ground, clinician, appointment, visit) = begun(often).await?;
    ground.fault(json!({ "target": "epic.fhir", "mode": "status", "status": 503, "times": 2 })).await?;
    change(&ground, &appointment, json!({ "status": "checked-in" })).await?;
    seen(&clinician, &visit, "the arrival", |it| it["stage"] == "arrived").await?;
    let faults = ground.stack.sandbox.get("/faults").await?;
    assert_eq!(faults["faults"], json!([]), "a fault was never met");
    ground.no_leaks().await
}
