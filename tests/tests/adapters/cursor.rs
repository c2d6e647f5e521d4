//! The companion's cursor at the relay: what came after it is handed out, and whoever is behind is told so at once.

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::ground::Ground;
use crate::visitor::{Socket, Visitor};

/// The next message of the relay, until it closes.
async fn said(socket: &mut Socket) -> anyhow::Result<Option<Value>> {
    while let Some(message) = socket.next().await {
        match message? {
            Message::Text(text) => return Ok(Some(serde_json::from_str(&text)?)),
            Message::Close(_) => return Ok(None),
            _ => {}
        }
    }
    Ok(None)
}

#[tokio::test]
async fn whoever_is_behind_is_hinted_at_once_and_gets_what_came_after() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let clinician = ground.clinician(0).await?;
    let appointment = ground.schedule(0, 0).await?;
    let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    // The meeting is made and the chart cannot be told, so that no notice comes by itself any more.
    let join = format!("/visits/{}/join", visit["id"].as_str().unwrap_or_default());
    clinician.ask(Method::POST, &join, None).await?.accepted()?;
    ground.fault(json!({ "target": "epic.connection_status", "mode": "status", "status": 503, "times": 0 })).await?;
    Visitor::enter(&ground, 0, &appointment).await?.ready().await?;

    // To have been handed the arrival is news as well: "your clinician has been told".
    clinician.get("/notices").await?;
    let newest = clinician.get("/visits").await?["cursor"].as_u64().context("the list has no cursor")?;
    assert!(newest > 1, "too little has happened");
    let after = async |cursor: u64| -> anyhow::Result<Vec<u64>> {
        let page = clinician.get(&format!("/notices?after={cursor}")).await?;
        let notices = page["notices"].as_array().context("no notices")?.clone();
        Ok(notices.iter().filter_map(|it| it["seq"].as_u64()).collect())
    };
    assert_eq!(after(0).await?, (1..=newest).collect::<Vec<_>>());
    assert_eq!(after(newest - 1).await?, [newest]);
    assert_eq!(after(newest).await?, Vec::<u64>::new());

    let address = format!("{}/api/v1/socket", ground.stack.relay.replacen("http", "ws", 1));
    let mut request = address.into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {}", clinician.token).parse()?);
    let (mut socket, _) = connect_async(request).await?;
    let greeting = said(&mut socket).await?.context("no greeting")?;
    assert_eq!((&greeting["type"], &greeting["cursor"]), (&json!("hello"), &json!(newest)));
    // One who is not behind and one who is; then something that makes the relay close, so that all it says is heard.
    for cursor in [newest, newest - 1] {
        let hello = json!({ "type": "hello", "version": greeting["version"], "cursor": cursor });
        socket.send(Message::text(hello.to_string())).await?;
    }
    socket.send(Message::text("nonsense")).await?;
    assert_eq!(said(&mut socket).await?, Some(json!({ "type": "hint", "cursor": newest })));
    assert_eq!(said(&mut socket).await?, None);
    ground.no_leaks().await
}

/// How often the companion comes back.
const TIMES: u64 = 10_000;
/// Something happens at every so many-th.
const EVERY: u64 = 50;

#[tokio::test]
async fn ten_thousand_reconnects_leave_no_gap_and_show_nothing_twice() -> anyhow::Result<()> {
    let adjust = |configuration: &mut Value| {
        configuration["limits"] =
            json!({ "anonymous_per_minute": 1_000_000, "person_per_minute": 1_000_000, "sockets_each": 1_000 });
    };
    let ground = Ground::start_with(adjust).await?;
    let clinician = ground.clinician(0).await?;
    let appointment = ground.schedule(0, 0).await?;
    let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    let visitor = Visitor::enter(&ground, 0, &appointment).await?;
    let say = format!("/visits/{}/say", visit["id"].as_str().unwrap_or_default());
    let address = format!("{}/api/v1/socket", ground.stack.relay.replacen("http", "ws", 1));

    let (mut cursor, mut seen) = (0_u64, Vec::new());
    for n in 0..TIMES {
        if n % EVERY == 0 {
            // Alternately the patient and the clinician do something; whoever is away then has to hear of it later.
            match (n / EVERY) % 2 {
                0 => visitor.post("help").await?.accepted().map(drop)?,
                _ => {
                    let late = json!({ "preset": "running-late", "minutes": 5 });
                    clinician.ask(Method::POST, &say, Some(&late)).await?.accepted().map(drop)?;
                }
            }
        }
        let mut request = address.as_str().into_client_request()?;
        request.headers_mut().insert("authorization", format!("Bearer {}", clinician.token).parse()?);
        let (mut socket, _) = connect_async(request).await?;
        let greeting = said(&mut socket).await?.context("no greeting")?;
        let hello = json!({ "type": "hello", "version": greeting["version"], "cursor": cursor });
        socket.send(Message::text(hello.to_string())).await?;
        // What a companion does: only where it is behind does it ask, from its own cursor on.
        if greeting["cursor"].as_u64().context("no cursor")? > cursor {
            let page = clinician.get(&format!("/notices?after={cursor}")).await?;
            for notice in page["notices"].as_array().context("no notices")? {
                cursor = notice["seq"].as_u64().context("a notice without its place")?;
                seen.push(cursor);
            }
        }
    }
    let newest = clinician.get("/visits").await?["cursor"].as_u64().context("the list has no cursor")?;
    let page = clinician.get(&format!("/notices?after={cursor}")).await?;
    seen.extend(page["notices"].as_array().into_iter().flatten().filter_map(|it| it["seq"].as_u64()));
    assert!(newest > TIMES / EVERY, "too little has happened: {newest}");
    assert_eq!(seen, (1..=newest).collect::<Vec<_>>());
    ground.no_leaks().await
}
