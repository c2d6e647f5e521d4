//! A whole delivery: believed when everything is right, dropped for one reason when one thing is not.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use x509_cert::der::{Decode as _, Encode as _};

use super::super::certificate::Paper;
use super::super::decrypt::tests::seal;
use super::super::validation::{Voucher, keys};
use super::super::{Batch, Certificates, DropReason, Expected, LifecycleKind, Received, Receiver, client_state_hash};
use crate::clock::ManualClock;
use crate::identity::testing::{Entra, KID, TID, http, raw, signed, signed_as, signing_key};
use crate::meeting::{LegState, MeetingEventKind};

const RELAY: &str = "relay-client";
const GRAPH: &str = "0bf30f3b-4a52-48df-9a82-234910c4a086";
const STATE: &str = "a secret";

struct Bench {
    receiver: Receiver,
    certificates: Arc<Certificates>,
    entra: Entra,
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

async fn bench() -> Bench {
    let entra = Entra::start(None).await;
    let clock = Arc::new(ManualClock::new(now()));
    let certificates = Arc::new(Certificates::open(Arc::new(Paper::default()), clock.clone()).unwrap());
    let voucher = Voucher {
        organization: "northside".into(),
        tid: TID.into(),
        audience: RELAY.into(),
        issuer: format!("https://sts.windows.net/{TID}/"),
        notification_app_id: GRAPH.into(),
        keys: keys(entra.keys.clone(), &http(), clock.clone()),
    };
    let receiver = Receiver::new([voucher], Arc::clone(&certificates), clock);
    Bench { receiver, certificates, entra }
}

fn claims() -> Value {
    let at = now().as_second();
    json!({"iss": format!("https://sts.windows.net/{TID}/"), "aud": RELAY, "tid": TID, "appid": GRAPH, "ver": "1.0",
        "nbf": at, "exp": at + 3600})
}

fn without(claim: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(claim);
    claims
}

fn but(claim: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[claim] = value;
    claims
}

impl Bench {
    fn item(&self, event: &Value) -> Value {
        let certificate = self.certificates.current();
        let der = STANDARD.decode(&certificate.public_base64).unwrap();
        let parsed = x509_cert::Certificate::from_der(&der).unwrap();
        let spki = parsed.tbs_certificate().subject_public_key_info().to_der().unwrap();
        let public = aws_lc_rs::rsa::PublicEncryptingKey::from_der(&spki).unwrap();
        let sealed = seal(event.to_string().as_bytes(), public, [3; 32]);
        json!({"subscriptionId": "sub-1", "clientState": STATE, "tenantId": TID, "changeType": "updated",
            "encryptedContent": {"data": sealed.data, "dataSignature": sealed.data_signature,
                "dataKey": sealed.data_key, "encryptionCertificateId": certificate.id}})
    }

    async fn deliver(&self, items: &[Value], tokens: &[String]) -> Received {
        let body = json!({"value": items, "validationTokens": tokens}).to_string();
        let batch = Batch::parse(body.as_bytes()).unwrap();
        self.receiver
            .receive(&batch, |id| {
                (id == "sub-1")
                    .then(|| Expected { organization: "northside".into(), client_state_hash: client_state_hash(STATE) })
            })
            .await
    }
}

fn roster() -> Value {
    json!({"id": "n", "eventType": "rosterUpdated", "eventDateTime": "2027-01-15T07:59:00Z",
        "participants@delta": [{"id": "leg", "isInLobby": true, "info": {"identity": {"guest": {"id": "g"}}}}]})
}

fn dropped(reason: DropReason) -> Received {
    Received { dropped: vec![reason], ..Received::default() }
}

#[tokio::test]
async fn what_is_right_is_believed() {
    let bench = bench().await;
    let late = json!({"id": "m", "eventType": "callStarted", "eventDateTime": "2099-01-01T00:00:00Z"});
    let received = bench.deliver(&[bench.item(&roster()), bench.item(&late)], &[signed(&claims())]).await;
    assert_eq!(received.dropped, []);
    let [first, second] = &received.events[..] else { panic!("{received:?}") };
    let MeetingEventKind::Roster(legs) = &first.kind else { panic!("{first:?}") };
    assert_eq!((first.subscription_id.as_str(), legs[0].state), ("sub-1", LegState::Lobby));
    assert_eq!(first.occurred_at.to_string(), "2027-01-15T07:59:00Z");
    assert_eq!(second.occurred_at, now(), "never later than ours");

    // sealed for a certificate that has been replaced since
    let old = bench.item(&roster());
    bench.certificates.rotate().unwrap();
    assert_eq!(bench.deliver(&[old], &[signed(&claims())]).await.events.len(), 1);
    assert_eq!(bench.entra.fetched(), 1);
}

#[tokio::test]
async fn a_wrong_item_is_dropped_alone() {
    let bench = bench().await;
    let token = [signed(&claims())];
    let altered = |change: &dyn Fn(&mut Value)| {
        let mut item = bench.item(&roster());
        change(&mut item);
        item
    };
    let cases: [(Value, DropReason); 9] = [
        (altered(&|it| it["subscriptionId"] = json!("sub-2")), DropReason::UnknownSubscription),
        (altered(&|it| it["clientState"] = json!("another")), DropReason::ClientState),
        (altered(&|it| it["clientState"] = Value::Null), DropReason::ClientState),
        (altered(&|it| it["tenantId"] = json!("99999999-2222-4333-8444-555555555555")), DropReason::Tenant),
        (
            altered(&|it| it["encryptedContent"]["encryptionCertificateId"] = json!("no")),
            DropReason::UnknownCertificate,
        ),
        (altered(&|it| it["encryptedContent"]["dataSignature"] = json!("AAAA")), DropReason::Sealed),
        (altered(&|it| it["encryptedContent"] = Value::Null), DropReason::NoContent),
        (bench.item(&json!({"eventType": "somethingElse"})), DropReason::NotAnEvent),
        (json!({"clientState": STATE}), DropReason::NotAnEnvelope),
    ];
    for (item, reason) in cases {
        let received = bench.deliver(&[item, bench.item(&roster())], &token).await;
        assert_eq!(received.dropped, [reason]);
        assert_eq!(received.events.len(), 1, "{reason:?}");
    }
}

#[tokio::test]
async fn every_token_must_hold_up() {
    let bench = bench().await;
    let at = now().as_second();
    let hs256 =
        jsonwebtoken::Header { kid: Some(KID.into()), ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256) };
    let public = jsonwebtoken::EncodingKey::from_secret(&signing_key().2);
    let wrong = [
        signed(&but("iss", json!("https://sts.windows.net/99999999-2222-4333-8444-555555555555/"))),
        signed(&but("aud", json!("another-app"))),
        signed(&but("appid", json!("another-app"))),
        signed(&without("appid")),
        signed(&but("azp", json!("another-app"))),
        signed(&but("tid", json!("99999999-2222-4333-8444-555555555555"))),
        signed(&but("exp", json!(at - 61))),
        signed(&but("nbf", json!(at + 61))),
        signed(&without("exp")),
        raw(&json!({"alg": "none", "kid": KID}), &claims(), b""),
        raw(&json!({"alg": "RS256", "kid": KID}), &claims(), &[0; 256]),
        jsonwebtoken::encode(&hs256, &claims(), &public).unwrap(),
        signed_as(&claims(), Some("made-up")),
        String::new(),
        "not a token".to_owned(),
    ];
    for token in wrong {
        let alone = bench.deliver(&[bench.item(&roster())], std::slice::from_ref(&token)).await;
        assert_eq!(alone, dropped(DropReason::ValidationToken), "{token}");
        let beside = bench.deliver(&[bench.item(&roster())], &[signed(&claims()), token.clone()]).await;
        assert_eq!(beside, dropped(DropReason::ValidationToken), "{token}");
    }
    assert_eq!(bench.deliver(&[bench.item(&roster())], &[]).await, dropped(DropReason::Unvouched));
    let v2 = {
        let mut claims = without("appid");
        claims["azp"] = json!(GRAPH);
        signed(&claims)
    };
    assert_eq!(bench.deliver(&[bench.item(&roster())], &[v2]).await.events.len(), 1);
}

#[tokio::test]
async fn strangers_cause_no_request_and_an_outage_loses_nothing() {
    let bench = bench().await;
    let mut stranger = bench.item(&roster());
    stranger["clientState"] = json!("guess");
    for n in 0..20 {
        let token = signed_as(&claims(), Some(&format!("made-up-{n}")));
        assert_eq!(bench.deliver(&[stranger.clone()], &[token]).await, dropped(DropReason::ClientState));
    }
    assert_eq!(bench.entra.fetched(), 0);

    let Bench { receiver, certificates, entra } = bench;
    drop(entra);
    let bench = Bench { receiver, certificates, entra: Entra::start(None).await };
    let received = bench.deliver(&[bench.item(&roster())], &[signed(&claims())]).await;
    assert!(received.undecided && received.dropped == [DropReason::KeysUnreachable]);
}

#[tokio::test]
async fn lifecycle_needs_the_client_state_and_no_bad_token() {
    let bench = bench().await;
    let item =
        |event: &str, state: &str| json!({"subscriptionId": "sub-1", "clientState": state, "lifecycleEvent": event});
    let received = bench.deliver(&[item("subscriptionRemoved", STATE), item("missed", "guess")], &[]).await;
    assert_eq!(received.dropped, [DropReason::ClientState]);
    assert_eq!(received.lifecycle[0].kind, LifecycleKind::SubscriptionRemoved);
    let expired = but("exp", json!(now().as_second() - SignedDuration::from_hours(1).as_secs()));
    let received = bench.deliver(&[item("missed", STATE)], &[signed(&expired)]).await;
    assert_eq!(received, dropped(DropReason::ValidationToken));
}
