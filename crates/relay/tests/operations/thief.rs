//! Somebody who has everything: database, WAL, backups, the master key and all files of the keys directory. Tries every
//! key on every sealed value until nothing new opens. Written without the relay's own code, from its description. What the
//! values are is `loot.rs`.

use std::collections::BTreeSet;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};

use crate::loot::Loot;

const MASTER: [u8; 32] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
    31,
];

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

/// Everything that opens, of the loot and the keys in `keys`.
pub(crate) fn opened(loot: Loot, keys: &Path) -> Vec<Vec<u8>> {
    let Loot { mut sealed, mut contexts } = loot;
    for entry in std::fs::read_dir(keys).unwrap() {
        let entry = entry.unwrap();
        if entry.metadata().unwrap().is_file() {
            contexts.insert(entry.file_name().into_string().unwrap());
            sealed.insert(std::fs::read(entry.path()).unwrap());
        }
    }
    let mut keys = BTreeSet::from([MASTER]);
    let mut open = BTreeSet::new();
    loop {
        let before = (keys.len(), open.len());
        for key in derived(&keys) {
            let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
            for value in sealed.clone() {
                let plain = contexts.iter().find_map(|context| unseal(&key, context.as_bytes(), &value));
                let Some(plain) = plain else { continue };
                if let Ok(another) = <[u8; 32]>::try_from(plain.as_slice()) {
                    keys.insert(another);
                }
                open.insert(plain);
                sealed.remove(&value);
            }
        }
        if before == (keys.len(), open.len()) {
            return open.into_iter().collect();
        }
    }
}

/// The keys themselves, and each with each as salt.
fn derived(keys: &BTreeSet<[u8; 32]>) -> BTreeSet<[u8; 32]> {
    let mut all = keys.clone();
    for material in keys {
        for salt in keys {
            let mut key = [0; 32];
            let pseudo = Salt::new(HKDF_SHA256, salt).extract(material);
            pseudo.expand(&[b"roomed visit key"], Length).unwrap().fill(&mut key).unwrap();
            all.insert(key);
        }
    }
    all
}

fn unseal(key: &LessSafeKey, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.strip_prefix(&[1])?.split_at_checked(NONCE_LEN)?;
    let mut text = text.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let length = key.open_in_place(nonce, Aad::from(context), &mut text).ok()?.len();
    text.truncate(length);
    Some(text)
}
