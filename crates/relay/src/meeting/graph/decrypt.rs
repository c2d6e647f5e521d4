//! Opening the `encryptedContent` of a rich notification (reference/microsoft.md 4.5, G-RICH).
//! Every way to fail is one error, so that nobody learns which step it was.

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey};
use aws_lc_rs::{hmac, iv::FixedLength};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// `encryptedContent` without its certificate id and thumbprint: three base64 members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedContent {
    /// AES-256-CBC ciphertext.
    pub data: String,
    /// HMAC-SHA256 of the ciphertext under the data key.
    pub data_signature: String,
    /// The data key under our certificate's public key.
    pub data_key: String,
}

/// The content does not open under this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the content does not open")]
pub struct Sealed;

/// Opens one item: the HMAC is checked before a byte is decrypted, in constant time.
pub fn open(content: &EncryptedContent, key: &OaepPrivateDecryptingKey) -> Result<Zeroizing<Vec<u8>>, Sealed> {
    let data_key = STANDARD.decode(&content.data_key).map_err(|_| Sealed)?;
    let signature = STANDARD.decode(&content.data_signature).map_err(|_| Sealed)?;
    let mut data = Zeroizing::new(STANDARD.decode(&content.data).map_err(|_| Sealed)?);

    let mut room = Zeroizing::new(vec![0_u8; key.min_output_size()]);
    // OAEP with SHA-1 is what Graph speaks; aws-lc-rs does it without RUSTSEC-2023-0071 (dependencies.md T8)
    let symmetric = key.decrypt(&OAEP_SHA1_MGF1SHA1, &data_key, &mut room, None).map_err(|_| Sealed)?;
    if symmetric.len() != 32 {
        return Err(Sealed);
    }
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, symmetric), &data, &signature).map_err(|_| Sealed)?;

    let iv: [u8; 16] = symmetric[..16].try_into().map_err(|_| Sealed)?;
    let cipher = UnboundCipherKey::new(&AES_256, symmetric).map_err(|_| Sealed)?;
    let cipher = PaddedBlockDecryptingKey::cbc_pkcs7(cipher).map_err(|_| Sealed)?;
    let plain = cipher.decrypt(&mut data, DecryptionContext::Iv128(FixedLength::from(iv))).map_err(|_| Sealed)?.len();
    data.truncate(plain);
    Ok(data)
}

#[cfg(test)]
pub(crate) mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use aws_lc_rs::cipher::{EncryptionContext, PaddedBlockEncryptingKey};
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::{KeySize, OaepPublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey};

    /// Seals as Graph does. The IV half of the data key is fixed by the protocol, so padding is all that is ours.
    pub(crate) fn seal(plain: &[u8], public: PublicEncryptingKey, symmetric: [u8; 32]) -> EncryptedContent {
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, &symmetric).unwrap()).unwrap();
        let iv: [u8; 16] = symmetric[..16].try_into().unwrap();
        let mut data = plain.to_vec();
        key.less_safe_encrypt(&mut data, EncryptionContext::Iv128(FixedLength::from(iv))).unwrap();
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &symmetric), &data);
        let public = OaepPublicEncryptingKey::new(public).unwrap();
        let mut room = vec![0; public.ciphertext_size()];
        let data_key = public.encrypt(&OAEP_SHA1_MGF1SHA1, &symmetric, &mut room, None).unwrap();
        EncryptedContent {
            data: STANDARD.encode(&data),
            data_signature: STANDARD.encode(signature),
            data_key: STANDARD.encode(data_key),
        }
    }

    fn flipped(base64: &str) -> String {
        let mut bytes = STANDARD.decode(base64).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        STANDARD.encode(bytes)
    }

    #[test]
    fn opens_what_is_whole_and_nothing_else() {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let other = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let good = seal(b"{\"a\":1}", private.public_key(), [7; 32]);
        assert!(AsDer::<aws_lc_rs::encoding::PublicKeyX509Der>::as_der(&private.public_key()).is_ok());
        let key = OaepPrivateDecryptingKey::new(private.clone()).unwrap();
        assert_eq!(open(&good, &key).unwrap().as_slice(), b"{\"a\":1}");

        let wrong = [
            EncryptedContent { data: flipped(&good.data), ..good.clone() },
            EncryptedContent { data_signature: flipped(&good.data_signature), ..good.clone() },
            EncryptedContent { data_key: flipped(&good.data_key), ..good.clone() },
            EncryptedContent { data: "%".into(), ..good.clone() },
            EncryptedContent { data: String::new(), ..good.clone() },
            EncryptedContent { data_signature: String::new(), ..good.clone() },
            EncryptedContent { data_key: String::new(), ..good.clone() },
            seal(b"x", other.public_key(), [7; 32]),
            // re-signed under another data key: the signature is whole but not of this ciphertext
            EncryptedContent { data: seal(b"x", private.public_key(), [9; 32]).data, ..good.clone() },
        ];
        for content in wrong {
            assert_eq!(open(&content, &key).unwrap_err(), Sealed);
        }
    }

    #[test]
    fn a_signed_ciphertext_that_is_no_cbc_is_refused_alike() {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let mut content = seal(b"x", private.public_key(), [7; 32]);
        let ragged = [1_u8; 17];
        content.data = STANDARD.encode(ragged);
        content.data_signature = STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]), &ragged));
        assert_eq!(open(&content, &OaepPrivateDecryptingKey::new(private).unwrap()).unwrap_err(), Sealed);
    }
}
