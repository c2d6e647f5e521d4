//! Time and randomness as parameters: the one file that reads the system's clock and random source.
//! Everything else is handed a [`Clock`] and a [`Random`], so that a test can hold both still.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

/// What time it is.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// This moment as a deadline knows it: within one process, and whatever is done to its clock.
pub fn moment() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// Stands at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Jumps to `now`, backwards too.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock().expect("nothing panics while holding the clock") = now;
    }

    /// Moves on by `by`.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().expect("nothing panics while holding the clock");
        *now = now.saturating_add(by).expect("a plain duration has no calendar units");
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("nothing panics while holding the clock")
    }
}

/// A source of bytes nobody can guess.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);

    /// A new secret token: 32 bytes as base64url without padding (43 characters).
    fn token(&self) -> String {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A new id: a UUIDv4, which tells nothing about when or where it was made.
    fn id(&self) -> String {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// A fraction from 0 up to but not including 1, for jitter.
    fn fraction(&self) -> f64 {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        f64::from(u32::from_be_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}

/// The operating system's random source.
#[derive(Debug, Default)]
pub struct SystemRandomness(SystemRandom);

impl Random for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes).expect("without a random source no key and no nonce is safe");
    }
}

/// The same bytes for the same seed: for tests only, since anyone can foretell them.
#[derive(Debug)]
pub struct SeededRandomness {
    seed: u64,
    drawn: AtomicU64,
}

impl SeededRandomness {
    /// Starts the sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: AtomicU64::new(0) }
    }
}

impl Random for SeededRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(digest::SHA256_OUTPUT_LEN) {
            let mut block = [0; 16];
            block[..8].copy_from_slice(&self.seed.to_be_bytes());
            block[8..].copy_from_slice(&self.drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            let digest = digest::digest(&digest::SHA256, &block);
            chunk.copy_from_slice(&digest.as_ref()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        clock.advance(SignedDuration::from_secs(90));
        assert_eq!(clock.now().as_second(), 90);
    }

    /// Gives every byte it is asked for, and no other.
    struct Full;

    impl Random for Full {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0xff);
        }
    }

    #[test]
    fn a_token_is_256_random_bits() {
        assert_eq!(URL_SAFE_NO_PAD.decode(Full.token()).ok(), Some(vec![0xff; 32]));
    }

    #[test]
    fn a_seed_repeats_itself_and_the_system_does_not() {
        let (one, two) = (SeededRandomness::new(7), SeededRandomness::new(7));
        assert_eq!(one.token(), two.token());
        assert_ne!(one.token(), one.token());
        assert_ne!(SystemRandomness::default().id(), SystemRandomness::default().id());
        assert!((0.0..1.0).contains(&one.fraction()));
    }
}
