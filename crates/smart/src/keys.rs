//! The private key of a SMART asymmetric client and the public half it publishes (client-confidential-asymmetric).
//! ES384 is preferred; RS384 for EHRs that know nothing else. The private half never leaves this type.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use crate::Error;

/// A signing key and its public half.
pub struct SigningKey {
    key: EncodingKey,
    algorithm: Algorithm,
    public: Jwk,
    kid: String,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// From PKCS#8 PEM: a P-384 key signs ES384, an RSA key RS384. `kid` is the RFC 7638 SHA-256 thumbprint.
    ///
    /// # Errors
    /// [`Error::Key`] for anything else.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        if let Ok(key) = EncodingKey::from_ec_pem(pem.as_bytes()) {
            return Self::new(key, Algorithm::ES384);
        }
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| Error::Key("neither P-384 nor RSA in PEM"))?;
        Self::new(key, Algorithm::RS384)
    }

    /// A fresh P-384 key, as PKCS#8 PEM for the caller to keep.
    ///
    /// # Errors
    /// [`Error::Key`] if the cryptographic library fails.
    pub fn generate_pem() -> Result<secrecy::SecretString, Error> {
        use aws_lc_rs::{rand, signature};
        let der = signature::EcdsaKeyPair::generate_pkcs8(
            &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            &rand::SystemRandom::new(),
        )
        .map_err(|_| Error::Key("cannot be generated"))?;
        let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
        let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
        for line in text.as_bytes().chunks(64) {
            pem.extend(line.iter().map(|b| char::from(*b)));
            pem.push('\n');
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Ok(pem.into())
    }

    fn new(key: EncodingKey, algorithm: Algorithm) -> Result<Self, Error> {
        let unusable = |_| Error::Key("of a kind that cannot sign");
        let mut public = Jwk::from_encoding_key(&key, algorithm).map_err(unusable)?;
        let kid = public.thumbprint(ThumbprintHash::SHA256).map_err(unusable)?;
        if matches!(&public.algorithm, AlgorithmParameters::OctetKey(_)) {
            return Err(Error::Key("symmetric"));
        }
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { key, algorithm, public, kid })
    }

    /// RFC 7638 thumbprint.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// `ES384` or `RS384`.
    pub fn algorithm(&self) -> &'static str {
        if self.algorithm == Algorithm::ES384 { "ES384" } else { "RS384" }
    }

    /// The public half.
    pub fn public_jwk(&self) -> &Jwk {
        &self.public
    }

    /// Signs claims as a JWT with `typ`, `alg` and `kid`.
    ///
    /// # Errors
    /// [`Error::Key`] if the key does not sign.
    pub fn sign<T: Serialize>(&self, claims: &T) -> Result<String, Error> {
        self.sign_with_jku(claims, None)
    }

    pub(crate) fn sign_with_jku<T: Serialize>(&self, claims: &T, jku: Option<&str>) -> Result<String, Error> {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.kid.clone());
        header.jku = jku.map(str::to_owned);
        jsonwebtoken::encode(&header, claims, &self.key).map_err(|_| Error::Key("does not sign"))
    }
}

/// The document to publish: the current key first, then those that come or go (overlap in rotation).
pub fn jwks<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> JwkSet {
    JwkSet { keys: keys.into_iter().map(|k| k.public.clone()).collect() }
}

/// A random `jti`.
pub(crate) fn jti(random: &dyn crate::Random) -> String {
    let mut bytes = [0_u8; 18];
    random.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation};
    use secrecy::ExposeSecret;

    #[test]
    fn what_is_signed_verifies_with_what_is_published_and_nothing_private_is() {
        let key = SigningKey::from_pem(SigningKey::generate_pem().unwrap().expose_secret()).unwrap();
        let token = key.sign(&serde_json::json!({"iss": "c", "exp": 4_000_000_000_u64})).unwrap();
        let published = serde_json::to_value(jwks([&key])).unwrap();
        let one = published["keys"][0].as_object().unwrap().clone();
        let mut names: Vec<_> = one.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        let jwk: Jwk = serde_json::from_value(one.into()).unwrap();
        let validation = Validation::new(Algorithm::ES384);
        let decoded =
            jsonwebtoken::decode::<serde_json::Value>(&token, &DecodingKey::from_jwk(&jwk).unwrap(), &validation)
                .unwrap();
        assert_eq!(decoded.header.kid.as_deref(), Some(key.kid()));
    }

    #[test]
    fn rubbish_is_no_key() {
        assert!(SigningKey::from_pem("-----BEGIN NOTHING-----").is_err());
        assert!(SigningKey::from_pem("").is_err());
    }
}
