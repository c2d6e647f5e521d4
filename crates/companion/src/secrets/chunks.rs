//! One secret over several small entries, so that a crash between any two steps leaves the old secret or the new one.
//!
//! Entries of `name`: `name.header` says which of two generations is valid; `name.g{0 or 1}.{i}` hold its bytes.
//! A write puts the other generation's chunks in order, then the header, then removes the old ones from the last to the
//! first. So what a crash leaves of a generation is always its first chunks, and can be found and swept.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{SecretError, SecretStore};

/// Bytes per chunk: below Windows's limit with room to spare.
const CHUNK: usize = 2_048;
/// Most chunks: 64 KiB is far beyond any refresh token.
const MOST: usize = 32;

#[derive(Serialize, Deserialize)]
struct Header {
    generation: u8,
    chunks: usize,
    /// Of the whole secret: two writers at once are found out instead of mixed.
    sha256: String,
}

fn header_name(name: &str) -> String {
    format!("{name}.header")
}

fn chunk_name(name: &str, generation: u8, i: usize) -> String {
    format!("{name}.g{generation}.{i}")
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

fn header(store: &dyn SecretStore, name: &str) -> Result<Option<Header>, SecretError> {
    let bytes = store.get(&header_name(name))?;
    // A header that cannot be read is as good as none: the secret is written anew.
    Ok(bytes.and_then(|b| serde_json::from_slice(&b).ok()))
}

/// The secret, or `None` if there is none or it is damaged.
pub(super) fn load(store: &dyn SecretStore, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
    let Some(header) = header(store, name)? else { return Ok(None) };
    let mut secret = Zeroizing::new(Vec::with_capacity(header.chunks.min(MOST) * CHUNK));
    for i in 0..header.chunks.min(MOST) {
        let Some(chunk) = store.get(&chunk_name(name, header.generation, i))? else { return Ok(None) };
        secret.extend_from_slice(&chunk);
    }
    Ok((sha256(&secret) == header.sha256).then_some(secret))
}

/// Writes the secret.
pub(super) fn save(store: &dyn SecretStore, name: &str, secret: &[u8]) -> Result<(), SecretError> {
    if secret.len() > CHUNK * MOST {
        return Err(SecretError::TooLong);
    }
    let new = u8::from(header(store, name)?.is_some_and(|h| h.generation == 0));
    // What an earlier crash left of this generation must not be read behind our last chunk.
    sweep(store, name, new)?;
    let mut chunks = 0;
    for chunk in secret.chunks(CHUNK) {
        store.set(&chunk_name(name, new, chunks), chunk)?;
        chunks += 1;
    }
    let header = Header { generation: new, chunks, sha256: sha256(secret) };
    let header = serde_json::to_vec(&header).expect("a header of numbers and hex is JSON");
    store.set(&header_name(name), &header)?;
    sweep(store, name, 1 - new)
}

/// Removes the secret and whatever crashes left of it.
pub(super) fn erase(store: &dyn SecretStore, name: &str) -> Result<(), SecretError> {
    store.delete(&header_name(name))?;
    sweep(store, name, 0)?;
    sweep(store, name, 1)
}

/// Removes a generation's chunks, last first.
fn sweep(store: &dyn SecretStore, name: &str, generation: u8) -> Result<(), SecretError> {
    let mut there = 0;
    while there < MOST && store.get(&chunk_name(name, generation, there))?.is_some() {
        there += 1;
    }
    for i in (0..there).rev() {
        store.delete(&chunk_name(name, generation, i))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::super::ENTRY_LIMIT;
    use super::*;

    /// A store that enforces Windows's limit and dies after a number of writes.
    #[derive(Default)]
    struct Dying {
        entries: Mutex<BTreeMap<String, Vec<u8>>>,
        writes_left: Mutex<Option<usize>>,
    }

    impl Dying {
        fn write(&self) -> Result<(), SecretError> {
            match &mut *self.writes_left.lock().unwrap() {
                Some(0) => Err(SecretError::Locked),
                Some(n) => {
                    *n -= 1;
                    Ok(())
                }
                None => Ok(()),
            }
        }
        fn set_life(&self, writes: Option<usize>) {
            *self.writes_left.lock().unwrap() = writes;
        }
        fn names(&self) -> usize {
            self.entries.lock().unwrap().len()
        }
    }

    impl SecretStore for Dying {
        fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
            Ok(self.entries.lock().unwrap().get(name).cloned().map(Zeroizing::new))
        }
        fn set(&self, name: &str, value: &[u8]) -> Result<(), SecretError> {
            if value.len() > ENTRY_LIMIT {
                return Err(SecretError::TooLong);
            }
            self.write()?;
            self.entries.lock().unwrap().insert(name.to_owned(), value.to_vec());
            Ok(())
        }
        fn delete(&self, name: &str) -> Result<(), SecretError> {
            self.write()?;
            self.entries.lock().unwrap().remove(name);
            Ok(())
        }
    }

    fn text(n: usize, seed: u8) -> Vec<u8> {
        (0..n).map(|i| (i % 251) as u8 ^ seed).collect()
    }

    #[test]
    fn a_token_longer_than_an_entry_comes_back() {
        let store = Dying::default();
        assert_eq!(load(&store, "n").unwrap(), None);
        for (n, length) in [1, CHUNK, CHUNK + 1, 9_000, 3].into_iter().enumerate() {
            save(&store, "n", &text(length, n as u8)).unwrap();
            assert_eq!(**load(&store, "n").unwrap().as_ref().unwrap(), text(length, n as u8));
            assert_eq!(store.names(), 1 + length.div_ceil(CHUNK));
        }
        assert_eq!(save(&store, "n", &text(CHUNK * MOST + 1, 0)), Err(SecretError::TooLong));
        erase(&store, "n").unwrap();
        assert_eq!(store.names(), 0);
    }

    #[test]
    fn a_spoiled_chunk_is_no_secret() {
        let store = Dying::default();
        save(&store, "n", &text(5_000, 1)).unwrap();
        store.set("n.g0.1", b"other").unwrap();
        assert_eq!(load(&store, "n").unwrap(), None);
        store.set("n.header", b"not json").unwrap();
        assert_eq!(load(&store, "n").unwrap(), None);
        save(&store, "n", &text(10, 1)).unwrap();
        assert_eq!(**load(&store, "n").unwrap().as_ref().unwrap(), text(10, 1));
    }

    proptest! {
        /// However often it dies, and wherever: the old secret or the new one, and nothing left over in the end.
        #[test]
        fn a_crash_between_any_two_steps_loses_nothing(
            writes in proptest::collection::vec((1_usize..9_000, proptest::option::of(0_usize..14)), 1..8)
        ) {
            let store = Dying::default();
            save(&store, "n", &text(4_000, 255)).unwrap();
            let mut known = text(4_000, 255);
            for (n, (length, life)) in writes.into_iter().enumerate() {
                let wanted = text(length, n as u8);
                store.set_life(life);
                let outcome = save(&store, "n", &wanted);
                store.set_life(None);
                let now = load(&store, "n").unwrap().expect("one of the two").to_vec();
                if outcome.is_ok() {
                    prop_assert_eq!(&now, &wanted);
                } else {
                    prop_assert!(now == wanted || now == known);
                }
                known = now;
            }
            save(&store, "n", &text(10, 3)).unwrap();
            erase(&store, "n").unwrap();
            prop_assert_eq!(store.names(), 0);
        }
    }
}
