//! The named switches: listed with their words, thrown for one organization or for all, refused when they are not there.

use crate::desk::{Desk, location, text};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_switch_is_thrown_for_one_organization_or_for_all() {
    let desk = Desk::open().await;
    let now = async || {
        let all = desk.ask("/switches").await;
        all["switches"].as_array().unwrap().iter().find(|it| it["name"] == "proxies").unwrap()["now"].clone()
    };
    assert_eq!(now().await, json!({ "northside": "related-person", "harbor": "related-person" }));
    let body = json!({ "value": "none", "org": "harbor" });
    desk.tell(reqwest::Method::PUT, "/switches/proxies", &body).await;
    assert_eq!(now().await, json!({ "northside": "related-person", "harbor": "none" }));
    let thrown = desk.journal_says("switch.thrown").await;
    assert_eq!(thrown, json!({ "switch": "proxies", "value": "none", "organization": "harbor" }));
    desk.throw("proxies", "other-patient").await;
    assert_eq!(now().await, json!({ "northside": "other-patient", "harbor": "other-patient" }));

    for (name, body, status) in [
        ("nonsense", json!({ "value": "none" }), StatusCode::NOT_FOUND),
        ("proxies", json!({ "value": "perhaps" }), StatusCode::UNPROCESSABLE_ENTITY),
        ("proxies", json!({ "value": "none", "org": "nowhere" }), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let url = desk.control(&format!("/switches/{name}"));
        let answer = desk.http.put(url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{name} {body}");
        assert!(!answer.json::<Value>().await.unwrap()["error"].as_str().unwrap().is_empty());
    }
    assert_eq!(now().await, json!({ "northside": "other-patient", "harbor": "other-patient" }));
}

#[tokio::test]
async fn every_switch_has_words_and_begins_at_its_first_value() {
    let desk = Desk::open().await;
    let all = desk.ask("/switches").await;
    let mut names = Vec::new();
    for switch in all["switches"].as_array().unwrap() {
        let values = switch["values"].as_array().unwrap();
        assert!(values.len() > 1 && !switch["words"].as_str().unwrap().is_empty(), "{switch}");
        assert!(values.iter().all(|it| !it["words"].as_str().unwrap().is_empty()), "{switch}");
        assert!(switch["now"].as_object().unwrap().values().all(|it| *it == values[0]["value"]), "{switch}");
        names.push(switch["name"].as_str().unwrap());
    }
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// The values of an attribute, wherever it stands in a page.
fn all_of(page: &str, attribute: &str) -> Vec<String> {
    let begins = format!("{attribute}=\"");
    page.split(&begins).skip(1).map(|it| it.split('"').next().unwrap().to_owned()).collect()
}

async fn control_page(desk: &Desk) -> String {
    let answer = desk.http.get(desk.control("/")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'"));
    answer.text().await.unwrap()
}

#[tokio::test]
async fn the_page_and_the_list_are_the_same_set() {
    let desk = Desk::open().await;
    desk.tell(reqwest::Method::PUT, "/switches/proxies", &json!({ "value": "none", "org": "harbor" })).await;
    let page = control_page(&desk).await.replace("&#39;", "'");
    let list = desk.ask("/switches").await;
    let names = |kind: &str| -> Vec<String> {
        list[kind].as_array().unwrap().iter().map(|it| text(it, "/name").to_owned()).collect()
    };
    assert_eq!((all_of(&page, "data-switch"), all_of(&page, "data-act")), (names("switches"), names("acts")));
    let sections = page.split("data-switch=").skip(1);
    for (section, switch) in sections.zip(list["switches"].as_array().unwrap()) {
        let section = section.split("</section>").next().unwrap();
        assert!(section.contains(text(switch, "/words")), "{switch}");
        let own = switch["per_organization"] == true;
        let whose = all_of(section, "data-organization");
        assert_eq!(whose, if own { vec!["northside", "harbor"] } else { vec![""] }, "{switch}");
        for (form, key) in section.split("<form ").skip(1).zip(whose) {
            let values = switch["values"].as_array().unwrap();
            let shown: Vec<&str> = form.split("type=\"radio\"").skip(1).collect();
            assert_eq!(shown.len(), values.len(), "{switch}");
            let now = &switch["now"][if own { key.as_str() } else { "northside" }];
            for (shown, value) in shown.iter().zip(values) {
                assert!(shown.contains(&format!("value=\"{}\"", text(value, "/value"))), "{switch}");
                assert!(shown.contains(text(value, "/words")), "{switch}");
                assert_eq!(shown.contains("checked"), value["value"] == *now, "{switch} {key}");
            }
        }
    }
    // Nothing from elsewhere: no address of another host in what the page loads.
    let loaded: BTreeSet<String> =
        all_of(&page, "src").into_iter().chain(all_of(&page, "link rel=\"stylesheet\" href")).collect();
    assert!(loaded.iter().all(|it| it.starts_with('/')) && loaded.len() == 3, "{loaded:?}");
    assert!(page.contains("name=\"viewport\""));
}

#[tokio::test]
async fn what_is_thrown_on_the_page_is_thrown() {
    let desk = Desk::open().await;
    let send = async |path: &str, origin: Option<&str>, form: &[(&str, &str)]| {
        let mut request = desk.http.post(desk.control(path)).form(form);
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        request.send().await.unwrap()
    };
    let own = desk.control("");
    let thrown = send("/switches/proxies", Some(&own), &[("value", "none"), ("org", "harbor")]).await;
    assert_eq!((thrown.status(), location(&thrown)), (StatusCode::SEE_OTHER, "/"));
    let thrown = send("/switches/mail", None, &[("value", "hangs"), ("org", "")]).await;
    assert_eq!(thrown.status(), StatusCode::SEE_OTHER);
    let list = desk.ask("/switches").await;
    let now =
        |name: &str| list["switches"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap()["now"].clone();
    assert_eq!(now("proxies"), json!({ "northside": "related-person", "harbor": "none" }));
    assert_eq!(now("mail"), json!({ "northside": "hangs", "harbor": "hangs" }));

    let elsewhere = send("/switches/mail", Some("http://evil.example"), &[("value", "takes"), ("org", "")]).await;
    assert_eq!(elsewhere.status(), StatusCode::FORBIDDEN);
    let elsewhere = send("/acts/ten-minutes", Some("null"), &[]).await;
    assert_eq!(elsewhere.status(), StatusCode::FORBIDDEN);
    let wrong = send("/switches/mail", Some(&own), &[("value", "takes"), ("org", "harbor")]).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY, "it is one for the whole hospital");
    assert_eq!(desk.ask("/switches").await, list);
}

#[tokio::test]
async fn the_acts_of_the_page_do_what_they_say() {
    let desk = Desk::open().await;
    let visits = async || desk.ask("/appointments?ehr=epic").await["appointments"].as_array().unwrap().clone();
    let before = visits().await.len();
    for name in ["group-visit", "clinicians-visit", "ten-minutes"] {
        let done = desk.http.post(desk.control(&format!("/acts/{name}"))).send().await.unwrap();
        assert_eq!(done.status(), StatusCode::OK, "{name}");
        assert!(done.text().await.unwrap().contains("role=\"status\""), "{name}");
    }
    let after = visits().await;
    assert_eq!(after.len(), before + 4);
    assert_eq!(after.iter().filter(|it| it["is_group"] == true).count(), 3);
    assert_eq!(after.iter().filter(|it| it["patient_id"].is_null()).count(), 1);
    assert_eq!(desk.ask("/clock").await["advanced_seconds"], 600);
    let nothing = desk.http.post(desk.control("/acts/nothing")).send().await.unwrap();
    assert_eq!(nothing.status(), StatusCode::NOT_FOUND);
}
