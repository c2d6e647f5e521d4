//! Seals one rich change notification for a subscriber's certificate, byte for byte as Graph does
//! (microsoft.md 4.5, G-RICH): RSA-OAEP-SHA1 for the key, AES-256-CBC, HMAC-SHA256 over the ciphertext.
//! Leaves out decryption: that is the subscriber's side, and the tests code it on their own.

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use aws_lc_rs::{digest, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

/// A subscriber's certificate that can be sealed for: RSA, 2048 to 4096 bits, public part only.
#[derive(Clone)]
pub(crate) struct Recipient {
    id: String,
    thumbprint: String,
    key: std::sync::Arc<OaepPublicEncryptingKey>,
}

/// Why an `encryptionCertificate` is refused, in words for the error's `message`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// Not base64 at all.
    #[error("Certificate in encryptionCertificate is not valid base64.")]
    Base64,
    /// Base64 of something that is no X.509 certificate (a PEM text, a bare key).
    #[error("Certificate in encryptionCertificate is not a DER encoded X.509 certificate.")]
    NotX509,
    /// An elliptic key, or an RSA key of another size.
    #[error("Certificate in encryptionCertificate must hold an RSA public key of 2048 to 4096 bits.")]
    NotRsa,
}

impl Recipient {
    /// Reads `encryptionCertificate` (base64 of the DER certificate) as Graph takes it at subscription time.
    pub(crate) fn parse(certificate: &str, id: &str) -> Result<Self, CertificateError> {
        let der = STANDARD.decode(certificate).map_err(|_| CertificateError::Base64)?;
        let parsed = Certificate::from_der(&der).map_err(|_| CertificateError::NotX509)?;
        let public =
            parsed.tbs_certificate().subject_public_key_info().to_der().map_err(|_| CertificateError::NotX509)?;
        let key = PublicEncryptingKey::from_der(&public).map_err(|_| CertificateError::NotRsa)?;
        if !(2048..=4096).contains(&key.key_size_bits()) {
            return Err(CertificateError::NotRsa);
        }
        let key = OaepPublicEncryptingKey::new(key).map_err(|_| CertificateError::NotRsa)?;
        let thumbprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &der);
        Ok(Self { id: id.to_owned(), thumbprint: hex::encode_upper(thumbprint), key: key.into() })
    }

    /// `encryptionCertificateId`, as the subscriber named it.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

/// What a fault switch may spoil in an otherwise correct envelope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spoiled {
    /// One bit of `dataSignature` is turned.
    pub(crate) signature: bool,
    /// `encryptionCertificateId` names a certificate nobody has.
    pub(crate) certificate_id: bool,
}

/// `encryptedContent` for one notification item. A fresh 32-byte key is drawn for every call.
pub(crate) fn seal(recipient: &Recipient, plain: &Value, spoiled: Spoiled) -> Value {
    let mut key = [0_u8; 32];
    rand::fill(&mut key).expect("the system's random source answers");
    let mut data = plain.to_string().into_bytes();
    let cipher = UnboundCipherKey::new(&AES_256, &key).expect("the key is 32 bytes long");
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(cipher).expect("AES-256 runs in CBC mode");
    // Graph's own choice: the initialization vector is the head of the key, sound only because each key is used once
    let iv: [u8; 16] = key[..16].try_into().expect("16 of 32 bytes");
    cipher
        .less_safe_encrypt(&mut data, EncryptionContext::Iv128(FixedLength::from(iv)))
        .expect("CBC takes a 16-byte vector");
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &data);
    let mut signature = signature.as_ref().to_vec();
    if spoiled.signature {
        signature[0] ^= 1;
    }
    let mut wrapped = vec![0; recipient.key.ciphertext_size()];
    let wrapped = recipient
        .key
        .encrypt(&OAEP_SHA1_MGF1SHA1, &key, &mut wrapped, None)
        .expect("32 bytes fit a 2048-bit key under OAEP-SHA1");
    let id = if spoiled.certificate_id { "no-such-certificate" } else { recipient.id.as_str() };
    json!({
        "data": STANDARD.encode(&data),
        "dataSignature": STANDARD.encode(&signature),
        "dataKey": STANDARD.encode(wrapped),
        "encryptionCertificateId": id,
        "encryptionCertificateThumbprint": recipient.thumbprint,
    })
}
