//! A patient who comes before any launch: whom the page may claim was told, and when it may claim it.

use e2e::clinician::Clinician;
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::ground::{Ground, refused};
use crate::visitor::{Socket, Visitor};

/// The arrival's notices of somebody, oldest first. Reading them is what "told" rests on.
async fn arrivals(who: &Clinician) -> anyhow::Result<Vec<Value>> {
    let notices = who.get("/notices").await?["notices"].clone();
    let all = notices.as_array().cloned().unwrap_or_default();
    Ok(all.into_iter().filter(|it| it["kind"] == "patient-ready").collect())
}

fn told(view: &Value) -> (&str, &str) {
    (view["stage"].as_str().unwrap_or_default(), view["told"].as_str().unwrap_or_default())
}

/// A companion's live connection.
pub(crate) async fn online(ground: &Ground, who: &Clinician) -> anyhow::Result<Socket> {
    let address = format!("{}/api/v1/socket", ground.stack.relay.replacen("http", "ws", 1));
    let mut request = address.into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {}", who.token).parse()?);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
    match socket.next().await {
        Some(Ok(Message::Text(text))) if text.contains("hello") => Ok(socket),
        other => anyhow::bail!("the socket began with {other:?}"),
    }
}

#[tokio::test]
async fn with_nobody_linked_the_delegate_is_told_and_the_page_claims_no_more() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let (delegate, clinician) = (ground.delegate().await?, ground.clinician(0).await?);
    let appointment = ground.schedule(0, 0).await?;
    let visitor = Visitor::enter(&ground, 0, &appointment).await?;
    visitor.ready().await?;
    assert_eq!(told(&visitor.view().await?), ("waiting", "nobody"));

    // The clinician is signed in, but nothing links their account with the EHR's practitioner.
    assert_eq!(arrivals(&clinician).await?, Vec::<Value>::new());
    assert_eq!(told(&visitor.view().await?), ("waiting", "nobody"));

    let heard = arrivals(&delegate).await?;
    let said = |it: &Value| (it["as_delegate"].clone(), it["proven"].clone(), it["role"].clone());
    assert_eq!(heard.iter().map(said).collect::<Vec<_>>(), [(json!(true), json!(false), json!("patient"))]);
    assert_eq!(told(&visitor.view().await?), ("waiting", "front-desk"));

    // A delegate sees the visit, and can do nothing in it: no launch, no meeting.
    let path = format!("/visits/{}", heard[0]["visit"].as_str().unwrap_or_default());
    let seen = delegate.get(&path).await?;
    assert_eq!((&seen["proven"], &seen["stage"]), (&json!(false), &json!("arrived")));
    let answer = delegate.ask(Method::POST, &format!("{path}/join"), None).await?;
    refused("a delegate joins", &answer, (404, "visit-not-found", "clinician"));
    let answer = clinician.ask(Method::GET, &path, None).await?;
    refused("a clinician who is not linked looks", &answer, (404, "visit-not-found", "clinician"));
    let made = ground.stack.sandbox.journal().await?.into_iter().filter(|it| it.what == "meeting.created").count();
    assert_eq!(made, 0, "a meeting was made without a launch");
    ground.chart_shows(&appointment, "patient", "Connected").await?;

    // The launch leads to the visit that is there.
    let launched = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    assert_eq!(launched["id"], heard[0]["visit"]);
    ground.no_leaks().await
}

#[tokio::test]
async fn a_linked_clinician_is_told_first_and_the_delegate_only_without_them() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let (delegate, clinician) = (ground.delegate().await?, ground.clinician(0).await?);
    // An earlier launch of another visit has linked them.
    let earlier = ground.schedule(0, 2).await?;
    clinician.enter(&ground.stack, earlier["appointment_id"].as_str().unwrap_or_default()).await?;

    let socket = online(&ground, &clinician).await?;
    let appointment = ground.schedule(0, 0).await?;
    let visitor = Visitor::enter(&ground, 0, &appointment).await?;
    visitor.ready().await?;
    assert_eq!(told(&visitor.view().await?), ("waiting", "nobody"));
    assert_eq!(arrivals(&delegate).await?, Vec::<Value>::new(), "the delegate hears of it beside an online clinician");
    assert_eq!(told(&visitor.view().await?), ("waiting", "nobody"));
    let heard = arrivals(&clinician).await?;
    let said = |it: &Value| (it["as_delegate"].clone(), it["proven"].clone());
    assert_eq!(heard.iter().map(said).collect::<Vec<_>>(), [(json!(false), json!(false))]);
    assert_eq!(told(&visitor.view().await?), ("waiting", "clinician"));
    drop(socket);
    e2e::wait::until("the clinician is offline", async || {
        Ok((ground.figure("roomed_companions_online").await? == 0.0).then_some(()))
    })
    .await?;

    // Linked but away: the delegate hears of it as well, and the clinician still outranks them on the page.
    let appointment = ground.schedule(0, 1).await?;
    let visitor = Visitor::enter(&ground, 1, &appointment).await?;
    visitor.ready().await?;
    assert_eq!(arrivals(&delegate).await?.len(), 1);
    assert_eq!(told(&visitor.view().await?), ("waiting", "front-desk"));
    assert_eq!(arrivals(&clinician).await?.len(), 2);
    assert_eq!(told(&visitor.view().await?), ("waiting", "clinician"));
    ground.no_leaks().await
}
