//! The key of one visit: seals its state, its meeting and what the EHR is to be told about it.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::KeyError;
use super::aead::Secret;
use crate::clock::Random;

/// One visit's key. `Debug` does not show it.
pub struct VisitKey {
    key: Secret,
    random: Arc<dyn Random>,
}

impl std::fmt::Debug for VisitKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VisitKey([redacted])")
    }
}

impl VisitKey {
    pub(super) fn new(key: Secret, random: Arc<dyn Random>) -> Self {
        Self { key, random }
    }

    /// Seals `plain`; it opens with the same `context` only.
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Vec<u8> {
        self.key.seal(&*self.random, context, plain)
    }

    /// Opens what [`seal`](Self::seal) made.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.key.open(context, sealed)
    }
}
