//! An EHR beside Epic as a backend meets it, for the tests of both; and what both have in common: tokens, scopes, doors.

use crate::{
    backend::Keys,
    desk::{Desk, text},
};
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde_json::{Value, json};

/// Everything a backend may ask for.
pub(crate) const ALL: &str = "system/Appointment.read system/Appointment.write system/Encounter.read \
    system/Encounter.write system/Patient.read system/Practitioner.read system/Location.read system/Location.write \
    system/Communication.read system/Communication.write system/AuditEvent.read system/AuditEvent.write \
    system/Subscription.read system/Subscription.write system/HealthcareService.read";

/// Northside's site at one of them, with a token.
pub(crate) struct Ehr<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) keys: Keys,
    pub(crate) it: Value,
    pub(crate) token: String,
}

impl<'a> Ehr<'a> {
    /// `oracle-health` or `fhir-r4`, with all scopes.
    pub(crate) async fn enter(desk: &'a Desk, vendor: &str) -> Self {
        let it = of(&desk.northside, vendor).clone();
        let keys = Keys::publish(desk).await;
        let token = grant(desk, &keys, &it, ALL).await;
        Self { desk, keys, it, token }
    }

    /// A request to the FHIR base.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.desk.http.request(method, format!("{}/{path}", text(&self.it, "/iss"))).bearer_auth(&self.token)
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        assert!(answer.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("application/fhir+json"));
        (answer.status(), answer.json().await.unwrap())
    }

    /// Sends a resource.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        fhir(self.request(method, path), body).send().await.unwrap()
    }

    /// Books a visit of Dr. Okafor's with the first patient, half an hour from now.
    pub(crate) async fn book(&self, more: Value) -> Value {
        let clock = self.desk.ask("/clock").await;
        let start: jiff::Timestamp = text(&clock, "/now").parse().unwrap();
        let mut body = json!({
            "ehr": self.it["ehr"], "org": "northside", "patient_id": self.it["patients"][0]["patient_id"],
            "practitioner_id": self.it["people"][0]["practitioner_id"],
            "type": self.it["virtual_visit_types"][0]["code"], "start": start + jiff::SignedDuration::from_mins(30),
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.desk.tell(Method::POST, "/appointments", &body).await
    }

    /// Everything that has taken effect.
    pub(crate) async fn effects(&self) -> Vec<Value> {
        self.desk.ask("/effects").await["effects"].as_array().unwrap().clone()
    }
}

/// A body in FHIR's media type.
pub(crate) fn fhir(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request.header(header::CONTENT_TYPE, "application/fhir+json").body(body.to_string())
}

/// An organization's connection to a vendor.
pub(crate) fn of<'a>(organization: &'a Value, vendor: &str) -> &'a Value {
    organization["more_ehrs"].as_array().unwrap().iter().find(|it| it["vendor"] == vendor).unwrap()
}

/// The version in an ETag.
pub(crate) fn etag(answer: &Response) -> String {
    answer.headers()[header::ETAG].to_str().unwrap().to_owned()
}

async fn grant(desk: &Desk, keys: &Keys, ehr: &Value, scope: &str) -> String {
    let (status, body) = keys.ask_elsewhere(desk, ehr, scope, |_| {}).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    text(&body, "/access_token").to_owned()
}

const VENDORS: [&str; 2] = ["oracle-health", "fhir-r4"];

#[tokio::test]
async fn assertions_are_believed_once_and_only_by_the_server_they_are_for() {
    let desk = Desk::open().await;
    let keys = Keys::publish(&desk).await;
    for vendor in VENDORS {
        let ehr = of(&desk.northside, vendor);
        let scope = "system/Appointment.read system/Observation.read system/Patient.write";
        let (status, body) = keys.ask_elsewhere(&desk, ehr, scope, |it| it["jti"] = json!("once")).await;
        assert_eq!(
            (status, &body["expires_in"], text(&body, "/scope")),
            (StatusCode::OK, &json!(300), "system/Appointment.read"),
            "{vendor}"
        );
        let again = keys.ask_elsewhere(&desk, ehr, scope, |it| it["jti"] = json!("once")).await;
        assert_eq!((again.0, text(&again.1, "/error")), (StatusCode::UNAUTHORIZED, "invalid_client"), "{vendor}");
        let none = keys.ask_elsewhere(&desk, ehr, "system/Observation.read user/Patient.rs", |_| {}).await;
        assert_eq!((none.0, text(&none.1, "/error")), (StatusCode::BAD_REQUEST, "invalid_scope"), "{vendor}");

        let other_vendor = of(&desk.northside, VENDORS.into_iter().find(|it| *it != vendor).unwrap());
        let other_site = of(&desk.harbor, vendor);
        for (name, value) in [
            ("aud", other_site["token_endpoint"].clone()),
            ("aud", other_vendor["token_endpoint"].clone()),
            ("aud", ehr["iss"].clone()),
            ("iss", other_vendor["backend_client_id"].clone()),
            ("sub", json!("somebody else")),
            ("exp", json!(1)),
        ] {
            let (status, body) = keys.ask_elsewhere(&desk, ehr, scope, |it| it[name] = value.clone()).await;
            assert_eq!((status, text(&body, "/error")), (StatusCode::UNAUTHORIZED, "invalid_client"), "{name} {value}");
        }
    }
}

#[tokio::test]
async fn a_token_opens_one_site_of_one_server_for_five_minutes() {
    let desk = Desk::open().await;
    for vendor in VENDORS {
        let ehr = Ehr::enter(&desk, vendor).await;
        let patient = text(&ehr.it, "/patients/0/patient_id");
        let path = format!("Patient/{patient}");
        assert_eq!(ehr.get(&path).await.0, StatusCode::OK);
        for elsewhere in
            [of(&desk.harbor, vendor), of(&desk.northside, VENDORS.into_iter().find(|it| *it != vendor).unwrap())]
        {
            let url = format!("{}/{path}", text(elsewhere, "/iss"));
            let answer = desk.http.get(url).bearer_auth(&ehr.token).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        }
        let xml = ehr.request(Method::GET, &path).header(header::ACCEPT, "application/fhir+xml").send().await.unwrap();
        assert_eq!(xml.status(), StatusCode::NOT_ACCEPTABLE);
        desk.advance(301).await;
        let (status, body) = ehr.get(&path).await;
        assert_eq!((status, text(&body, "/resourceType")), (StatusCode::UNAUTHORIZED, "OperationOutcome"));
    }
}

#[tokio::test]
async fn the_same_people_are_there_under_ids_of_its_own() {
    let desk = Desk::open().await;
    for vendor in VENDORS {
        let ehr = Ehr::enter(&desk, vendor).await;
        let systems = &ehr.it["identifier_systems"];
        let person = &desk.northside["people"][0];
        let linked = ehr.it["people"].as_array().unwrap().iter().find(|it| it["oid"] == person["oid"]).unwrap();
        assert_ne!(linked["practitioner_id"], person["practitioner_id"]);
        let token = format!("{}%7C{}", text(systems, "/practitioner"), text(linked, "/identifier"));
        let (_, found) = ehr.get(&format!("Practitioner?identifier={token}")).await;
        assert_eq!((&found["total"], &found["entry"][0]["resource"]["id"]), (&json!(1), &linked["practitioner_id"]));
        assert_eq!(found["entry"][0]["resource"]["name"][0]["text"], person["name"]);
        // An identifier means nothing in another system.
        let token = format!("{}%7C{}", text(systems, "/patient"), text(linked, "/identifier"));
        assert_eq!(ehr.get(&format!("Practitioner?identifier={token}")).await.1["total"], 0);
        assert_ne!(*systems, of(&desk.harbor, vendor)["identifier_systems"]);
        for patient in ehr.it["patients"].as_array().unwrap() {
            let (_, read) = ehr.get(&format!("Patient/{}", text(patient, "/patient_id"))).await;
            let identifier = json!({ "use": "usual", "system": systems["patient"], "value": patient["identifier"] });
            assert_eq!((&read["identifier"][0], &read["birthDate"]), (&identifier, &patient["birth_date"]));
        }
    }
}

#[tokio::test]
async fn nothing_is_done_that_is_not_advertised() {
    let desk = Desk::open().await;
    for vendor in VENDORS {
        let ehr = Ehr::enter(&desk, vendor).await;
        let configuration = desk.http.get(format!("{}/.well-known/smart-configuration", text(&ehr.it, "/iss")));
        let configuration: Value = configuration.send().await.unwrap().json().await.unwrap();
        assert_eq!(configuration["token_endpoint"], ehr.it["token_endpoint"]);
        assert_eq!(configuration["grant_types_supported"], json!(["authorization_code", "client_credentials"]));
        assert!(configuration["introspection_endpoint"].is_null());

        let (_, statement) = ehr.get("metadata").await;
        let listed = statement["rest"][0]["resource"].as_array().unwrap();
        for kind in listed {
            let name = text(kind, "/type");
            let does = |it: &str| kind["interaction"].as_array().unwrap().iter().any(|code| code["code"] == it);
            for (interaction, method, path) in [
                ("read", Method::GET, format!("{name}/nobody")),
                ("search-type", Method::GET, format!("{name}?_id=nobody")),
                ("create", Method::POST, name.to_owned()),
                ("update", Method::PUT, format!("{name}/nobody")),
                ("patch", Method::PATCH, format!("{name}/nobody")),
                ("delete", Method::DELETE, format!("{name}/nobody")),
            ] {
                let status = ehr.send(method, &path, &json!({})).await.status();
                // Refused for other reasons is not refused as such; 405 is.
                let refused = [StatusCode::METHOD_NOT_ALLOWED, StatusCode::FORBIDDEN].contains(&status);
                assert_eq!(refused, !does(interaction), "{vendor} {interaction} {name}: {status}");
            }
        }
        let unlisted = ["Observation", "Task", "Nonsense", "AuditEvent", "Communication"];
        for name in unlisted.iter().filter(|name| listed.iter().all(|it| it["type"] != **name)) {
            assert_eq!(ehr.get(&format!("{name}/1")).await.0, StatusCode::NOT_FOUND);
            assert_eq!(ehr.send(Method::POST, name, &json!({})).await.status(), StatusCode::NOT_FOUND);
        }
    }
}
