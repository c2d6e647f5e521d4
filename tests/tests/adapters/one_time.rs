//! What is good once is good for a short time only: nonce, handle and callback with a lifetime of two seconds.

use e2e::clinician::{answered, http};
use e2e::wait;
use reqwest::Method;
use roomed_smart::SystemRandom;
use roomed_smart::pkce::State;
use serde_json::{Value, json};

use crate::ground::{Ground, refused};
use crate::visitor::shown;

#[tokio::test]
async fn nonce_handle_and_callback_expire() -> anyhow::Result<()> {
    let adjust = |configuration: &mut Value| configuration["launch"] = json!({ "one_time_seconds": 2 });
    let ground = Ground::start_with(adjust).await?;
    let clinician = ground.clinician(0).await?;
    let appointment = ground.schedule(0, 0).await?;
    let appointment = appointment["appointment_id"].as_str().unwrap_or_default();
    let before = ground.written().await?;

    // A question that was answered too late; on a busy machine it may not even be asked in time.
    let (asked, word) = wait::until("somebody is asked in time whether they are both", async || {
        let proof = clinician.prove(&clinician.begin(&ground.stack, appointment).await?).await?;
        let question = clinician.launch_in_silence(&proof).await?;
        Ok(question.body["first_link"]["word"].as_str().map(|word| (proof, word.to_owned())))
    })
    .await?;

    let state = State::new(&SystemRandom);
    let registration = json!({ "state_sha256": state.sha256_hex(), "port": 49_153 });
    clinician.ask(Method::PUT, "/callbacks", Some(&registration)).await?.accepted()?;
    let link = clinician.begin(&ground.stack, appointment).await?;
    // Made last, so when this has expired the others have as well.
    let nonce = clinician.nonce(&clinician.iss).await?;
    let granted = clinician.ask_ehr(&link, &clinician.app, nonce["nonce"].as_str().unwrap_or_default()).await?;
    let proof = e2e::clinician::proof(&link, &granted);
    let expires: jiff::Timestamp = nonce["expires_at"].as_str().unwrap_or_default().parse()?;
    wait::until("the nonce's time is over", async || Ok((e2e::clock::now() > expires).then_some(()))).await?;

    let late = clinician.launch(&answered(&asked, &word)).await?;
    refused("a yes that comes too late", &late, (403, "nonce-refused", "clinician"));
    refused("an expired nonce", &clinician.launch(&proof).await?, (403, "nonce-refused", "clinician"));
    // A fresh nonce with the old handle. On a busy machine the fresh one may expire on its way: then another is taken.
    let answer = wait::until("the handle is refused under a nonce that holds", async || {
        let again = clinician.begin(&ground.stack, appointment).await?;
        let mut proof = clinician.prove(&again).await?;
        proof["handle"] = json!(link.handle);
        let answer = clinician.launch(&proof).await?;
        Ok((answer.problem().1 != "nonce-refused").then_some(answer))
    })
    .await?;
    refused("an expired handle", &answer, (410, "handle-unknown", "clinician"));
    let callback = format!("{}/oauth/callback?code=x&state={}", ground.stack.relay, state.expose());
    let refusal = shown(http()?.get(callback).send().await?).await?;
    assert_eq!((refusal.status, refusal.code.as_str(), refusal.who), (410, "handle-unknown", "clinician"));
    assert_eq!(ground.written().await?, before);
    assert_eq!(clinician.get("/visits").await?["visits"], json!([]));
    ground.no_leaks().await
}
