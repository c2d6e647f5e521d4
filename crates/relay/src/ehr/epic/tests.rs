//! Epic's file against a small FHIR server and connection-status service of this test's own making: what is asked, how
//! answers are read, and that a call is made once whatever happens to it. The whole stand-in hospital is in `tests/`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use roomed_smart::UrlPolicy;
use roomed_smart::keys::SigningKey;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::super::tests::fake;
use super::super::{Attempt, Ehr, Gate, Requests, Said, connect};
use crate::clock::{Clock, Random, SystemClock, SystemRandomness};
use crate::config::Vendor;
use crate::config::{Config, NORTHSIDE};
use crate::outbox::{About, Attendance, Presence, Role, WriteBack};
use crate::store::{Channel, Others};

/// What the connection-status service was asked: the query, in order, and three headers.
type Asked = Vec<(Vec<(String, String)>, Vec<String>)>;

#[derive(Default)]
struct Fake {
    asked: Mutex<Asked>,
    /// What it does next instead of answering 200: a status, or 0 for applying it and cutting the connection.
    next: Mutex<Vec<u16>>,
    tokens: Mutex<u32>,
}

async fn token(State(fake): State<Arc<Fake>>, form: String) -> Json<Value> {
    assert!(form.contains("client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"));
    let mut tokens = fake.tokens.lock().unwrap();
    *tokens += 1;
    Json(json!({"access_token": format!("t{tokens}"), "token_type": "Bearer", "expires_in": 3600}))
}

async fn read(Path((kind, id)): Path<(String, String)>, headers: HeaderMap) -> Response {
    // The first token is refused, as after a restart of the EHR.
    if headers.get(header::AUTHORIZATION).unwrap() == "Bearer t1" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let body = match (kind.as_str(), id.as_str()) {
        ("Appointment", "a1") => appointment("a1", true),
        ("Appointment", "group") => {
            let mut group = appointment("group", true);
            group["participant"].as_array_mut().unwrap().push(json!({"actor": {"reference": "Patient/p2"}}));
            group
        }
        ("Appointment", "early") => appointment("early", false),
        ("Encounter", "e1") => json!({"resourceType": "Encounter", "id": "e1", "status": "planned",
            "identifier": [{"system": "urn:csn", "value": "1853"}],
            "appointment": [{"reference": "Appointment/early"}]}),
        ("Encounter", "none") => json!({"resourceType": "Encounter", "id": "none", "status": "planned"}),
        ("Patient", "p1") => json!({"resourceType": "Patient", "id": "p1",
            "identifier": [{"system": "urn:x", "value": "no"}, {"system": "urn:wpr", "value": "WPR-7"}]}),
        ("Practitioner", "d1") => json!({"resourceType": "Practitioner", "id": "d1",
            "identifier": [{"system": "urn:emp", "value": "EMP 19"}]}),
        ("Practitioner", "new") => json!({"resourceType": "Practitioner", "id": "new"}),
        ("Practitioner", "down") => return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "7")]).into_response(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    Json(body).into_response()
}

fn appointment(id: &str, with_csn: bool) -> Value {
    let identifier = if with_csn { json!([{"system": "urn:csn", "value": "1853"}]) } else { json!([]) };
    json!({"resourceType": "Appointment", "id": id, "status": "booked", "identifier": identifier,
        "start": "2026-11-22T10:30:00+01:00", "minutesDuration": 20,
        "appointmentType": {"coding": [{"system": "urn:t", "code": "VV"}]},
        "participant": [{"actor": {"reference": "Patient/p1"}}, {"actor": {"reference": "Practitioner/d1"}}]})
}

async fn search(Query(query): Query<Vec<(String, String)>>, headers: HeaderMap) -> Response {
    if headers.get(header::AUTHORIZATION).unwrap() == "Bearer t1" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let found = if query == [("identifier".to_owned(), "urn:csn|1853".to_owned())] {
        json!([{"resource": appointment("a1", true)}])
    } else {
        json!([])
    };
    Json(json!({"resourceType": "Bundle", "type": "searchset", "entry": found})).into_response()
}

async fn set(
    State(fake): State<Arc<Fake>>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    let named = |name: &str| headers.get(name).map_or("", |it| it.to_str().unwrap()).to_owned();
    fake.asked
        .lock()
        .unwrap()
        .push((query, vec![named("authorization"), named("epic-client-id"), named("cache-control")]));
    let next = fake.next.lock().unwrap().pop();
    match next {
        // It was applied; then the connection goes with its task, before a byte of the answer.
        Some(0) => std::panic::resume_unwind(Box::new("cut")),
        Some(302) => (StatusCode::FOUND, [(header::LOCATION, "/interconnect/api/set?again")]).into_response(),
        Some(status) => StatusCode::from_u16(status).unwrap().into_response(),
        None => StatusCode::OK.into_response(),
    }
}

struct Place {
    fake: Arc<Fake>,
    epic: Arc<dyn Ehr>,
}

/// Starts the fake and connects to it, with the configuration changed as wanted.
async fn place(change: impl FnOnce(&mut crate::config::EhrConfig)) -> Place {
    let fake = Arc::new(Fake::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let endpoints = json!({"issuer": format!("{base}/fhir"), "token_endpoint": format!("{base}/token"),
        "authorization_endpoint": format!("{base}/authorize"), "jwks_uri": format!("{base}/jwks"),
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "code_challenge_methods_supported": ["S256"], "capabilities": ["client-confidential-asymmetric"]});
    let app = Router::new()
        .route("/fhir/.well-known/smart-configuration", get(move || async move { Json(endpoints) }))
        .route("/token", post(token))
        .route("/fhir/Appointment", get(search))
        .route("/fhir/{kind}/{id}", get(read))
        .route("/interconnect/api/set", get(set))
        .with_state(Arc::clone(&fake));
    tokio::spawn(async move { axum::serve(listener, app).await });

    let mut config = Config::assemble(NORTHSIDE, std::path::Path::new("test"), Vec::new()).unwrap();
    let mut ehr = config.organizations.remove(0).ehr.remove(0);
    ehr.iss = format!("{base}/fhir");
    ehr.interconnect = format!("{base}/interconnect");
    ehr.connection_status.as_mut().unwrap().disconnected = Some(9);
    change(&mut ehr);
    let key = Arc::new(SigningKey::from_pem(SigningKey::generate_pem().unwrap().expose_secret()).unwrap());
    let policy = UrlPolicy::AllowLoopbackHttp;
    let http = roomed_smart::http::client(policy).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let random: Arc<dyn Random> = Arc::new(SystemRandomness::default());
    Place { fake, epic: connect(&ehr, "northside", &config, &key, &http, policy, &clock, &random) }
}

fn intent(role: Role, fhir_id: &str, presence: Presence) -> WriteBack {
    let at = "2026-11-22T10:00:00Z".parse().unwrap();
    let (participant, fhir_id) = ("p".into(), fhir_id.into());
    let mut intent =
        fake::intent(Channel::State, About::Attendance(Attendance { participant, role, fhir_id, presence, at }));
    intent.iss = "x".into();
    intent
}

/// A setter asks no gate.
struct Shut;

#[async_trait::async_trait]
impl Gate for Shut {
    async fn may_send(&self) -> bool {
        panic!("a setter need not ask");
    }
}

async fn say(epic: &Arc<dyn Ehr>, intent: &WriteBack) -> Said {
    epic.write_back(intent, &Attempt { key: "k", uncertain: true, settling: false, others: Others::Clear, gate: &Shut })
        .await
}

fn query(id: &str, kind: &str, status: &str) -> Vec<(String, String)> {
    let pairs = [
        ("ConferenceID", "1853"),
        ("ExternalID", id),
        ("ExternalIDType", kind),
        ("VendorName", "Roomed"),
        ("ConnectionStatus", status),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

#[tokio::test]
async fn the_call_is_exactly_the_profile_and_is_made_once() {
    let Place { fake, epic } = place(|_| {}).await;
    let requests = Requests::default();
    let patient = intent(Role::Patient, "p1", Presence::Connected);
    assert_eq!(requests.of(say(&epic, &patient)).await, Said::Accepted);
    assert_eq!(requests.count(), 3, "a read, the read again under a new token, the call");
    assert_eq!(
        requests.of(say(&epic, &intent(Role::Practitioner, "d1", Presence::Disconnected))).await,
        Said::Accepted
    );
    assert_eq!(requests.count(), 5);
    let asked = fake.asked.lock().unwrap().clone();
    // base64("emp$x:CANARY-PASSWORD")
    let headers = ["Basic ZW1wJHg6Q0FOQVJZLVBBU1NXT1JE", "e", "no-store"];
    assert_eq!(
        asked,
        [
            (query("WPR-7", "2", "1"), headers.map(str::to_owned).to_vec()),
            (query("EMP 19", "1", "9"), headers.map(str::to_owned).to_vec())
        ]
    );
    assert_eq!(*fake.tokens.lock().unwrap(), 2, "a token the EHR no longer takes is fetched anew, once");
}

#[tokio::test]
async fn answers_fall_into_their_classes_and_nothing_is_repeated_or_followed() {
    let Place { fake, epic } = place(|_| {}).await;
    let mut calls = 0;
    for (answer, class) in [
        (0, "unknown"),
        (500, "unknown"),
        (504, "unknown"),
        (503, "not now"),
        (429, "not now"),
        (302, "never"),
        (401, "not now"),
        (400, "never"),
    ] {
        fake.next.lock().unwrap().push(answer);
        let got = match say(&epic, &intent(Role::Patient, "p1", Presence::Connected)).await {
            Said::NobodyKnows { .. } => "unknown",
            Said::NotNow { .. } => "not now",
            Said::Never { reason } => {
                assert!(!reason.contains("WPR") && !reason.contains("1853"), "{reason}");
                "never"
            }
            other => panic!("{answer}: {other:?}"),
        };
        calls += 1;
        assert_eq!((got, fake.asked.lock().unwrap().len()), (class, calls), "{answer}");
    }
}

#[tokio::test]
async fn what_cannot_be_said_is_not_said() {
    let disconnect = intent(Role::Patient, "p1", Presence::Disconnected);
    let without_number = place(|ehr| ehr.connection_status.as_mut().unwrap().disconnected = None).await;
    assert!(matches!(say(&without_number.epic, &disconnect).await, Said::Unsupported { .. }));
    let without_service = place(|ehr| ehr.connection_status = None).await;
    assert!(matches!(say(&without_service.epic, &disconnect).await, Said::Unsupported { .. }));
    let Place { fake, epic } = place(|_| {}).await;
    let new = intent(Role::Practitioner, "new", Presence::Connected);
    assert_eq!(say(&epic, &new).await, Said::NoIdentifier);
    let down = intent(Role::Practitioner, "down", Presence::Connected);
    let Said::NotNow { retry_after, .. } = say(&epic, &down).await else { panic!() };
    assert_eq!(retry_after, Some(jiff::SignedDuration::from_secs(7)));
    assert!(fake.asked.lock().unwrap().is_empty());
    // An EHR that is not there at all.
    let gone = place(|ehr| ehr.interconnect = "http://127.0.0.1:1".into()).await;
    assert!(matches!(say(&gone.epic, &intent(Role::Patient, "p1", Presence::Connected)).await, Said::NotNow { .. }));
}

#[tokio::test]
async fn appointments_are_found_three_ways() {
    let Place { epic, .. } = place(|_| {}).await;
    let facts = epic.appointment_by_identifier("1853").await.unwrap().unwrap();
    assert_eq!((facts.id.as_str(), facts.status.as_str(), facts.is_virtual), ("a1", "booked", true));
    assert_eq!((facts.patient.as_deref(), facts.practitioners.as_slice()), (Some("p1"), &["d1".to_owned()][..]));
    assert_eq!(
        (facts.start.to_string().as_str(), facts.end.to_string().as_str()),
        ("2026-11-22T09:30:00Z", "2026-11-22T09:50:00Z")
    );
    assert_eq!(facts.conference_id.as_deref(), Some("1853"));
    assert_eq!(epic.appointment("a1").await.unwrap(), Some(facts));
    let by_encounter = epic.appointment_of_encounter("e1").await.unwrap().unwrap();
    assert_eq!((by_encounter.id.as_str(), by_encounter.conference_id.as_deref()), ("early", Some("1853")));
    assert_eq!(epic.appointment_of_encounter("none").await.unwrap(), None);
    assert_eq!(epic.appointment_of_encounter("unknown").await.unwrap(), None);
    assert_eq!(epic.appointment("group").await.unwrap(), None, "a group visit has no one patient");
    for unfit in ["", "99", "1853,1854", "urn:x|1853", "1853&_id=a1"] {
        assert_eq!(epic.appointment_by_identifier(unfit).await.unwrap(), None, "{unfit}");
    }
}

/// An Epic that has these Communications, and answers a create as told.
async fn messages(there: &'static [&'static str], create: fake::Reply) -> fake::Place {
    fake::Place::start(
        Vendor::Epic,
        |ehr| ehr.communication = true,
        move |asked, _| match asked.what.split_once(' ').unwrap() {
            ("GET", _) => {
                let carrying = |key: &&str| {
                    json!({"resourceType": "Communication", "id": "c", "status": "completed",
                    "identifier": [super::super::resources::identifier(key)]})
                };
                fake::found(&there.iter().map(carrying).collect::<Vec<_>>())
            }
            _ => create.clone(),
        },
    )
    .await
}

#[tokio::test]
async fn a_communication_is_searched_for_before_it_is_posted() {
    let system = super::super::resources::SYSTEM;
    let message = fake::arrived(Channel::Message);
    let search = format!("GET Communication?identifier={system}|k&patient=p1");
    // What is there, uncertain, answer to a create -> said, whether it was posted
    let cases: [(&'static [&'static str], bool, fake::Reply, &str, bool); 10] = [
        (&[], false, fake::reply(201, Value::Null), "accepted", true),
        (&["other"], false, fake::reply(201, Value::Null), "accepted", true),
        (&["k"], false, fake::reply(201, Value::Null), "accepted", false),
        (&["k"], true, fake::reply(201, Value::Null), "accepted", false),
        (&[], true, fake::reply(201, Value::Null), "possible double", false),
        (&[], false, fake::cut(), "nobody knows", true),
        (&[], false, fake::reply(500, Value::Null), "nobody knows", true),
        (&[], false, fake::reply(503, Value::Null), "not now", true),
        (&[], false, fake::outcome(400, "59159"), "never", true),
        (&[], false, fake::outcome(403, "4130"), "never", true),
    ];
    for (there, uncertain, create, wanted, posted) in cases {
        let shown = format!("{there:?} {uncertain} {create:?}");
        let place = messages(there, create).await;
        let got = match place.say(&message, "k", uncertain).await {
            Said::Accepted => "accepted",
            Said::PossibleDouble { .. } => "possible double",
            Said::NobodyKnows { .. } => "nobody knows",
            Said::NotNow { .. } => "not now",
            Said::Never { .. } => "never",
            other => panic!("{shown}: {other:?}"),
        };
        assert_eq!(got, wanted, "{shown}");
        let mut lines = vec![search.clone()];
        lines.extend(posted.then(|| "POST Communication".to_owned()));
        assert_eq!(place.lines(), lines, "{shown}");
    }
}

#[tokio::test]
async fn a_duplicate_is_a_success_once_it_has_been_seen() {
    let message = fake::arrived(Channel::Message);
    let place = fake::Place::start(
        Vendor::Epic,
        |ehr| ehr.communication = true,
        |asked, before| match (asked.what.starts_with("POST"), before.len()) {
            (true, _) => fake::outcome(400, "59141"),
            (false, 0) => fake::found(&[]),
            (false, _) => fake::found(&[json!({"resourceType": "Communication", "id": "c",
                "identifier": [super::super::resources::identifier("k")]})]),
        },
    )
    .await;
    assert_eq!(place.say(&message, "k", false).await, Said::Accepted);
    assert_eq!(place.lines().len(), 3);
    let unseen = messages(&[], fake::outcome(400, "59141")).await;
    assert!(matches!(unseen.say(&message, "k", false).await, Said::Never { .. }));
    assert_eq!(unseen.say_without_lease(&message).await, Said::Stopped);
    assert!(!unseen.lines().iter().skip(3).any(|it| it.starts_with("POST")), "nothing left without the lease");
}

#[tokio::test]
async fn what_an_earlier_attempt_did_stays_open_while_epic_cannot_be_asked() {
    let place =
        fake::Place::start(Vendor::Epic, |ehr| ehr.communication = true, |_, _| fake::reply(503, Value::Null)).await;
    let message = fake::arrived(Channel::Message);
    assert!(matches!(place.say(&message, "k", false).await, Said::NotNow { .. }));
    assert!(matches!(place.say(&message, "k", true).await, Said::NobodyKnows { .. }), "\"not now\" would settle it");
}

#[test]
fn a_message_goes_out_only_where_the_organization_wants_one() {
    let mut config = Config::assemble(NORTHSIDE, std::path::Path::new("test"), Vec::new()).unwrap();
    let mut ehr = config.organizations.remove(0).ehr.remove(0);
    let about = fake::arrived(Channel::State).about;
    assert_eq!(super::channels(&ehr, &about), [Channel::State]);
    assert!(!super::scope(&ehr).contains("write"), "nothing may be written that is not");
    ehr.communication = true;
    assert_eq!(super::channels(&ehr, &about), [Channel::State, Channel::Message]);
    assert!(super::scope(&ehr).contains("system/Communication.write"));
    assert_eq!(super::channels(&ehr, &fake::stage("arrived")), []);
}
