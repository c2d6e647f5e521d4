//! Somebody who acts for a patient comes in by MyChart: a person of their own in the visit, on the patient's line in the
//! chart. The same person again has the same place; one whom the EHR shows as another patient needs the analyst's word.

use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, participant, visit_until};
use crate::links::{invited, opens_nothing, path, press, token};
use crate::room::{Room, is};
use crate::visitor::{Visitor, shown};

/// Marcus Powell, who acts for his mother and is not treated here.
pub(crate) const SON: &str = "marcus.powell";
/// Linda Ross, who acts for her daughter and is treated here herself.
const MOTHER: &str = "linda.ross";

/// The proxy's place at the stand-in hospital: the number of whom they act for among its patients.
pub(crate) fn acts_for(ground: &Ground, user: &str) -> usize {
    let related = ground.northside.0["proxies"].as_array().into_iter().flatten().find(|it| it["mychart_user"] == user);
    let patient = &related.unwrap_or(&Value::Null)["related"][0]["patient_id"];
    let patients = ground.northside.0["patients"].as_array().cloned().unwrap_or_default();
    patients.iter().position(|it| it["patient_id"] == *patient).unwrap_or(usize::MAX)
}

pub(crate) async fn comes(ground: &Ground, user: &str, appointment: &Value) -> anyhow::Result<Visitor> {
    let pressed = Visitor::pressed(ground, &json!({ "mychart_user": user }), appointment).await?;
    Visitor::of(ground, &Visitor::callback(&pressed).await?).await
}

pub(crate) async fn throw(ground: &Ground, value: &str) -> anyhow::Result<()> {
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
    ground.stack.reconfigure(|it| it["organizations"][0]["ehr"][0]["proxies_as_patients"] = json!(true)).await?;
    let mother = comes(&ground, MOTHER, &appointment).await?;
    assert_eq!(mother.view().await?["role"], "proxy");
    ground.no_leaks().await
}

#[tokio::test]
async fn a_proxy_and_a_relative_are_each_in_the_meeting_as_themselves() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    throw(&ground, "related-person").await?;
    let appointment = ground.schedule(0, acts_for(&ground, SON)).await?;
    let clinician = ground.clinician(0).await?;
    let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    let son = comes(&ground, SON, &appointment).await?;
    let _page = son.stay().await?;
    son.ready().await?;
    let family = json!({ "role": "family", "send": { "by": "hand" } });
    let (link, _) = invited(&clinician, &visit, &family).await?;
    let relative = Visitor::entered(&ground, &press(&ground, token(&link)).await?)?;
    let _relatives_page = relative.stay().await?;
    relative.ready().await?;
    let join = clinician.ask(Method::POST, &format!("{}/join", path(&visit)), None).await?.accepted()?;
    let room = Room::of(&ground, &join).await?;
    room.comes(&clinician.oid).await?;
    // One after the other, so that each is known.
    let mut legs = Vec::new();
    for (one, role) in [(&son, "proxy"), (&relative, "family")] {
        one.sees("their turn", |view| view["stage"] == "called").await?;
        if role == "proxy" {
            assert_eq!(relative.view().await?["stage"], "waiting", "whoever acts for the patient goes first");
        }
        one.post("handed-over").await?.accepted()?;
        legs.push(room.guest().await?);
        room.admit().await?;
        visit_until(&clinician, &visit, &format!("the {role} is in"), |it| is(it, role, "connected")).await?;
    }
    let met = clinician.get(&path(&visit)).await?;
    assert_eq!((&met["stage"], participant(&met, "unattributed")), (&json!("in-progress"), &Value::Null), "{met}");
    ground.chart_shows(&appointment, "practitioner", "Connected").await?;
    // The relative goes: that is in no chart. The proxy goes: that is the patient's line.
    room.leaves(&legs[1]).await?;
    visit_until(&clinician, &visit, "the relative left", |it| is(it, "family", "disconnected")).await?;
    assert_eq!(ground.mark(&appointment, "patient").await?, "Connected");
    room.leaves(&legs[0]).await?;
    visit_until(&clinician, &visit, "the proxy left", |it| is(it, "proxy", "disconnected")).await?;
    ground.chart_shows(&appointment, "patient", "Disconnected").await?;
    let all = ground.stack.sandbox.write_backs().await?;
    let own = all.iter().filter(|it| it["conference_id"] == appointment["csn"]);
    let lines: std::collections::BTreeSet<String> = own.map(|it| it["external_id_type"].to_string()).collect();
    assert_eq!(lines.len(), 2, "the patient's and the clinician's, and no other: {lines:?}");
    ground.no_leaks().await
}

#[tokio::test]
async fn a_proxy_who_cannot_come_in_by_the_portal_comes_by_link_to_their_own_place() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    throw(&ground, "related-person").await?;
    let appointment = ground.schedule(0, acts_for(&ground, SON)).await?;
    // They were here before, on a device that they cannot use.
    comes(&ground, SON, &appointment).await?;
    let clinician = ground.clinician(0).await?;
    let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    let place = participant(&visit, "proxy")["id"].clone();
    let own = json!({ "role": "proxy", "send": { "by": "hand" }, "participant": place });
    let (link, who) = invited(&clinician, &visit, &own).await?;
    assert_eq!(json!(who), place, "their own place, and no second one");
    let son = Visitor::entered(&ground, &press(&ground, token(&link)).await?)?;
    assert_eq!(son.view().await?["role"], "proxy");
    let _page = son.stay().await?;
    son.ready().await?;
    let came = |it: &Value| is(it, "proxy", "waiting") && participant(it, "proxy")["invitation"]["state"] == "used";
    let now = visit_until(&clinician, &visit, "they wait, and came by the link", came).await?;
    assert_eq!(participant(&now, "patient")["presence"], "absent");
    ground.chart_shows(&appointment, "patient", "Connected").await?;
    opens_nothing(&ground, "used", token(&link)).await?;
    ground.holds_nowhere(&[token(&link)])?;
    ground.no_leaks().await
}
