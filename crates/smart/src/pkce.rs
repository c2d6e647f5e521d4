//! PKCE (RFC 7636, S256) and `state`. Both are 256 random bits; SMART asks for at least 122 in `state`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::Random;

/// One launch's verifier and challenge.
#[derive(Debug)]
pub struct Pkce {
    verifier: SecretString,
    challenge: String,
}

impl Pkce {
    /// A fresh pair.
    pub fn new(random: &dyn Random) -> Self {
        let verifier = token(random);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
        Self { challenge: URL_SAFE_NO_PAD.encode(digest), verifier: verifier.into() }
    }

    /// `code_challenge`, method `S256`.
    pub fn challenge(&self) -> &str {
        &self.challenge
    }

    /// `code_verifier`, for the token request only.
    pub fn verifier(&self) -> &SecretString {
        &self.verifier
    }
}

/// One launch's `state`.
#[derive(Debug)]
pub struct State(SecretString);

impl State {
    /// A fresh one.
    pub fn new(random: &dyn Random) -> Self {
        Self(token(random).into())
    }

    /// As it goes into the authorization request.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Compares in constant time.
    pub fn matches(&self, returned: &str) -> bool {
        same(self.expose(), returned)
    }

    /// Lower-case hex SHA-256: what the relay's callback is told instead of the value.
    pub fn sha256_hex(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.expose().as_bytes());
        digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
    }
}

/// 256 random bits, base64url.
pub fn token(random: &dyn Random) -> String {
    let mut bytes = [0_u8; 32];
    random.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Constant-time equality of two texts.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(Vec<u8>);
    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0);
        }
    }

    #[test]
    fn challenge_of_rfc_7636_appendix_b() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let bytes = URL_SAFE_NO_PAD.decode(verifier).expect("the RFC's own value");
        let pkce = Pkce::new(&Fixed(bytes));
        assert_eq!(pkce.verifier().expose_secret(), verifier);
        assert_eq!(pkce.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn state_is_long_and_its_own() {
        let (a, b) = (State::new(&crate::SystemRandom), State::new(&crate::SystemRandom));
        assert_eq!(a.expose().len(), 43);
        assert!(a.matches(a.expose()));
        assert!(!a.matches(b.expose()));
        assert!(!a.matches(""));
        assert_eq!(a.sha256_hex().len(), 64);
    }
}
