//! Checks of the address by which everybody else knows the relay, as far as it can be seen from here: that a relay answers,
//! that it publishes our keys, and how long its certificate is good. Whether it can be reached from outside is Graph's to say
//! (`graph.notifications`).

use std::collections::BTreeSet;

use serde_json::Value;
use url::Url;

use super::ask::{Answer, Silence, get};
use super::code::FindingCode as C;
use super::finding::Measured;
use super::keys::ending;
use super::scene::Scene;
use crate::ehr;
use crate::relay::public_keys;

const NOBODY: &str = "nobody answers at public_url";

async fn ask(scene: &Scene, address: &str) -> Result<Answer, Silence> {
    let url = Url::parse(address).map_err(|_| Silence::NoConnection)?;
    get(&scene.http, url, "*/*", &*scene.clock).await
}

async fn alive(scene: &Scene) -> Result<Answer, Silence> {
    ask(scene, &format!("{}/healthz", scene.config.public_url)).await
}

/// `address.relay`
pub(super) async fn relay(scene: &Scene) -> Measured {
    match alive(scene).await {
        Ok(it) if it.is_ok() && it.text() == b"ok" => Measured::new(C::AddressFine, "HTTP 200"),
        Ok(it) => Measured::new(C::AddressOther, format!("HTTP {}, and not a relay's answer", it.status)),
        Err(silence) => Measured::new(C::AddressUnreachable, silence.words()),
    }
}

/// `address.keys`
pub(super) async fn keys(scene: &Scene) -> Measured {
    let Some(own) = scene.keys.as_ref().ok().map(|it| it.signing_keys()).filter(|it| !it.is_empty()) else {
        return Measured::new(C::NotAsked, "there are no signing keys to compare with");
    };
    let own = public_keys(own);
    match ask(scene, &ehr::published_at(&scene.config.public_url)).await {
        Ok(it) if it.is_ok() => match it.json().as_ref().and_then(published) {
            Some(found) if Some(&found) == published(&own).as_ref() => {
                Measured::new(C::JwksFine, format!("the same, {}", found.len()))
            }
            Some(found) => Measured::new(C::JwksOther, format!("not the same; {} are published", found.len())),
            None => Measured::new(C::JwksUnreadable, "not a key set"),
        },
        Ok(it) => Measured::new(C::JwksUnreadable, format!("HTTP {}", it.status)),
        Err(_) => Measured::new(C::NotAsked, NOBODY),
    }
}

/// `address.certificate`
pub(super) async fn certificate(scene: &Scene) -> Measured {
    if !scene.config.public_url.starts_with("https:") {
        return Measured::new(C::TlsNotUsed, "plain http");
    }
    match alive(scene).await.map(|it| it.ends) {
        Ok(Some(ends)) => ending(ends, scene.clock.now(), [C::TlsFine, C::TlsEnding, C::TlsEnded]),
        Err(Silence::Expired) => Measured::new(C::TlsEnded, Silence::Expired.words()),
        Ok(None) | Err(_) => Measured::new(C::NotAsked, NOBODY),
    }
}

/// The keys of a set, in whatever order.
fn published(set: &Value) -> Option<BTreeSet<String>> {
    Some(set["keys"].as_array()?.iter().map(Value::to_string).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_published_keys_does_not_matter_and_their_parts_do() {
        let (one, two) = (json!({"kid": "1", "x": "a", "y": "b"}), json!({"y": "c", "kid": "2"}));
        let set = |keys: &[&Value]| published(&json!({ "keys": keys }));
        assert_eq!(set(&[&one, &two]), set(&[&two, &one]));
        assert_eq!(set(&[&json!({"y": "b", "x": "a", "kid": "1"})]), set(&[&one]));
        assert_ne!(set(&[&one]), set(&[&one, &two]));
        assert_ne!(set(&[&json!({"kid": "1", "x": "a", "y": "z"})]), set(&[&one]), "the same id is not the same key");
        assert_eq!(published(&json!({})), None);
    }
}
