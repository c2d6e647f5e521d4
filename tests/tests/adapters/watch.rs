//! Our hold on a meeting's events: renewed when Graph asks, made anew when Graph has dropped it, and heard through again.

use e2e::clinician::http;
use e2e::wait;
use serde_json::json;

use crate::ground::Ground;
use crate::room::{Running, is};

async fn lifecycle(ground: &Ground, thread: &str, event: &str, pause: bool) -> anyhow::Result<()> {
    let url = format!("{}/_sandbox/lifecycle", ground.stack.sandbox.at("graph"));
    let body = json!({ "event": event, "thread": thread, "pause": pause });
    http()?.post(url).json(&body).send().await?.error_for_status()?;
    Ok(())
}

async fn count(ground: &Ground, what: &str) -> anyhow::Result<usize> {
    Ok(ground.stack.sandbox.journal().await?.iter().filter(|entry| entry.what == what).count())
}

#[tokio::test]
async fn a_watch_that_graph_rests_is_renewed_and_heard_again() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let running = Running::start(&ground, 0).await?;
    let renewed = count(&ground, "subscription.renewed").await?;
    lifecycle(&ground, running.room.thread(), "reauthorizationRequired", true).await?;
    wait::until("the watch is renewed", async || {
        Ok((count(&ground, "subscription.renewed").await? > renewed).then_some(()))
    })
    .await?;
    running.room.leaves(&running.legs.1).await?;
    wait::until("what happens after the renewal is heard", async || {
        Ok(is(&running.look().await?, "patient", "disconnected").then_some(()))
    })
    .await?;
    assert_eq!(count(&ground, "subscription.created").await?, 1, "a renewal makes no second watch");
    ground.no_leaks().await
}

#[tokio::test]
async fn a_watch_that_graph_has_dropped_is_made_anew() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let running = Running::start(&ground, 0).await?;
    lifecycle(&ground, running.room.thread(), "subscriptionRemoved", false).await?;
    wait::until("the meeting is watched anew", async || {
        Ok((count(&ground, "subscription.created").await? == 2).then_some(()))
    })
    .await?;
    // Graph knows the new watch a moment before the relay's store does; what comes in between is asked for again.
    running.room.leaves(&running.legs.1).await?;
    wait::until("what happens after that is heard", async || {
        Ok(is(&running.look().await?, "patient", "disconnected").then_some(()))
    })
    .await?;
    ground.no_leaks().await
}
