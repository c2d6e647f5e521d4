//! Meetings that Microsoft 365 refuses, wholly or in part, and what is left working.

use e2e::clinician::{Clinician, http};
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, refused};
use crate::visitor::Visitor;

fn id<'a>(of: &'a Value, key: &str) -> &'a str {
    of[key].as_str().unwrap_or_default()
}

/// Where clinician and patient are sent for one visit.
async fn links(ground: &Ground, clinician: &Clinician, patient: usize) -> anyhow::Result<(Value, Value)> {
    let appointment = ground.schedule(0, patient).await?;
    let visit = clinician.enter(&ground.stack, id(&appointment, "appointment_id")).await?;
    let visitor = Visitor::enter(ground, patient, &appointment).await?;
    visitor.ready().await?;
    let join = clinician.ask(Method::POST, &format!("/visits/{}/join", id(&visit, "id")), None).await?.accepted()?;
    let called = visitor.sees("the patient is called", |view| view["stage"] == "called").await?;
    Ok((join["https_url"].clone(), called["join_url"].clone()))
}

#[tokio::test]
async fn without_a_virtual_appointment_link_the_patient_gets_the_meetings_own() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let clinician = ground.clinician(0).await?;
    let (join, patients) = links(&ground, &clinician, 0).await?;
    assert!(patients.as_str().is_some_and(|it| it.contains("/webrtc-svc/")), "no link without an account: {patients}");
    assert_ne!(join, patients);

    ground.fault(json!({ "target": "graph.virtual_join_url", "mode": "refuse", "times": 0 })).await?;
    let (join, patients) = links(&ground, &clinician, 1).await?;
    assert!(join.as_str().is_some_and(|it| it.contains("/l/meetup-join/")), "no joinWebUrl: {join}");
    assert_eq!(join, patients);
    ground.no_leaks().await
}

#[tokio::test]
async fn how_to_join_is_told_ahead_without_calling_the_patient() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let clinician = ground.clinician(0).await?;
    let appointment = ground.schedule(0, 0).await?;
    let visit = clinician.enter(&ground.stack, id(&appointment, "appointment_id")).await?;
    let visitor = Visitor::enter(&ground, 0, &appointment).await?;
    visitor.ready().await?;
    let path = format!("/visits/{}/join", id(&visit, "id"));
    let ahead = clinician.get(&path).await?;
    let colleague = ground.clinician(1).await?;
    let asked = colleague.ask(Method::GET, &path, None).await?;
    refused("a colleague", &asked, (404, "visit-not-found", "clinician"));
    assert_eq!(visitor.view().await?["stage"], "waiting", "nobody has come yet");
    let join = clinician.ask(Method::POST, &path, None).await?.accepted()?;
    assert_eq!(join, ahead);
    visitor.sees("the patient is called", |view| view["stage"] == "called").await?;
    ground.no_leaks().await
}

#[tokio::test]
async fn a_missing_access_policy_is_named_and_join_works_once_it_is_granted() -> anyhow::Result<()> {
    // The organizer is an account nobody has granted the application access policy for.
    let adjust = |configuration: &mut Value| {
        let organization = &mut configuration["organizations"][0];
        organization["organizer_oid"] = organization["delegates"][0].clone();
    };
    let ground = Ground::start_with(adjust).await?;
    let clinician = ground.clinician(0).await?;
    let appointment = ground.schedule(0, 0).await?;
    let refusal = (502, "meeting-refused", "microsoft-365-admin");

    let proof = clinician.prove(&clinician.begin(&ground.stack, id(&appointment, "appointment_id")).await?).await?;
    refused("the launch", &clinician.launch(&proof).await?, refusal);
    // The proof was good, so the visit stands: the clinician does not have to begin again.
    let visits = clinician.get("/visits").await?["visits"].clone();
    let [visit] = visits.as_array().map(Vec::as_slice).unwrap_or_default() else { panic!("one visit, not {visits}") };
    assert_eq!(visit["proven"], true);
    let path = format!("/visits/{}/join", id(visit, "id"));
    let before = ground.written().await?;
    refused("joining", &clinician.ask(Method::POST, &path, None).await?, refusal);
    assert_eq!(ground.written().await?, before);
    let visitor = Visitor::enter(&ground, 0, &appointment).await?;
    visitor.ready().await?;
    assert_eq!(visitor.view().await?["stage"], "waiting", "a patient is called into a meeting that is not there");

    let oid = ground.northside.of_role("staff", 0)?["oid"].clone();
    let granted = http()?.post(format!("{}/_sandbox/access-policy", ground.stack.sandbox.at("graph")));
    granted.json(&json!({ "oid": oid })).send().await?.error_for_status()?;
    let join = clinician.ask(Method::POST, &path, None).await?.accepted()?;
    assert!(id(&join, "https_url").contains("/l/meetup-join/"));
    visitor.sees("the patient is called", |view| view["stage"] == "called").await?;
    // Watched from the start, as every meeting.
    ground.stack.sandbox.saw("subscription.created", |_| true).await?;
    ground.no_leaks().await
}
