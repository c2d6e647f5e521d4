//! Graph's webhook: forgeries are answered 202, dropped and counted; what is genuine counts once, in any order, and is
//! not lost while the relay is down.

use e2e::clinician::http;
use e2e::wait;
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, participant, story};
use crate::room::{Running, is};

/// Every spoil of the sandbox (its `graph/spoil.rs`), and the reason the relay counts it under.
const SPOILT: [(&str, &str); 9] = [
    ("wrong_client_state", "client-state"),
    ("bad_signature", "sealed"),
    ("unknown_certificate", "unknown-certificate"),
    ("forged_token", "validation-token"),
    ("token_wrong_appid", "validation-token"),
    ("token_wrong_audience", "validation-token"),
    ("token_wrong_tenant", "validation-token"),
    ("token_expired", "validation-token"),
    ("token_missing", "unvouched"),
];

async fn dropped(ground: &Ground, reason: &str) -> anyhow::Result<f64> {
    ground.figure(&format!("roomed_graph_dropped_total{{reason=\"{reason}\"}}")).await
}

#[tokio::test]
async fn forgeries_are_answered_dropped_and_counted() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let running = Running::start(&ground, 0).await?;
    wait::until("the chart knows of both, and the visit of that", async || {
        let visit = running.look().await?;
        let told = ["patient", "practitioner"].iter().all(|it| participant(&visit, it)["chart"]["state"] == "written");
        Ok(told.then_some(()))
    })
    .await?;
    let before = (ground.at_rest().await?, story(&running.look().await?));
    let graph = ground.stack.sandbox.at("graph").to_owned();
    let (http, webhook) = (http()?, format!("{}/graph/notifications", ground.stack.relay));

    for (mode, reason) in SPOILT {
        let counted = dropped(&ground, reason).await?;
        // Each claims that the call has ended, which would disconnect everybody at once.
        let forged = json!({ "mode": mode, "thread": running.room.thread() });
        let forged: Value = http.post(format!("{graph}/_sandbox/forge")).json(&forged).send().await?.json().await?;
        assert_eq!(forged["told"], 1, "{mode}");
        wait::until(&format!("{mode} is counted as {reason}"), async || {
            Ok((dropped(&ground, reason).await? > counted).then_some(()))
        })
        .await?;
    }
    let sent = ground.stack.sandbox.journal().await?.into_iter().filter(|it| it.detail["spoilt"].is_string());
    let answers: Vec<_> = sent.map(|it| (it.what, it.detail["status"].clone(), it.detail["attempt"].clone())).collect();
    assert_eq!(answers, vec![("notification.sent".to_owned(), json!(202), json!(1)); SPOILT.len()]);

    let stranger = json!({ "value": [{
        "subscriptionId": "7c7f8e1a-0000-4000-8000-2f4d1f7d9a10", "clientState": "x", "changeType": "updated",
        "tenantId": ground.northside.text("/tid")?, "resource": "x",
        "encryptedContent": { "data": "AA==", "dataKey": "AA==", "dataSignature": "AA==", "encryptionCertificateId": "x", "encryptionCertificateThumbprint": "x" },
    }], "validationTokens": ["a.b.c"] });
    for (what, body, reason) in [
        ("no JSON", b"garbage".to_vec(), "not-an-envelope"),
        ("nothing", Vec::new(), "not-an-envelope"),
        ("a subscription nobody made", serde_json::to_vec(&stranger)?, "unknown-subscription"),
        ("a list in a list", b"{\"value\":[[]]}".to_vec(), "not-an-envelope"),
    ] {
        let counted = dropped(&ground, reason).await?;
        let answer = http.post(&webhook).header("content-type", "application/json").body(body).send().await?;
        assert_eq!(answer.status().as_u16(), 202, "{what}");
        assert!(answer.bytes().await?.is_empty(), "{what}: the sender is told something");
        assert!(dropped(&ground, reason).await? > counted, "{what} is not counted as {reason}");
    }
    assert_eq!((ground.written().await?, story(&running.look().await?)), before);

    // The handshake echoes its token as plain text, so that no browser takes it for a page; nothing else does.
    for path in ["notifications", "lifecycle"] {
        let address = format!("{}/graph/{path}?validationToken=Validation%3A+%3Cb%3E%26%C3%A9", ground.stack.relay);
        let answer = http.post(address).send().await?;
        let kind = answer.headers().get("content-type").and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
        assert_eq!((answer.status().as_u16(), kind.as_str()), (200, "text/plain; charset=utf-8"), "{path}");
        assert_eq!(answer.text().await?, "Validation: <b>&é", "{path}");
        let long = format!("{}/graph/{path}?validationToken={}", ground.stack.relay, "a".repeat(5_000));
        assert_eq!(http.post(long).send().await?.status().as_u16(), 400, "{path}: a token longer than any");
        let control = format!("{}/graph/{path}?validationToken=a%0d%0ab", ground.stack.relay);
        assert_eq!(http.post(control).send().await?.status().as_u16(), 400, "{path}: a token with a line break");
    }

    // After all that, what is genuine still counts.
    running.room.ends().await?;
    ground.chart_shows(&running.appointment, "patient", "Disconnected").await?;
    ground.chart_shows(&running.appointment, "practitioner", "Disconnected").await?;
    ground.no_leaks().await
}

/// Everybody leaves; answers with the visit once all of it has been told.
async fn play_out(ground: &Ground, running: &Running) -> anyhow::Result<Value> {
    running.room.leaves(&running.legs.1).await?;
    // Not in the same millisecond, so that who left first is the same in every run.
    let left = e2e::clock::now();
    wait::until("a moment has passed", async || {
        Ok((e2e::clock::now().duration_since(left).as_millis() > 5).then_some(()))
    })
    .await?;
    running.room.leaves(&running.legs.0).await?;
    wait::until("everybody is out, and the chart knows", async || {
        let visit = running.look().await?;
        let out = is(&visit, "patient", "disconnected") && is(&visit, "practitioner", "disconnected");
        let all = visit["participants"].as_array().cloned().unwrap_or_default();
        Ok((out && all.iter().all(|it| it["chart"]["state"] == "written")).then_some(()))
    })
    .await?;
    for whose in ["patient", "practitioner"] {
        ground.chart_shows(&running.appointment, whose, "Disconnected").await?;
    }
    running.look().await
}

/// How often the chart was told of patient and clinician.
async fn chart(ground: &Ground, running: &Running) -> anyhow::Result<[usize; 2]> {
    let patient = ground.accepted(&running.appointment, "patient").await?;
    let practitioner = ground.accepted(&running.appointment, "practitioner").await?;
    Ok([patient.len(), practitioner.len()])
}

#[tokio::test]
async fn doubled_and_reordered_notifications_end_in_the_same_visit() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let plain = Running::start(&ground, 0).await?;
    let plain_story = story(&play_out(&ground, &plain).await?);
    let plain_chart = chart(&ground, &plain).await?;

    ground.fault(json!({ "target": "graph.notify", "mode": "duplicate", "times": 0 })).await?;
    let doubled = Running::start(&ground, 1).await?;
    let doubled_story = story(&play_out(&ground, &doubled).await?);
    ground.no_faults().await?;
    assert_eq!(doubled_story, plain_story);
    assert_eq!(chart(&ground, &doubled).await?, plain_chart, "a doubled notification was written twice");
    let kept = ground.at_rest().await?.rows_of("inbox");
    let twice = ground.stack.sandbox.journal().await?.into_iter().filter(|it| it.what == "notification.sent");
    let ids: Vec<_> = twice.map(|it| it.detail["notification"].to_string()).collect();
    let mut once = ids.clone();
    once.sort();
    once.dedup();
    assert!(once.len() < ids.len(), "nothing was sent twice");
    // The rules would end in the same visit anyway, so that each was kept once is to be seen in the inbox alone.
    assert_eq!(kept, once.len(), "a notification is not in the inbox exactly once");

    // The first news of the clinician overtaken by later ones, and the first leave by the second.
    ground.fault(json!({ "target": "graph.notify", "mode": "reorder", "times": 1 })).await?;
    let reordered = Running::start(&ground, 2).await?;
    ground.fault(json!({ "target": "graph.notify", "mode": "reorder", "times": 1 })).await?;
    let reordered_story = story(&play_out(&ground, &reordered).await?);
    assert_eq!(reordered_story, plain_story);
    ground.no_leaks().await
}

#[tokio::test]
async fn what_graph_could_not_deliver_arrives_after_a_restart() -> anyhow::Result<()> {
    let mut ground = Ground::start().await?;
    let running = Running::start(&ground, 0).await?;
    ground.chart_shows(&running.appointment, "practitioner", "Connected").await?;
    ground.stack.stop_relay().await?;
    running.room.ends().await?;
    ground.stack.sandbox.saw("notification.failed", |_| true).await?;
    assert_eq!(ground.mark(&running.appointment, "practitioner").await?, "Connected");

    ground.stack.start_relay().await?;
    ground.chart_shows(&running.appointment, "practitioner", "Disconnected").await?;
    ground.chart_shows(&running.appointment, "patient", "Disconnected").await?;
    let visit = running.look().await?;
    assert!(is(&visit, "patient", "disconnected") && is(&visit, "practitioner", "disconnected"), "{visit}");
    let path = format!("/visits/{}/end", visit["id"].as_str().unwrap_or_default());
    assert_eq!(running.clinician.ask(Method::POST, &path, None).await?.accepted()?["stage"], "finished");
    ground.no_leaks().await
}
