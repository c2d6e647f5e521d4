//! Signing in to the relay's pages with a browser: once, silently after that, and never by an answer that is not ours.

use anyhow::Context;
use serde_json::Value;

use crate::ground::Ground;
use crate::visitor::{location, shown};
use crate::web_browser::{Browser, assign, changed};

const HOME: &str = "/o/northside/signed-in";

#[tokio::test]
async fn somebody_signs_in_once_and_is_known_until_they_sign_out() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let person = ground.northside.of_role("practitioner", 0)?;
    assign(&ground, person, &["Staff.Act", "Staff.Read"]).await?;
    let mut browser = Browser::of(&ground)?;

    let page = browser.go_as(HOME, person).await?;
    assert_eq!((page.status, page.address.path()), (200, HOME));
    let name = person["name"].as_str().context("no name")?;
    assert!(page.text.contains(name) && page.text.contains("Staff.Act, Staff.Read"), "{}", page.text);
    assert_eq!(ground.written().await?.rows_of("web_session"), 1);

    // Known from now on, without a word from Microsoft; and where only Microsoft knows them, without a page of its.
    assert_eq!(browser.go(HOME).await?.status, 200);
    assert!(!browser.saw_entra());
    let cookie = browser.cookie("roomed-web").context("no session's cookie")?.to_owned();
    browser.keep_only("sandbox_entra");
    let page = browser.go(HOME).await?;
    assert_eq!((page.status, page.address.path(), browser.saw_entra()), (200, HOME, true));
    assert_ne!(browser.cookie("roomed-web"), Some(cookie.as_str()), "every sign-in has a cookie of its own");

    // At the other hospital they are nobody.
    let page = browser.go("/o/harbor/signed-in").await?;
    assert!(page.address.path().contains(ground.harbor.text("/tid")?), "{}", page.address);

    // Only our own page signs them out.
    let relay = ground.stack.relay.clone();
    for origin in [None, Some("https://ehr.example"), Some("null"), Some("")] {
        let answer = browser.post("/o/northside/sign-out", &[], origin).await?;
        assert_eq!(shown(answer).await?.code, "bad-request", "{origin:?}");
    }
    assert_eq!(browser.post("/o/harbor/sign-out", &[], Some(&relay)).await?.status().as_u16(), 401);
    let old = browser.cookie("roomed-web").context("signed out by another page")?.to_owned();
    let page = browser.press("/o/northside/sign-out", &[]).await?;
    assert!(page.attribute("sign-out-microsoft", "href").is_some_and(|it| it.contains("/logout")), "{}", page.text);
    assert_eq!(browser.cookie("roomed-web"), None);
    let mut thief = Browser::of(&ground)?;
    thief.jar.push(("roomed-web".to_owned(), old));
    assert!(thief.go(HOME).await?.address.path().ends_with("/authorize"), "the old cookie still opens something");

    // Nothing of anybody's name stands in the database, nor a token, nor a cookie.
    ground.no_leaks().await
}

#[tokio::test]
async fn a_sign_in_as_somebody_else_ends_the_one_before() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let (one, two) = (ground.northside.of_role("practitioner", 0)?, ground.northside.of_role("practitioner", 1)?);
    let mut browser = Browser::of(&ground)?;
    browser.go_as(HOME, one).await?;
    // Microsoft would know them at once, so it is asked to let them choose.
    let page = browser.go_as("/o/northside/sign-in?as=other", two).await?;
    assert!(page.text.contains(two["name"].as_str().unwrap_or_default()), "{}", page.text);
    assert_eq!(ground.written().await?.rows_of("web_session"), 1, "the one before is over");
    ground.no_leaks().await
}

#[tokio::test]
async fn an_answer_that_is_not_ours_signs_nobody_in() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let person = ground.northside.of_role("practitioner", 0)?;
    let stranger = ground.harbor.of_role("practitioner", 0)?;
    let mut browser = Browser::of(&ground)?;
    let (tid, other_tid) = (ground.northside.text("/tid")?, ground.harbor.text("/tid")?);
    let unknown = (410, "handle-unknown");
    let refused = (401, "token-refused");

    for (what, request, answer, expected) in [
        // What Entra is asked is changed on the way; state and browser are right.
        ("another challenge", Change::Of("code_challenge", Some(&"A".repeat(43))), Change::None, refused),
        ("another nonce", Change::Of("nonce", Some("made-up")), Change::None, refused),
        ("no nonce", Change::Of("nonce", None), Change::None, refused),
        ("the companion's code", Change::Companion, Change::None, refused),
        ("another hospital's code", Change::Tenant, Change::None, refused),
        // What the browser brings back is changed.
        ("another code", Change::None, Change::Of("code", Some("made-up")), refused),
        ("no code", Change::None, Change::Of("code", None), (401, "not-signed-in")),
        ("another state", Change::None, Change::Of("state", Some("made-up")), unknown),
        ("no state", Change::None, Change::Of("state", None), (400, "link-refused")),
        ("another browser", Change::None, Change::Browser, unknown),
    ] {
        browser.jar.clear();
        let asked = location(&browser.open("/o/northside/sign-in").await?)?;
        let (mut asked, mut who) = (asked, person);
        match request {
            Change::Of(name, value) => asked = changed(&asked, name, value)?,
            Change::Tenant => (asked, who) = (asked.replace(tid, other_tid), stranger),
            Change::Companion => {
                asked = changed(&asked, "client_id", Some(ground.northside.text("/entra/companion_client_id")?))?;
                let to = "http://localhost:49152/callback";
                asked = changed(&asked, "redirect_uri", Some(to))?;
            }
            Change::None | Change::Browser => {}
        }
        let mut back = location(&browser.picked(&asked, who).await?).context(what)?;
        back = back.replace("http://localhost:49152/callback", &format!("{}/sign-in/callback", ground.stack.relay));
        match answer {
            Change::Of(name, value) => back = changed(&back, name, value)?,
            Change::Browser => browser.jar.clear(),
            Change::None | Change::Tenant | Change::Companion => {}
        }
        let found = shown(browser.open(&back).await?).await.context(what)?;
        assert_eq!((found.status, found.code.as_str()), expected, "{what}");
        assert_eq!(browser.cookie("roomed-web"), None, "{what}");
    }
    assert_eq!(ground.written().await?.rows_of("web_session"), 0);

    // In earnest, once.
    browser.jar.clear();
    let asked = location(&browser.open("/o/northside/sign-in").await?)?;
    let back = location(&browser.picked(&asked, person).await?)?;
    assert_eq!(location(&browser.open(&back).await?)?, HOME);
    let again = shown(browser.open(&back).await?).await?;
    assert_eq!((again.status, again.code.as_str()), unknown);
    assert_eq!(ground.written().await?.rows_of("web_session"), 1);
    // Microsoft says no: nobody is signed in, and it is said.
    let asked = location(&browser.open("/o/northside/sign-in").await?)?;
    let state = url::Url::parse(&asked)?.query_pairs().find(|(key, _)| key == "state").map(|(_, it)| it.into_owned());
    let denied = format!("/sign-in/callback?error=access_denied&state={}", state.unwrap_or_default());
    assert_eq!(shown(browser.open(&denied).await?).await?.code, "not-signed-in");
    for address in ["/o/westside/sign-in", "/o/westside/signed-in"] {
        assert_eq!(shown(browser.open(address).await?).await?.code, "unknown-iss", "{address}");
    }
    ground.no_leaks().await
}

/// What is changed on the way.
enum Change<'a> {
    None,
    Of(&'a str, Option<&'a str>),
    Tenant,
    Companion,
    Browser,
}

/// A browser's `id_token` is no access token, though both are for the relay.
#[tokio::test]
async fn a_browsers_sign_in_opens_no_door_of_the_companions() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let clinician = ground.clinician(0).await?;
    let mut browser = Browser::of(&ground)?;
    browser.go_as(HOME, ground.northside.of_role("practitioner", 0)?).await?;
    let cookie = browser.cookie("roomed-web").context("no cookie")?.to_owned();
    let with = clinician.ask_as(Some(&cookie), reqwest::Method::GET, "/me", None).await?;
    assert_eq!(with.problem().1, "token-refused");
    let answer = browser.open("/api/v1/visits").await?;
    assert_eq!(answer.status().as_u16(), 401, "a cookie is no Bearer token");
    let body: Value = answer.json().await?;
    assert_eq!(body["code"], "not-signed-in");
    ground.no_leaks().await
}
