//! A clinician who is not on the appointment: asked once, recorded, and the colleague is told; or not allowed at all.

use e2e::clinician::Clinician;
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, refused};

fn id(of: &Value) -> &str {
    of["appointment_id"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn covering_is_asked_once_recorded_and_told_to_the_colleague() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let scheduled = ground.clinician(0).await?;
    let covers = ground.clinician(1).await?;
    // An earlier launch has linked the scheduled clinician's EHR user with their Microsoft account.
    scheduled.enter(&ground.stack, id(&ground.schedule(0, 1).await?)).await?;
    let cursor = newest(&scheduled).await?;

    let appointment = ground.schedule(0, 0).await?;
    let mut proof = covers.prove(&covers.begin(&ground.stack, id(&appointment)).await?).await?;
    let before = ground.written().await?;
    let asked = covers.launch(&proof).await?;
    refused("not on the appointment", &asked, (409, "covering-needed", "clinician"));
    assert_eq!(ground.written().await?, before);
    assert_eq!(covers.get("/visits").await?["visits"], json!([]));

    // The same proof with the answer to the question: nothing had been used up.
    proof["covering"] = json!(true);
    let visit = covers.launch(&proof).await?.accepted()?;
    assert_eq!((&visit["covering"], &visit["proven"]), (&json!(true), &json!(true)));
    assert_eq!(asked.body["start"], visit["start"], "the question says which visit it is about");
    let path = format!("/visits/{}", visit["id"].as_str().unwrap_or_default());
    let colleagues = scheduled.get(&path).await?;
    assert_eq!((&colleagues["covering"], &colleagues["proven"]), (&json!(false), &json!(false)));
    assert_eq!((&colleagues["covered"], &visit["covered"]), (&json!(true), &json!(false)));

    let told = scheduled.get(&format!("/notices?after={cursor}")).await?["notices"].clone();
    let told: Vec<_> = told.as_array().into_iter().flatten().filter(|it| it["kind"] == "covered-by").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["visit"], &told[0]["start"]), (&visit["id"], &visit["start"]));
    let heard = covers.get("/notices").await?;
    assert!(!heard.to_string().contains("covered-by"), "whoever covers is not told of themselves: {heard}");

    // It is written into what happened, and the scheduled clinician may not act on it without a launch.
    covers.ask(Method::POST, &format!("{path}/join"), None).await?.accepted()?;
    let timeline = scheduled.get(&path).await?["timeline"].clone();
    let covering = |it: &Value| it["what"] == "covering" && it["role"] == "practitioner";
    assert!(timeline.as_array().is_some_and(|it| it.iter().any(covering)), "{timeline}");
    let answer = scheduled.ask(Method::POST, &format!("{path}/end"), None).await?;
    refused("ending without a launch", &answer, (404, "visit-not-found", "clinician"));
    ground.no_leaks().await
}

#[tokio::test]
async fn where_covering_is_forbidden_saying_so_does_not_help() -> anyhow::Result<()> {
    let adjust = |configuration: &mut Value| configuration["organizations"][0]["covering"] = json!("forbidden");
    let ground = Ground::start_with(adjust).await?;
    let covers = ground.clinician(1).await?;
    let appointment = ground.schedule(0, 0).await?;
    let before = ground.written().await?;
    let mut proof = covers.prove(&covers.begin(&ground.stack, id(&appointment)).await?).await?;
    for covering in [false, true] {
        proof["covering"] = json!(covering);
        refused("covering", &covers.launch(&proof).await?, (403, "covering-forbidden", "ehr-analyst"));
    }
    assert_eq!(ground.written().await?, before);
    assert_eq!(covers.get("/visits").await?["visits"], json!([]));
    ground.no_leaks().await
}

async fn newest(who: &Clinician) -> anyhow::Result<u64> {
    Ok(who.get("/visits").await?["cursor"].as_u64().unwrap_or_default())
}
