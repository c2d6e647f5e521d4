//! Bodies nobody should send. Whatever comes, parsing ends without a panic and within its bounds.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::event;
use super::super::notification::{Batch, MAX_BODY};
use super::super::receive::DropReason;

/// Any JSON, with the words that matter strewn in.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("rosterUpdated")),
        Just(json!("9999-99-99T99:99:99Z")),
    ];
    let key = prop_oneof![
        Just("value"),
        Just("validationTokens"),
        Just("subscriptionId"),
        Just("clientState"),
        Just("encryptedContent"),
        Just("data"),
        Just("dataKey"),
        Just("dataSignature"),
        Just("encryptionCertificateId"),
        Just("eventType"),
        Just("participants@delta"),
        Just("id"),
        Just("info"),
        Just("identity"),
        Just("user"),
        Just("removedState"),
        Just("lifecycleEvent"),
        Just("eventDateTime"),
        Just("ID"),
        Just("isInLobby"),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..8)
                .prop_map(|it| it.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Batch::parse(&body);
        let _ = event::read(&body);
    }

    #[test]
    fn json_never_panics(value in any_json()) {
        let body = value.to_string();
        if let Ok(batch) = Batch::parse(body.as_bytes()) {
            prop_assert!(batch.subscriptions().len() <= batch.items.len());
        }
        let _ = event::read(body.as_bytes());
        let _ = event::read(json!({"eventType": "rosterUpdated", "participants@delta": value}).to_string().as_bytes());
    }
}

#[test]
fn bounds_are_kept() {
    assert_eq!(Batch::parse(&vec![b' '; MAX_BODY + 1]).err(), Some(DropReason::TooLarge));
    let many = json!({"value": vec![json!({}); 1_001]}).to_string();
    assert_eq!(Batch::parse(many.as_bytes()).err(), Some(DropReason::TooLarge));
    let many = json!({"value": [], "validationTokens": vec!["x"; 65]}).to_string();
    assert_eq!(Batch::parse(many.as_bytes()).err(), Some(DropReason::TooLarge));
    let deep = format!("{{\"value\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(Batch::parse(deep.as_bytes()).err(), Some(DropReason::NotAnEnvelope));
    for body in ["", "null", "{}", "{\"value\":{}}", "[]"] {
        assert_eq!(Batch::parse(body.as_bytes()).err(), Some(DropReason::NotAnEnvelope), "{body}");
    }
    let long = json!({"value": [{"subscriptionId": "x".repeat(300)}, {"subscriptionId": 7}, 3]}).to_string();
    assert!(Batch::parse(long.as_bytes()).is_ok_and(|it| it.items.is_empty() && it.malformed == 3));
}
