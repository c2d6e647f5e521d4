//! The pages before the visit page, as people see them: in three languages, on a phone and on a desk, without a script,
//! with nothing for axe-core to find; and the other small pages of relay and sandbox under the same axe.

use std::path::Path;

use e2e::browser::{Browser, PHONE, picture_as_it_is};
use fantoccini::Locator;
use reqwest::Method;
use serde_json::{Value, json};

use crate::clinic::{Clinic, DESK};

/// WCAG 2.2 A and AA and axe's own best practices: nothing may be found.
async fn accessible(browser: &Browser, what: &str) {
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/node_modules/axe-core/axe.min.js");
    browser.page.execute(&std::fs::read_to_string(axe).unwrap(), Vec::new()).await.unwrap();
    let run = "const done = arguments[0]; axe.run(document).then(({ violations }) => \
               done(violations.map(({ id, nodes }) => id + ': ' + nodes.map((it) => it.html.slice(0, 120)).join(' | '))));";
    let found = browser.page.execute_async(run, Vec::new()).await.unwrap();
    assert_eq!(found, json!([]), "axe on {what}");
    let over = browser.page.execute("return document.documentElement.scrollWidth - innerWidth", Vec::new()).await;
    assert!(over.unwrap().as_i64().unwrap() <= 0, "{what} is wider than the screen");
}

/// What can be read: hidden words are not.
async fn shown(browser: &Browser, css: &str) -> String {
    let all = browser.page.find_all(Locator::Css(css)).await.unwrap();
    let mut text = Vec::new();
    for one in all {
        text.push(one.text().await.unwrap());
    }
    text.retain(|it| !it.is_empty());
    text.join("|")
}

async fn said(browser: &Browser) -> Value {
    let read = "const { lang, dir } = document.documentElement; return [lang, dir, document.title]";
    browser.page.execute(read, Vec::new()).await.unwrap()
}

const CODE: &str = "context-link-expired";

/// Northside's portal makes links that the relay can read, from then on so many minutes good.
async fn encrypted_links(clinic: &mut Clinic) {
    let portal = json!({
        "padding": "pkcs7", "writing": "base64", "zone": "America/Chicago", "validity_minutes": 60,
        "leading_spaces": true, "begins_with": "", "key_bits": 128, "secret": "CanarySixteenLet", "derivation": "text",
        "iv": "zero",
    });
    clinic.stack.sandbox.send(Method::PUT, "/context-links/northside", &portal).await.unwrap();
    let relay = json!({
        "padding": "pkcs7", "encoding": "base64", "time_zone": "America/Chicago", "validity_minutes": 60,
        "kinds": { "patient": "2", "practitioner": "1" }, "cipher": "aes-128-cbc", "secret": "CanarySixteenLet",
        "key": { "rule": "raw" }, "iv": { "rule": "zero" },
    });
    clinic.stack.reconfigure(|it| it["organizations"][0]["ehr"][0]["context_link"] = relay).await.unwrap();
}

#[tokio::test]
async fn an_invitation_and_its_refusal_speak_the_browsers_language_and_any_other() {
    let clinic = Clinic::open().await.unwrap();
    let appointment = clinic.schedule().await.unwrap();
    let visit = clinic.begun(&appointment).await.unwrap();
    for (languages, tag, direction, title, heading, refused) in [
        ("en-US,en", "en", "ltr", "Your video visit", "You are invited to a video visit", "This link does not work"),
        (
            "es-MX,es,en",
            "es",
            "ltr",
            "Su visita por video",
            "Tiene una invitación a una visita por video",
            "Este enlace no funciona",
        ),
        ("ar-EG,ar", "ar", "rtl", "زيارتك عبر الفيديو", "أنت مدعو إلى زيارة عبر الفيديو", "هذا الرابط لا يعمل"),
        ("fr-FR,fr", "en", "ltr", "Your video visit", "You are invited to a video visit", "This link does not work"),
    ] {
        let body = json!({ "role": "interpreter", "send": { "by": "hand" } });
        let path = format!("{}/invitations", visit.path);
        let invited = visit.clinician.ask(Method::POST, &path, Some(&body)).await.unwrap().accepted().unwrap();
        let link = invited["link"].as_str().unwrap();
        for (size, screen) in [("phone", PHONE), ("desk", DESK)] {
            let browser = clinic.browser_in(languages, &format!("{tag}-{size}"), screen).await.unwrap();
            browser.open(link).await.unwrap();
            assert_eq!(said(&browser).await, json!([tag, direction, title]), "{languages}");
            assert_eq!(shown(&browser, "h1").await, heading);
            accessible(&browser, &format!("/i in {tag} on a {size}")).await;
            picture_as_it_is(&browser.page, &clinic.shot(&format!("invitation-{tag}-{size}")).unwrap()).await.unwrap();
            // A pick changes what stands there, asks nobody anything, and the button still opens the visit.
            let before = browser.seen_by_devtools().await.unwrap().len();
            assert!(before > 0, "DevTools sees the network");
            browser.click("label[for='in-es']").await.unwrap();
            assert_eq!(shown(&browser, "h1").await, "Tiene una invitación a una visita por video");
            let asked = browser.seen_by_devtools().await.unwrap();
            assert!(asked.iter().all(|it| it["method"] != "Network.requestWillBeSent"), "{asked:?}");
            browser.click(&format!("label[for='in-{tag}']")).await.unwrap();
            if size == "desk" {
                browser.click("#open-visit").await.unwrap();
                browser.see("html[data-screen='place']").await.unwrap();
                // The same link once more: used.
                browser.open(link).await.unwrap();
                browser.click("#open-visit").await.unwrap();
                browser.see("#problem[data-code='guest-unknown']").await.unwrap();
                assert_eq!(shown(&browser, "h1").await, refused);
                accessible(&browser, &format!("a used link in {tag}")).await;
                picture_as_it_is(&browser.page, &clinic.shot(&format!("used-{tag}")).unwrap()).await.unwrap();
            }
            browser.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn expired_and_altered_links_say_what_to_do_in_every_language() {
    let mut clinic = Clinic::open().await.unwrap();
    encrypted_links(&mut clinic).await;
    let appointment = clinic.schedule().await.unwrap();
    let link = clinic.portal_link(&appointment).await.unwrap();
    let altered = link.replacen("extData=", "extData=AAAA", 1);
    assert_ne!(link, altered);
    // A link of yesterday's: what stands in it is of then.
    let rules = json!({ "validity_minutes": 1, "time_zone": "Pacific/Kiritimati" });
    clinic
        .stack
        .reconfigure(|it| {
            let link = &mut it["organizations"][0]["ehr"][0]["context_link"];
            for (key, value) in rules.as_object().into_iter().flatten() {
                link[key] = value.clone();
            }
        })
        .await
        .unwrap();
    for (languages, tag, expired, broken) in [
        ("en-US,en", "en", "The link to your visit has expired", "The link to your visit does not work"),
        ("es-US,es", "es", "El enlace de su visita venció", "El enlace de su visita no funciona"),
        ("ar", "ar", "انتهت صلاحية رابط زيارتك", "رابط زيارتك لا يعمل"),
    ] {
        let phone = clinic.browser_in(languages, &format!("phone-{tag}"), PHONE).await.unwrap();
        for (what, address, code, heading) in
            [("expired", &link, CODE, expired), ("altered", &altered, "context-link-altered", broken)]
        {
            phone.open(address).await.unwrap();
            phone.see(&format!("#problem[data-code='{code}']")).await.unwrap();
            assert_eq!(shown(&phone, "h1").await, heading, "{what} in {tag}");
            accessible(&phone, &format!("{what} in {tag}")).await;
            picture_as_it_is(&phone.page, &clinic.shot(&format!("{what}-{tag}")).unwrap()).await.unwrap();
        }
        phone.close().await.unwrap();
    }
}

#[tokio::test]
async fn axe_finds_nothing_on_the_other_small_pages() {
    let clinic = Clinic::open().await.unwrap();
    let appointment = clinic.schedule().await.unwrap();
    let control = clinic.stack.sandbox.at("control").to_owned();
    for (size, screen) in [("phone", PHONE), ("desk", DESK)] {
        let browser = clinic.browser(size, screen).await.unwrap();
        let picture = async |name: &str| {
            accessible(&browser, &format!("{name} on a {size}")).await;
            let file = clinic.shot(&format!("{name}-{size}")).unwrap();
            picture_as_it_is(&browser.page, &file).await.unwrap();
        };
        browser.open(&control).await.unwrap();
        browser.see("h1").await.unwrap();
        picture("control").await;
        browser.open(&format!("{}/staff/?o=northside", clinic.public)).await.unwrap();
        browser.see("#sign-in").await.unwrap();
        picture("staff-sign-in").await;
        browser.open(&format!("{}/o/northside/launch?iss=x", clinic.public)).await.unwrap();
        browser.see("#problem").await.unwrap();
        picture("launch-refused").await;
        clinic.in_the_browser(&browser, &appointment).await.unwrap();
        picture("join").await;
        browser.click("#sign-out").await.unwrap();
        browser.see("#sign-out-microsoft").await.unwrap();
        picture("signed-out").await;
        // Last: the browser asks about `roomed:` on it.
        browser.open(&clinic.chart_link(&appointment).await.unwrap()).await.unwrap();
        browser.see("#in-browser").await.unwrap();
        picture("launch").await;
        browser.close().await.unwrap();
    }
}
