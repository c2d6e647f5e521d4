//! Tokens and statements that are well signed by the right key and say the wrong thing: expired, early, for another
//! application, without the scope, about a patient. The stand-ins never say such things, so an authority of our own does.

use reqwest::Method;
use roomed_sandbox::core::SigningKey;
use serde_json::{Value, json};

use crate::ground::{Ground, Refusal, refused};
use crate::issuer::{Issuer, but};

const TOKEN_REFUSED: Refusal = (401, "token-refused", "it");
const ID_TOKEN_REFUSED: Refusal = (403, "id-token-refused", "ehr-analyst");
const NOT_A_PRACTITIONER: Refusal = (403, "not-a-practitioner", "ehr-analyst");

#[tokio::test]
async fn a_microsoft_token_must_be_meant_for_this_relay_and_this_moment() -> anyhow::Result<()> {
    let mut ground = Ground::start().await?;
    let issuer = Issuer::start().await?;
    let (tid, own) = (ground.harbor.text("/tid")?.to_owned(), ground.northside.text("/tid")?.to_owned());
    let authority = issuer.authority(&tid);
    ground.stack.reconfigure(|it| it["organizations"][1]["entra"]["authority"] = authority.clone().into()).await?;
    let clinician = ground.clinician(0).await?;
    let before = ground.written().await?;

    let now = e2e::clock::now().as_second();
    let good = json!({
        "aud": ground.harbor.text("/entra/relay_client_id")?, "iss": authority, "tid": tid,
        "azp": ground.harbor.text("/entra/companion_client_id")?, "scp": "access_as_user", "ver": "2.0",
        "oid": ground.harbor.of_role("practitioner", 0)?["oid"], "iat": now, "nbf": now, "exp": now + 3_600,
    });
    // The body is not looked at before the token has been; an empty one shows that the token was good.
    let ask = async |claims: &Value| {
        clinician.ask_as(Some(&issuer.sign(claims)), Method::POST, "/launches", Some(&json!({}))).await
    };
    refused("a good token", &ask(&good).await?, (400, "bad-request", "it"));
    let slow = but(&good, &json!({ "exp": now - 10 }));
    refused("within what clocks may differ", &ask(&slow).await?, (400, "bad-request", "it"));
    let wrong_tenant = (401, "wrong-tenant", "clinician");
    for (what, change, expected) in [
        ("expired", json!({ "exp": now - 120 }), TOKEN_REFUSED),
        ("not valid yet", json!({ "nbf": now + 600 }), TOKEN_REFUSED),
        ("without an end", json!({ "exp": null }), TOKEN_REFUSED),
        ("for Graph", json!({ "aud": "https://graph.microsoft.com" }), TOKEN_REFUSED),
        ("for nobody", json!({ "aud": null }), TOKEN_REFUSED),
        ("of another issuer", json!({ "iss": issuer.authority(&own) }), TOKEN_REFUSED),
        ("for another application's people", json!({ "azp": "7c7f8e1a-0000-4000-8000-2f4d1f7d9a10" }), TOKEN_REFUSED),
        ("of no application", json!({ "azp": null }), TOKEN_REFUSED),
        ("with another scope", json!({ "scp": "User.Read access_as_users" }), TOKEN_REFUSED),
        ("of an application itself", json!({ "scp": null, "roles": ["access_as_user"] }), TOKEN_REFUSED),
        ("in the old format", json!({ "ver": "1.0" }), TOKEN_REFUSED),
        ("about nobody", json!({ "oid": null }), TOKEN_REFUSED),
        ("about somebody without a GUID", json!({ "oid": "admin" }), TOKEN_REFUSED),
        ("for northside, by harbor's authority", json!({ "tid": own }), TOKEN_REFUSED),
        ("of no tenant", json!({ "tid": null }), TOKEN_REFUSED),
        ("of a private account", json!({ "tid": "9188040d-6c67-4c5b-b112-36a304b66dad" }), wrong_tenant),
    ] {
        refused(what, &ask(&but(&good, &change)).await?, expected);
    }
    assert_eq!(ground.written().await?, before);
    ground.no_leaks().await
}

#[tokio::test]
async fn an_ehrs_statement_must_be_about_a_practitioner_of_this_ehr_and_this_moment() -> anyhow::Result<()> {
    let mut ground = Ground::start().await?;
    let issuer = Issuer::start().await?;
    let fhir = issuer.fhir();
    ground
        .stack
        .reconfigure(|it| {
            let connections = &mut it["organizations"][0]["ehr"];
            let mut second = connections[0].clone();
            second["iss"] = fhir.clone().into();
            connections.as_array_mut().expect("EHR connections are a list").push(second);
        })
        .await?;
    let clinician = ground.clinician(0).await?;
    let nonce = clinician.nonce(&fhir).await?["nonce"].clone();
    let before = ground.written().await?;

    let now = e2e::clock::now().as_second();
    let client = ground.northside.text("/ehr/companion_client_id")?;
    let good = json!({
        "iss": issuer.ehr(), "aud": client, "sub": "s", "iat": now, "exp": now + 300, "nonce": nonce,
        "fhirUser": "Practitioner/e1",
    });
    let ask = async |id_token: String| clinician.launch(&json!({ "iss": fhir, "id_token": id_token })).await;
    // A statement that holds gets as far as the question for which appointment it is.
    let no_appointment = (422, "launch-without-appointment", "clinician");
    for user in ["Practitioner/e1", "Practitioner/e1/_history/2"] {
        refused(user, &ask(issuer.sign(&but(&good, &json!({ "fhirUser": user })))).await?, no_appointment);
    }
    let absolute = json!({ "fhirUser": format!("{fhir}/Practitioner/e1") });
    refused("an absolute fhirUser", &ask(issuer.sign(&but(&good, &absolute))).await?, no_appointment);
    for (what, change, expected) in [
        ("a patient", json!({ "fhirUser": "Patient/e1" }), NOT_A_PRACTITIONER),
        ("a patient, absolute", json!({ "fhirUser": format!("{fhir}/Patient/e1") }), NOT_A_PRACTITIONER),
        ("a role, whose id is no practitioner's", json!({ "fhirUser": "PractitionerRole/e1" }), NOT_A_PRACTITIONER),
        ("a relative", json!({ "fhirUser": "RelatedPerson/e1" }), NOT_A_PRACTITIONER),
        ("a person", json!({ "fhirUser": "Person/e1" }), NOT_A_PRACTITIONER),
        ("a device", json!({ "fhirUser": "Device/e1" }), NOT_A_PRACTITIONER),
        ("nobody", json!({ "fhirUser": null }), NOT_A_PRACTITIONER),
        ("another EHR's", json!({ "fhirUser": "https://ehr.example/R4/Practitioner/e1" }), NOT_A_PRACTITIONER),
        ("a way out", json!({ "fhirUser": "Practitioner/../Patient/e1" }), NOT_A_PRACTITIONER),
        ("expired", json!({ "iat": now - 900, "exp": now - 300 }), ID_TOKEN_REFUSED),
        ("from the future", json!({ "iat": now + 600, "exp": now + 900 }), ID_TOKEN_REFUSED),
        ("without an end", json!({ "exp": null }), ID_TOKEN_REFUSED),
        ("for another client", json!({ "aud": "another" }), ID_TOKEN_REFUSED),
        ("for another client as well", json!({ "aud": [client, "another"], "azp": "another" }), ID_TOKEN_REFUSED),
        ("of another issuer", json!({ "iss": fhir }), ID_TOKEN_REFUSED),
        ("without a nonce", json!({ "nonce": null }), ID_TOKEN_REFUSED),
    ] {
        refused(what, &ask(issuer.sign(&but(&good, &change))).await?, expected);
    }
    let stranger = SigningKey::generate("authority-1".to_owned());
    refused("another key under the same name", &ask(stranger.sign(&good)).await?, ID_TOKEN_REFUSED);
    let unknown = SigningKey::generate("authority-2".to_owned());
    refused("a key nobody publishes", &ask(unknown.sign(&good)).await?, ID_TOKEN_REFUSED);
    assert_eq!(ground.written().await?, before);
    ground.no_leaks().await
}
