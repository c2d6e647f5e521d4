//! `POST /launches` under Microsoft tokens that do not hold, each beside a proof that would be accepted: so it is the
//! token that is refused, and the proof is still good afterwards.

use anyhow::Context;
use e2e::clinician::{Clinician, http, tampered, unsigned};
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, Refusal, refused};

const TOKEN_REFUSED: Refusal = (401, "token-refused", "it");
const WRONG_TENANT: Refusal = (401, "wrong-tenant", "clinician");
const UNKNOWN_ISS: Refusal = (403, "unknown-iss", "ehr-analyst");

#[tokio::test]
async fn only_a_clinicians_own_token_for_this_relay_opens_anything() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let appointment = ground.schedule(0, 0).await?;
    let clinician = ground.clinician(0).await?;
    let practitioner = ground.harbor.of_role("practitioner", 0)?;
    let stranger = Clinician::sign_in(&ground.stack, &ground.harbor, practitioner).await?;
    let link = clinician.begin(&ground.stack, text(&appointment, "appointment_id")?).await?;
    let proof = clinician.prove(&link).await?;
    let before = ground.written().await?;

    let own_tid = ground.northside.text("/tid")?.to_owned();
    let cases = [
        ("no token", None, (401, "not-signed-in", "clinician")),
        ("an empty token", Some(String::new()), (401, "not-signed-in", "clinician")),
        ("garbage", Some("garbage".to_owned()), TOKEN_REFUSED),
        ("three parts of garbage", Some("a.b.c".to_owned()), TOKEN_REFUSED),
        ("a token longer than any", Some(format!("{}{}", clinician.token, "a".repeat(20_000))), TOKEN_REFUSED),
        ("alg none", Some(unsigned(&clinician.token)?), TOKEN_REFUSED),
        ("somebody else's oid", Some(tampered(&clinician.token, |it| it["oid"] = json!(stranger.oid))?), TOKEN_REFUSED),
        ("a later exp", Some(tampered(&clinician.token, |it| it["exp"] = json!(4_102_444_800_u32))?), TOKEN_REFUSED),
        (
            "harbor's token made northside's",
            Some(tampered(&stranger.token, |it| it["tid"] = json!(own_tid))?),
            TOKEN_REFUSED,
        ),
        ("a tenant nobody here has", Some(tampered(&clinician.token, |it| it["tid"] = json!(TENANT))?), WRONG_TENANT),
        ("the companion's id_token", Some(clinician.id_token.clone()), TOKEN_REFUSED),
        ("the relay's own Graph token", Some(app_token(&ground).await?), TOKEN_REFUSED),
        ("harbor's clinician", Some(stranger.token.clone()), UNKNOWN_ISS),
    ];
    for (what, token, expected) in &cases {
        let answer = clinician.ask_as(token.as_deref(), Method::POST, "/launches", Some(&proof)).await?;
        refused(what, &answer, *expected);
    }
    // The same doors everywhere: whoever is refused here is refused a nonce and the list of visits as well.
    for (what, token, expected) in cases.iter().filter(|(_, _, expected)| expected.0 == 401) {
        refused(what, &clinician.ask_as(token.as_deref(), Method::GET, "/visits", None).await?, *expected);
    }
    let asked = stranger.ask(Method::POST, "/nonces", Some(&json!({ "iss": clinician.iss }))).await?;
    refused("a nonce for another hospital's EHR", &asked, UNKNOWN_ISS);
    assert_eq!(ground.written().await?, before);
    assert_eq!(clinician.get("/visits").await?["visits"], json!([]));

    // Nothing was used up: the clinician's own token opens the visit with the very same proof.
    let visit = clinician.launch(&proof).await?.accepted()?;
    assert_eq!(visit["proven"], true);

    // And that visit is nobody else's.
    let path = format!("/visits/{}", text(&visit, "id")?);
    let not_found = (404, "visit-not-found", "clinician");
    refused("harbor looks at it", &stranger.ask(Method::GET, &path, None).await?, not_found);
    for act in ["join", "acknowledge", "end"] {
        let answer = stranger.ask(Method::POST, &format!("{path}/{act}"), None).await?;
        refused(&format!("harbor tries to {act}"), &answer, not_found);
    }
    let colleague = ground.clinician(1).await?;
    refused("a colleague who has nothing to do with it", &colleague.ask(Method::GET, &path, None).await?, not_found);
    assert_eq!(stranger.get("/visits").await?["visits"], json!([]));
    assert_eq!(clinician.get(&path).await?["stage"], visit["stage"]);
    // Entra's clock runs ahead: its tokens are not valid yet.
    let after = ground.written().await?;
    ground.stack.sandbox.send(Method::PUT, "/clock", &json!({ "advance_seconds": 7200 })).await?;
    let early = ground.clinician(0).await?;
    let answer = early.ask(Method::POST, "/launches", Some(&proof)).await?;
    refused("a token that is not valid yet", &answer, TOKEN_REFUSED);
    assert_eq!(ground.written().await?, after);
    ground.no_leaks().await
}

/// No tenant of the sandbox.
const TENANT: &str = "7c7f8e1a-0000-4000-8000-2f4d1f7d9a10";

/// An app-only token for Graph, as the relay gets it: right tenant, wrong audience, and no person.
async fn app_token(ground: &Ground) -> anyhow::Result<String> {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", ground.northside.text("/entra/relay_client_id")?),
        ("client_secret", ground.northside.text("/entra/relay_client_secret")?),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let answer = http()?.post(ground.northside.text("/graph/token_endpoint")?).form(&form).send().await?;
    let answer: Value = answer.error_for_status()?.json().await?;
    Ok(text(&answer, "access_token")?.to_owned())
}

fn text<'a>(of: &'a Value, key: &str) -> anyhow::Result<&'a str> {
    of[key].as_str().with_context(|| format!("there is no {key}"))
}
