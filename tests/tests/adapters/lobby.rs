//! Who waits in the lobby: as the organization has it, and never anybody it does not name. Where Graph tells of nobody in the
//! lobby, nothing is made up of those who wait there.

use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, participant, visit_until};
use crate::links::path;
use crate::room::{Room, Waiting, is};

async fn switch(ground: &Ground, name: &str, value: &str) -> anyhow::Result<()> {
    let body = json!({ "value": value, "org": "northside" });
    ground.stack.sandbox.send(Method::PUT, &format!("/switches/{name}"), &body).await.map(drop)
}

/// A visit whose clinician is in the meeting; the patient waits on the page.
async fn begun(ground: &Ground) -> anyhow::Result<(Waiting, Room)> {
    let waiting = Waiting::start(ground, 0, ground.schedule(0, 0).await?).await?;
    let join = format!("{}/join", path(&waiting.visit));
    let join = waiting.clinician.ask(Method::POST, &join, None).await?.accepted()?;
    let room = Room::of(ground, &join).await?;
    room.comes(&waiting.clinician.oid).await?;
    let inside = |it: &Value| is(it, "practitioner", "connected");
    visit_until(&waiting.clinician, &waiting.visit, "the clinician is in", inside).await?;
    Ok((waiting, room))
}

#[tokio::test]
async fn who_waits_in_the_lobby_is_the_organizations_choice() -> anyhow::Result<()> {
    let mut ground = Ground::start().await?;
    let harbor = ground.harbor.of_role("practitioner", 0)?["oid"].as_str().unwrap_or_default().to_owned();
    let own = ground.northside.of_role("practitioner", 1)?["oid"].as_str().unwrap_or_default().to_owned();
    // Who goes straight in: a colleague of the tenant, one of a federated tenant, and that one as a guest account.
    for (lobby, straight_in) in [
        (None, [false, false, false]),
        (Some("organizer"), [false, false, false]),
        (Some("invited"), [false, false, false]),
        (Some("organizationExcludingGuests"), [true, false, false]),
        (Some("organization"), [true, false, true]),
        (Some("organizationAndFederated"), [true, true, true]),
    ] {
        ground
            .stack
            .reconfigure(|it| {
                if let Some(lobby) = lobby {
                    it["organizations"][0]["meeting"] = json!({ "lobby": lobby });
                }
            })
            .await?;
        let (_waiting, room) = begun(&ground).await?;
        let mut places = Vec::new();
        for (oid, tenants) in [(&own, "federated"), (&harbor, "federated"), (&harbor, "invited")] {
            switch(&ground, "guest_tenants", tenants).await?;
            places.push(room.place(&room.comes(oid).await?).await? == "in");
        }
        assert_eq!(places, straight_in, "{lobby:?}");
        // Nobody without an account ever does.
        let guest = room.guest().await?;
        assert_eq!(room.place(&guest).await?, "lobby", "{lobby:?}");
        room.ends().await?;
    }
    ground.no_leaks().await
}

#[tokio::test]
async fn whom_the_roster_does_not_show_in_the_lobby_is_not_said_to_have_gone() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    switch(&ground, "lobby_visible", "no").await?;
    let (waiting, room) = begun(&ground).await?;
    let Waiting { clinician, visit, visitor, appointment, .. } = &waiting;
    ground.chart_shows(appointment, "patient", "Connected").await?;
    visitor.sees("their turn", |view| view["stage"] == "called").await?;
    visitor.post("handed-over").await?.accepted()?;
    let patient = room.guest().await?;
    assert_eq!(room.place(&patient).await?, "lobby");
    // A stranger in the lobby is nobody we could know of.
    let now = clinician.get(&path(visit)).await?;
    assert_eq!(participant(&now, "unattributed"), &Value::Null);
    // Let in, they are there: the only one on their way.
    room.admit().await?;
    let now = visit_until(clinician, visit, "the patient is in", |it| is(it, "patient", "connected")).await?;
    assert_eq!(now["stage"], "in-progress");
    let stranger = room.guest().await?;
    assert_eq!(room.place(&stranger).await?, "lobby");
    ground.at_rest().await?;
    assert_eq!(participant(&clinician.get(&path(visit)).await?, "unattributed"), &Value::Null);
    room.admit().await?;
    visit_until(clinician, visit, "the stranger is seen", |it| is(it, "unattributed", "connected")).await?;
    // The end closes nothing that is still inside, and leaves nobody in a lobby that Graph does not show.
    room.guest().await?;
    clinician.ask(Method::POST, &format!("{}/end", path(visit)), None).await?.accepted()?;
    room.leaves(&patient).await?;
    let now = visit_until(clinician, visit, "the patient left", |it| is(it, "patient", "disconnected")).await?;
    assert_eq!(now["closing"], true);
    room.ends().await?;
    let over = visit_until(clinician, visit, "it is over", |it| it["closing"] == false).await?;
    assert_eq!(over["stage"], "finished");
    ground.no_leaks().await
}
