//! *End for all* where nobody can be put out: with people inside it is closing, and says who; only leaving is written; who
//! comes back is waited for until it is closed, and changes nothing after.

use e2e::clinician::Clinician;
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, participant, visit_until};
use crate::links::{invited, opens_nothing, path, press, token};
use crate::room::{Room, Running, Waiting, is};
use crate::visitor::Visitor;

/// The roles of everybody whom the clinician sees inside.
fn inside(visit: &Value) -> Vec<&str> {
    let all = visit["participants"].as_array().into_iter().flatten().filter(|it| it["presence"] == "connected");
    let mut roles: Vec<&str> = all.map(|it| it["role"].as_str().unwrap_or_default()).collect();
    roles.sort_unstable();
    roles
}

/// What the chart was told of one side, in order.
async fn told(ground: &Ground, appointment: &Value, kind: &str) -> anyhow::Result<Vec<Value>> {
    Ok(ground.accepted(appointment, kind).await?.into_iter().map(|it| it["connection_status"].clone()).collect())
}

/// The numbers for *connected* and *disconnected*.
fn numbers(ground: &Ground) -> (Value, Value) {
    let status = &ground.northside.0["ehr"]["connection_status"];
    (status["connected"].clone(), status["disconnected"].clone())
}

async fn ends(clinician: &Clinician, visit: &Value) -> anyhow::Result<Value> {
    clinician.ask(Method::POST, &format!("{}/end", path(visit)), None).await?.accepted()
}

/// Patient, interpreter and clinician, each known, and somebody whom nobody knows.
struct Full {
    waiting: Waiting,
    room: Room,
    /// Clinician, patient, interpreter, stranger.
    legs: [String; 4],
}

impl Full {
    async fn start(ground: &Ground) -> anyhow::Result<Self> {
        let waiting = Waiting::start(ground, 0, ground.schedule(0, 0).await?).await?;
        let Waiting { clinician, visit, visitor, .. } = &waiting;
        let interpreter = json!({ "role": "interpreter", "send": { "by": "hand" } });
        let (link, _) = invited(clinician, visit, &interpreter).await?;
        let guest = Visitor::entered(ground, &press(ground, token(&link)).await?)?;
        let _page = guest.stay().await?;
        guest.ready().await?;
        let join = clinician.ask(Method::POST, &format!("{}/join", path(visit)), None).await?.accepted()?;
        let room = Room::of(ground, &join).await?;
        let own = room.comes(&clinician.oid).await?;
        let mut legs = vec![own];
        for one in [visitor, &guest] {
            one.sees("their turn", |view| view["stage"] == "called").await?;
            one.post("handed-over").await?.accepted()?;
            legs.push(room.guest().await?);
            room.admit().await?;
        }
        let known = |it: &Value| inside(it) == ["interpreter", "patient", "practitioner"];
        visit_until(clinician, visit, "everybody is known", known).await?;
        legs.push(room.guest().await?);
        room.admit().await?;
        let all = |it: &Value| inside(it) == ["interpreter", "patient", "practitioner", "unattributed"];
        visit_until(clinician, visit, "and a stranger is in", all).await?;
        let legs = legs.try_into().map_err(|_| anyhow::anyhow!("four legs"))?;
        Ok(Self { waiting, room, legs })
    }
}

#[tokio::test]
async fn while_anybody_is_inside_it_is_closing_and_only_who_left_is_written() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let Full { waiting, room, legs: [own, patient, interpreter, stranger] } = Full::start(&ground).await?;
    let Waiting { clinician, visit, appointment, visitor, .. } = &waiting;
    let (unused, _) = invited(clinician, visit, &json!({ "role": "family", "send": { "by": "hand" } })).await?;
    let (connected, gone) = numbers(&ground);
    let still_there = [connected.clone()];
    ground.chart_shows(appointment, "patient", "Connected").await?;
    ground.chart_shows(appointment, "practitioner", "Connected").await?;

    let ended = ends(clinician, visit).await?;
    assert_eq!((&ended["closing"], &ended["stage"]), (&json!(true), &json!("in-progress")));
    assert_eq!(inside(&ended), ["interpreter", "patient", "practitioner", "unattributed"], "who is asked to leave");
    visitor.sees("their page says so", |view| view["stage"] == "ended").await?;
    opens_nothing(&ground, "closing", token(&unused)).await?;
    ground.at_rest().await?;
    for side in ["patient", "practitioner"] {
        assert_eq!(told(&ground, appointment, side).await?, still_there, "{side}: nobody saw them leave");
    }
    // One after the other; whoever leaves is written, and nobody else.
    let all = ["interpreter", "patient", "practitioner", "unattributed"];
    let mut left = Vec::new();
    for (leg, role) in [(&patient, all[1]), (&own, all[2]), (&interpreter, all[0])] {
        room.leaves(leg).await?;
        left.push(role);
        let rest: Vec<&str> = all.into_iter().filter(|it| !left.contains(it)).collect();
        let now = visit_until(clinician, visit, &format!("{role} left"), |it| inside(it) == rest).await?;
        assert_eq!((&now["closing"], &now["stage"]), (&json!(true), &json!("in-progress")), "{role}");
        for side in ["patient", "practitioner"] {
            match left.contains(&side) {
                true => ground.chart_shows(appointment, side, "Disconnected").await?,
                false => assert_eq!(told(&ground, appointment, side).await?, still_there, "{role} left"),
            }
        }
    }
    room.leaves(&stranger).await?;
    let over = visit_until(clinician, visit, "all are out", |it| it["closing"] == false).await?;
    assert_eq!(over["stage"], "finished");

    // Whoever comes back now is in nobody's visit any more.
    room.comes(&clinician.oid).await?;
    room.guest().await?;
    room.admit().await?;
    ground.at_rest().await?;
    let after = clinician.get(&path(visit)).await?;
    assert_eq!((&after["stage"], inside(&after).len()), (&json!("finished"), 0));
    for side in ["patient", "practitioner"] {
        assert_eq!(told(&ground, appointment, side).await?, [connected.clone(), gone.clone()], "{side}");
    }
    ground.no_leaks().await
}

#[tokio::test]
async fn who_comes_back_while_it_closes_is_waited_for() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    for (n, value) in ["new-id", "old-id"].into_iter().enumerate() {
        ground.stack.sandbox.send(Method::PUT, "/switches/rejoin", &json!({ "value": value })).await?;
        let running = Running::start(&ground, n).await?;
        let Running { clinician, visit, appointment, room, legs: (own, patient), .. } = &running;
        let (connected, gone) = numbers(&ground);
        ends(clinician, visit).await?;
        room.leaves(own).await?;
        visit_until(clinician, visit, "the clinician left", |it| inside(it) == ["patient"]).await?;
        let back = room.comes(&clinician.oid).await?;
        assert_eq!(back == *own, value == "old-id");
        let mut expected = vec![connected.clone(), gone.clone()];
        if value == "new-id" {
            visit_until(clinician, visit, "and is back", |it| is(it, "practitioner", "connected")).await?;
            room.leaves(patient).await?;
            let waits = |it: &Value| is(it, "patient", "disconnected");
            let now = visit_until(clinician, visit, "the patient left", waits).await?;
            assert_eq!((&now["closing"], inside(&now)), (&json!(true), vec!["practitioner"]));
            room.leaves(&back).await?;
            expected.extend(expected.clone());
        } else {
            // No source says that Graph gives an id again: who has left under it has left.
            room.leaves(patient).await?;
        }
        let over = visit_until(clinician, visit, "it is over", |it| it["closing"] == false).await?;
        assert_eq!(over["stage"], "finished", "{value}");
        ground.chart_shows(appointment, "practitioner", "Disconnected").await?;
        ground.at_rest().await?;
        assert_eq!(told(&ground, appointment, "patient").await?, [connected, gone], "{value}");
        let own = told(&ground, appointment, "practitioner").await?;
        assert!(own == expected || own == expected[..2], "{value}: {own:?}");
    }
    ground.no_leaks().await
}

#[tokio::test]
async fn an_end_taken_back_with_people_inside_goes_on_as_if_it_had_not_been() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let Full { waiting, room, legs: [_, patient, ..] } = Full::start(&ground).await?;
    let Waiting { clinician, visit, appointment, visitor, .. } = &waiting;
    let family = json!({ "role": "family", "send": { "by": "hand" } });
    let (link, guest) = invited(clinician, visit, &family).await?;
    ends(clinician, visit).await?;
    visitor.sees("their page says so", |view| view["stage"] == "ended").await?;
    let refused = clinician.ask(Method::POST, &format!("{}/invitations", path(visit)), Some(&family)).await?;
    assert_eq!(refused.problem(), (409, "visit-closed", "clinician"), "nobody new while it closes");
    let back = clinician.ask(Method::POST, &format!("{}/undo", path(visit)), None).await?.accepted()?;
    assert_eq!((&back["closing"], &back["stage"]), (&json!(false), &json!("in-progress")));
    assert_eq!(inside(&back), ["interpreter", "patient", "practitioner", "unattributed"]);
    visitor.sees("their page is in the meeting again", |view| view["stage"] == "in-meeting").await?;
    // A link that was out is good again, and a newer one kills it as ever.
    let again = json!({ "role": "family", "send": { "by": "hand" }, "participant": guest });
    let (newer, _) = invited(clinician, visit, &again).await?;
    opens_nothing(&ground, "replaced", token(&link)).await?;
    let relative = Visitor::entered(&ground, &press(&ground, token(&newer)).await?)?;
    assert_eq!(relative.view().await?["role"], "family");
    ground.at_rest().await?;
    let (connected, gone) = numbers(&ground);
    let still_there = [connected.clone()];
    for side in ["patient", "practitioner"] {
        assert_eq!(told(&ground, appointment, side).await?, still_there, "nothing was written of the end");
    }
    // And it still ends, for real this time.
    ends(clinician, visit).await?;
    room.leaves(&patient).await?;
    ground.chart_shows(appointment, "patient", "Disconnected").await?;
    assert_eq!(told(&ground, appointment, "patient").await?, [connected, gone]);
    assert_eq!(participant(&clinician.get(&path(visit)).await?, "interpreter")["presence"], "connected");
    ground.no_leaks().await
}
