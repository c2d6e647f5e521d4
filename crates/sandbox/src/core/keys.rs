//! RS256 signing keys and the JWTs made with them, by hand: header, claims, signature (RFC 7515, 7518 3.3).
//! Whoever verifies someone else's key (Backend Services) does that elsewhere.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use serde_json::{Value, json};
use std::sync::OnceLock;

/// Why one of our own tokens is not one of our own tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtRefused {
    /// Not three base64url parts of JSON.
    #[error("not a JWT")]
    Malformed,
    /// Signed by someone else.
    #[error("signature does not verify")]
    Signature,
    /// `exp` is past or `nbf` is to come.
    #[error("outside its lifetime")]
    Lifetime,
}

/// A 2048-bit RSA key with its `kid`. Made when it is first needed: that takes a while, and many tests never ask.
pub struct SigningKey {
    made: OnceLock<RsaKeyPair>,
    /// Key id, as published.
    pub kid: String,
}

impl SigningKey {
    /// A new key, never the same at two starts; the hard part is put off until it is needed.
    pub fn generate(kid: String) -> Self {
        Self { made: OnceLock::new(), kid }
    }

    fn pair(&self) -> &RsaKeyPair {
        self.made.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).expect("RSA keys of 2048 bits can be made"))
    }

    /// The public half as a bare JWK (RFC 7517), to be extended by whoever publishes it.
    pub fn jwk(&self) -> Value {
        let key = self.pair().public_key();
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid,
            "n": B64.encode(key.modulus().big_endian_without_leading_zero()),
            "e": B64.encode(key.exponent().big_endian_without_leading_zero()),
        })
    }

    /// A signed JWT of these claims.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": self.kid });
        let message = format!("{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string()));
        let mut signature = vec![0; self.pair().public_modulus_len()];
        self.pair()
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .expect("the buffer has the modulus' length");
        format!("{message}.{}", B64.encode(signature))
    }

    /// The claims of a JWT this key signed and whose lifetime includes `now` (Unix seconds).
    pub fn verify(&self, jwt: &str, now: i64) -> Result<Value, JwtRefused> {
        let (message, signature) = jwt.rsplit_once('.').ok_or(JwtRefused::Malformed)?;
        let signature = B64.decode(signature).map_err(|_| JwtRefused::Malformed)?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair().public_key().as_ref())
            .verify(message.as_bytes(), &signature)
            .map_err(|_| JwtRefused::Signature)?;
        let claims = unverified_claims(jwt)?;
        let time = |name: &str| claims[name].as_i64();
        if time("exp").is_none_or(|exp| exp <= now) || time("nbf").is_some_and(|nbf| nbf > now) {
            return Err(JwtRefused::Lifetime);
        }
        Ok(claims)
    }
}

/// The claims of a JWT without believing them.
pub fn unverified_claims(jwt: &str) -> Result<Value, JwtRefused> {
    let claims = jwt.split('.').nth(1).ok_or(JwtRefused::Malformed)?;
    let claims = B64.decode(claims).map_err(|_| JwtRefused::Malformed)?;
    serde_json::from_slice(&claims).map_err(|_| JwtRefused::Malformed)
}
