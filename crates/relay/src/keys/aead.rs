//! A 256-bit secret and what can be done with it: AES-256-GCM and HKDF-SHA256, both by aws-lc-rs. No policy.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

use super::KeyError;
use crate::clock::Random;

/// First byte of everything sealed, so that the form can change.
const FORM: u8 = 1;

/// 32 bytes that are wiped when dropped.
pub(super) struct Secret(Zeroizing<[u8; 32]>);

struct Bytes32;

impl KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

impl Secret {
    pub(super) fn random(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(&mut *bytes);
        Self(bytes)
    }

    pub(super) fn from_slice(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    pub(super) fn expose(&self) -> &[u8] {
        &*self.0
    }

    /// HKDF (RFC 5869) with this secret as key material.
    pub(super) fn derive(&self, salt: &[u8], info: &[u8]) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        let key = Salt::new(HKDF_SHA256, salt).extract(self.expose());
        key.expand(&[info], Bytes32)
            .and_then(|okm| okm.fill(&mut *bytes))
            .expect("32 bytes are within what HKDF-SHA256 gives");
        Self(bytes)
    }

    /// Form, nonce, ciphertext and tag.
    pub(super) fn seal(&self, random: &dyn Random, context: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut text = plain.to_vec();
        self.key()
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut text)
            .expect("what the relay seals is far below the limit of AES-GCM");
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + text.len());
        sealed.push(FORM);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        sealed
    }

    pub(super) fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let sealed = sealed.strip_prefix(&[FORM]).ok_or(KeyError::Unopenable)?;
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(KeyError::Unopenable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeyError::Unopenable)?;
        let mut text = Zeroizing::new(text.to_vec());
        let length =
            self.key().open_in_place(nonce, Aad::from(context), &mut text).map_err(|_| KeyError::Unopenable)?.len();
        text.truncate(length);
        Ok(text)
    }

    fn key(&self) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, self.expose()).expect("the secret is 32 bytes"))
    }
}
