//! A group visit: an appointment for each patient, one conference id, one visit with one meeting. Who is in it, what each
//! of them is told, and what the EHR says of one of them alone. What is written to their charts is in `group_chart.rs`.

use anyhow::Context;
use e2e::scan::{self, Canary};
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::ground::{Ground, refused, visit_until};
use crate::visitor::{Socket, Visitor};

/// Patients of Northside.
pub(crate) const PATIENTS: [usize; 3] = [0, 1, 2];

/// A booked group, its clinician in it, and every patient's page.
pub(crate) struct Group {
    pub(crate) conference: String,
    pub(crate) appointments: Vec<Value>,
    pub(crate) clinician: e2e::clinician::Clinician,
    pub(crate) visit: Value,
    pub(crate) visitors: Vec<Visitor>,
    pub(crate) pages: Vec<Socket>,
}

impl Group {
    /// All three come in at the same moment, before any clinician; then the clinician begins from the second one's chart.
    pub(crate) async fn start(ground: &Ground) -> anyhow::Result<Self> {
        let made = ground.schedule_group(&PATIENTS).await?;
        let appointments = made["appointments"].as_array().cloned().unwrap_or_default();
        let enter = |n: usize| Visitor::enter(ground, PATIENTS[n], &appointments[n]);
        let (a, b, c) = tokio::join!(enter(0), enter(1), enter(2));
        let visitors = vec![a?, b?, c?];
        let mut pages = Vec::new();
        for visitor in &visitors {
            pages.push(visitor.stay().await?);
        }
        let clinician = ground.clinician(0).await?;
        let visit = clinician.enter(&ground.stack, id(&appointments[1])).await?;
        let conference = made["conference_id"].as_str().unwrap_or_default().to_owned();
        Ok(Self { conference, appointments, clinician, visit, visitors, pages })
    }
}

pub(crate) fn id(appointment: &Value) -> &str {
    appointment["appointment_id"].as_str().unwrap_or_default()
}

/// The patients as the clinician sees them.
pub(crate) fn patients(visit: &Value) -> Vec<&Value> {
    visit["participants"].as_array().into_iter().flatten().filter(|it| it["role"] == "patient").collect()
}

/// How many of them have this presence.
pub(crate) fn count(visit: &Value, presence: &str) -> usize {
    patients(visit).iter().filter(|it| it["presence"] == presence).count()
}

async fn change(ground: &Ground, appointment: &Value, status: &str) -> anyhow::Result<()> {
    let path = format!("/appointments/{}", id(appointment));
    ground.stack.sandbox.send(Method::PATCH, &path, &json!({ "status": status })).await.map(drop)
}

fn often(configuration: &mut Value) {
    configuration["ehr"] = json!({ "poll_seconds": 1 });
}

#[tokio::test]
async fn whoever_of_a_group_comes_first_there_is_one_visit_with_one_meeting() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let group = Group::start(&ground).await?;
    assert_eq!(patients(&group.visit).len(), 3, "{}", group.visit);
    assert_eq!(ground.written().await?.rows_of("visit"), 1);
    for visitor in &group.visitors {
        let view = visitor.view().await?;
        assert_eq!(
            (&view["group"], &view["role"], &view["stage"]),
            (&json!(true), &json!("patient"), &json!("can-be-ready"))
        );
    }
    // From another patient's chart, and by the same way again: the same visit, and nobody is doubled.
    for appointment in &group.appointments {
        let again = group.clinician.enter(&ground.stack, id(appointment)).await?;
        assert_eq!((&again["id"], patients(&again).len()), (&group.visit["id"], 3));
    }
    let journal = ground.stack.sandbox.journal().await?;
    assert_eq!(journal.iter().filter(|it| it.what == "meeting.created").count(), 1);

    // Somebody who is in no group gets into none, whatever conference their address names.
    let other = ground.schedule(0, 3).await?;
    let pressed = Visitor::pressed(&ground, ground.patient(3)?, &other).await?;
    let own = other["csn"].as_str().unwrap_or_default();
    assert!(pressed.contains(own), "the address names the appointment");
    let back = Visitor::callback(&pressed.replace(own, &group.conference)).await?;
    let refused = crate::visitor::shown(back.open().await?).await?;
    assert_eq!((refused.status, refused.code.as_str()), (409, "wrong-patient"));
    assert_eq!(Visitor::enter(&ground, 3, &other).await?.view().await?["group"], false);
    ground.no_leaks().await
}

#[tokio::test]
async fn a_group_is_begun_by_the_https_link_only() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let made = ground.schedule_group(&PATIENTS).await?;
    let clinician = ground.clinician(0).await?;
    let before = ground.written().await?;
    let link = clinician.begin_natively(&ground.stack, id(&made["appointments"][0])).await?;
    let answer = clinician.launch(&clinician.prove(&link).await?).await?;
    refused("an encounter is one patient's", &answer, (422, "launch-without-appointment", "clinician"));
    assert!(answer.body["detail"].as_str().unwrap_or_default().contains("https link"), "{}", answer.body);
    assert_eq!(ground.written().await?, before, "no visit of one patient of a group");
    let visit = clinician.enter(&ground.stack, id(&made["appointments"][0])).await?;
    assert_eq!(patients(&visit).len(), 3);
    ground.no_leaks().await
}

/// Everything that is another patient's, as the EHR has it.
fn of_others(ground: &Ground, group: &Group, me: usize) -> anyhow::Result<Vec<Canary>> {
    let mut all = Vec::new();
    for (n, patient) in PATIENTS.iter().enumerate().filter(|(n, _)| *n != me) {
        let whole = [("patient", ground.patient(*patient)?), ("appointment", &group.appointments[n])];
        for (kind, of) in whole {
            let own = if kind == "patient" { ground.patient(PATIENTS[me])? } else { &group.appointments[me] };
            let texts = of.as_object().into_iter().flatten().filter(|(name, value)| own[name.as_str()] != **value);
            let texts = texts.filter_map(|(name, value)| Some((name, value.as_str().filter(|it| it.len() > 5)?)));
            all.extend(texts.map(|(name, value)| Canary::new(&format!("{kind}.{name}"), value)));
        }
    }
    // Nor by what the relay calls them.
    let seen = patients(&group.visit);
    anyhow::ensure!(seen.len() == PATIENTS.len() && all.len() > 10, "too little to look for");
    all.extend(seen.iter().filter_map(|it| Some(Canary::new("participant", it["id"].as_str()?))));
    Ok(all)
}

#[tokio::test]
async fn no_patient_of_a_group_learns_anything_of_another() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let mut group = Group::start(&ground).await?;
    let me = 1;
    let path = format!("/visits/{}", group.visit["id"].as_str().unwrap_or_default());
    // Everything that happens to the others while this one looks on.
    for visitor in &group.visitors {
        visitor.ready().await?;
    }
    group.visitors[0].post("help").await?.accepted()?;
    let to = patients(&visit_until(&group.clinician, &group.visit, "all wait", |it| count(it, "waiting") == 3).await?)
        .first()
        .map(|it| it["id"].clone())
        .unwrap_or_default();
    let say = json!({ "to": to, "preset": "check-camera" });
    group.clinician.ask(Method::POST, &format!("{path}/say"), Some(&say)).await?.accepted()?;
    let mut told = 0;
    for visitor in &group.visitors {
        told += visitor.view().await?["messages"].as_array().context("no messages")?.len();
    }
    assert_eq!(told, 1, "one was spoken to");
    group.clinician.ask(Method::POST, &format!("{path}/join"), None).await?.accepted()?;
    group.visitors[2].post("leave").await?.accepted()?;
    let visitor = &group.visitors[me];
    visitor.say("take-over", &json!({})).await?;
    visitor.sees("somebody is called, in their turn", |view| view["stage"] != "can-be-ready").await?;
    visitor.post("handed-over").await?;
    for path in ["/v/api/visit", "/v/api/visits", "/v/api/participants", &format!("/api/v1{path}")] {
        visitor.ask_at(path).await?;
    }
    change(&ground, &group.appointments[0], "cancelled").await?;
    visitor.view().await?;
    let mut heard = visitor.heard().clone();
    let last = visitor.post("leave").await?;
    heard.extend(last.body.to_string().into_bytes());
    // Until the socket has told of this one's own leaving.
    loop {
        let text = match group.pages[me].next().await {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_))) => continue,
            other => anyhow::bail!("the socket ended with {other:?}"),
        };
        heard.extend(text.as_bytes());
        let view: Value = serde_json::from_str(&text)?;
        if view["stage"] == "can-be-ready" {
            break;
        }
    }
    assert!(heard.len() > 2_000, "{}", heard.len());
    let found = scan::bytes("what one patient was told", &heard, &of_others(&ground, &group, me)?);
    assert!(found.is_empty(), "{found:?}");
    // The scan does find what is there.
    let own = ground.northside.0["name"].as_str().unwrap_or_default();
    assert!(!scan::bytes("the same", &heard, &[Canary::new("organization", own)]).is_empty());
    ground.no_leaks().await
}

#[tokio::test]
async fn what_the_ehr_says_of_one_patient_is_that_ones_alone() -> anyhow::Result<()> {
    let ground = Ground::start_with(often).await?;
    let group = Group::start(&ground).await?;
    let [a, b, c] = [0, 1, 2].map(|n| &group.appointments[n]);
    // The desk checks the third one in: not the first.
    change(&ground, c, "arrived").await?;
    ground.chart_shows(c, "patient", "Connected").await?;
    group.visitors[2].sees("the third one waits", |view| view["stage"] == "waiting").await?;
    for n in [0, 1] {
        assert_eq!(ground.mark(&group.appointments[n], "patient").await?, "Not connected");
        assert_eq!(group.visitors[n].view().await?["stage"], "can-be-ready");
    }
    // One is cancelled: theirs is over, and the visit goes on.
    change(&ground, a, "cancelled").await?;
    group.visitors[0].sees("theirs is cancelled", |view| view["stage"] == "cancelled").await?;
    refused("and stays so", &group.visitors[0].post("ready").await?, (404, "guest-unknown", "clinician"));
    group.visitors[1].ready().await?;
    ground.chart_shows(b, "patient", "Connected").await?;
    let goes_on = |it: &Value| it["stage"] == "arrived" && patients(it).len() == 2 && count(it, "waiting") == 2;
    visit_until(&group.clinician, &group.visit, "the visit goes on with the others", goes_on).await?;
    let pressed = Visitor::pressed(&ground, ground.patient(PATIENTS[0])?, a).await?;
    let shown = crate::visitor::shown(Visitor::callback(&pressed).await?.open().await?).await?;
    assert_eq!((shown.status, shown.code.as_str()), (409, "appointment-cancelled"));
    // Booked again, they are awaited again; and once all are cancelled, so is the visit.
    change(&ground, a, "booked").await?;
    group.visitors[0].sees("they may come again", |view| view["stage"] == "can-be-ready").await?;
    for appointment in [a, b] {
        change(&ground, appointment, "cancelled").await?;
    }
    group.visitors[1].sees("theirs is cancelled too", |view| view["stage"] == "cancelled").await?;
    assert_eq!(group.visitors[2].view().await?["stage"], "waiting");
    change(&ground, c, "cancelled").await?;
    visit_until(&group.clinician, &group.visit, "nobody is left", |it| it["stage"] == "cancelled").await?;
    ground.no_leaks().await
}
