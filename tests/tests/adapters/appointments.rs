//! Launches that are in order and name the wrong appointment: none, another chart's, not virtual, or over.

use e2e::clinician::Clinician;
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, Refusal, refused};

const NONE: Refusal = (422, "launch-without-appointment", "clinician");

fn id(of: &Value) -> &str {
    of["appointment_id"].as_str().unwrap_or_default()
}

/// The proof with something else in it.
fn with(proof: &Value, change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Value {
    let mut proof = proof.clone();
    proof.as_object_mut().map(change);
    proof
}

#[tokio::test]
async fn an_appointment_that_cannot_be_held_is_refused_with_its_own_reason() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let clinician = ground.clinician(0).await?;
    let before = ground.written().await?;
    for (status, expected) in [
        ("cancelled", (409, "appointment-cancelled", "clinician")),
        ("noshow", (409, "appointment-noshow", "clinician")),
        ("entered-in-error", (409, "appointment-entered-in-error", "clinician")),
        ("fulfilled", (409, "appointment-fulfilled", "clinician")),
    ] {
        let appointment = ground.schedule_unusual(|it| it["status"] = json!(status)).await?;
        let proof = clinician.prove(&clinician.begin(&ground.stack, id(&appointment)).await?).await?;
        refused(status, &clinician.launch(&proof).await?, expected);
        // Saying that one covers does not help.
        let proof = with(&proof, |it| drop(it.insert("covering".into(), json!(true))));
        refused(status, &clinician.launch(&proof).await?, expected);
    }
    let office = ground.schedule_unusual(|it| it["type"] = json!("OFFICE")).await?;
    let proof = clinician.prove(&clinician.begin(&ground.stack, id(&office)).await?).await?;
    refused("an office visit", &clinician.launch(&proof).await?, (422, "not-virtual", "ehr-analyst"));
    assert_eq!(ground.written().await?, before);
    assert_eq!(clinician.get("/visits").await?["visits"], json!([]));

    // Cancelled between the button and the proof: the EHR is asked at the proof.
    let appointment = ground.schedule(0, 0).await?;
    let proof = clinician.prove(&clinician.begin(&ground.stack, id(&appointment)).await?).await?;
    let status = |status: &str| json!({ "status": status });
    let path = format!("/appointments/{}", id(&appointment));
    ground.stack.sandbox.send(Method::PATCH, &path, &status("cancelled")).await?;
    let answer = clinician.launch(&proof).await?;
    refused("cancelled meanwhile", &answer, (409, "appointment-cancelled", "clinician"));
    assert_eq!(ground.written().await?, before);
    // And put back: the same proof is still good.
    ground.stack.sandbox.send(Method::PATCH, &path, &status("booked")).await?;
    clinician.launch(&proof).await?.accepted()?;
    ground.no_leaks().await
}

#[tokio::test]
async fn a_launch_finds_its_appointment_by_session_or_encounter_and_never_guesses() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let clinician = ground.clinician(0).await?;
    let (one, other) = (ground.schedule(0, 0).await?, ground.schedule(0, 1).await?);
    let before = ground.written().await?;

    let link = clinician.begin(&ground.stack, id(&one)).await?;
    let proof = clinician.prove(&link).await?;
    let wrong_chart = clinician.prove(&clinician.begin(&ground.stack, id(&other)).await?).await?;
    let mixed = with(&wrong_chart, |it| drop(it.insert("handle".into(), proof["handle"].clone())));
    let answer = clinician.launch(&mixed).await?;
    refused("the chart of another patient", &answer, (409, "wrong-patient", "clinician"));

    let nowhere = with(&proof, |it| {
        it.remove("handle");
        it.remove("encounter");
    });
    refused("neither session nor encounter", &clinician.launch(&nowhere).await?, NONE);
    for encounter in ["eNobodyHasThisEncounter00", "../Patient/x", ""] {
        let proof = with(&proof, |it| {
            it.remove("handle");
            it.insert("encounter".into(), json!(encounter));
        });
        refused("an encounter the EHR does not have", &clinician.launch(&proof).await?, NONE);
    }
    let not_found = (404, "appointment-not-found", "ehr-analyst");
    for session in ["40000000001", "a|b,c", "%CSN%"] {
        let handle = handle_for(&ground, &clinician, session).await?;
        let proof = with(&proof, |it| drop(it.insert("handle".into(), json!(handle))));
        refused(&format!("session {session}"), &clinician.launch(&proof).await?, not_found);
    }
    let foreign = foreign_handle(&ground).await?;
    let foreign = with(&proof, |it| drop(it.insert("handle".into(), json!(foreign))));
    refused("a handle of the other hospital", &clinician.launch(&foreign).await?, (410, "handle-unknown", "clinician"));
    assert_eq!(ground.written().await?, before);
    assert_eq!(clinician.get("/visits").await?["visits"], json!([]));

    // The native link has no session, so the encounter leads there; https later leads to the same visit.
    let native = clinician.begin_natively(&ground.stack, id(&one)).await?;
    assert_eq!(native.handle, None);
    let by_encounter = clinician.launch(&clinician.prove(&native).await?).await?.accepted()?;
    let by_session = clinician.launch(&proof).await?.accepted()?;
    assert_eq!(by_encounter["id"], by_session["id"]);
    assert_eq!(clinician.get("/visits").await?["visits"].as_array().map(Vec::len), Some(1));
    ground.no_leaks().await
}

/// A handle of the launch page for a session the analyst's record might send by mistake.
async fn handle_for(ground: &Ground, clinician: &Clinician, session: &str) -> anyhow::Result<Option<String>> {
    let mut page = url::Url::parse(&format!("{}/o/northside/launch", ground.stack.relay))?;
    page.query_pairs_mut().append_pair("iss", &clinician.iss).append_pair("launch", "x");
    page.query_pairs_mut().append_pair("sessionId", session);
    Ok(clinician.open_launch_page(page.as_str()).await?.handle)
}

async fn foreign_handle(ground: &Ground) -> anyhow::Result<Option<String>> {
    let practitioner = ground.harbor.of_role("practitioner", 0)?;
    let patient = ground.harbor.0.pointer("/patients/0").cloned().unwrap_or_default();
    let appointment = ground.stack.sandbox.schedule(&ground.harbor, practitioner, &patient).await?;
    let stranger = Clinician::sign_in(&ground.stack, &ground.harbor, practitioner).await?;
    Ok(stranger.begin(&ground.stack, id(&appointment)).await?.handle)
}
