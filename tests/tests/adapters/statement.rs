//! The EHR's statement of who launched: every `id_token` that must not open a visit, and what may be used only once.

use e2e::clinician::{App, Clinician, Link, answered, proof, tampered, unsigned};
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

/// Later: she has launched before, which is what the relay goes by. The first day is in the test below.
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

/// The first day of a shared workstation: Jonas is signed in to Roomed, Maya opens her chart and begins. Nobody has ever
/// launched, so nothing but a person's word can tell that they are two.
#[tokio::test]
async fn nobody_is_linked_without_saying_that_they_are_both() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let (maya, jonas) = (ground.clinician(0).await?, ground.clinician(1).await?);
    let (hers, his) = (ground.schedule(0, 0).await?, ground.schedule(1, 1).await?);
    let nothing = ground.written().await?;
    let asked = (409, "first-link", "clinician");

    let proof = jonas.prove(&maya.begin(&ground.stack, id(&hers)).await?).await?;
    let mut covers = proof.clone();
    covers["covering"] = json!(true);
    let question = jonas.launch_in_silence(&proof).await?;
    refused("her chart, his Microsoft account", &question, asked);
    refused("and saying that he covers", &jonas.launch_in_silence(&covers).await?, asked);
    // Whom it is about stands in it, in the words of either side.
    let (names, word) = (question.body["first_link"].clone(), word(&question));
    let known = |n| ground.northside.of_role("practitioner", n).map(|it| it["name"].clone());
    assert_eq!((&names["account"], &names["ehr_user"]), (&known(1)?, &known(0)?));
    assert!(!question.body["detail"].to_string().contains(names["account"].as_str().unwrap_or_default()));
    assert_eq!(ground.written().await?, nothing, "a question writes nothing");

    // The answer is to this question only: of this proof, by this account, and no made-up word.
    let again = jonas.prove(&maya.begin(&ground.stack, id(&hers)).await?).await?;
    let own = maya.prove(&maya.begin(&ground.stack, id(&hers)).await?).await?;
    for (what, who, proof, word) in [
        ("a made-up word", &jonas, &proof, "made-up-by-somebody-else"),
        ("no word at all", &jonas, &proof, ""),
        ("another proof of the same two", &jonas, &again, word.as_str()),
        ("her own proof with the word he was given", &maya, &own, word.as_str()),
    ] {
        refused(what, &who.launch_in_silence(&answered(proof, word)).await?, HANDLE_UNKNOWN);
    }
    assert_eq!(ground.written().await?, nothing);
    assert_eq!(jonas.get("/visits").await?["visits"], json!([]));

    // He says no, which is saying nothing. Each with their own chart is asked once, and says yes.
    let question = maya.launch_in_silence(&own).await?;
    let yes = answered(&own, &self::word(&question));
    assert_eq!(maya.launch_in_silence(&yes).await?.accepted()?["proven"], true);
    refused("the same answer once more", &maya.launch_in_silence(&yes).await?, NONCE_REFUSED);
    let too_late = jonas.launch_in_silence(&answered(&proof, &word)).await?;
    refused("her chart is hers now", &too_late, (409, "wrong-person", "clinician"));
    let second = maya.prove(&maya.begin(&ground.stack, id(&hers)).await?).await?;
    assert_eq!(maya.launch_in_silence(&second).await?.accepted()?["proven"], true, "asked once");
    assert_eq!(ground.written().await?.rows_of("link"), 1);
    assert_eq!(jonas.enter(&ground.stack, id(&his)).await?["proven"], true);
    assert_eq!(ground.written().await?.rows_of("link"), 2);
    ground.no_leaks().await
}

fn word(question: &e2e::clinician::Answer) -> String {
    question.body["first_link"]["word"].as_str().unwrap_or_default().to_owned()
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
