//! The staff page's API: who sees which visits, what they may do in them, and that a role which is missing, another
//! department's or another hospital's opens nothing.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::ground::{Ground, refused, visit_until};
use crate::visitor::Visitor;
use crate::web_browser::{Browser, assign};

const NOT_FOUND: (u16, &str, &str) = (404, "visit-not-found", "clinician");
const NO_ROLE: (u16, &str, &str) = (403, "role-missing", "microsoft-365-admin");

/// Northside with two of its departments known: the first two practitioners see patients in them.
async fn ground() -> anyhow::Result<Ground> {
    let mut ground = Ground::start().await?;
    let departments = ground.northside.0["departments"].as_array().cloned().unwrap_or_default();
    let known = |n: usize, id: &str| {
        json!({ "id": id, "name": departments[n]["name"], "numbers": [departments[n]["number"]],
            "locations": [departments[n]["location_id"]] })
    };
    let typed = json!([known(0, "first"), known(1, "second")]);
    ground
        .stack
        .reconfigure(|it| {
            it["organizations"][0]["departments"] = typed;
            it["organizations"][0]["staff"] = json!([
                { "role": "Desk.All", "departments": ["*"] },
                { "role": "Desk.First", "departments": ["first"] },
                { "role": "Desk.Second", "departments": ["second"] },
            ]);
        })
        .await?;
    Ok(ground)
}

/// A member of staff with these roles, signed in with a browser.
async fn signed_in(ground: &Ground, roles: &[&str]) -> anyhow::Result<Browser> {
    let person = ground.northside.of_role("staff", 0)?;
    assign(ground, person, roles).await?;
    let mut browser = Browser::of(ground)?;
    let page = browser.go_as("/o/northside/sign-in?to=staff", person).await?;
    assert_eq!((page.status, page.address.path()), (200, "/staff/"));
    Ok(browser)
}

async fn rows(browser: &Browser) -> anyhow::Result<Vec<Value>> {
    let view = browser.api(Method::GET, "/staff/api/visits", None).await?.accepted()?;
    Ok(view["rows"].as_array().cloned().unwrap_or_default())
}

#[tokio::test]
async fn staff_see_their_departments_and_act_in_them_only() -> anyhow::Result<()> {
    let ground = ground().await?;
    // A patient who comes first: the department is the appointment's. A clinician who launches: the launch's.
    let first = ground.schedule(0, 0).await?;
    let visitor = Visitor::enter(&ground, 0, &first).await?;
    let _page = visitor.stay().await?;
    visitor.ready().await?;
    let clinician = ground.clinician(1).await?;
    let second = ground.schedule(1, 1).await?;
    let theirs = clinician.enter(&ground.stack, second["appointment_id"].as_str().unwrap_or_default()).await?;

    let desk = signed_in(&ground, &["Desk.First"]).await?;
    let me = desk.api(Method::GET, "/staff/api/me", None).await?.accepted()?;
    assert_eq!((me["departments"].as_array().map(Vec::len), &me["may_act"]), (Some(1), &json!(true)), "{me}");
    let seen = rows(&desk).await?;
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!((&seen[0]["department"]["id"], &seen[0]["stage"]), (&json!("first"), &json!("arrived")));
    assert_eq!(seen[0]["urgency"], "unlinked", "nobody could be told: {}", seen[0]);
    let own = seen[0]["id"].as_str().unwrap_or_default().to_owned();
    let other = theirs["id"].as_str().unwrap_or_default().to_owned();

    // What is another department's is not there, whatever is asked.
    let late = json!({ "preset": "running-late", "minutes": 5 });
    for (path, body) in [("room", json!({})), ("help", json!({})), ("say", late.clone())] {
        let answer = desk.api(Method::POST, &format!("/staff/api/visits/{other}/{path}"), Some(&body)).await?;
        refused(path, &answer, NOT_FOUND);
    }
    let both = json!({ "visits": [other, own], "minutes": 15 });
    refused("late in both", &desk.api(Method::POST, "/staff/api/late", Some(&both)).await?, NOT_FOUND);
    visitor.sees("their own were told all the same", |view| view["messages"][0]["minutes"] == 15).await?;
    let untouched = clinician.get(&format!("/visits/{other}")).await?;
    assert_eq!((&untouched["messages"], &untouched["roomed_at"]), (&json!([]), &Value::Null));

    // A page of another site acts for nobody.
    for origin in [None, Some("https://ehr.example"), Some("null")] {
        let answer = desk.api_from(Method::POST, &format!("/staff/api/visits/{own}/room"), None, origin).await?;
        refused("from elsewhere", &answer, (400, "bad-request", "it"));
    }
    let room = format!("/staff/api/visits/{own}/room");
    assert_eq!(desk.api(Method::POST, &room, None).await?.status, StatusCode::NO_CONTENT);
    let say = format!("/staff/api/visits/{own}/say");
    let preset = desk.api(Method::POST, &say, Some(&json!({ "preset": "check-sound" }))).await?;
    assert!((200..300).contains(&preset.status), "{}", preset.status);
    visitor.sees("what staff say", |view| view["messages"].to_string().contains("check-sound")).await?;
    visitor.post("help").await?.accepted()?;
    let seen = rows(&desk).await?;
    assert_eq!((&seen[0]["stage"], &seen[0]["urgency"]), (&json!("triaged"), &json!("help")), "{}", seen[0]);
    assert!(seen[0]["roomed_at"].is_string());
    assert_eq!(desk.api(Method::POST, &format!("/staff/api/visits/{own}/help"), None).await?.status, 204);
    assert_ne!(rows(&desk).await?[0]["urgency"], "help");

    // Nobody's name stands in what staff are told.
    let patient = ground.patient(0)?;
    let all = format!("{seen:?}");
    for name in ["name", "family", "given"] {
        let name = patient[name].as_str().unwrap_or("~~~~");
        assert!(!all.contains(name), "a patient's name");
    }

    // Roles are those of the sign-in; more roles show more.
    let everything = signed_in(&ground, &["Desk.All"]).await?;
    assert_eq!(rows(&everything).await?.len(), 2);
    let two = signed_in(&ground, &["Desk.First", "Desk.Second"]).await?;
    assert_eq!(rows(&two).await?.len(), 2);
    let visit = visit_until(&clinician, &theirs, "it is there", |_| true).await?;
    assert_eq!(visit["stage"], "planned");
    ground.no_leaks().await
}

#[tokio::test]
async fn an_arrival_that_nobody_answers_stands_on_top() -> anyhow::Result<()> {
    let mut ground = ground().await?;
    ground.stack.reconfigure(|it| it["visit"]["delegate_after_seconds"] = json!(2)).await?;
    // An earlier launch has linked the clinician, who is not at work on the next.
    let clinician = ground.clinician(0).await?;
    let earlier = ground.schedule(0, 2).await?;
    let earlier = clinician.enter(&ground.stack, earlier["appointment_id"].as_str().unwrap_or_default()).await?;
    let appointment = ground.schedule(0, 0).await?;
    let visitor = Visitor::enter(&ground, 0, &appointment).await?;
    let _page = visitor.stay().await?;
    visitor.ready().await?;
    let desk = signed_in(&ground, &["Desk.All"]).await?;
    let first = rows(&desk).await?[0].clone();
    assert!(first["urgency"] == "none" || first["urgency"] == "unanswered", "linked: {first}");
    let unanswered = async || {
        let all = rows(&desk).await?;
        Ok(Some(all).filter(|it| it[0]["urgency"] == "unanswered"))
    };
    let all = e2e::wait::until("nobody has answered", unanswered).await?;
    assert_eq!((all.len(), &all[1]["id"]), (2, &earlier["id"]), "before the visits that only are planned");
    // Somebody answers.
    let id = all[0]["id"].as_str().unwrap_or_default();
    clinician.ask(Method::POST, &format!("/visits/{id}/acknowledge"), None).await?.accepted()?;
    let all = rows(&desk).await?;
    let row = all.iter().find(|it| it["id"] == id).cloned().unwrap_or_default();
    assert_eq!(row["urgency"], "none", "{row}");
    ground.no_leaks().await
}

#[tokio::test]
async fn without_a_role_without_a_sign_in_and_from_another_hospital_there_is_nothing() -> anyhow::Result<()> {
    let ground = ground().await?;
    let appointment = ground.schedule(0, 0).await?;
    let visitor = Visitor::enter(&ground, 0, &appointment).await?;
    let nobody = Browser::of(&ground)?;
    let unknown = (401, "not-signed-in", "clinician");
    let reads = ["me", "visits"];
    for path in reads {
        let answer = nobody.api(Method::GET, &format!("/staff/api/{path}"), None).await?;
        refused("nobody", &answer, unknown);
    }
    // The patient's cookie is the patient's.
    refused("the patient", &visitor.ask_at("/staff/api/visits").await?, unknown);
    let without = signed_in(&ground, &["Somebody.Elses"]).await?;
    for path in reads {
        let answer = without.api(Method::GET, &format!("/staff/api/{path}"), None).await?;
        refused("another app's role", &answer, NO_ROLE);
    }
    // The other hospital's desk has the same role there: it sees its own visits, which are none.
    let stranger = ground.harbor.of_role("staff", 0)?;
    assign(&ground, stranger, &["Desk.All"]).await?;
    let mut browser = Browser::of(&ground)?;
    browser.go_as("/o/harbor/sign-in?to=staff", stranger).await?;
    let answer = browser.api(Method::GET, "/staff/api/visits", None).await?;
    refused("a hospital without staff roles", &answer, NO_ROLE);
    ground.no_leaks().await
}
