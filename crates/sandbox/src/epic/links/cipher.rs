//! AES-CBC and the ways to a key, by the RustCrypto crates: the relay has them from another library, so that the two can
//! disagree.

use aes::{Aes128, Aes256};
use cbc::{
    Encryptor,
    cipher::{BlockModeEncrypt, KeyIvInit},
};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// AES's.
pub(super) const BLOCK: usize = 16;

/// A key of AES-256 and an IV after it.
const STRETCHED: usize = 32 + BLOCK;

/// Encrypts whole blocks where they stand.
pub(super) fn encrypt(key: &[u8], iv: [u8; BLOCK], bytes: &mut [u8]) -> Result<(), &'static str> {
    match key.len() {
        16 => encrypt_with::<Encryptor<Aes128>>(key, &iv, bytes),
        32 => encrypt_with::<Encryptor<Aes256>>(key, &iv, bytes),
        _ => Err("key_bits is 128 or 256"),
    }
}

fn encrypt_with<E: BlockModeEncrypt + KeyIvInit>(key: &[u8], iv: &[u8], bytes: &mut [u8]) -> Result<(), &'static str> {
    let mut encryptor = E::new_from_slices(key, iv).map_err(|_| "key or IV have not the cipher's length")?;
    for block in bytes.chunks_exact_mut(BLOCK) {
        encryptor.encrypt_block(block.try_into().map_err(|_| "not a whole block")?);
    }
    Ok(())
}

pub(super) fn sha256(secret: &[u8]) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}

/// `CryptDeriveKey` over SHA-1 for an AES key: 40 bytes.
pub(super) fn crypt_derive_key(secret: &[u8]) -> Vec<u8> {
    let hash = Sha1::digest(secret);
    let half = |fill: u8| {
        let mut buffer = [fill; 64];
        for (at, byte) in hash.iter().enumerate() {
            buffer[at] = fill ^ byte;
        }
        Sha1::digest(buffer)
    };
    half(0x36).into_iter().chain(half(0x5c)).collect()
}

pub(super) fn pbkdf2_sha1(secret: &[u8], salt: &[u8], rounds: u32) -> Vec<u8> {
    pbkdf2::<Hmac<Sha1>>(secret, salt, rounds)
}

pub(super) fn pbkdf2_sha256(secret: &[u8], salt: &[u8], rounds: u32) -> Vec<u8> {
    pbkdf2::<Hmac<Sha256>>(secret, salt, rounds)
}

/// RFC 8018, 5.2.
fn pbkdf2<M: Mac + KeyInit>(secret: &[u8], salt: &[u8], rounds: u32) -> Vec<u8> {
    let said = |parts: [&[u8]; 2]| {
        let mut mac = <M as KeyInit>::new_from_slice(secret).expect("an HMAC takes a key of any length");
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().to_vec()
    };
    let mut out = Vec::new();
    for number in 1_u32.. {
        let mut last = said([salt, &number.to_be_bytes()]);
        let mut block = last.clone();
        for _ in 1..rounds {
            last = said([&last, &[]]);
            block.iter_mut().zip(&last).for_each(|(sum, byte)| *sum ^= byte);
        }
        out.extend(block);
        if out.len() >= STRETCHED {
            break;
        }
    }
    out.truncate(STRETCHED);
    out
}
