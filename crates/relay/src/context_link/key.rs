//! From the secret to the key and, where a rule says so, the IV.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::pbkdf2;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::config::{ContextLink, Digest, IvRule, KeyRule};

/// Deriving is done once, at the start; more would only keep the relay from starting.
const MOST_ROUNDS: u32 = 10_000_000;

/// The key, and the IV unless it travels with the link.
pub(super) struct Material {
    pub(super) key: Zeroizing<Vec<u8>>,
    pub(super) iv: Option<[u8; 16]>,
}

/// Whether the rules make a key of this secret; what is wrong otherwise.
pub(crate) fn fits(rules: &ContextLink, secret: &str) -> Result<(), &'static str> {
    derive(rules, secret).map(drop)
}

pub(super) fn derive(rules: &ContextLink, secret: &str) -> Result<Material, &'static str> {
    if secret.is_empty() {
        return Err("secret is empty");
    }
    let size = rules.cipher.key_bytes();
    // What follows the key, where a rule gives more than it needs.
    let mut bytes: Zeroizing<Vec<u8>> = Zeroizing::new(match &rules.key {
        KeyRule::Raw {} => secret.as_bytes().to_vec(),
        KeyRule::Hex {} => hex::decode(secret.trim()).map_err(|_| "secret is not in hexadecimal digits")?,
        KeyRule::Base64 {} => STANDARD.decode(secret.trim()).map_err(|_| "secret is not base64")?,
        KeyRule::Sha256 {} => digest(&SHA256, secret.as_bytes()).as_ref()[..size].to_vec(),
        KeyRule::Sha1CryptDeriveKey {} => crypt_derive_key(secret, size),
        KeyRule::Pbkdf2 { rounds, .. } if rounds.get() > MOST_ROUNDS => {
            return Err("key.rounds must be at most 10000000");
        }
        KeyRule::Pbkdf2 { digest, salt, rounds } => {
            let algorithm = match digest {
                Digest::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
                Digest::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            };
            let mut out = vec![0; size + 16];
            pbkdf2::derive(algorithm, *rounds, salt.as_bytes(), secret.as_bytes(), &mut out);
            out
        }
    });
    let derived = bytes.get(size..size + 16).and_then(|it| <[u8; 16]>::try_from(it).ok());
    if matches!(rules.key, KeyRule::Pbkdf2 { .. }) {
        bytes.truncate(size);
    }
    if bytes.len() != size {
        return Err("secret has not the length of the cipher's key: 16 bytes for aes-128-cbc, 32 for aes-256-cbc");
    }
    let iv = match &rules.iv {
        IvRule::Zero {} => Some([0; 16]),
        IvRule::Fixed { hex } => {
            let mut iv = [0; 16];
            hex::decode_to_slice(hex, &mut iv).map_err(|_| "iv.hex must be 32 hexadecimal digits")?;
            Some(iv)
        }
        IvRule::Key {} => bytes[..16].try_into().ok(),
        IvRule::Derived {} => Some(derived.ok_or("iv: \"derived\" goes with key = { rule = \"pbkdf2\" } only")?),
        IvRule::Prefix {} | IvRule::Parameter { .. } => None,
    };
    Ok(Material { key: bytes, iv })
}

/// `CryptDeriveKey` over a SHA-1, as its documentation has it for every AES key: the hash is laid over 64 bytes of 0x36 and of
/// 0x5C, each is hashed, and the key is taken from the front of both.
fn crypt_derive_key(secret: &str, size: usize) -> Vec<u8> {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    let half = |fill: u8| {
        let mut block = Zeroizing::new([fill; 64]);
        block.iter_mut().zip(hash.as_ref()).for_each(|(byte, of_hash)| *byte ^= of_hash);
        digest(&SHA1_FOR_LEGACY_USE_ONLY, &*block)
    };
    let mut key = [half(0x36).as_ref(), half(0x5c).as_ref()].concat();
    key.truncate(size);
    key
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_key_derived_elsewhere_is_derived_here() {
        // The one public sample of an AES-128 key by CryptDeriveKey: crypto.stackexchange.com, question 32567 (15 bytes of it).
        assert!(hex::encode(super::crypt_derive_key("my_key", 16)).starts_with("13606b772b52b5f83be4ff04572eb8"));
    }
}
