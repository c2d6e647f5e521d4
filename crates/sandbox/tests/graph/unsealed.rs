//! The subscriber's half of rich notifications, coded apart from the sandbox's: certificate, RSA-OAEP, HMAC, and
//! CBC with PKCS#7 done by hand over single AES blocks (microsoft.md 4.5).

use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// A self-signed certificate and its private key.
pub(crate) struct Certificate {
    /// Base64 of the DER certificate, as subscriptions want it.
    pub(crate) public: String,
    private: Vec<u8>,
}

impl Certificate {
    pub(crate) fn rsa() -> Self {
        let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        Self::of(&key)
    }

    pub(crate) fn elliptic() -> Self {
        Self::of(&rcgen::KeyPair::generate().unwrap())
    }

    fn of(key: &rcgen::KeyPair) -> Self {
        let certificate =
            rcgen::CertificateParams::new(vec!["relay.example".to_owned()]).unwrap().self_signed(key).unwrap();
        Self { public: STANDARD.encode(certificate.der()), private: key.serialize_der() }
    }

    /// `None` when the signature does not hold; else the event.
    pub(crate) fn open(&self, sealed: &Value) -> Option<Value> {
        let bytes = |name: &str| STANDARD.decode(sealed[name].as_str().unwrap()).unwrap();
        let private = OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(&self.private).unwrap()).unwrap();
        let mut room = vec![0; private.min_output_size()];
        let key = private.decrypt(&OAEP_SHA1_MGF1SHA1, &bytes("dataKey"), &mut room, None).unwrap().to_vec();
        assert_eq!(key.len(), 32);
        let data = bytes("data");
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), &data, &bytes("dataSignature")).ok()?;
        let mut plain = Vec::new();
        let mut before = key[..16].to_vec();
        for block in data.chunks(16) {
            let aes = DecryptingKey::ecb(UnboundCipherKey::new(&AES_256, &key).unwrap()).unwrap();
            let mut out = block.to_vec();
            aes.decrypt(&mut out, DecryptionContext::None).unwrap();
            plain.extend(out.iter().zip(&before).map(|(a, b)| a ^ b));
            before = block.to_vec();
        }
        let padding = usize::from(*plain.last().unwrap());
        assert!(
            (1..=16).contains(&padding) && plain[plain.len() - padding..].iter().all(|it| usize::from(*it) == padding)
        );
        plain.truncate(plain.len() - padding);
        Some(serde_json::from_slice(&plain).unwrap())
    }
}
