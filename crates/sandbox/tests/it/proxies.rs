//! Somebody who acts for a patient: what MyChart shows them, what their launch says of them, and what they may not begin.

use crate::{
    backend::Keys,
    desk::{Desk, RELAY, claims, location, text},
    fhir::{code, get},
    pages::{cookie, page, press},
    smart::{As, Flow},
};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// Marcus Powell, who acts for his mother and is not treated here.
const SON: &str = "marcus.powell";
/// Linda Ross, who acts for her daughter and is treated here herself.
const MOTHER: &str = "linda.ross";

/// A proxy of northside's and the booked video visit of whom they act for.
async fn acting<'a>(desk: &'a Desk, user: &str) -> (&'a Value, Value) {
    let proxies = desk.northside["proxies"].as_array().unwrap();
    let proxy = proxies.iter().find(|it| it["mychart_user"] == user).unwrap();
    let all = desk.ask("/appointments?ehr=epic").await;
    let patient = &proxy["related"][0]["patient_id"];
    let is_it = |it: &&Value| it["patient_id"] == *patient && it["type"] == "VV-TEAMS" && it["status"] == "booked";
    (proxy, all["appointments"].as_array().unwrap().iter().find(is_it).unwrap().clone())
}

#[tokio::test]
async fn a_proxys_launch_names_them_and_whom_they_act_for() {
    let desk = Desk::open().await;
    for (switch, user, shape) in [
        ("related-person", SON, "RelatedPerson"),
        ("related-person", MOTHER, "RelatedPerson"),
        ("other-patient", SON, "RelatedPerson"),
        ("other-patient", MOTHER, "Patient"),
    ] {
        desk.throw("proxies", switch).await;
        let (proxy, appointment) = acting(&desk, user).await;
        let body = Flow::begin(&desk, As::Portal(user), &appointment).await.finish().await;
        assert_eq!(body["patient"], appointment["patient_id"], "{switch} {user}");
        assert_eq!(body["encounter"], Value::Null);
        let own = match shape {
            "Patient" => &proxy["own_patient_id"],
            _ => &proxy["related"][0]["related_person_id"],
        };
        assert_ne!(*own, appointment["patient_id"]);
        let fhir_user = format!("{}/{shape}/{}", text(&desk.northside, "/ehr/iss"), own.as_str().unwrap());
        assert_eq!(claims(&body["id_token"])["fhirUser"], fhir_user, "{switch} {user}");
        assert_eq!(claims(&body["id_token"])["sub"], *own);

        // Their token opens the record of whom they act for, and no other: not even their own.
        let token = text(&body, "/access_token");
        let mine = format!("Patient/{}", text(&appointment, "/patient_id"));
        assert_eq!(get(&desk, token, &mine).await.0, StatusCode::OK);
        let someone = format!("Patient/{}", text(&desk.northside, "/patients/4/patient_id"));
        assert_eq!(code(&get(&desk, token, &someone).await.1), "4118");
    }
}

#[tokio::test]
async fn mychart_offers_to_act_for_somebody_only_where_that_is_allowed() {
    let desk = Desk::open().await;
    for (user, own) in [(SON, false), (MOTHER, true)] {
        let (_, appointment) = acting(&desk, user).await;
        let id = text(&appointment, "/appointment_id");
        let signed_in = desk.form(&desk.epic("/mychart/sign-in"), &[("mychart_user", user)]).await;
        let cookie = cookie(&signed_in);
        let home = page(&desk, "/mychart/", &cookie).await;
        assert!(home.contains("Act for ") && home.contains(&format!("data-appointment=\"{id}\"")), "{user}");
        assert_eq!(home.contains("id=\"schedule-video\""), own, "{user}");
        let path = format!("/mychart/appointments/{id}/begin");
        let begun = press(&desk, &path, &cookie, &[]).await;
        assert!(location(&begun).starts_with(&format!("{RELAY}/o/northside/patient?iss=")), "{user}");

        let stranger = desk.appointment("MOKAFOR").await;
        let other = format!("/mychart/appointments/{}/begin", text(&stranger, "/appointment_id"));
        assert_eq!(press(&desk, &other, &cookie, &[]).await.status(), StatusCode::NOT_FOUND, "{user}");
        assert_eq!(desk.journal_says("launch.refused").await["reason"], "not theirs to begin");

        desk.throw("proxies", "none").await;
        assert!(!page(&desk, "/mychart/", &cookie).await.contains("Act for "), "{user}");
        assert_eq!(press(&desk, &path, &cookie, &[]).await.status(), StatusCode::NOT_FOUND, "{user}");
        let body = json!({ "mychart_user": user, "appointment_id": id });
        let refused = desk.http.post(desk.control("/launch")).json(&body).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{user}");
        desk.throw("proxies", "related-person").await;
    }
}

#[tokio::test]
async fn related_persons_are_read_and_searched_like_everything_else() {
    let desk = Desk::open().await;
    let keys = Keys::publish(&desk).await;
    let token = keys.system_token(&desk, "system/RelatedPerson.read").await;
    let (proxy, appointment) = acting(&desk, SON).await;
    let (id, patient) = (text(proxy, "/related/0/related_person_id"), text(&appointment, "/patient_id"));
    let (_, read) = get(&desk, &token, &format!("RelatedPerson/{id}")).await;
    assert_eq!(read["patient"]["reference"], format!("Patient/{patient}"));
    assert_eq!((&read["relationship"][0]["coding"][0]["code"], &read["active"]), (&json!("SON"), &json!(true)));
    for (query, total) in [
        (format!("patient={patient}"), 1),
        (format!("patient=Patient/{patient}&relationship=SON&active=true"), 1),
        (format!("patient={patient}&active=false"), 0),
        (format!("_id={id}&name=Powell"), 1),
        (format!("patient={}", text(&desk.northside, "/patients/0/patient_id")), 0),
    ] {
        assert_eq!(get(&desk, &token, &format!("RelatedPerson?{query}")).await.1["total"], total, "{query}");
    }
    for (path, status, expected) in [
        ("RelatedPerson".to_owned(), 400, "59108"),
        ("RelatedPerson?active=true".to_owned(), 400, "59108"),
        ("RelatedPerson?_id=x&colour=red".to_owned(), 400, "59111"),
        (format!("RelatedPerson?patient={patient}&active=perhaps"), 400, "59111"),
        ("RelatedPerson/made-up".to_owned(), 404, "4102"),
    ] {
        let (got, body) = get(&desk, &token, &path).await;
        assert_eq!((got.as_u16(), code(&body)), (status, expected), "{path}");
    }
    let other = keys.system_token(&desk, "system/Patient.read").await;
    assert_eq!(code(&get(&desk, &other, &format!("RelatedPerson/{id}")).await.1), "4118");
}
