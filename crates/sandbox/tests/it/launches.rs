//! Launches at the EHRs beside Epic: who and where, and what is refused. The checks themselves are those of `smart.rs`.

use crate::{
    desk::{Desk, RELAY, VERIFIER, challenge, claims, person, sent_to, text},
    ehr::{Ehr, of},
};
use reqwest::StatusCode;
use serde_json::{Value, json};

const VENDORS: [&str; 2] = ["oracle-health", "fhir-r4"];

/// A launch on its way.
struct Flow<'a> {
    ehr: &'a Ehr<'a>,
    client: &'a str,
    redirect: String,
    launch: String,
    known: Value,
    /// Of the browser.
    cookie: String,
}

impl<'a> Flow<'a> {
    /// Presses the button, as the clinician or as the patient.
    async fn begin(ehr: &'a Ehr<'a>, clinician: bool, made: &Value) -> Self {
        let patient = ehr.it["patients"].as_array().unwrap().iter().find(|it| it["patient_id"] == made["patient_id"]);
        let at_epic = crate::desk::patient(&ehr.desk.northside, &patient.unwrap()["epic_patient_id"]);
        let (who, app, path) = match clinician {
            true => (json!({ "emp_user": "MOKAFOR" }), "/companion_client_id", "/oauth/callback"),
            false => {
                let user = json!({ "mychart_user": at_epic["mychart_user"] });
                (user, "/patient_client_id", "/o/northside/patient/callback")
            }
        };
        let mut body = who;
        body["appointment_id"] = made["appointment_id"].clone();
        let begun = ehr.desk.launch(body).await;
        assert_eq!(begun["iss"], text(&ehr.it, "/iss"));
        let session = if ehr.it["vendor"] == "oracle-health" { "/appointment_id" } else { "/csn" };
        assert_eq!(begun["sessionId"], text(made, session));
        let known = ehr.desk.http.get(format!("{}/.well-known/smart-configuration", begun["iss"]));
        let known = known.send().await.unwrap().json().await.unwrap();
        let redirect = format!("{RELAY}{path}");
        Self {
            ehr,
            client: text(&ehr.it, app),
            redirect,
            launch: begun["launch"].clone(),
            known,
            cookie: String::new(),
        }
    }

    async fn authorize(&self, change: Option<(&str, &str)>) -> reqwest::Response {
        self.ask("launch openid fhirUser patient/Patient.read", Some(&self.launch), change).await
    }

    async fn ask(&self, scope: &str, launch: Option<&str>, change: Option<(&str, &str)>) -> reqwest::Response {
        let challenge = challenge(VERIFIER);
        let mut query = vec![
            ("response_type", "code"),
            ("client_id", self.client),
            ("redirect_uri", &self.redirect),
            ("scope", scope),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("aud", text(&self.ehr.it, "/iss")),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        query.extend(launch.map(|it| ("launch", it)));
        if let Some((name, value)) = change {
            query.retain(|(it, _)| *it != name);
            query.push((name, value));
        }
        let url = text(&self.known, "/authorization_endpoint");
        self.ehr.desk.http.get(url).header("cookie", &self.cookie).query(&query).send().await.unwrap()
    }

    /// Without any launch token.
    async fn authorize_alone(&self, scope: &str) -> reqwest::Response {
        self.ask(scope, None, None).await
    }

    async fn redeem(&self, code: &str, verifier: &str) -> (StatusCode, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect),
            ("client_id", self.client),
            ("code_verifier", verifier),
        ];
        let answer = self.ehr.desk.form(text(&self.known, "/token_endpoint"), &form).await;
        (answer.status(), answer.json().await.unwrap())
    }
}

#[tokio::test]
async fn a_launch_says_who_and_where_under_this_servers_own_ids() {
    let desk = Desk::open().await;
    for vendor in VENDORS {
        let ehr = Ehr::enter(&desk, vendor).await;
        desk.register(RELAY).await;
        let made = ehr.book(json!({})).await;
        for clinician in [true, false] {
            let flow = Flow::begin(&ehr, clinician, &made).await;
            let code = sent_to(&flow.authorize(None).await)["code"].clone();
            let (status, body) = flow.redeem(&code, VERIFIER).await;
            assert_eq!((status, &body["patient"]), (StatusCode::OK, &made["patient_id"]), "{vendor}");
            assert_eq!(body["scope"], "launch openid fhirUser", "{vendor}: no person's token reads here");
            assert_eq!(body["encounter"], if clinician { made["encounter_id"].clone() } else { Value::Null });
            let id = claims(&body["id_token"]);
            let own =
                |kind: &str, id: &Value| json!(format!("{}/{kind}/{}", text(&ehr.it, "/iss"), id.as_str().unwrap()));
            let expected = match clinician {
                true => own("Practitioner", &made["practitioner_id"]),
                false => own("Patient", &made["patient_id"]),
            };
            assert_eq!((&id["fhirUser"], &id["nonce"]), (&expected, &json!("the-nonce")), "{vendor}");
            assert_eq!((&id["iss"], &id["aud"]), (&flow.known["issuer"], &json!(flow.client)), "{vendor}");
            let keys = desk.http.get(text(&flow.known, "/jwks_uri")).send().await.unwrap();
            let keys: Value = keys.json().await.unwrap();
            assert_ne!(keys["keys"][0]["kid"], Value::Null);
            assert_eq!(flow.redeem(&code, VERIFIER).await.1["error"], "invalid_grant", "{vendor}: a code is good once");
        }
    }
    assert_ne!(
        person(&desk.northside, "MOKAFOR")["practitioner_id"],
        of(&desk.northside, VENDORS[0])["people"][0]["practitioner_id"]
    );
}

#[tokio::test]
async fn what_smart_forbids_is_refused() {
    let desk = Desk::open().await;
    for vendor in VENDORS {
        let ehr = Ehr::enter(&desk, vendor).await;
        desk.register(RELAY).await;
        let made = ehr.book(json!({})).await;
        let flow = Flow::begin(&ehr, true, &made).await;
        let other = text(of(&desk.harbor, vendor), "/iss");
        for (change, error) in [
            (("aud", other), "invalid_request"),
            (("code_challenge_method", "plain"), "invalid_request"),
            (("launch", "made-up"), "invalid_request"),
            (("scope", "openid fhirUser"), "invalid_scope"),
            (("scope", "launch system/Patient.read"), "invalid_scope"),
        ] {
            assert_eq!(sent_to(&flow.authorize(Some(change)).await)["error"], error, "{vendor}: {change:?}");
        }
        let epics = text(&desk.northside, "/ehr/companion_client_id");
        for change in [("client_id", epics), ("redirect_uri", "http://127.0.0.1:9999/oauth/callback")] {
            assert_eq!(flow.authorize(Some(change)).await.status(), StatusCode::BAD_REQUEST, "{vendor}: {change:?}");
        }
        // None of that used the launch up; this does.
        let code = sent_to(&flow.authorize(None).await)["code"].clone();
        assert_eq!(sent_to(&flow.authorize(None).await)["error"], "invalid_request");
        let wrong = "another-code-verifier-of-more-than-forty-three-characters";
        assert_eq!(flow.redeem(&code, wrong).await.1["error"], "invalid_grant", "{vendor}");
        let stranger = json!({ "mychart_user": "nobody", "appointment_id": made["appointment_id"] });
        let answer = desk.http.post(desk.control("/launch")).json(&stranger).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{vendor}: somebody else's appointment");
    }
}

#[tokio::test]
async fn a_standalone_launch_is_the_patients_who_signed_in() {
    let desk = Desk::open().await;
    for vendor in VENDORS {
        let ehr = Ehr::enter(&desk, vendor).await;
        desk.register(RELAY).await;
        let made = ehr.book(json!({})).await;
        let mut flow = Flow::begin(&ehr, false, &made).await;
        let user = &desk.northside["patients"][1]["mychart_user"];
        let body = json!({ "ehr": ehr.it["ehr"], "org": "northside", "mychart_user": user });
        let session = desk.tell(reqwest::Method::POST, "/portal-sessions", &body).await;
        flow.cookie = text(&session, "/cookie").to_owned();
        let refused = flow.authorize_alone("launch openid fhirUser").await;
        assert_eq!(sent_to(&refused)["error"], "invalid_scope", "{vendor}");
        let code = sent_to(&flow.authorize_alone("launch/patient openid fhirUser").await)["code"].clone();
        let (status, body) = flow.redeem(&code, VERIFIER).await;
        assert_eq!((status, &body["patient"]), (StatusCode::OK, &ehr.it["patients"][1]["patient_id"]), "{vendor}");
        assert_eq!(body["encounter"], Value::Null);
        flow.cookie = "sandbox_portal_oracle=x; sandbox_portal_r4=x".to_owned();
        let nobody = flow.authorize_alone("launch/patient openid fhirUser").await;
        assert!(sent_to(&nobody).contains_key("error"), "{vendor}: nobody has signed in");
        // The chart's app has no patient to sign in.
        let mut clinician = Flow::begin(&ehr, true, &made).await;
        clinician.cookie = text(&session, "/cookie").to_owned();
        let refused = clinician.authorize_alone("launch/patient openid fhirUser").await;
        assert_eq!(sent_to(&refused)["error"], "invalid_scope", "{vendor}");
    }
}
