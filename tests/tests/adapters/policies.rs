//! What an organization chooses in the relay's configuration, as people meet it: whom an arrival alerts and when, what waits
//! are long, what pages say, whether a proxy is in the chart, and how long a link is good.

use e2e::clinician::Clinician;
use e2e::wait::until;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, visit_until};
use crate::links::{invited, opens_nothing, press, token};
use crate::patient_first::online;
use crate::proxy;
use crate::room::is;
use crate::visitor::Visitor;
use crate::web_browser::{Browser, assign};

fn id(of: &Value) -> &str {
    of["appointment_id"].as_str().unwrap_or_default()
}

/// The arrivals somebody was told of, oldest first.
async fn arrivals(who: &Clinician, visit: &Value) -> anyhow::Result<Vec<Value>> {
    let notices = who.get("/notices").await?["notices"].clone();
    let all = notices.as_array().cloned().unwrap_or_default();
    Ok(all.into_iter().filter(|it| it["kind"] == "patient-ready" && it["visit"] == visit["id"]).collect())
}

/// Somebody of the staff with a browser, who sees everything.
async fn desk(ground: &mut Ground) -> anyhow::Result<Browser> {
    let roles = json!([{ "role": "Desk.All", "departments": ["*"] }]);
    ground.stack.reconfigure(|it| it["organizations"][0]["staff"] = roles).await?;
    let person = ground.northside.of_role("staff", 0)?;
    assign(ground, person, &["Desk.All"]).await?;
    let mut browser = Browser::of(ground)?;
    browser.go_as("/o/northside/sign-in?to=staff", person).await?;
    Ok(browser)
}

#[tokio::test]
async fn a_clinician_is_alerted_on_arrival_or_once_staff_have_roomed_the_patient() -> anyhow::Result<()> {
    for (alert_on, at_once) in [("arrived", 1), ("triaged", 0)] {
        let mut ground = Ground::start().await?;
        let desk = desk(&mut ground).await?;
        ground.stack.reconfigure(|it| it["visit"]["alert_on"] = alert_on.into()).await?;
        let clinician = ground.clinician(0).await?;
        let appointment = ground.schedule(0, 0).await?;
        let visit = clinician.enter(&ground.stack, id(&appointment)).await?;
        let visitor = Visitor::enter(&ground, 0, &appointment).await?;
        let _page = visitor.stay().await?;
        visitor.ready().await?;
        // Whom an arrival alerts is kept in the commit of the arrival itself.
        visit_until(&clinician, &visit, "the arrival", |it| it["stage"] == "arrived").await?;
        assert_eq!(arrivals(&clinician, &visit).await?.len(), at_once, "{alert_on}");
        let room = format!("/staff/api/visits/{}/room", visit["id"].as_str().unwrap_or_default());
        assert_eq!(desk.api(Method::POST, &room, None).await?.status, 204);
        visit_until(&clinician, &visit, "staff roomed them", |it| it["stage"] == "triaged").await?;
        assert_eq!(arrivals(&clinician, &visit).await?.len(), 1, "{alert_on}: once");
        ground.no_leaks().await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_alert_that_nobody_takes_on_goes_to_the_delegate_after_the_time_that_is_set() -> anyhow::Result<()> {
    const AFTER: i64 = 4;
    let late: fn(&mut Value) = |it| it["visit"]["delegate_after_seconds"] = json!(AFTER);
    let ground = Ground::start_with(late).await?;
    let (delegate, clinician) = (ground.delegate().await?, ground.clinician(0).await?);
    let appointment = ground.schedule(0, 0).await?;
    let visit = clinician.enter(&ground.stack, id(&appointment)).await?;
    // Whoever is there is told first, and alone.
    let _socket = online(&ground, &clinician).await?;
    let visitor = Visitor::enter(&ground, 0, &appointment).await?;
    let _page = visitor.stay().await?;
    visitor.ready().await?;
    let first = until("the clinician is told", async || Ok(arrivals(&clinician, &visit).await?.pop())).await?;
    let second = until("the delegate is told", async || Ok(arrivals(&delegate, &visit).await?.pop())).await?;
    assert_eq!((&first["as_delegate"], &second["as_delegate"]), (&json!(false), &json!(true)));
    let at = |of: &Value| of["at"].as_str().unwrap_or_default().parse::<Timestamp>();
    let between = at(&second)?.duration_since(at(&first)?);
    assert!(between >= SignedDuration::from_secs(AFTER), "{between}");
    // Taken on in time, nobody else hears of it.
    let taken = ground.schedule(0, 1).await?;
    let theirs = clinician.enter(&ground.stack, id(&taken)).await?;
    let other = Visitor::enter(&ground, 1, &taken).await?;
    let _other_page = other.stay().await?;
    other.ready().await?;
    until("told of that one too", async || Ok(arrivals(&clinician, &theirs).await?.pop())).await?;
    let path = format!("/visits/{}/acknowledge", theirs["id"].as_str().unwrap_or_default());
    clinician.ask(Method::POST, &path, None).await?.accepted()?;
    // A third one, later, and not taken on: when the delegate hears of it, they would have heard of the second as well.
    let third = ground.schedule(0, 2).await?;
    let last = clinician.enter(&ground.stack, id(&third)).await?;
    let patient = Visitor::enter(&ground, 2, &third).await?;
    let _third_page = patient.stay().await?;
    patient.ready().await?;
    until("the delegate is told of the third", async || Ok(arrivals(&delegate, &last).await?.pop())).await?;
    assert_eq!(arrivals(&delegate, &theirs).await?, Vec::<Value>::new());
    ground.no_leaks().await
}

#[tokio::test]
async fn what_waits_are_long_and_what_pages_say_is_the_organizations() -> anyhow::Result<()> {
    let mut ground = Ground::start().await?;
    ground
        .stack
        .reconfigure(|it| {
            it["visit"]["wait_long_seconds"] = json!(111);
            it["visit"]["wait_too_long_seconds"] = json!(222);
            it["organizations"][0]["pages"] = json!({
                "notice": { "en": "Never recorded.", "es": "Nunca se graba." },
                "consent": { "en": "I agree." },
            });
        })
        .await?;
    let desk = desk(&mut ground).await?;
    let limits = json!({ "long_seconds": 111, "too_long_seconds": 222 });
    assert_eq!(desk.api(Method::GET, "/staff/api/me", None).await?.accepted()?["waiting"], limits);
    assert_eq!(ground.clinician(0).await?.get("/me").await?["waiting"], limits);
    let visitor = Visitor::enter(&ground, 0, &ground.schedule(0, 0).await?).await?;
    let said = visitor.view().await?["texts"].clone();
    assert_eq!(
        said,
        json!({ "en": { "notice": "Never recorded.", "consent": "I agree." }, "es": { "notice": "Nunca se graba." } })
    );
    ground.no_leaks().await
}

#[tokio::test]
async fn a_proxy_is_on_the_patients_line_only_where_the_organization_says_so() -> anyhow::Result<()> {
    for (policy, lines) in [(true, 1), (false, 0)] {
        let mut ground = Ground::start().await?;
        ground.stack.reconfigure(|it| it["visit"]["proxy_in_chart"] = policy.into()).await?;
        proxy::throw(&ground, "related-person").await?;
        let patient = proxy::acts_for(&ground, proxy::SON);
        let appointment = ground.schedule(0, patient).await?;
        let clinician = ground.clinician(0).await?;
        let visit = clinician.enter(&ground.stack, id(&appointment)).await?;
        let son = proxy::comes(&ground, proxy::SON, &appointment).await?;
        let _page = son.stay().await?;
        son.ready().await?;
        visit_until(&clinician, &visit, "the proxy waits", |it| is(it, "proxy", "waiting")).await?;
        if lines == 1 {
            ground.chart_shows(&appointment, "patient", "Connected").await?;
        }
        // A clinician's line is accepted later than the proxy's would have been: one outbox, in order.
        let own = Visitor::enter(&ground, 0, &ground.schedule(0, 0).await?).await?;
        own.ready().await?;
        ground.at_rest().await?;
        assert_eq!(ground.accepted(&appointment, "patient").await?.len(), lines, "proxy_in_chart = {policy}");
        // The patient's own coming is said in any case.
        let theirs = Visitor::enter(&ground, patient, &appointment).await?;
        let _own_page = theirs.stay().await?;
        theirs.ready().await?;
        ground.chart_shows(&appointment, "patient", "Connected").await?;
        assert_eq!(ground.accepted(&appointment, "patient").await?.len(), 1, "proxy_in_chart = {policy}");
        ground.no_leaks().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_link_is_good_for_as_long_as_its_visit_may_be_held() -> anyhow::Result<()> {
    let often: fn(&mut Value) = |configuration| {
        configuration["ehr"] = json!({ "poll_seconds": 1 });
        configuration["visit"]["overrun_minutes"] = json!(60);
    };
    let ground = Ground::start_with(often).await?;
    let clinician = ground.clinician(0).await?;
    let appointment = ground.schedule(0, 0).await?;
    let visit = clinician.enter(&ground.stack, id(&appointment)).await?;
    let family = json!({ "role": "family", "send": { "by": "hand" } });
    let (in_time, _) = invited(&clinician, &visit, &family).await?;
    let (too_late, _) = invited(&clinician, &visit, &family).await?;
    Visitor::entered(&ground, &press(&ground, token(&in_time)).await?)?;
    // Moved to this morning. The clinician has only just begun it, so that the visit itself is not given up yet.
    let earlier = e2e::clock::now() - SignedDuration::from_hours(5);
    let path = format!("/appointments/{}", id(&appointment));
    ground.stack.sandbox.send(Method::PATCH, &path, &json!({ "start": earlier.to_string() })).await?;
    let moved = |it: &Value| {
        it["start"].as_str().and_then(|it| it.parse::<Timestamp>().ok())
            < Some(e2e::clock::now() - SignedDuration::from_hours(4))
    };
    let now = visit_until(&clinician, &visit, "the new time", moved).await?;
    assert_eq!((&now["stage"], &now["closing"]), (&json!("planned"), &json!(false)), "it is still open");
    let page = opens_nothing(&ground, "past its time", token(&too_late)).await?;
    assert_eq!(page, opens_nothing(&ground, "made up", &"x".repeat(43)).await?, "they tell which it is");
    ground.no_leaks().await
}
