//! A clinician without the companion: from the chart into the meeting with a browser, once with a sign-in page and then
//! without; and what a launch in the browser does not believe.

use anyhow::Context;
use e2e::clinician::{App, proof};
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, refused};
use crate::visitor::{Visitor, location, shown};
use crate::web_browser::{Browser, Page, changed, first_link};

/// The launch page as the chart opens it.
async fn opened(ground: &Ground, browser: &mut Browser, emp_user: &str, of: &Value) -> anyhow::Result<Page> {
    let body = json!({ "emp_user": emp_user, "appointment_id": of["appointment_id"] });
    let begun = ground.stack.sandbox.send(Method::POST, "/launch", &body).await?;
    browser.go(begun["https_url"].as_str().context("no https link")?).await
}

/// Where it goes on without the companion.
pub(crate) async fn begun(
    ground: &Ground,
    browser: &mut Browser,
    emp_user: &str,
    of: &Value,
) -> anyhow::Result<String> {
    let page = opened(ground, browser, emp_user, of).await?;
    Ok(page.attribute("in-browser", "href").context("the page knows no way without the companion")?.to_owned())
}

#[tokio::test]
async fn from_the_chart_into_the_meeting_and_the_second_time_without_a_page() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let (first, second) = (ground.schedule(0, 0).await?, ground.schedule(0, 1).await?);
    let person = ground.northside.of_role("practitioner", 0)?;
    let patient = Visitor::enter(&ground, 0, &first).await?;
    patient.ready().await?;
    let mut browser = Browser::of(&ground)?;

    let link = begun(&ground, &mut browser, "MOKAFOR", &first).await?;
    let page = browser.go_as(&link, person).await?;
    assert_eq!((page.status, page.code()), (409, "first-link"), "never silently: {}", page.text);
    let page = browser.is_me(page).await?;
    assert_eq!(page.status, 200, "{}", page.text);
    let visit = page.address.path().to_owned();
    assert!(visit.starts_with("/o/northside/visits/"), "{visit}");
    for button in ["in-browser", "in-teams", "sign-out"] {
        assert!(page.attribute(button, "class").is_some(), "{button}: {}", page.text);
    }
    assert_eq!(patient.view().await?["stage"], "waiting");

    // One press calls the patient and opens the meeting, either way.
    let relay = ground.stack.relay.clone();
    let join = format!("{visit}/join");
    for origin in [None, Some("https://ehr.example"), Some("null")] {
        let answer = browser.post(&join, &[("in", "browser")], origin).await?;
        assert_eq!(shown(answer).await?.code, "bad-request", "{origin:?}");
    }
    assert_eq!(patient.view().await?["stage"], "waiting");
    let there = location(&browser.post(&join, &[("in", "browser")], Some(&relay)).await?)?;
    assert!(there.starts_with(ground.stack.sandbox.at("teams")), "{there}");
    patient.sees("the patient is called", |it| it["stage"] == "called").await?;
    let there = location(&browser.post(&join, &[("in", "teams")], Some(&relay)).await?)?;
    assert!(there.starts_with("msteams:/l/meetup-join/"), "{there}");
    assert_eq!(shown(browser.post(&join, &[("in", "zoom")], Some(&relay)).await?).await?.code, "bad-request");

    // The second time: no sign-in, no page on the way.
    let link = begun(&ground, &mut browser, "MOKAFOR", &second).await?;
    let page = browser.go(&link).await?;
    assert!(page.status == 200 && page.address.path().starts_with("/o/northside/visits/"), "{:?}", browser.hops);
    assert!(!browser.saw_entra(), "{:?}", browser.hops);
    // The third, when only Microsoft still knows them: over its door, and no page there either.
    browser.keep_only("sandbox_entra");
    let link = begun(&ground, &mut browser, "MOKAFOR", &second).await?;
    let page = browser.go(&link).await?;
    assert!(page.status == 200 && page.address.path().starts_with("/o/northside/visits/"), "{:?}", browser.hops);
    assert!(browser.saw_entra());

    // To the companion it is the same clinician: linked, and proven in the visit.
    let companion = ground.clinician(0).await?;
    let visits = companion.get("/visits").await?["visits"].clone();
    assert_eq!(visits.as_array().map(Vec::len), Some(2), "{visits}");
    assert!(visits.as_array().is_some_and(|all| all.iter().all(|it| it["proven"] == true)), "{visits}");
    ground.no_leaks().await
}

#[tokio::test]
async fn a_launch_that_is_not_this_browsers_opens_nothing() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let appointment = ground.schedule(0, 0).await?;
    let person = ground.northside.of_role("practitioner", 0)?;
    let mut browser = Browser::of(&ground)?;
    browser.go_as("/o/northside/signed-in", person).await?;
    let before = ground.written().await?;
    let unknown = (410, "handle-unknown".to_owned());
    let opens = async |browser: &mut Browser, address: &str| {
        let page = shown(browser.open(address).await?).await?;
        Ok::<_, anyhow::Error>((page.status, page.code))
    };

    let link = begun(&ground, &mut browser, "MOKAFOR", &appointment).await?;
    assert_eq!(opens(&mut browser, &link.replace("/o/northside/", "/o/harbor/")).await?, unknown);
    assert_eq!(opens(&mut browser, "/o/northside/launch/browser?handle=made-up").await?, unknown);
    assert_eq!(opens(&mut browser, "/o/northside/launch/browser").await?, (400, "link-refused".to_owned()));
    let asked = location(&browser.open(&link).await?)?;
    assert_eq!(opens(&mut browser, &link).await?, unknown, "the handle a second time");
    let client = ground.northside.text("/ehr/browser_client_id")?;
    assert!(asked.contains(client) && !asked.contains(ground.northside.text("/ehr/companion_client_id")?));

    // What the EHR is asked is changed on the way, or what it answers.
    let mut tries = vec![(asked, "nonce", Some("made-up"), (403, "nonce-refused".to_owned()))];
    let challenge = "A".repeat(43);
    for (name, value, expected) in [
        ("nonce", None, (403, "nonce-refused".to_owned())),
        ("code_challenge", Some(challenge.as_str()), (403, "launch-refused".to_owned())),
    ] {
        let link = begun(&ground, &mut browser, "MOKAFOR", &appointment).await?;
        tries.push((location(&browser.open(&link).await?)?, name, value, expected));
    }
    for (asked, name, value, expected) in tries {
        let back = location(&browser.open(&changed(&asked, name, value)?).await?)?;
        assert_eq!(opens(&mut browser, &back).await?, expected, "{name} {value:?}");
    }

    // The companion's client runs no launch of a browser's: its code is none of ours.
    let link = begun(&ground, &mut browser, "MOKAFOR", &appointment).await?;
    let asked = location(&browser.open(&link).await?)?;
    let companions = changed(&asked, "client_id", Some(ground.northside.text("/ehr/companion_client_id")?))?;
    let to = format!("{}/oauth/callback", ground.stack.relay);
    let back = location(&browser.open(&changed(&companions, "redirect_uri", Some(&to))?).await?)?;
    let back = back.replace("/oauth/callback", "/o/northside/launch/callback");
    assert_eq!(opens(&mut browser, &back).await?, (403, "launch-refused".to_owned()));

    // An answer in another browser, signed in or not, and a state nobody was given.
    let mut other = Browser::of(&ground)?;
    other.go_as("/o/northside/signed-in", person).await?;
    for theirs in [true, false] {
        let link = begun(&ground, &mut browser, "MOKAFOR", &appointment).await?;
        let asked = location(&browser.open(&link).await?)?;
        let back = location(&browser.open(&asked).await?)?;
        if !theirs {
            other.jar.clear();
        }
        assert_eq!(opens(&mut other, &back).await?, unknown, "signed in: {theirs}");
        assert_eq!(opens(&mut browser, &back).await?, unknown, "used up by the other");
        assert_eq!(opens(&mut browser, &changed(&back, "state", Some("made-up"))?).await?, unknown);
    }
    let after = ground.written().await?;
    assert_eq!(after.rows_of("visit"), before.rows_of("visit"), "something was opened");
    assert_eq!(after.rows_of("link"), before.rows_of("link"));
    ground.no_leaks().await
}

#[tokio::test]
async fn a_browsers_statement_is_no_companions() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let appointment = ground.schedule(0, 0).await?;
    let clinician = ground.clinician(0).await?;
    let link = clinician.begin(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    let nonce = clinician.nonce(&link.iss).await?["nonce"].as_str().unwrap_or_default().to_owned();
    let browsers = App {
        client_id: ground.northside.text("/ehr/browser_client_id")?.to_owned(),
        redirect_uri: format!("{}/o/northside/launch/callback", ground.stack.relay),
    };
    let granted = clinician.ask_ehr(&link, &browsers, &nonce).await?;
    let answer = clinician.launch(&proof(&link, &granted)).await?;
    refused("the browser's id_token from a companion", &answer, (403, "id-token-refused", "ehr-analyst"));
    ground.no_leaks().await
}

#[tokio::test]
async fn whoever_covers_is_asked_and_whoever_is_somebody_else_is_not_let_in() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let (first, appointment) = (ground.schedule(0, 1).await?, ground.schedule(0, 0).await?);
    let (maya, jonas) = (ground.northside.of_role("practitioner", 0)?, ground.northside.of_role("practitioner", 1)?);
    let mut browser = Browser::of(&ground)?;
    let link = begun(&ground, &mut browser, "MOKAFOR", &first).await?;
    let page = browser.go_as(&link, maya).await?;
    assert_eq!(browser.is_me(page).await?.status, 200);
    let visits = ground.written().await?.rows_of("visit");

    // Her chart, his Microsoft account.
    let mut his = Browser::of(&ground)?;
    let link = begun(&ground, &mut his, "MOKAFOR", &appointment).await?;
    let page = his.go_as(&link, jonas).await?;
    assert_eq!((page.status, page.code()), (409, "wrong-person"));
    assert_eq!(page.attribute("other", "href"), Some("/o/northside/sign-in?as=other"));

    // His own chart, her appointment.
    let link = begun(&ground, &mut his, "JLINDQVIST", &appointment).await?;
    let page = his.go(&link).await?;
    assert_eq!((page.status, page.code()), (409, "covering-needed"));
    assert_eq!(ground.written().await?.rows_of("visit"), visits);
    let secret = page.hidden("launch").context("nothing to press")?.to_owned();
    let (covering, relay) = ("/o/northside/launch/covering", ground.stack.relay.clone());
    let pressed = [("launch", secret.as_str())];
    assert_eq!(shown(his.post(covering, &pressed, None).await?).await?.code, "bad-request");
    let hers = browser.post(covering, &[("launch", "made-up")], Some(&relay)).await?;
    assert_eq!(shown(hers).await?.code, "handle-unknown");
    let page = his.press(covering, &pressed).await?;
    let page = his.is_me(page).await?;
    assert_eq!(page.status, 200, "{}", page.text);
    let visit = page.address.path().to_owned();
    assert_eq!(shown(his.post(covering, &pressed, Some(&relay)).await?).await?.code, "handle-unknown");
    let companion = ground.clinician(1).await?;
    let view = companion.get(&format!("/visits/{}", visit.rsplit('/').next().unwrap_or_default())).await?;
    assert_eq!((&view["covering"], &view["proven"]), (&json!(true), &json!(true)));

    // She has not begun it; her other visit is none of his.
    assert_eq!(browser.go(&visit).await?.code(), "visit-not-found");
    let strange = visit.replace("/o/northside/", "/o/harbor/");
    assert!(his.go(&strange).await?.address.path().ends_with("/authorize"));
    ground.no_leaks().await
}

/// The chart of one, the Microsoft account that this browser remembers of another, and neither has ever begun a visit.
#[tokio::test]
async fn a_browser_that_remembers_somebody_else_links_nobody_silently() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let appointment = ground.schedule(0, 0).await?;
    let (maya, jonas) = (ground.northside.of_role("practitioner", 0)?, ground.northside.of_role("practitioner", 1)?);
    let relay = ground.stack.relay.clone();
    let nothing = ground.written().await?;
    let unknown = "handle-unknown";
    let mut shared = Browser::of(&ground)?;
    shared.go_as("/o/northside/signed-in", jonas).await?;

    // Both names stand on the page, and he, who reads them, says no: signed out, and nothing is left to say yes with.
    let link = begun(&ground, &mut shared, "MOKAFOR", &appointment).await?;
    let page = shared.go(&link).await?;
    assert_eq!((page.status, page.code()), (409, "first-link"), "{}", page.text);
    for whose in [jonas, maya] {
        let name = whose["name"].as_str().context("nobody has a name")?;
        assert!(page.text.contains(name), "{name}: {}", page.text);
    }
    let (path, secret) = (first_link(&page)?, page.hidden("launch").context("nothing to press")?.to_owned());
    let yes = [("launch", secret.as_str()), ("me", "yes")];
    assert_eq!(shown(shared.post(&path, &yes, Some("https://ehr.example")).await?).await?.code, "bad-request");
    let perhaps = [("launch", secret.as_str()), ("me", "perhaps")];
    assert_eq!(shown(shared.post(&path, &perhaps, Some(&relay)).await?).await?.code, "bad-request");
    let mut another = Browser::of(&ground)?;
    another.go_as("/o/northside/signed-in", jonas).await?;
    assert_eq!(another.press(&path, &[("launch", "made-up"), ("me", "yes")]).await?.code(), unknown);
    let page = shared.press(&path, &[("launch", &secret), ("me", "no")]).await?;
    assert!(page.attribute("sign-out-microsoft", "href").is_some(), "{}", page.text);
    assert!(page.text.contains("<h1>Nothing was linked</h1>") && page.text.contains("begin the visit from the chart"));
    assert_eq!(page.attribute("other", "href"), Some("/o/northside/sign-in?as=other"));
    assert!(shared.cookie("roomed-web").is_none(), "still signed in");
    // Microsoft remembers him all the same, so it is told to ask who is there, whichever way leads to it now.
    let again = begun(&ground, &mut shared, "MOKAFOR", &appointment).await?;
    for way in ["/o/northside/sign-in?as=other", "/o/northside/sign-in", "/o/northside/signed-in", &again] {
        let page = shared.go(way).await?;
        assert!(page.address.path().ends_with("/authorize"), "signed in without a word: {way}");
        assert!(page.address.query_pairs().any(|it| it == ("prompt".into(), "select_account".into())), "{way}");
    }
    assert_eq!(shared.go_as("/o/northside/signed-in", jonas).await?.status, 200);
    assert_eq!(shared.press(&path, &yes).await?.code(), unknown);
    // Asked once: whoever has chosen is known again.
    shared.jar.retain(|(name, _)| name != "roomed-web");
    assert_eq!(shared.go("/o/northside/signed-in").await?.status, 200);
    // Nor does it open in another browser of his, and once tried there nowhere.
    let link = begun(&ground, &mut shared, "MOKAFOR", &appointment).await?;
    let page = shared.go(&link).await?;
    let stolen = [("launch", page.hidden("launch").unwrap_or_default()), ("me", "yes")];
    assert_eq!(another.press(&path, &stolen).await?.code(), unknown);
    assert_eq!(shared.press(&path, &stolen).await?.code(), unknown);
    let now = ground.written().await?;
    for table in ["visit", "link", "inbox", "notice", "outbox"] {
        assert_eq!(now.rows_of(table), nothing.rows_of(table), "{table}");
    }

    // She signs in herself, and is asked once: her next visit opens without a word.
    let mut hers = Browser::of(&ground)?;
    let link = begun(&ground, &mut hers, "MOKAFOR", &appointment).await?;
    let page = hers.go_as(&link, maya).await?;
    assert_eq!(page.code(), "first-link");
    assert_eq!(hers.is_me(page).await?.status, 200);
    let second = ground.schedule(0, 1).await?;
    let link = begun(&ground, &mut hers, "MOKAFOR", &second).await?;
    assert_eq!(hers.go(&link).await?.status, 200);
    ground.no_leaks().await
}

/// Microsoft knows accounts that have no display name.
#[tokio::test]
async fn an_account_without_a_name_is_told_by_its_sign_in_name_and_without_that_in_words() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let (appointment, jonas) = (ground.schedule(0, 0).await?, ground.northside.of_role("practitioner", 1)?);
    let (name, upn) = (jonas["name"].as_str().context("no name")?, jonas["upn"].as_str().context("no upn")?);
    for (says, asked) in [
        ("both", format!("as <strong>{name}</strong>.")),
        ("sign-in-name", format!("as <strong>{upn}</strong>.")),
        ("neither", "with this Microsoft account, which does not say its name.".to_owned()),
    ] {
        let thrown = json!({ "value": says, "org": "northside" });
        ground.stack.sandbox.send(Method::PUT, "/switches/account_names", &thrown).await?;
        let mut browser = Browser::of(&ground)?;
        let link = begun(&ground, &mut browser, "MOKAFOR", &appointment).await?;
        let page = browser.go_as(&link, jonas).await?;
        assert_eq!(page.code(), "first-link");
        assert!(page.text.contains(&asked), "{says}: {}", page.text);

        // The same is told to his companion.
        let companion = ground.clinician(1).await?;
        let chart = ground.clinician(0).await?;
        let id = appointment["appointment_id"].as_str().unwrap_or_default();
        let question =
            companion.launch_in_silence(&companion.prove(&chart.begin(&ground.stack, id).await?).await?).await?;
        let account = question.body["first_link"]["account"].as_str().unwrap_or_default();
        let expected = match says {
            "both" => name,
            "sign-in-name" => upn,
            _ => "",
        };
        assert_eq!((account, &question.body["code"]), (expected, &json!("first-link")), "{says}");
    }
    ground.no_leaks().await
}

#[tokio::test]
async fn without_a_client_for_browsers_the_page_offers_none() -> anyhow::Result<()> {
    let without = |configuration: &mut Value| {
        if let Some(ehr) = configuration["organizations"][0]["ehr"][0].as_object_mut() {
            ehr.remove("browser_client_id");
        }
    };
    let ground = Ground::start_with(without).await?;
    let appointment = ground.schedule(0, 0).await?;
    let page = opened(&ground, &mut Browser::of(&ground)?, "MOKAFOR", &appointment).await?;
    assert!(page.attribute("open-roomed", "href").is_some() && page.attribute("in-browser", "href").is_none());
    Ok(())
}
