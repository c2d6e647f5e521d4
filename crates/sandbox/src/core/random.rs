//! Seeded randomness: SHA-256 of seed, label and counter. The same seed gives the same hospital.
//! Signing keys are not drawn from here: they are real RSA keys, new at every start.

use aws_lc_rs::digest;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::{Builder, Uuid};

/// A source of ids and tokens. Unguessable only as far as the seed is.
pub struct Random {
    seed: u64,
    counter: AtomicU64,
}

impl Random {
    /// A source that repeats itself for the same seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, counter: AtomicU64::new(0) }
    }

    /// A seed nobody knows, for a start without `--seed`.
    pub fn fresh_seed() -> u64 {
        let mut bytes = [0; 8];
        aws_lc_rs::rand::fill(&mut bytes).expect("the operating system gives randomness");
        u64::from_be_bytes(bytes)
    }

    fn block(&self, label: &str) -> [u8; 32] {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.seed.to_be_bytes());
        context.update(label.as_bytes());
        context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }

    fn next(&self) -> [u8; 32] {
        self.block(&format!("#{}", self.counter.fetch_add(1, Ordering::Relaxed)))
    }

    /// A new GUID.
    pub fn guid(&self) -> String {
        guid(self.next())
    }

    /// The GUID that belongs to `label` under this seed.
    pub fn stable_guid(&self, label: &str) -> String {
        guid(self.block(label))
    }

    /// A new opaque token of `length` characters from `A-Za-z0-9`.
    pub fn token(&self, length: usize) -> String {
        let mut text = String::with_capacity(length + 32);
        while text.len() < length {
            text.push_str(&alphanumeric(&self.next(), 32));
        }
        text.truncate(length);
        text
    }

    /// The token that belongs to `label` under this seed; at most 32 characters.
    pub fn stable_token(&self, label: &str, length: usize) -> String {
        alphanumeric(&self.block(label), length)
    }

    /// A decimal number of exactly `digits` digits that belongs to `label`, not starting with 0.
    pub fn stable_digits(&self, label: &str, digits: u32) -> String {
        let low = 10_u64.pow(digits - 1);
        (low + self.stable_below(label, low * 9)).to_string()
    }

    /// A number below `limit` that belongs to `label`.
    pub fn stable_below(&self, label: &str, limit: u64) -> u64 {
        number(&self.block(label)) % limit
    }

    /// A new number below `limit`.
    pub fn below(&self, limit: u64) -> u64 {
        number(&self.next()) % limit
    }
}

fn number(block: &[u8; 32]) -> u64 {
    u64::from_be_bytes(block[..8].try_into().expect("eight of thirty-two bytes"))
}

fn guid(block: [u8; 32]) -> String {
    let bytes: [u8; 16] = block[..16].try_into().expect("sixteen of thirty-two bytes");
    Uuid::to_string(&Builder::from_random_bytes(bytes).into_uuid())
}

fn alphanumeric(bytes: &[u8], length: usize) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    bytes.iter().take(length).map(|it| char::from(ALPHABET[usize::from(*it) % ALPHABET.len()])).collect()
}
