//! The EHR's statement of who launched: every `id_token` that must not open a visit, and what may be used only once.

use e2e::clinician::{App, Clinician, Link, proof, tampered, unsigned};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::ground::{Ground, Refusal, refused};
use crate::visitor::Visitor;

const ID_TOKEN_REFUSED: Refusal = (403, "id-token-refused", "ehr-analyst");
const NONCE_REFUSED: Refusal = (403, "nonce-refused", "clinician");
const HANDLE_UNKNOWN: Refusal = (410, "handle-unknown", "clinician");
const BAD_REQUEST: Refusal = (400, "bad-request", "it");

/// The proof with another statement in it.
fn with(proof: &Value, id_token: &Value) -> Value {
    let mut proof = proof.clone();
    proof["id_token"] = id_token.clone();
    proof
}

fn id(of: &Value) -> &str {
    of["appointment_id"].as_str().unwrap_or_default()
}

fn nonce(of: &Value) -> &str {
    of["nonce"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn only_this_ehrs_statement_about_this_launch_is_believed() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let (stack, appointment) = (&ground.stack, ground.schedule(0, 0).await?);
    let clinician = ground.clinician(0).await?;
    let colleague = ground.clinician(1).await?;
    let link = clinician.begin(stack, id(&appointment)).await?;
    let genuine = clinician.prove(&link).await?;
    let genuine_token = genuine["id_token"].as_str().unwrap_or_default();
    let before = ground.written().await?;

    let ours = clinician.nonce(&clinician.iss).await?;
    let theirs = colleague.nonce(&clinician.iss).await?;
    let again = async || clinician.begin(stack, id(&appointment)).await;
    let signature = |token: &str| {
        let (rest, signature) = token.rsplit_once('.').unwrap_or_default();
        format!("{rest}.{}", signature.chars().rev().collect::<String>())
    };
    let patients = patients_statement(&ground, &clinician, &appointment, nonce(&ours)).await?;
    let cases = [
        ("the patient's own launch", patients, ID_TOKEN_REFUSED),
        ("harbor's EHR", harbors_statement(&ground, nonce(&ours)).await?, ID_TOKEN_REFUSED),
        ("another signature", json!(signature(genuine_token)), ID_TOKEN_REFUSED),
        ("alg none", json!(unsigned(genuine_token)?), ID_TOKEN_REFUSED),
        (
            "another fhirUser",
            json!(tampered(genuine_token, |it| it["fhirUser"] = json!("Practitioner/x"))?),
            ID_TOKEN_REFUSED,
        ),
        (
            "a nonce of ours put in afterwards",
            json!(tampered(genuine_token, |it| it["nonce"] = ours["nonce"].clone())?),
            ID_TOKEN_REFUSED,
        ),
        ("a nonce we never gave", ask(&clinician, &again().await?, "made-up-by-somebody-else").await?, NONCE_REFUSED),
        ("a colleague's nonce", ask(&clinician, &again().await?, nonce(&theirs)).await?, NONCE_REFUSED),
        ("no nonce in it", json!(tampered(genuine_token, |it| it["nonce"] = Value::Null)?), ID_TOKEN_REFUSED),
        ("garbage", json!("garbage"), ID_TOKEN_REFUSED),
        ("nothing", json!(""), ID_TOKEN_REFUSED),
    ];
    for (what, id_token, expected) in &cases {
        refused(what, &clinician.launch(&with(&genuine, id_token)).await?, *expected);
    }
    refused("a colleague with this clinician's proof", &colleague.launch(&genuine).await?, NONCE_REFUSED);
    let mut elsewhere = genuine.clone();
    elsewhere["iss"] = json!("https://ehr.example/R4");
    refused("an EHR nobody approved", &clinician.launch(&elsewhere).await?, (403, "unknown-iss", "ehr-analyst"));
    for (what, body) in [
        ("no JSON object", json!("text")),
        ("a statement that is no text", with(&genuine, &json!(7))),
        ("a field nobody knows", {
            let mut it = genuine.clone();
            it["name"] = json!("x");
            it
        }),
        ("a body too large", with(&genuine, &json!("x".repeat(70_000)))),
    ] {
        refused(what, &clinician.launch(&body).await?, BAD_REQUEST);
    }
    assert_eq!(ground.written().await?, before);
    assert_eq!(clinician.get("/visits").await?["visits"], json!([]));

    // All that has used nothing up; but what is accepted is accepted once.
    clinician.launch(&genuine).await?.accepted()?;
    let after = ground.written().await?;
    refused("the same proof again", &clinician.launch(&genuine).await?, NONCE_REFUSED);
    let second = clinician.prove(&again().await?).await?;
    let mut replayed = second.clone();
    replayed["handle"] = genuine["handle"].clone();
    refused("a handle used before", &clinician.launch(&replayed).await?, HANDLE_UNKNOWN);
    replayed["handle"] = json!("made-up-by-somebody-else");
    refused("a handle nobody was given", &clinician.launch(&replayed).await?, HANDLE_UNKNOWN);
    assert_eq!(ground.written().await?, after);
    assert_eq!(clinician.launch(&second).await?.accepted()?["proven"], true);
    ground.no_leaks().await
}

#[tokio::test]
async fn staff_without_a_practitioner_record_open_nothing() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let appointment = ground.schedule(0, 0).await?;
    let staff = ground.delegate().await?;
    let before = ground.written().await?;
    // Sam's EHR user is a Person: on no appointment, and not able to cover either.
    let proof = staff.prove(&staff.begin(&ground.stack, id(&appointment)).await?).await?;
    let mut covering = proof.clone();
    covering["covering"] = json!(true);
    for (what, proof) in [("a Person", &proof), ("a Person who covers", &covering)] {
        refused(what, &staff.launch(proof).await?, (403, "not-a-practitioner", "ehr-analyst"));
    }
    assert_eq!(ground.written().await?, before);
    assert_eq!(staff.get("/visits").await?["visits"], json!([]));

    // The EHR's clock runs ahead: a statement from the future is no better than one that is over.
    ground.stack.sandbox.send(Method::PUT, "/clock", &json!({ "advance_seconds": 600 })).await?;
    let proof = staff.prove(&staff.begin(&ground.stack, id(&appointment)).await?).await?;
    refused("a statement from the future", &staff.launch(&proof).await?, ID_TOKEN_REFUSED);
    assert_eq!(ground.written().await?, before);
    ground.no_leaks().await
}

#[tokio::test]
async fn at_a_shared_workstation_nobody_acts_in_anothers_name() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let (maya, jonas) = (ground.clinician(0).await?, ground.clinician(1).await?);
    let (hers, his) = (ground.schedule(0, 0).await?, ground.schedule(1, 1).await?);
    let visit = maya.enter(&ground.stack, id(&hers)).await?;
    let before = ground.at_rest().await?;
    let wrong_person = (409, "wrong-person", "clinician");

    // Maya's chart is open, and Jonas is signed in to Roomed; then the other way round.
    let proof = jonas.prove(&maya.begin(&ground.stack, id(&hers)).await?).await?;
    refused("her chart, his Microsoft account", &jonas.launch(&proof).await?, wrong_person);
    let mut proof = maya.prove(&jonas.begin(&ground.stack, id(&his)).await?).await?;
    refused("his chart, her Microsoft account", &maya.launch(&proof).await?, wrong_person);
    proof["covering"] = json!(true);
    refused("and saying that she covers", &maya.launch(&proof).await?, wrong_person);
    assert_eq!(ground.written().await?, before);
    assert_eq!(jonas.get("/visits").await?["visits"], json!([]));

    // The link is where it was: each with their own chart.
    assert_eq!(maya.enter(&ground.stack, id(&hers)).await?["id"], visit["id"]);
    assert_eq!(jonas.enter(&ground.stack, id(&his)).await?["proven"], true);
    ground.no_leaks().await
}

async fn ask(clinician: &Clinician, link: &Link, nonce: &str) -> anyhow::Result<Value> {
    Ok(clinician.ask_ehr(link, &clinician.app, nonce).await?["id_token"].clone())
}

/// Genuine and signed, but by the app of the visit page and about a patient.
async fn patients_statement(
    ground: &Ground,
    clinician: &Clinician,
    appointment: &Value,
    nonce: &str,
) -> anyhow::Result<Value> {
    let pressed = Url::parse(&Visitor::pressed(ground, ground.patient(0)?, appointment).await?)?;
    let get = |name: &str| {
        let found = pressed.query_pairs().find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let link = Link { iss: get("iss"), launch: get("launch"), handle: None };
    let app = App {
        client_id: ground.northside.text("/ehr/patient_client_id")?.to_owned(),
        redirect_uri: format!("{}/o/northside/patient/callback", ground.stack.relay),
    };
    Ok(proof(&link, &clinician.ask_ehr(&link, &app, nonce).await?)["id_token"].clone())
}

/// Genuine and signed, with the nonce of somebody at northside, but by the other hospital.
async fn harbors_statement(ground: &Ground, nonce: &str) -> anyhow::Result<Value> {
    let practitioner = ground.harbor.of_role("practitioner", 0)?;
    let patient = ground.harbor.0.pointer("/patients/0").cloned().unwrap_or_default();
    let appointment = ground.stack.sandbox.schedule(&ground.harbor, practitioner, &patient).await?;
    let stranger = Clinician::sign_in(&ground.stack, &ground.harbor, practitioner).await?;
    let link = stranger.begin(&ground.stack, id(&appointment)).await?;
    ask(&stranger, &link, nonce).await
}
