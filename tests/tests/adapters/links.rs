//! One-time links: good once, for one person, while the visit may be held; every way in which one is not good looks the
//! same. And an interpreter who comes by one is in the visit as themselves and in no chart.

use e2e::clinician::{Clinician, http};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::ground::{Ground, participant, refused, visit_until};
use crate::room::{Room, Waiting, is};
use crate::visitor::{Visitor, closes, shown};

pub(crate) fn path(visit: &Value) -> String {
    format!("/visits/{}", visit["id"].as_str().unwrap_or_default())
}

/// Asks for a link; answers with it and the guest's place.
pub(crate) async fn invited(clinician: &Clinician, visit: &Value, body: &Value) -> anyhow::Result<(String, String)> {
    let path = format!("{}/invitations", path(visit));
    let invited = clinician.ask(Method::POST, &path, Some(body)).await?.accepted()?;
    let text = |name: &str| invited[name].as_str().unwrap_or_default().to_owned();
    Ok((text("link"), text("participant")))
}

pub(crate) fn token(link: &str) -> &str {
    link.rsplit('/').next().unwrap_or_default()
}

pub(crate) async fn press(ground: &Ground, token: &str) -> anyhow::Result<Response> {
    press_from(ground, token, &ground.stack.relay).await
}

async fn press_from(ground: &Ground, token: &str, origin: &str) -> anyhow::Result<Response> {
    let button = http()?.post(format!("{}/i", ground.stack.relay)).header("origin", origin);
    Ok(button.form(&[("token", token)]).send().await?)
}

/// The page of a link that opens nothing: one and the same, whatever is wrong with it.
pub(crate) async fn opens_nothing(ground: &Ground, what: &str, token: &str) -> anyhow::Result<String> {
    let answer = press(ground, token).await?;
    assert!(!answer.headers().contains_key("set-cookie"), "{what}");
    let shown = shown(answer).await?;
    assert_eq!((shown.status, shown.code.as_str()), (404, "guest-unknown"), "{what}");
    Ok(shown.text)
}

#[tokio::test]
async fn a_link_is_good_once_and_every_other_looks_the_same() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let appointment = ground.schedule(0, 0).await?;
    let clinician = ground.clinician(0).await?;
    let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    let interpreter = json!({ "role": "interpreter", "send": { "by": "hand" } });
    let (link, guest) = invited(&clinician, &visit, &interpreter).await?;
    assert!(link.starts_with(&format!("{}/i/", ground.stack.relay)), "{link}");
    // 32 random bytes: far beyond the 128 bits that nobody guesses.
    let known: std::collections::BTreeSet<char> = token(&link).chars().collect();
    assert!(token(&link).len() == 43 && known.len() > 15, "{link}");

    // Mail scanners look at links: looking uses none up and tells nothing.
    let http = http()?;
    let made_up = format!("{}/i/{}", ground.stack.relay, "x".repeat(43));
    let looked = http.get(&link).send().await?;
    assert_eq!(looked.status(), StatusCode::OK);
    assert_eq!(looked.headers()["referrer-policy"], "same-origin");
    assert!(looked.headers()["content-security-policy"].to_str()?.contains("form-action 'self'"));
    let page = looked.text().await?;
    assert_eq!(
        page.replace(token(&link), ""),
        http.get(&made_up).send().await?.text().await?.replace(token(&made_up), "")
    );
    assert_eq!(http.head(&link).send().await?.status(), StatusCode::OK);

    // A button on another site's page presses nothing.
    let elsewhere = press_from(&ground, token(&link), "https://elsewhere.example").await?;
    assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND);
    let wrong = opens_nothing(&ground, "made up", token(&made_up)).await?;
    let visitor = Visitor::entered(&ground, &press(&ground, token(&link)).await?)?;
    let view = visitor.view().await?;
    assert_eq!((&view["role"], &view["stage"]), (&json!("interpreter"), &json!("can-be-ready")));
    let used = opens_nothing(&ground, "used", token(&link)).await?;

    // A new link after somebody came in by the old one: that somebody may be the wrong person, and is sent away.
    let again = |who: &str| json!({ "role": "interpreter", "send": { "by": "hand" }, "participant": who });
    let (second, other) = invited(&clinician, &visit, &again(&guest)).await?;
    assert_ne!(other, guest);
    visitor.sees("the first one's page is over", |view| view["stage"] == "ended").await?;
    for act in ["ready", "help", "handed-over", "take-over"] {
        let answer = visitor.post(act).await?;
        refused(act, &answer, (404, "guest-unknown", "clinician"));
    }
    // A new link while nobody has come in kills the old one and keeps the place; off the list, it is dead as well.
    let (third, same) = invited(&clinician, &visit, &again(&other)).await?;
    assert_eq!(same, other);
    let replaced = opens_nothing(&ground, "replaced", token(&second)).await?;
    let after =
        clinician.ask(Method::DELETE, &format!("{}/invitations/{other}", path(&visit)), None).await?.accepted()?;
    let revoked = |it: &&Value| it["invitation"]["state"] == "revoked";
    assert_eq!(after["participants"].as_array().into_iter().flatten().filter(revoked).count(), 2);
    let revoked = opens_nothing(&ground, "taken back", token(&third)).await?;
    let nobody = clinician.ask(Method::POST, &format!("{}/invitations", path(&visit)), Some(&again("made-up"))).await?;
    refused("somebody who is not there", &nobody, (404, "guest-unknown", "clinician"));

    // Ended: a link that was never used is dead as well.
    let family = json!({ "role": "family", "send": { "by": "hand" } });
    let (unused, _) = invited(&clinician, &visit, &family).await?;
    clinician.ask(Method::POST, &format!("{}/end", path(&visit)), None).await?.accepted()?;
    let ended = opens_nothing(&ground, "ended", token(&unused)).await?;
    assert!([used, replaced, revoked, ended].iter().all(|page| *page == wrong), "they tell which it is");
    for bad in ["", "a b", &"y".repeat(65), "../v", "%0d%0a"] {
        assert_eq!(opens_nothing(&ground, bad, bad).await?, wrong);
    }
    ground.holds_nowhere(&[token(&link), token(&second), token(&third), token(&unused)])?;
    ground.no_leaks().await
}

#[tokio::test]
async fn only_the_visits_own_clinician_invites_and_a_patient_without_a_link_has_none_to_lose() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let appointment = ground.schedule(0, 0).await?;
    let clinician = ground.clinician(0).await?;
    let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    let path = format!("{}/invitations", path(&visit));
    let body = |role: &str| json!({ "role": role, "send": { "by": "hand" } });
    for role in ["patient", "proxy", "practitioner", "unattributed", "student"] {
        let answer = clinician.ask(Method::POST, &path, Some(&body(role))).await?;
        refused(role, &answer, (400, "bad-request", "it"));
    }
    let other = ground.clinician(1).await?;
    let answer = other.ask(Method::POST, &path, Some(&body("family"))).await?;
    refused("another clinician", &answer, (404, "visit-not-found", "clinician"));
    let by_mail = json!({ "role": "family", "send": { "by": "email", "address": "a@example.org" } });
    let answer = clinician.ask(Method::POST, &path, Some(&by_mail)).await?;
    refused("nothing can send", &answer, (409, "sending-not-configured", "it"));
    let patient = participant(&visit, "patient")["id"].as_str().unwrap_or_default().to_owned();
    let answer = clinician.ask(Method::DELETE, &format!("{path}/{patient}"), None).await?;
    refused("a patient has no link", &answer, (404, "guest-unknown", "clinician"));
    let as_guest = json!({ "role": "family", "send": { "by": "hand" }, "participant": patient });
    let answer = clinician.ask(Method::POST, &path, Some(&as_guest)).await?;
    refused("nor is a guest", &answer, (404, "guest-unknown", "clinician"));
    ground.no_leaks().await
}

#[tokio::test]
async fn a_patient_who_cannot_come_in_by_the_portal_comes_by_link_and_a_wrong_one_is_sent_away() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let appointment = ground.schedule(0, 0).await?;
    let clinician = ground.clinician(0).await?;
    let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    let patient = participant(&visit, "patient")["id"].as_str().unwrap_or_default().to_owned();
    let own = |role: &str| json!({ "role": role, "send": { "by": "hand" }, "participant": patient });
    let (link, who) = invited(&clinician, &visit, &own("patient")).await?;
    assert_eq!(who, patient, "their own place, and no second one");
    let wrong = Visitor::entered(&ground, &press(&ground, token(&link)).await?)?;
    let mut page = wrong.stay().await?;
    wrong.ready().await?;
    let by_link =
        |it: &Value| is(it, "patient", "waiting") && participant(it, "patient")["invitation"]["state"] == "used";
    visit_until(&clinician, &visit, "the patient waits, and came by the link", by_link).await?;
    opens_nothing(&ground, "used", token(&link)).await?;

    // It was not the patient. A new link sends whoever it is away, from the socket too; the patient comes by the new one.
    let (second, same) = invited(&clinician, &visit, &own("patient")).await?;
    assert_eq!(same, patient);
    closes(&mut page).await?;
    refused("sent away", &wrong.post("ready").await?, (401, "not-signed-in", "clinician"));
    let right = Visitor::entered(&ground, &press(&ground, token(&second)).await?)?;
    let _page = right.stay().await?;
    right.ready().await?;
    ground.chart_shows(&appointment, "patient", "Connected").await?;

    // A request that is refused takes nobody's place away.
    let answer = clinician.ask(Method::POST, &format!("{}/invitations", path(&visit)), Some(&own("family"))).await?;
    refused("they are no guest", &answer, (404, "guest-unknown", "clinician"));
    right.view().await?;

    // Taken back: the portal is still their way in.
    clinician.ask(Method::DELETE, &format!("{}/invitations/{patient}", path(&visit)), None).await?.accepted()?;
    refused("taken back", &right.post("ready").await?, (401, "not-signed-in", "clinician"));
    Visitor::enter(&ground, 0, &appointment).await?.ready().await?;
    let now = clinician.get(&path(&visit)).await?;
    let patients = now["participants"].as_array().into_iter().flatten().filter(|it| it["role"] == "patient");
    assert_eq!(patients.count(), 1);
    ground.holds_nowhere(&[token(&link), token(&second)])?;
    ground.no_leaks().await
}

#[tokio::test]
async fn an_interpreter_comes_in_after_the_patient_and_is_in_no_chart() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let waiting = Waiting::start(&ground, 0, ground.schedule(0, 0).await?).await?;
    let Waiting { clinician, visit, appointment, visitor, .. } = &waiting;
    let interpreter = json!({ "role": "interpreter", "send": { "by": "hand" } });
    let (link, _) = invited(clinician, visit, &interpreter).await?;
    let guest = Visitor::entered(&ground, &press(&ground, token(&link)).await?)?;
    let _page = guest.stay().await?;
    guest.ready().await?;
    visit_until(clinician, visit, "the interpreter waits", |it| is(it, "interpreter", "waiting")).await?;

    let join = clinician.ask(Method::POST, &format!("{}/join", path(visit)), None).await?.accepted()?;
    let room = Room::of(&ground, &join).await?;
    room.comes(&clinician.oid).await?;
    visitor.sees("the patient is called", |view| view["stage"] == "called").await?;
    assert_eq!(guest.view().await?["stage"], "waiting", "one after the other, so that each is known");
    visitor.post("handed-over").await?.accepted()?;
    assert_eq!(guest.view().await?["stage"], "waiting", "the patient is on the way");
    room.guest().await?;
    guest.sees("the interpreter is called", |view| view["stage"] == "called").await?;
    guest.post("handed-over").await?.accepted()?;
    room.guest().await?;
    room.admit().await?;
    room.admit().await?;
    let both = |it: &Value| is(it, "patient", "connected") && is(it, "interpreter", "connected");
    let met = visit_until(clinician, visit, "both are in, each as themselves", both).await?;
    let strangers = met["participants"].as_array().into_iter().flatten().filter(|it| it["role"] == "unattributed");
    assert_eq!(strangers.count(), 0);
    assert_eq!(participant(&met, "interpreter")["chart"]["state"], "nothing");

    ground.chart_shows(appointment, "practitioner", "Connected").await?;
    ground.chart_shows(appointment, "patient", "Connected").await?;
    let all = ground.stack.sandbox.write_backs().await?;
    let own = all.iter().filter(|it| it["conference_id"] == appointment["csn"]);
    let lines: std::collections::BTreeSet<String> = own.map(|it| it["external_id_type"].to_string()).collect();
    assert_eq!(lines.len(), 2, "a line for the patient, one for the clinician, and none else: {lines:?}");
    ground.no_leaks().await
}

#[tokio::test]
async fn a_colleague_of_another_organization_is_known_by_their_turn() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let waiting = Waiting::start(&ground, 0, ground.schedule(0, 0).await?).await?;
    let Waiting { clinician, visit, visitor, appointment, .. } = &waiting;
    let colleague = json!({ "role": "colleague", "send": { "by": "hand" } });
    let (link, _) = invited(clinician, visit, &colleague).await?;
    let guest = Visitor::entered(&ground, &press(&ground, token(&link)).await?)?;
    let _page = guest.stay().await?;
    guest.ready().await?;
    let join = clinician.ask(Method::POST, &format!("{}/join", path(visit)), None).await?.accepted()?;
    let room = Room::of(&ground, &join).await?;
    room.comes(&clinician.oid).await?;
    visitor.sees("the patient is called", |view| view["stage"] == "called").await?;
    visitor.post("handed-over").await?.accepted()?;
    room.guest().await?;
    guest.sees("the colleague is called", |view| view["stage"] == "called").await?;
    guest.post("handed-over").await?.accepted()?;
    // They come with the account of their own hospital.
    let neighbour = ground.harbor.of_role("practitioner", 0)?["oid"].as_str().unwrap_or_default().to_owned();
    room.comes(&neighbour).await?;
    room.admit().await?;
    room.admit().await?;
    let both = |it: &Value| is(it, "patient", "connected") && is(it, "colleague", "connected");
    let met = visit_until(clinician, visit, "both are in, each as themselves", both).await?;
    assert_eq!(participant(&met, "colleague")["chart"]["state"], "nothing");
    ground.chart_shows(appointment, "patient", "Connected").await?;
    ground.no_leaks().await
}
