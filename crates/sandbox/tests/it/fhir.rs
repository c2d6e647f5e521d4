//! FHIR: what is found and how, whose token sees what, and the narrow write surface.

use crate::{
    backend::Keys,
    desk::{Desk, patient, person, text},
    smart::{As, Flow},
};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

pub(crate) async fn get(desk: &Desk, token: &str, path: &str) -> (StatusCode, Value) {
    let url = format!("{}/{path}", text(&desk.northside, "/ehr/iss"));
    let answer = desk.http.get(url).bearer_auth(token).send().await.unwrap();
    assert!(answer.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("application/fhir+json"));
    (answer.status(), answer.json().await.unwrap())
}

pub(crate) fn code(body: &Value) -> &str {
    text(body, "/issue/0/details/coding/0/code")
}

#[tokio::test]
async fn appointments_are_found_by_identifier_person_and_date() {
    let desk = Desk::open().await;
    let token = Keys::publish(&desk).await.system_token(&desk, "").await;
    let made = desk.appointment("MOKAFOR").await;
    let systems = &desk.northside["ehr"]["identifier_systems"];
    let (id, csn) = (text(&made, "/appointment_id"), text(&made, "/csn"));

    let (_, appointment) = get(&desk, &token, &format!("Appointment/{id}")).await;
    assert_eq!(appointment["identifier"][0], json!({ "use": "usual", "system": systems["csn"], "value": csn }));
    assert_eq!(appointment["status"], "booked");
    let kind = &desk.northside["ehr"]["virtual_visit_types"][0];
    assert_eq!(appointment["serviceType"][0]["coding"][0]["system"], kind["system"]);
    assert_eq!(appointment["serviceType"][0]["coding"][0]["code"], kind["code"]);
    assert_eq!(appointment["participant"][0]["actor"]["reference"], format!("Patient/{}", text(&made, "/patient_id")));

    let practitioner = text(&made, "/practitioner_id");
    let start = text(&made, "/start");
    let day = &start[..10];
    for query in [
        format!("identifier={}%7C{csn}", text(systems, "/csn")),
        format!("identifier={csn}"),
        format!("_id={id}"),
        format!("patient=Patient/{}&date={start}", text(&made, "/patient_id")),
        format!("practitioner={practitioner}&date=ge{day}&status=booked,arrived"),
        format!("actor=Practitioner/{practitioner}&appointment-type=VV-TEAMS"),
    ] {
        let (status, bundle) = get(&desk, &token, &format!("Appointment?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{query}: {bundle}");
        let found = bundle["entry"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["resource"]["id"] == id && it["search"]["mode"] == "match");
        assert!(found, "{query}");
    }
    let (_, encounters) = get(&desk, &token, &format!("Encounter?appointment=Appointment/{id}")).await;
    assert_eq!(encounters["total"], 1);
    let encounter = &encounters["entry"][0]["resource"];
    assert_eq!((&encounter["id"], &encounter["class"]["code"]), (&made["encounter_id"], &json!("VR")));
    assert_eq!(encounter["identifier"][0]["value"], csn);

    let who = person(&desk.northside, "MOKAFOR");
    let by_emp = format!("Practitioner?identifier={}%7C{}", text(systems, "/practitioner"), text(who, "/emp"));
    assert_eq!(get(&desk, &token, &by_emp).await.1["entry"][0]["resource"]["id"], who["practitioner_id"]);
    let whom = patient(&desk.northside, &made["patient_id"]);
    let by_wpr = format!("Patient?identifier={}%7C{}", text(systems, "/patient"), text(whom, "/wpr"));
    assert_eq!(get(&desk, &token, &by_wpr).await.1["entry"][0]["resource"]["birthDate"], whom["birth_date"]);

    // Nothing found is a Bundle with an OperationOutcome in it, and pages have a next link.
    let (status, nothing) = get(&desk, &token, "Appointment?identifier=0").await;
    assert_eq!(
        (status, &nothing["total"], &nothing["entry"][0]["search"]["mode"]),
        (StatusCode::OK, &json!(0), &json!("outcome"))
    );
    assert_eq!(code(&nothing["entry"][0]["resource"]), "4101");
    let (_, first) = get(&desk, &token, &format!("Appointment?practitioner={practitioner}&_count=2")).await;
    assert_eq!(first["entry"].as_array().unwrap().len(), 2);
    let next = text(&first, "/link/1/url");
    let second: Value = desk.http.get(next).bearer_auth(&token).send().await.unwrap().json().await.unwrap();
    assert_ne!(second["entry"][0]["resource"]["id"], first["entry"][0]["resource"]["id"]);
    let form = [("identifier", csn)];
    let posted = desk.http.post(format!("{}/Appointment/_search?_id=ignored", text(&desk.northside, "/ehr/iss")));
    let posted: Value = posted.bearer_auth(&token).form(&form).send().await.unwrap().json().await.unwrap();
    assert_eq!(posted["total"], 1);
}

#[tokio::test]
async fn searches_and_reads_are_refused_with_epics_codes() {
    let desk = Desk::open().await;
    let token = Keys::publish(&desk).await.system_token(&desk, "").await;
    for (path, status, expected) in [
        ("Appointment?colour=red", 400, "59111"),
        ("Appointment?identifier=1&date=tomorrow", 400, "59111"),
        ("Appointment?_include=Appointment:patient&identifier=1", 400, "59111"),
        ("Appointment?status=booked", 400, "59108"),
        ("Appointment?date=2026-05-04", 400, "59108"),
        ("Encounter", 400, "59108"),
        ("Appointment/made-up", 404, "4102"),
        ("Observation?patient=1", 403, "4118"),
        ("Observation/1", 403, "4118"),
        ("AuditEvent?patient=1", 404, "40000"),
        ("Nonsense/1", 404, "40000"),
    ] {
        let (got, body) = get(&desk, &token, path).await;
        assert_eq!((got.as_u16(), code(&body)), (status, expected), "{path}");
    }
    let narrow = Keys::publish(&desk).await.system_token(&desk, "system/Appointment.read").await;
    assert_eq!(code(&get(&desk, &narrow, "Patient?family=Lopez").await.1), "4118");
    for bearer in ["", "made-up"] {
        assert_eq!(get(&desk, bearer, "Appointment?identifier=1").await.0, StatusCode::UNAUTHORIZED);
    }
    // A token of one hospital is nothing at the other.
    let url = format!("{}/Appointment?identifier=1", text(&desk.harbor, "/ehr/iss"));
    assert_eq!(desk.http.get(url).bearer_auth(&token).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_patient_sees_only_their_own_record() {
    let desk = Desk::open().await;
    let mine = desk.appointment("MOKAFOR").await;
    let theirs = desk.appointment("JLINDQVIST").await;
    assert_ne!(mine["patient_id"], theirs["patient_id"]);
    let body = Flow::begin(&desk, As::Patient, &mine).await.finish().await;
    let token = text(&body, "/access_token");
    let (me, other) = (text(&mine, "/patient_id"), text(&theirs, "/patient_id"));
    for (path, status) in [
        (format!("Patient/{me}"), 200),
        (format!("Patient/{other}"), 403),
        (format!("Appointment/{}", text(&mine, "/appointment_id")), 200),
        (format!("Appointment/{}", text(&theirs, "/appointment_id")), 403),
        (format!("Appointment?patient={other}"), 403),
        (format!("Encounter/{}", text(&mine, "/encounter_id")), 403),
        (format!("Practitioner/{}", text(&mine, "/practitioner_id")), 403),
    ] {
        assert_eq!(get(&desk, token, &path).await.0.as_u16(), status, "{path}");
    }
    // A search that names nobody is confined all the same.
    let (_, found) = get(&desk, token, &format!("Appointment?identifier={}", text(&theirs, "/csn"))).await;
    assert_eq!(found["total"], 0);

    // A clinician reads any record of the hospital, but writes nothing.
    let body = Flow::begin(&desk, As::Clinician("MOKAFOR"), &mine).await.finish().await;
    assert_eq!(get(&desk, text(&body, "/access_token"), &format!("Patient/{other}")).await.0, StatusCode::OK);
    let create = desk.http.post(format!("{}/Communication", text(&desk.northside, "/ehr/iss")));
    let create = create.bearer_auth(text(&body, "/access_token")).json(&json!({})).send().await.unwrap();
    assert_eq!(create.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn communication_is_the_only_thing_that_can_be_written() {
    let desk = Desk::open().await;
    let token = Keys::publish(&desk).await.system_token(&desk, "").await;
    let iss = text(&desk.northside, "/ehr/iss");
    let made = desk.appointment("MOKAFOR").await;
    let send = async |method: Method, path: &str, body: &Value| {
        desk.http.request(method, format!("{iss}/{path}")).bearer_auth(&token).json(body).send().await.unwrap()
    };
    let id = text(&made, "/appointment_id");
    for (method, path, status) in [
        (Method::POST, "Appointment".to_owned(), 405),
        (Method::POST, "Encounter".to_owned(), 405),
        (Method::PUT, format!("Appointment/{id}"), 405),
        (Method::PATCH, format!("Appointment/{id}"), 405),
        (Method::DELETE, format!("Appointment/{id}"), 405),
        (Method::PUT, "Encounter?identifier=1".to_owned(), 405),
        (Method::PUT, "AuditEvent/1".to_owned(), 404),
        (Method::POST, "AuditEvent".to_owned(), 404),
        (Method::POST, "Observation".to_owned(), 403),
        (Method::POST, "Patient".to_owned(), 403),
        (Method::POST, String::new(), 405),
    ] {
        let answer = send(method.clone(), &path, &json!({})).await;
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
    }
    let communication = json!({
        "resourceType": "Communication", "status": "completed",
        "identifier": [{ "system": "urn:example", "value": "one" }],
        "subject": { "reference": format!("Patient/{}", text(&made, "/patient_id")) },
        "encounter": { "reference": format!("Encounter/{}", text(&made, "/encounter_id")) },
    });
    for (name, value) in [
        ("status", Value::Null),
        ("status", json!("done")),
        ("resourceType", json!("Observation")),
        ("id", json!("mine")),
        ("subject", json!({ "reference": "Patient/made-up" })),
        ("encounter", json!({ "reference": "Encounter/made-up" })),
    ] {
        let mut wrong = communication.clone();
        wrong[name] = value;
        assert_eq!(send(Method::POST, "Communication", &wrong).await.status(), StatusCode::BAD_REQUEST, "{name}");
    }
    let conditional = desk.http.post(format!("{iss}/Communication")).bearer_auth(&token).json(&communication);
    let conditional = conditional.header("If-None-Exist", "identifier=urn:example|one").send().await.unwrap();
    assert_eq!(conditional.status(), StatusCode::PRECONDITION_FAILED);

    // There is no protection against doing it twice but to look first.
    for total in 1..=2 {
        let created = send(Method::POST, "Communication", &communication).await;
        assert_eq!(created.status(), StatusCode::CREATED);
        let location = created.headers()[header::LOCATION].to_str().unwrap().to_owned();
        assert_eq!(desk.http.get(location).bearer_auth(&token).send().await.unwrap().status(), StatusCode::OK);
        let found = get(&desk, &token, "Communication?identifier=urn:example%7Cone").await.1;
        assert_eq!(found["total"], total);
    }
    // A create whose answer is lost has happened.
    desk.fault(json!({ "target": "epic.fhir", "mode": "drop_after_apply" })).await;
    let request = desk.http.post(format!("{iss}/Communication")).bearer_auth(&token).json(&communication);
    assert!(request.send().await.is_err());
    assert_eq!(get(&desk, &token, "Communication?identifier=urn:example%7Cone").await.1["total"], 3);
}
