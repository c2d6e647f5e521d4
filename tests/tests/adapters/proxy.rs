//! Somebody who acts for a patient comes in by MyChart: a person of their own in the visit, on the patient's line in the
//! chart. The same person again has the same place; one whom the EHR shows as another patient needs the analyst's word.

use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, participant, visit_until};
use crate::room::is;
use crate::visitor::{Visitor, shown};

/// Marcus Powell, who acts for his mother and is not treated here.
const SON: &str = "marcus.powell";
/// Linda Ross, who acts for her daughter and is treated here herself.
const MOTHER: &str = "linda.ross";

/// The proxy's place at the stand-in hospital: the number of whom they act for among its patients.
fn acts_for(ground: &Ground, user: &str) -> usize {
    let related = ground.northside.0["proxies"].as_array().into_iter().flatten().find(|it| it["mychart_user"] == user);
    let patient = &related.unwrap_or(&Value::Null)["related"][0]["patient_id"];
    let patients = ground.northside.0["patients"].as_array().cloned().unwrap_or_default();
    patients.iter().position(|it| it["patient_id"] == *patient).unwrap_or(usize::MAX)
}

async fn comes(ground: &Ground, user: &str, appointment: &Value) -> anyhow::Result<Visitor> {
    let pressed = Visitor::pressed(ground, &json!({ "mychart_user": user }), appointment).await?;
    Visitor::of(ground, &Visitor::callback(&pressed).await?).await
}

async fn throw(ground: &Ground, value: &str) -> anyhow::Result<()> {
    ground.stack.sandbox.send(Method::PUT, "/switches/proxies", &json!({ "value": value })).await.map(drop)
}

#[tokio::test]
async fn a_proxy_has_a_place_of_their_own_and_shows_on_the_patients_line() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    throw(&ground, "related-person").await?;
    let patient = acts_for(&ground, SON);
    let appointment = ground.schedule(0, patient).await?;
    let son = comes(&ground, SON, &appointment).await?;
    assert_eq!(son.view().await?["role"], "proxy");
    let page = son.stay().await?;
    son.ready().await?;
    ground.chart_shows(&appointment, "patient", "Connected").await?;

    let clinician = ground.clinician(0).await?;
    let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    assert!(is(&visit, "proxy", "waiting") && is(&visit, "patient", "absent"), "{visit}");
    assert_eq!(participant(&visit, "proxy")["chart"]["state"], "nothing", "their line is the patient's");

    // The patient comes too, and goes: the line stays while the proxy is there.
    let own = Visitor::enter(&ground, patient, &appointment).await?;
    let own_page = own.stay().await?;
    own.ready().await?;
    let both = |it: &Value| is(it, "proxy", "waiting") && is(it, "patient", "waiting");
    visit_until(&clinician, &visit, "both wait", both).await?;
    own.post("leave").await?.accepted()?;
    visit_until(&clinician, &visit, "the patient left", |it| is(it, "patient", "disconnected")).await?;
    let told = ground.accepted(&appointment, "patient").await?;
    assert_eq!(told.len(), 1, "{told:?}");

    // The same person again, in another browser, is the same person.
    comes(&ground, SON, &appointment).await?;
    let now = clinician.get(&format!("/visits/{}", visit["id"].as_str().unwrap_or_default())).await?;
    let proxies = now["participants"].as_array().into_iter().flatten().filter(|it| it["role"] == "proxy");
    assert_eq!(proxies.count(), 1);
    drop((page, own_page));
    ground.no_leaks().await
}

#[tokio::test]
async fn who_the_ehr_shows_as_another_patient_needs_the_analysts_word() -> anyhow::Result<()> {
    let mut ground = Ground::start().await?;
    throw(&ground, "other-patient").await?;
    let appointment = ground.schedule(0, acts_for(&ground, MOTHER)).await?;
    let pressed = Visitor::pressed(&ground, &json!({ "mychart_user": MOTHER }), &appointment).await?;
    let refused = shown(Visitor::callback(&pressed).await?.open().await?).await?;
    assert_eq!((refused.status, refused.code.as_str()), (409, "wrong-patient"));
    ground.reconfigure(|it| it["organizations"][0]["ehr"][0]["proxies_as_patients"] = json!(true)).await?;
    let mother = comes(&ground, MOTHER, &appointment).await?;
    assert_eq!(mother.view().await?["role"], "proxy");
    ground.no_leaks().await
}
