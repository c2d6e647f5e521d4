//! SMART launches from Hyperspace and MyChart: the token response as Epic gives it, and everything that is refused.

use crate::desk::{Desk, RELAY, VERIFIER, challenge, claims, location, person, sent_to, text};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, jwk::JwkSet};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use std::collections::HashMap;

const SCOPE: &str =
    "launch openid fhirUser user/Patient.read user/Appointment.read user/Observation.read offline_access";

/// Who launches at which organization.
#[derive(Clone, Copy)]
pub(crate) enum As<'a> {
    Clinician(&'a str),
    Patient,
    /// Whoever signs in at MyChart with this name.
    Portal(&'a str),
}

/// A launch on its way through authorize and token.
pub(crate) struct Flow<'a> {
    pub(crate) desk: &'a Desk,
    client: &'a str,
    redirect: String,
    scope: &'a str,
    pub(crate) launch: HashMap<String, String>,
}

impl<'a> Flow<'a> {
    pub(crate) async fn begin(desk: &'a Desk, who: As<'_>, appointment: &Value) -> Self {
        let ehr = &desk.northside["ehr"];
        match who {
            As::Clinician(user) => Self {
                desk,
                client: text(ehr, "/companion_client_id"),
                redirect: format!("{RELAY}/oauth/callback"),
                scope: SCOPE,
                launch: desk.launch(json!({ "emp_user": user, "appointment_id": appointment["appointment_id"] })).await,
            },
            As::Patient | As::Portal(_) => {
                let own = || text(crate::desk::patient(&desk.northside, &appointment["patient_id"]), "/mychart_user");
                let user = if let As::Portal(user) = who { user } else { own() };
                Self {
                    desk,
                    client: text(ehr, "/patient_client_id"),
                    redirect: format!("{RELAY}/o/northside/patient/callback"),
                    scope: "launch openid fhirUser patient/Patient.rs patient/Appointment.rs user/Patient.rs",
                    launch: desk
                        .launch(json!({ "mychart_user": user, "appointment_id": appointment["appointment_id"] }))
                        .await,
                }
            }
        }
    }

    pub(crate) async fn authorize(&self, change: &[(&str, Option<&str>)]) -> Response {
        let challenge = challenge(VERIFIER);
        let usual = [
            ("response_type", "code"),
            ("client_id", self.client),
            ("redirect_uri", &self.redirect),
            ("launch", &self.launch["launch"]),
            ("scope", self.scope),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("aud", &self.launch["iss"]),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let changed = |name: &str| change.iter().find(|(it, _)| *it == name).map(|(_, value)| *value);
        let query: Vec<(&str, &str)> =
            usual.into_iter().filter_map(|(name, value)| Some((name, changed(name).unwrap_or(Some(value))?))).collect();
        let url = self.desk.epic("/interconnect-fhir-oauth/oauth2/authorize");
        self.desk.http.get(url).query(&query).send().await.unwrap()
    }

    pub(crate) async fn token(&self, code: &str, change: &[(&str, &str)]) -> (StatusCode, Value) {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect),
            ("client_id", self.client),
            ("code_verifier", VERIFIER),
        ];
        form.retain(|(name, _)| !change.iter().any(|(it, _)| it == name));
        form.extend_from_slice(change);
        let answer = self.desk.form(&self.desk.epic("/interconnect-fhir-oauth/oauth2/token"), &form).await;
        (answer.status(), answer.json().await.unwrap())
    }

    /// The whole way.
    pub(crate) async fn finish(&self) -> Value {
        let code = sent_to(&self.authorize(&[]).await)["code"].clone();
        let (status, body) = self.token(&code, &[]).await;
        assert_eq!(status, StatusCode::OK);
        body
    }
}

#[tokio::test]
async fn a_clinicians_launch_gives_context_and_identity() {
    let desk = Desk::open().await;
    let appointment = desk.appointment("MOKAFOR").await;
    let flow = Flow::begin(&desk, As::Clinician("MOKAFOR"), &appointment).await;
    assert_eq!(flow.launch["iss"], text(&desk.northside, "/ehr/iss"));
    assert_eq!(flow.launch["sessionId"], text(&appointment, "/csn"));
    assert!(flow.launch.contains_key("departmentId"));

    let body = flow.finish().await;
    assert_eq!(body["patient"], appointment["patient_id"]);
    assert_eq!(body["encounter"], appointment["encounter_id"]);
    assert_eq!(body["need_patient_banner"], true);
    assert_eq!(body["token_type"], "Bearer");
    assert!(body.get("fhirContext").is_none() && body.get("refresh_token").is_none());
    assert_eq!(body["scope"], "launch openid fhirUser user/Patient.read user/Appointment.read");

    let configuration: Value = desk
        .http
        .get(format!("{}/.well-known/smart-configuration", flow.launch["iss"]))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let keys: JwkSet = desk.http.get(text(&configuration, "/jwks_uri")).send().await.unwrap().json().await.unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[text(&desk.northside, "/ehr/companion_client_id")]);
    validation.set_issuer(&[text(&configuration, "/issuer")]);
    let key = DecodingKey::from_jwk(&keys.keys[0]).unwrap();
    let id = decode::<Value>(text(&body, "/id_token"), &key, &validation).unwrap().claims;
    let practitioner = text(person(&desk.northside, "MOKAFOR"), "/practitioner_id");
    assert_eq!(id["fhirUser"], format!("{}/Practitioner/{practitioner}", flow.launch["iss"]));
    assert_eq!(id["nonce"], "the-nonce");

    // A member of staff is somebody, but no practitioner.
    let staff = Flow::begin(&desk, As::Clinician("SWHITFIELD"), &appointment).await.finish().await;
    assert!(text(&claims(&staff["id_token"]), "/fhirUser").contains("/Person/"));
}

#[tokio::test]
async fn a_patients_launch_is_confined_to_the_patient() {
    let desk = Desk::open().await;
    let appointment = desk.appointment("MOKAFOR").await;
    let body = Flow::begin(&desk, As::Patient, &appointment).await.finish().await;
    assert_eq!(body["patient"], appointment["patient_id"]);
    assert!(body.get("encounter").is_none());
    assert_eq!(body["scope"], "launch openid fhirUser patient/Patient.rs patient/Appointment.rs");
    let fhir_user = claims(&body["id_token"])["fhirUser"].clone();
    assert_eq!(
        fhir_user,
        format!("{}/Patient/{}", text(&desk.northside, "/ehr/iss"), text(&appointment, "/patient_id"))
    );
}

#[tokio::test]
async fn authorize_refuses_what_smart_forbids() {
    let desk = Desk::open().await;
    let appointment = desk.appointment("MOKAFOR").await;
    let flow = Flow::begin(&desk, As::Clinician("MOKAFOR"), &appointment).await;
    let harbor = text(&desk.harbor, "/ehr/iss").to_owned();
    for (change, error) in [
        (("code_challenge", None), "invalid_request"),
        (("code_challenge_method", Some("plain")), "invalid_request"),
        (("code_challenge_method", None), "invalid_request"),
        (("aud", None), "invalid_request"),
        (("aud", Some(harbor.as_str())), "invalid_request"),
        (("state", None), "invalid_request"),
        (("scope", Some("openid fhirUser")), "invalid_scope"),
        (("scope", Some("launch system/Patient.read")), "invalid_scope"),
        (("launch", None), "invalid_request"),
        (("launch", Some("made-up")), "invalid_request"),
        (("response_type", Some("token")), "unsupported_response_type"),
    ] {
        let back = sent_to(&flow.authorize(&[change]).await);
        assert_eq!(back["error"], error, "{change:?}");
        assert!(!back.contains_key("code"));
    }
    let patient_client = text(&desk.northside, "/ehr/patient_client_id");
    for change in [
        ("client_id", Some("00000000-0000-0000-0000-000000000000")),
        ("client_id", Some(text(&desk.northside, "/ehr/backend_client_id"))),
        ("client_id", Some(patient_client)),
        ("redirect_uri", Some("http://127.0.0.1:8400/oauth/callback/")),
        ("redirect_uri", Some("http://127.0.0.1:9999/oauth/callback")),
        ("redirect_uri", None),
    ] {
        assert_eq!(flow.authorize(&[change]).await.status(), StatusCode::BAD_REQUEST, "{change:?}");
    }
    // None of that used the launch up; this does, and a second time it is gone.
    assert!(sent_to(&flow.authorize(&[]).await).contains_key("code"));
    assert_eq!(sent_to(&flow.authorize(&[]).await)["error"], "invalid_request");

    let late = Flow::begin(&desk, As::Clinician("MOKAFOR"), &appointment).await;
    desk.advance(301).await;
    assert_eq!(sent_to(&late.authorize(&[]).await)["error"], "invalid_request");

    // A launch made for the patient's app does not open the clinician's.
    let theirs = Flow::begin(&desk, As::Patient, &appointment).await.launch["launch"].clone();
    let ours = Flow::begin(&desk, As::Clinician("MOKAFOR"), &appointment).await;
    assert_eq!(sent_to(&ours.authorize(&[("launch", Some(&theirs))]).await)["error"], "invalid_request");
}

#[tokio::test]
async fn codes_are_good_once_for_a_minute_and_for_one_app() {
    let desk = Desk::open().await;
    let appointment = desk.appointment("MOKAFOR").await;
    let wrong = "another-code-verifier-of-more-than-forty-three-characters";
    for (change, error) in [
        (("code_verifier", wrong), "invalid_grant"),
        (("code_verifier", ""), "invalid_grant"),
        (("redirect_uri", "http://127.0.0.1:8400/elsewhere"), "invalid_grant"),
        (("client_id", text(&desk.northside, "/ehr/patient_client_id")), "invalid_grant"),
        (("client_id", "nobody"), "invalid_client"),
        (("client_secret", "a"), "invalid_client"),
        (("code", "made-up"), "invalid_grant"),
        (("grant_type", "password"), "unsupported_grant_type"),
    ] {
        let flow = Flow::begin(&desk, As::Clinician("MOKAFOR"), &appointment).await;
        let code = sent_to(&flow.authorize(&[]).await)["code"].clone();
        let (status, body) = flow.token(&code, &[change]).await;
        assert_eq!((status, text(&body, "/error")), (StatusCode::BAD_REQUEST, error), "{change:?}");
    }
    let late = Flow::begin(&desk, As::Clinician("MOKAFOR"), &appointment).await;
    let code = sent_to(&late.authorize(&[]).await)["code"].clone();
    desk.advance(61).await;
    assert_eq!(late.token(&code, &[]).await.1["error"], "invalid_grant");

    // A replay is refused and takes back what the first use was given.
    let flow = Flow::begin(&desk, As::Clinician("MOKAFOR"), &appointment).await;
    let code = sent_to(&flow.authorize(&[]).await)["code"].clone();
    let (_, body) = flow.token(&code, &[]).await;
    let read = || {
        let url = format!("{}/Patient/{}", flow.launch["iss"], text(&appointment, "/patient_id"));
        desk.http.get(url).bearer_auth(text(&body, "/access_token")).send()
    };
    assert_eq!(read().await.unwrap().status(), StatusCode::OK);
    assert_eq!(flow.token(&code, &[]).await.1["error"], "invalid_grant");
    assert_eq!(read().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn no_more_is_advertised_than_epic_advertises() {
    let desk = Desk::open().await;
    let iss = text(&desk.northside, "/ehr/iss");
    let interconnect = text(&desk.northside, "/ehr/interconnect");
    for (path, file) in [
        ("/.well-known/smart-configuration", include_str!("../../data/epic-fhir-r4-smart-configuration.json")),
        ("/metadata", include_str!("../../data/epic-fhir-r4-capabilitystatement.json")),
    ] {
        let served: Value = desk.http.get(format!("{iss}{path}")).send().await.unwrap().json().await.unwrap();
        let epic: Value =
            serde_json::from_str(&file.replace("https://fhir.epic.com/interconnect-fhir-oauth", interconnect)).unwrap();
        assert_eq!(served, epic);
    }
}

#[tokio::test]
async fn without_a_relay_nothing_is_launched() {
    let desk = Desk::unregistered().await;
    let appointment = desk.appointment("MOKAFOR").await;
    let body = json!({ "emp_user": "MOKAFOR", "appointment_id": appointment["appointment_id"] });
    let answer = desk.http.post(desk.control("/launch")).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CONFLICT);

    desk.register(RELAY).await;
    let answer: Value = desk.http.post(desk.control("/launch")).json(&body).send().await.unwrap().json().await.unwrap();
    assert!(text(&answer, "/https_url").starts_with("http://127.0.0.1:8400/o/northside/launch?iss="));
    assert!(text(&answer, "/roomed_url").starts_with("roomed://launch?iss="));
    assert!(!text(&answer, "/roomed_url").contains("sessionId"));

    // An Epic that authorizes by POST too (capability authorize-post).
    let empty = desk.form(&desk.epic("/interconnect-fhir-oauth/oauth2/authorize"), &[("client_id", "x")]).await;
    assert_eq!(empty.status(), StatusCode::BAD_REQUEST);
    let flow = Flow::begin(&desk, As::Clinician("MOKAFOR"), &appointment).await;
    assert!(location(&flow.authorize(&[]).await).starts_with("http://127.0.0.1:8400/oauth/callback?code="));
}
