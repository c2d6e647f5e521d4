//! The EHR as a witness, at each vendor: what the front desk types into the chart reaches the visit although nobody
//! presses anything here.

use e2e::clinician::{Clinician, http};
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::Ground;

fn id(of: &Value) -> &str {
    of["appointment_id"].as_str().unwrap_or_default()
}

const VENDORS: [&str; 3] = ["epic", "oracle-health", "fhir-r4"];

/// A relay that looks every second, with a clinician who has begun a visit at this vendor's EHR.
async fn begun(vendor: &'static str) -> anyhow::Result<(Ground, Clinician, Value, Value)> {
    let ground = Ground::start_at(vendor, often).await?;
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

/// Waits until the EHR shows the patient as there, wherever it shows such a thing.
async fn chart_shows_the_arrival(ground: &Ground, appointment: &Value) -> anyhow::Result<()> {
    match ground.vendor {
        "epic" => ground.chart_shows(appointment, "patient", "Connected").await,
        // What the desk typed is all that Oracle can show.
        "oracle-health" => Ok(()),
        _ => {
            e2e::wait::until("the encounter shows the arrival", async || {
                let all = ground.stack.sandbox.get("/r4/resources/Encounter").await?;
                let shows = |it: &Value| it["status"] == "arrived" && it["location"][0]["period"]["start"].is_string();
                Ok(all["resources"].as_array().is_some_and(|all| all.iter().any(shows)).then_some(()))
            })
            .await
        }
    }
}

#[tokio::test]
async fn arrived_at_the_front_desk_is_an_arrival_and_the_clinician_is_told() -> anyhow::Result<()> {
    for (vendor, status) in VENDORS.into_iter().zip(["arrived", "checked-in", "checked-in"]) {
        let (ground, clinician, appointment, visit) = begun(vendor).await?;
        assert_eq!(visit["stage"], "planned", "{vendor}");
        change(&ground, &appointment, json!({ "status": status })).await?;
        let view = seen(&clinician, &visit, "the arrival", |it| it["stage"] == "arrived").await?;
        assert!(view["arrived_at"].is_string(), "{vendor}: {view}");
        let notices = clinician.get("/notices").await?["notices"].clone();
        let ready = notices.as_array().into_iter().flatten().filter(|it| it["kind"] == "patient-ready").count();
        assert_eq!(ready, 1, "{vendor}: {notices}");
        chart_shows_the_arrival(&ground, &appointment).await?;
        // Looked at again and again, and still one arrival; what the desk typed stands.
        let asked = ground.figure("roomed_ehr_witnessed_total{what=\"arrived\"}").await?;
        assert!((asked - 1.0).abs() < 0.5, "{vendor}: said once");
        assert_eq!(standing_status(&ground, &appointment).await?, status, "{vendor}");
        ground.no_leaks().await?;
    }
    Ok(())
}

/// The appointment's status as it stands in the EHR.
async fn standing_status(ground: &Ground, appointment: &Value) -> anyhow::Result<Value> {
    let all = ground.stack.sandbox.get("/appointments").await?;
    let all = all["appointments"].as_array().cloned().unwrap_or_default();
    let found = all.into_iter().find(|it| id(it) == id(appointment));
    Ok(found.unwrap_or_default()["status"].clone())
}

#[tokio::test]
async fn a_cancelled_appointment_ends_the_visit_and_a_moved_one_moves_it() -> anyhow::Result<()> {
    for vendor in VENDORS {
        let (ground, clinician, appointment, visit) = begun(vendor).await?;
        let start = visit["start"].as_str().unwrap_or_default().to_owned();
        let later: jiff::Timestamp = start.parse()?;
        let later = later + jiff::SignedDuration::from_mins(20);
        change(&ground, &appointment, json!({ "start": later.to_string() })).await?;
        let path = format!("/visits/{}", visit["id"].as_str().unwrap_or_default());
        e2e::wait::until(&format!("{vendor}: the new time"), async || {
            let view = clinician.get(&path).await?;
            let now: jiff::Timestamp = view["start"].as_str().unwrap_or_default().parse()?;
            Ok((now == later).then_some(()))
        })
        .await?;
        meeting_begins(&ground, later).await?;
        if vendor == "oracle-health" {
            links_begin(&ground, &appointment, later).await?;
        }
        change(&ground, &appointment, json!({ "status": "cancelled" })).await?;
        seen(&clinician, &visit, "the cancellation", |it| it["stage"] == "cancelled").await?;
        let asked = ground.figure("roomed_ehr_witnessed_total{what=\"cancelled\"}").await?;
        assert!((asked - 1.0).abs() < 0.5, "{vendor}: said once");
        ground.no_leaks().await?;
    }
    Ok(())
}

/// Waits until the one meeting at Graph stands from then on.
async fn meeting_begins(ground: &Ground, at: jiff::Timestamp) -> anyhow::Result<()> {
    let address = format!("{}/_sandbox/meetings", ground.stack.sandbox.at("graph"));
    e2e::wait::until("the meeting follows the appointment", async || {
        let all: Value = http()?.get(&address).send().await?.json().await?;
        let [meeting] = all["meetings"].as_array().map(Vec::as_slice).unwrap_or_default() else {
            anyhow::bail!("one meeting, not {all}")
        };
        let times = ["startDateTime", "endDateTime"].map(|it| meeting[it].as_str().unwrap_or_default().parse().ok());
        let [Some(start), Some(end)] = times else { anyhow::bail!("no times: {meeting}") };
        let (start, end): (jiff::Timestamp, jiff::Timestamp) = (start, end);
        // Graph is told the nearest whole second.
        Ok((start == at.round(jiff::Unit::Second)? && end > start).then_some(()))
    })
    .await
}

/// Waits until Oracle's links are good from then on: they were made for the old time.
async fn links_begin(ground: &Ground, appointment: &Value, at: jiff::Timestamp) -> anyhow::Result<()> {
    e2e::wait::until("the links follow the appointment", async || {
        let all = ground.stack.sandbox.get("/standing?ehr=oracle").await?;
        let all = all["oracle"]["appointments"].as_array().cloned().unwrap_or_default();
        let found = all.into_iter().find(|it| id(it) == id(appointment)).unwrap_or_default();
        let begin = found["links"]["start"].as_str().and_then(|it| it.parse::<jiff::Timestamp>().ok());
        Ok((begin == Some(at)).then_some(()))
    })
    .await
}

#[tokio::test]
async fn an_ehr_that_does_not_answer_changes_nothing_and_is_asked_again() -> anyhow::Result<()> {
    for (vendor, target) in VENDORS.into_iter().zip(["epic.fhir", "oracle.read", "r4.read"]) {
        let (ground, clinician, appointment, visit) = begun(vendor).await?;
        ground.fault(json!({ "target": target, "mode": "status", "status": 503, "times": 2 })).await?;
        change(&ground, &appointment, json!({ "status": "checked-in" })).await?;
        seen(&clinician, &visit, "the arrival", |it| it["stage"] == "arrived").await?;
        let faults = ground.stack.sandbox.get("/faults").await?;
        assert_eq!(faults["faults"], json!([]), "{vendor}: a fault was never met");
        ground.no_leaks().await?;
    }
    Ok(())
}
