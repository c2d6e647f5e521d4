//! Visits that are not one patient with one clinician: a group under one conference id, and clinicians among themselves.

use crate::{
    backend::Keys,
    connection::Call,
    desk::{Desk, patient, person, text},
    ehr::Ehr,
    fhir::get,
    pages::{page, sign_in},
    smart::{As, Flow},
};
use reqwest::StatusCode;
use serde_json::{Value, json};

async fn refused(desk: &Desk, path: &str, body: Value) -> String {
    let answer = desk.http.post(desk.control(path)).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    answer.json::<Value>().await.unwrap()["error"].as_str().unwrap().to_owned()
}

fn group(desk: &Desk, patients: &[usize]) -> Value {
    let ids: Vec<&Value> = patients.iter().map(|at| &desk.northside["patients"][at]["patient_id"]).collect();
    json!({
        "org": "northside", "practitioner_id": person(&desk.northside, "MOKAFOR")["practitioner_id"],
        "patient_ids": ids, "start": "2030-05-04T10:30:00Z",
    })
}

#[tokio::test]
async fn a_group_shares_a_conference_and_each_patient_keeps_their_own_line() {
    let desk = Desk::open().await;
    let made = desk.tell(reqwest::Method::POST, "/groups", &group(&desk, &[0, 1, 2])).await;
    let conference = text(&made, "/conference_id");
    let all = made["appointments"].as_array().unwrap();
    let csns: std::collections::BTreeSet<&str> = all.iter().map(|it| text(it, "/csn")).collect();
    assert_eq!((csns.len(), csns.contains(conference)), (3, false));

    // The launch record's sessionId is the conference id, for everybody.
    let user = text(patient(&desk.northside, &all[1]["patient_id"]), "/mychart_user");
    for body in [json!({ "emp_user": "MOKAFOR" }), json!({ "mychart_user": user })] {
        let mut body = body;
        body["appointment_id"] = all[1]["appointment_id"].clone();
        assert_eq!(desk.launch(body).await["sessionId"], conference);
    }

    // Each is found by the conference id as by their own number.
    let token = Keys::publish(&desk).await.system_token(&desk, "").await;
    let system = text(&desk.northside, "/more_identifier_systems/conference");
    let found = get(&desk, &token, &format!("Appointment?identifier={system}%7C{conference}")).await.1;
    assert_eq!(found["total"], 3);
    let own = text(&desk.northside, "/ehr/identifier_systems/csn");
    assert_eq!(get(&desk, &token, &format!("Appointment?identifier={own}%7C{conference}")).await.1["total"], 0);

    // Connected: the second patient and the clinician. The others are not.
    let call = Call::about(&desk, &all[1], conference);
    assert_eq!(call.send().await.status(), StatusCode::OK);
    let emp = text(person(&desk.northside, "MOKAFOR"), "/emp");
    let clinician = Call::about(&desk, &all[1], conference).with("ExternalIDType", 1).with("ExternalID", emp);
    assert_eq!(clinician.send().await.status(), StatusCode::OK);
    let marks = async || {
        let now = desk.ask("/appointments?ehr=epic").await;
        let now = now["appointments"].as_array().unwrap().clone();
        let mark = |it: &Value| now.iter().find(|row| row["csn"] == it["csn"]).unwrap()["marks"].clone();
        all.iter().map(mark).collect::<Vec<_>>()
    };
    let row = |patient: &str| json!({ "patient": patient, "practitioner": "Connected" });
    assert_eq!(marks().await, [row("Not connected"), row("Connected"), row("Not connected")]);
    let gone = desk.northside["ehr"]["connection_status"]["disconnected"].clone();
    assert_eq!(
        Call::about(&desk, &all[1], conference).with("ConnectionStatus", gone).send().await.status(),
        StatusCode::OK
    );
    assert_eq!(Call::about(&desk, &all[2], conference).send().await.status(), StatusCode::OK);
    assert_eq!(marks().await, [row("Not connected"), row("Disconnected"), row("Connected")]);
    let standing = desk.ask("/standing?ehr=epic").await["epic"]["connection_statuses"].as_array().unwrap().len();
    assert_eq!(standing, 3, "two patients and the clinician");

    // Not under a number of one appointment, and nobody who is not in the group.
    let own_number = Call::about(&desk, &all[1], text(&all[1], "/csn")).send().await;
    assert!(own_number.text().await.unwrap().contains("INVALID-CONFERENCE-ID"));
    let stranger = text(&desk.northside, "/patients/5/wpr");
    let other = Call::about(&desk, &all[1], conference).with("ExternalID", stranger).send().await;
    assert!(other.text().await.unwrap().contains("INVALID-EXTERNAL-ID"));

    let schedule = page(&desk, "/hyperspace/", &sign_in(&desk, "MOKAFOR").await).await;
    assert!(!schedule.contains("Group video visit"), "it is years away");
}

#[tokio::test]
async fn a_group_is_of_two_or_more_different_patients() {
    let desk = Desk::open().await;
    for patients in [vec![0], vec![0, 0]] {
        refused(&desk, "/groups", group(&desk, &patients)).await;
    }
    let mut stranger = group(&desk, &[0, 1]);
    stranger["patient_ids"][1] = desk.harbor["patients"][0]["patient_id"].clone();
    assert_eq!(refused(&desk, "/groups", stranger).await, "no such patient");
    let before = desk.ask("/appointments").await;
    assert_eq!(
        desk.tell(reqwest::Method::POST, "/groups", &group(&desk, &[0, 1])).await["appointments"][1]["is_group"],
        true
    );
    assert_ne!(desk.ask("/appointments").await, before, "and only that one was booked");
    let listed = |it: &Value| it["appointments"].as_array().unwrap().len();
    assert_eq!(listed(&desk.ask("/appointments").await), listed(&before) + 2);
}

#[tokio::test]
async fn clinicians_meet_without_a_patient() {
    let desk = Desk::open().await;
    let of = |user: &str| person(&desk.northside, user)["practitioner_id"].clone();
    let now = desk.ask("/clock").await["now"].clone();
    let body = json!({
        "org": "northside", "practitioner_id": of("MOKAFOR"), "more_practitioners": [of("JLINDQVIST")],
        "type": "VV-TEAMS", "start": now,
    });
    let made = desk.tell(reqwest::Method::POST, "/appointments", &body).await;
    assert_eq!((&made["patient_id"], &made["encounter_id"]), (&Value::Null, &Value::Null));
    // The launch has no patient. (Before the keys are published: whoever publishes them becomes the relay.)
    let flow = Flow::begin(&desk, As::Clinician("JLINDQVIST"), &made).await;
    let body = flow.finish().await;
    assert!(body.get("patient").is_none() && body.get("encounter").is_none(), "{body}");
    assert_eq!(body["need_patient_banner"], false);
    let token = Keys::publish(&desk).await.system_token(&desk, "").await;
    let id = text(&made, "/appointment_id");
    let (_, read) = get(&desk, &token, &format!("Appointment/{id}")).await;
    let actors: Vec<&str> =
        read["participant"].as_array().unwrap().iter().map(|it| text(it, "/actor/reference")).collect();
    assert_eq!(actors.iter().filter(|it| it.starts_with("Practitioner/")).count(), 2);
    assert!(actors.iter().all(|it| !it.starts_with("Patient/")), "{actors:?}");
    for user in ["MOKAFOR", "JLINDQVIST"] {
        let query =
            format!("Appointment?practitioner={}&_id={id}", text(person(&desk.northside, user), "/practitioner_id"));
        assert_eq!(get(&desk, &token, &query).await.1["total"], 1, "{user}");
    }
    let encounter = get(&desk, &token, &format!("Encounter?appointment={id}")).await.1;
    assert_eq!(encounter["total"], 0);

    // Both have a line of their own; a patient has none.
    for user in ["MOKAFOR", "JLINDQVIST"] {
        let emp = text(person(&desk.northside, user), "/emp");
        let call = Call::about(&desk, &made, text(&made, "/csn")).with("ExternalIDType", 1).with("ExternalID", emp);
        assert_eq!(call.send().await.status(), StatusCode::OK);
    }
    let wpr = text(&desk.northside, "/patients/0/wpr");
    let patient = Call::about(&desk, &made, text(&made, "/csn")).with("ExternalID", wpr).send().await;
    assert_eq!(patient.status(), StatusCode::BAD_REQUEST);
    let now = desk.ask("/appointments?ehr=epic").await;
    let row = now["appointments"].as_array().unwrap().iter().find(|it| it["csn"] == made["csn"]).unwrap();
    assert_eq!((row["lines"].as_array().unwrap().len(), &row["marks"]["patient"]), (2, &json!("Not connected")));
    let schedule = page(&desk, "/hyperspace/", &sign_in(&desk, "JLINDQVIST").await).await;
    assert!(schedule.contains("Provider to provider") && schedule.contains("No patient"));

    for (name, value) in [("more_practitioners", json!([])), ("more_practitioners", json!([of("MOKAFOR")]))] {
        let mut wrong = json!({
            "org": "northside", "practitioner_id": of("MOKAFOR"), "more_practitioners": [of("JLINDQVIST")],
            "type": "VV-TEAMS", "start": "2030-05-04T10:30:00Z",
        });
        wrong[name] = value;
        refused(&desk, "/appointments", wrong).await;
    }
}

#[tokio::test]
async fn an_appointment_says_its_department_and_so_does_the_launch() {
    let desk = Desk::open().await;
    let token = Keys::publish(&desk).await.system_token(&desk, "").await;
    let departments = desk.northside["departments"].as_array().unwrap();
    assert_ne!(departments[0]["number"], departments[1]["number"]);
    let mut body = json!({
        "org": "northside", "patient_id": desk.northside["patients"][0]["patient_id"],
        "practitioner_id": person(&desk.northside, "MOKAFOR")["practitioner_id"], "type": "VV-TEAMS",
        "start": "2030-05-04T10:30:00Z",
    });
    for (asked, expected) in [
        (Value::Null, Some(&departments[0])),
        (departments[1]["number"].clone(), Some(&departments[1])),
        (departments[1]["location_id"].clone(), Some(&departments[1])),
        (json!(""), None),
    ] {
        body["department"] = asked;
        let made = desk.tell(reqwest::Method::POST, "/appointments", &body).await;
        let id = text(&made, "/appointment_id");
        let launch = desk.launch(json!({ "emp_user": "MOKAFOR", "appointment_id": id })).await;
        assert_eq!(launch["departmentId"], expected.map_or("NONE", |it| text(it, "/number")));
        let (_, read) = get(&desk, &token, &format!("Appointment/{id}")).await;
        let mut references = read["participant"].as_array().unwrap().iter().map(|it| text(it, "/actor/reference"));
        let place = references.find_map(|it| it.strip_prefix("Location/"));
        assert_eq!(place, expected.map(|it| text(it, "/location_id")));
        let Some(place) = place else { continue };
        let (_, location) = get(&desk, &token, &format!("Location/{place}")).await;
        assert_eq!(location["name"], expected.unwrap()["name"]);
        assert_eq!(location["identifier"][0]["system"], desk.northside["more_identifier_systems"]["department"]);
        let query = format!("Appointment?_id={id}&location=Location/{place}");
        assert_eq!(get(&desk, &token, &query).await.1["total"], 1);
    }
    body["department"] = json!("no-such");
    assert_eq!(refused(&desk, "/appointments", body).await, "no such department");
}

#[tokio::test]
async fn a_practitioners_day_is_listed_page_by_page() {
    let desk = Desk::open().await;
    let token = Keys::publish(&desk).await.system_token(&desk, "").await;
    let who = text(person(&desk.northside, "MOKAFOR"), "/practitioner_id").to_owned();
    for hour in 8..15 {
        let body = json!({
            "org": "northside", "patient_id": desk.northside["patients"][hour % 6]["patient_id"],
            "practitioner_id": who, "type": "VV-TEAMS", "start": format!("2030-05-04T{hour:02}:00:00Z"),
        });
        desk.tell(reqwest::Method::POST, "/appointments", &body).await;
    }
    let base = text(&desk.northside, "/ehr/iss");
    let mut next = Some(format!("{base}/Appointment?practitioner={who}&date=ge2030-05-04&date=lt2030-05-05&_count=3"));
    let mut starts = Vec::new();
    let mut pages = 0;
    while let Some(url) = next {
        let page: Value = desk.http.get(&url).bearer_auth(&token).send().await.unwrap().json().await.unwrap();
        assert_eq!(page["total"], 7);
        starts.extend(page["entry"].as_array().unwrap().iter().map(|it| text(it, "/resource/start").to_owned()));
        let links = page["link"].as_array().unwrap();
        next = links.iter().find(|it| it["relation"] == "next").map(|it| text(it, "/url").to_owned());
        pages += 1;
    }
    assert_eq!((pages, starts.len()), (3, 7));
    assert!(starts.is_sorted(), "{starts:?}");
    let by_day = get(&desk, &token, &format!("Appointment?practitioner={who}&date=2030-05-04")).await.1;
    assert_eq!(by_day["total"], 7);
    let other = text(person(&desk.northside, "EPETROVA"), "/practitioner_id");
    assert_eq!(get(&desk, &token, &format!("Appointment?practitioner={other}&date=2030-05-04")).await.1["total"], 0);
}

#[tokio::test]
async fn at_the_generic_server_a_department_is_a_healthcare_service() {
    let desk = Desk::open().await;
    let ehr = Ehr::enter(&desk, "fhir-r4").await;
    let department = &desk.northside["departments"][1];
    for (more, expected) in [(json!({}), 0), (json!({ "department": department["number"] }), 1)] {
        let made = ehr.book(more).await;
        let (_, read) = ehr.get(&format!("Appointment/{}", text(&made, "/appointment_id"))).await;
        let actors = read["participant"].as_array().unwrap().iter().map(|it| text(it, "/actor/reference"));
        let services: Vec<&str> = actors.filter(|it| it.starts_with("HealthcareService/")).collect();
        assert_eq!(services.len(), expected);
        let Some(service) = services.first() else { continue };
        let (_, read) = ehr.get(service).await;
        assert_eq!((&read["name"], &read["identifier"][0]["value"]), (&department["name"], &department["number"]));
        let query = format!("HealthcareService?identifier={}", text(department, "/number"));
        assert_eq!(ehr.get(&query).await.1["total"], 1);
    }
    let mut body = json!({
        "ehr": "r4", "org": "northside", "patient_id": desk.northside["patients"][0]["patient_id"],
        "practitioner_id": person(&desk.northside, "MOKAFOR")["practitioner_id"], "type": "VV-TEAMS",
        "start": "2030-05-04T10:30:00Z", "department": "no-such",
    });
    assert_eq!(refused(&desk, "/appointments", body.clone()).await, "no such department");
    (body["department"], body["ehr"]) = (department["number"].clone(), json!("oracle"));
    refused(&desk, "/appointments", body.clone()).await;
    (body["department"], body["patient_id"]) = (Value::Null, Value::Null);
    let alone = "a visit without a patient is of at least two practitioners";
    assert_eq!(refused(&desk, "/appointments", body).await, alone);
}
