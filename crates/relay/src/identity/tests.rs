//! What the relay refuses to believe about a caller, one case at a time, against real key documents.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::testing::{Entra, KID, TID, http, raw, signed, signed_as, signing_key};
use super::{Identity, Tenant, TokenFault, Unproven};
use crate::clock::ManualClock;

const OID: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const RELAY: &str = "relay-client";
const COMPANION: &str = "companion-client";

struct Bench {
    entra: Entra,
    identity: Identity,
    clock: Arc<ManualClock>,
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

async fn bench_with(issuer: Option<&str>) -> Bench {
    let entra = Entra::start(issuer).await;
    let clock = Arc::new(ManualClock::new(now()));
    let tenant = Tenant {
        organization: "northside".into(),
        tid: TID.parse().unwrap(),
        authority: entra.authority.clone(),
        audience: RELAY.into(),
        clients: vec![COMPANION.into()],
        scope: "access_as_user".into(),
    };
    let identity = Identity::new([tenant], &http(), clock.clone());
    Bench { entra, identity, clock }
}

async fn bench() -> Bench {
    bench_with(None).await
}

impl Bench {
    fn claims(&self) -> Value {
        let at = now().as_second();
        json!({
            "iss": self.entra.authority, "aud": RELAY, "tid": TID, "oid": OID, "azp": COMPANION, "ver": "2.0",
            "scp": "openid access_as_user", "name": "Dr. A", "iat": at, "nbf": at, "exp": at + 3600,
        })
    }

    async fn with(&self, claim: &str, value: Value) -> Result<super::Clinician, Unproven> {
        let mut claims = self.claims();
        claims[claim] = value;
        self.identity.clinician(&signed(&claims)).await
    }
}

fn refused<T>(fault: TokenFault) -> Result<T, Unproven> {
    Err(Unproven::Refused(fault))
}

#[tokio::test]
async fn a_clinician_is_proven() {
    let bench = bench().await;
    let clinician = bench.identity.clinician(&signed(&bench.claims())).await.unwrap();
    assert_eq!((clinician.tid.as_str(), clinician.oid.as_str()), (TID, OID));
    assert_eq!((clinician.organization.as_str(), clinician.display_name.as_str()), ("northside", "Dr. A"));
    bench.identity.clinician(&signed(&bench.claims())).await.unwrap();
    assert_eq!(bench.entra.fetched(), 1, "known keys cost no request");
}

#[tokio::test]
async fn an_account_is_called_what_entra_says_or_nothing() {
    let bench = bench().await;
    for (name, upn, called) in [
        (json!("Dr. A"), json!("a@x.example"), "Dr. A"),
        (Value::Null, json!("a@x.example"), "a@x.example"),
        (json!(" "), json!("a@x.example"), "a@x.example"),
        (Value::Null, Value::Null, ""),
    ] {
        let mut claims = bench.claims();
        (claims["name"], claims["preferred_username"]) = (name, upn);
        let clinician = bench.identity.clinician(&signed(&claims)).await.unwrap();
        assert_eq!(clinician.called(), called);
    }
}

#[tokio::test]
async fn wrong_claims_are_refused() {
    let bench = bench().await;
    let at = now().as_second();
    let cases = [
        ("iss", json!(format!("{}/", bench.entra.authority)), TokenFault::Issuer),
        ("iss", json!(format!("https://sts.windows.net/{TID}/")), TokenFault::Issuer),
        ("aud", json!("api://relay-client"), TokenFault::Audience),
        ("aud", json!([RELAY]), TokenFault::Malformed),
        ("azp", json!("other-client"), TokenFault::Application),
        ("azp", Value::Null, TokenFault::Application),
        ("scp", json!("openid access_as_user_too"), TokenFault::Scope),
        ("scp", Value::Null, TokenFault::Scope),
        ("ver", json!("1.0"), TokenFault::Version),
        ("oid", Value::Null, TokenFault::Malformed),
        ("oid", json!("not-a-guid"), TokenFault::Malformed),
        ("tid", json!("common"), TokenFault::Malformed),
        ("exp", json!(at - 60), TokenFault::Expired),
        ("exp", Value::Null, TokenFault::Malformed),
        ("nbf", json!(at + 61), TokenFault::NotYet),
    ];
    for (claim, value, fault) in cases {
        assert_eq!(bench.with(claim, value.clone()).await, refused(fault), "{claim}={value}");
    }
    // within the leeway
    assert!(bench.with("exp", json!(at - 59)).await.is_ok());
    assert!(bench.with("nbf", json!(at + 60)).await.is_ok());
}

#[tokio::test]
async fn another_tenant_is_told_apart() {
    let bench = bench().await;
    let other = json!("99999999-2222-4333-8444-555555555555");
    assert_eq!(bench.with("tid", other).await, Err(Unproven::WrongTenant));
    assert_eq!(bench.with("tid", json!("9188040d-6c67-4c5b-b112-36a304b66dad")).await, Err(Unproven::WrongTenant));
    assert_eq!(bench.entra.fetched(), 0, "a strange tenant's keys are not asked for");
}

#[tokio::test]
async fn only_rs256_by_a_published_key() {
    let bench = bench().await;
    let claims = bench.claims();
    let none = raw(&json!({"alg": "none", "kid": KID}), &claims, b"");
    assert_eq!(bench.identity.clinician(&none).await, refused(TokenFault::Algorithm));

    // the public key as a shared secret
    let header =
        jsonwebtoken::Header { kid: Some(KID.into()), ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256) };
    let secret = jsonwebtoken::EncodingKey::from_secret(&signing_key().2);
    let confused = jsonwebtoken::encode(&header, &claims, &secret).unwrap();
    assert_eq!(bench.identity.clinician(&confused).await, refused(TokenFault::Algorithm));

    let forged = raw(&json!({"alg": "RS256", "kid": KID}), &claims, &[1; 256]);
    assert_eq!(bench.identity.clinician(&forged).await, refused(TokenFault::Signature));
    let critical = raw(&json!({"alg": "RS256", "kid": KID, "crit": ["exp"]}), &claims, &[1; 256]);
    assert_eq!(bench.identity.clinician(&critical).await, refused(TokenFault::Malformed));
    assert_eq!(bench.identity.clinician(&signed_as(&claims, None)).await, refused(TokenFault::Malformed));

    let mut parts: Vec<_> = signed(&claims).split('.').map(str::to_owned).collect();
    let mut altered = claims.clone();
    altered["oid"] = json!("ffffffff-bbbb-4ccc-8ddd-eeeeeeeeeeee");
    parts[1] = raw(&json!({}), &altered, b"").split('.').nth(1).unwrap().to_owned();
    assert_eq!(bench.identity.clinician(&parts.join(".")).await, refused(TokenFault::Signature));

    for junk in ["", ".", "..", "a.b.c", "e30.e30.", &"x".repeat(100_000)] {
        assert_eq!(bench.identity.clinician(junk).await, refused(TokenFault::Malformed));
    }
}

#[tokio::test]
async fn a_flood_of_unknown_keys_costs_one_fetch_per_interval() {
    let bench = bench().await;
    for n in 0..50 {
        let token = signed_as(&bench.claims(), Some(&format!("made-up-{n}")));
        assert_eq!(bench.identity.clinician(&token).await, refused(TokenFault::UnknownKey));
    }
    assert_eq!(bench.entra.fetched(), 1);
    bench.clock.advance(SignedDuration::from_secs(31));
    let token = signed_as(&bench.claims(), Some("made-up"));
    assert_eq!(bench.identity.clinician(&token).await, refused(TokenFault::UnknownKey));
    assert_eq!(bench.entra.fetched(), 2);
    assert!(bench.identity.clinician(&signed(&bench.claims())).await.is_ok());
}

#[tokio::test]
async fn keys_outlive_a_short_outage_and_not_a_long_one() {
    let Bench { entra, identity, clock } = bench().await;
    let claims = |at: Timestamp, authority: &str| {
        let at = at.as_second();
        json!({"iss": authority, "aud": RELAY, "tid": TID, "oid": OID, "azp": COMPANION, "ver": "2.0",
            "scp": "access_as_user", "nbf": at, "exp": at + 3600})
    };
    let authority = entra.authority.clone();
    identity.clinician(&signed(&claims(now(), &authority))).await.unwrap();
    drop(entra);
    clock.advance(SignedDuration::from_hours(25));
    let day_later = now() + SignedDuration::from_hours(25);
    assert!(identity.clinician(&signed(&claims(day_later, &authority))).await.is_ok());
    clock.advance(SignedDuration::from_hours(25));
    let two_days = now() + SignedDuration::from_hours(50);
    assert_eq!(identity.clinician(&signed(&claims(two_days, &authority))).await, Err(Unproven::Unreachable));
}

#[tokio::test]
async fn an_authority_that_answers_for_another_is_not_believed() {
    let bench = bench_with(Some("https://login.microsoftonline.com/evil/v2.0")).await;
    assert_eq!(bench.identity.clinician(&signed(&bench.claims())).await, Err(Unproven::Unreachable));
    assert_eq!(bench.entra.fetched(), 0);
}

/// A browser's sign-in: an `id_token` for the relay itself.
fn id_claims(bench: &Bench) -> Value {
    let mut claims = bench.claims();
    for absent in ["azp", "scp"] {
        claims[absent] = Value::Null;
    }
    claims["nonce"] = json!("the-nonce");
    claims["roles"] = json!(["Staff.Act"]);
    claims
}

#[tokio::test]
async fn a_browsers_id_token_is_for_the_relay_with_its_nonce() {
    let bench = bench().await;
    let good = id_claims(&bench);
    let signed_in = bench.identity.signed_in("northside", &signed(&good), "the-nonce").await.unwrap();
    assert_eq!(
        (signed_in.clinician.oid.as_str(), signed_in.roles.as_slice()),
        (OID, ["Staff.Act".to_owned()].as_slice())
    );
    assert_eq!(bench.identity.signed_in("harbor", &signed(&good), "the-nonce").await, Err(Unproven::WrongTenant));
    assert_eq!(bench.identity.signed_in("northside", &signed(&good), "another").await, refused(TokenFault::Nonce));
    let other_tid = json!("99999999-2222-4333-8444-555555555555");
    for (claim, value, expected) in [
        ("iss", json!("https://sts.windows.net/x/"), refused(TokenFault::Issuer)),
        ("aud", json!(COMPANION), refused(TokenFault::Audience)),
        ("tid", other_tid, Err(Unproven::WrongTenant)),
        ("nonce", Value::Null, refused(TokenFault::Nonce)),
        ("ver", json!("1.0"), refused(TokenFault::Version)),
        ("azp", json!(COMPANION), refused(TokenFault::Application)),
        ("scp", json!("access_as_user"), refused(TokenFault::Application)),
        ("oid", Value::Null, refused(TokenFault::Malformed)),
        ("exp", json!(now().as_second() - 60), refused(TokenFault::Expired)),
    ] {
        let mut claims = good.clone();
        claims[claim] = value;
        let found = bench.identity.signed_in("northside", &signed(&claims), "the-nonce").await;
        assert_eq!(found, expected, "{claim}");
    }
    // Nobody without roles has any, and none of them is a page long.
    let mut claims = good.clone();
    claims["roles"] = json!(["x".repeat(200), "", "a\nb", "Fine"]);
    let signed_in = bench.identity.signed_in("northside", &signed(&claims), "the-nonce").await.unwrap();
    assert_eq!(signed_in.roles, ["Fine"]);
    // And it opens no route of the companion's.
    assert_eq!(bench.identity.clinician(&signed(&good)).await, refused(TokenFault::Application));
}
