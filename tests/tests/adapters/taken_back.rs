//! *End for all* taken back: also when it had closed the visit at once, and not after its time.

use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, refused};
use crate::room::Waiting;

fn path(visit: &Value, act: &str) -> String {
    format!("/visits/{}/{act}", visit["id"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn an_end_is_taken_back_and_the_patient_waits_again() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let waiting = Waiting::start(&ground, 0, ground.schedule(0, 0).await?).await?;
    let Waiting { clinician, visit, visitor, appointment, .. } = &waiting;
    ground.chart_shows(appointment, "patient", "Connected").await?;
    let nothing = clinician.ask(Method::POST, &path(visit, "undo"), None).await?;
    refused("nothing to take back", &nothing, (409, "undo-too-late", "clinician"));

    let ended = clinician.ask(Method::POST, &path(visit, "end"), None).await?.accepted()?;
    assert!(ended["undo_until"].is_string(), "{ended}");
    assert_eq!(ended["stage"], "finished", "nobody was in the meeting");
    visitor.sees("it is over", |view| view["stage"] == "ended").await?;
    let other = ground.clinician(1).await?;
    let answer = other.ask(Method::POST, &path(visit, "undo"), None).await?;
    refused("another clinician", &answer, (404, "visit-not-found", "clinician"));

    let back = clinician.ask(Method::POST, &path(visit, "undo"), None).await?.accepted()?;
    assert_eq!((&back["undo_until"], &back["closing"]), (&Value::Null, &json!(false)));
    assert!(back["timeline"].to_string().contains("undone"), "{back}");
    visitor.sees("the patient waits again", |view| view["stage"] == "waiting").await?;
    ground.chart_shows(appointment, "patient", "Connected").await?;
    ground.no_leaks().await
}

#[tokio::test]
async fn after_its_time_an_end_stands() -> anyhow::Result<()> {
    let ground = Ground::start_with(|it| it["visit"]["undo_minutes"] = json!(0)).await?;
    let waiting = Waiting::start(&ground, 0, ground.schedule(0, 0).await?).await?;
    let Waiting { clinician, visit, visitor, .. } = &waiting;
    clinician.ask(Method::POST, &path(visit, "end"), None).await?.accepted()?;
    let answer = clinician.ask(Method::POST, &path(visit, "undo"), None).await?;
    refused("too late", &answer, (409, "undo-too-late", "clinician"));
    visitor.sees("it is over", |view| view["stage"] == "ended").await?;
    ground.no_leaks().await
}
