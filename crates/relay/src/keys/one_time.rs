//! Secrets that are good once: the store gets their hash, and what belongs to them is sealed under the secret itself,
//! so that nobody who reads the database, now or later, can open it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::aead::Secret;
use crate::clock::SystemRandomness;

const CONTEXT: &[u8] = b"one-time";

/// Lower-case hex SHA-256: what the store knows a secret by.
pub fn hash(secret: &str) -> String {
    hex::encode(digest(&SHA256, secret.as_bytes()))
}

/// Seals `plain` under a secret of at least 128 random bits.
pub fn seal(secret: &str, plain: &[u8]) -> Vec<u8> {
    key(secret).seal(&SystemRandomness::default(), CONTEXT, plain)
}

/// Opens what [`seal`] made; `None` for another secret.
pub fn open(secret: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    key(secret).open(CONTEXT, sealed).ok().map(|plain| plain.to_vec())
}

/// The nonce an `id_token` claims, not yet verified: it serves to look up whether we ever gave it to anyone.
pub fn claimed_nonce(id_token: &str) -> Option<String> {
    let payload = id_token.split('.').nth(1)?;
    let claims: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    claims.get("nonce")?.as_str().map(str::to_owned)
}

fn key(secret: &str) -> Secret {
    // Not the hash the store has: another digest, through HKDF with its own label.
    let material = digest(&SHA256, format!("roomed one-time {secret}").as_bytes());
    Secret::from_slice(material.as_ref()).expect("SHA-256 gives 32 bytes").derive(b"", b"roomed one-time")
}
