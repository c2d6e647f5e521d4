//! Where the refresh token is kept: the operating system's keychain behind a trait, in chunks, off the async threads.
//! Access tokens, id_tokens and everything of the EHR stay in memory and never come here.

mod chunks;
mod keychain;
mod vault;

pub use keychain::OsKeychain;
pub(crate) use vault::{LIMIT, Stored, Vault, VaultError};

use zeroize::Zeroizing;

/// Most bytes an entry may have: Windows Credential Manager's limit (`dependencies.md` T2).
pub const ENTRY_LIMIT: usize = 2_560;

/// Why an entry could not be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The keychain is locked, or its owner said no.
    #[error("the keychain is locked")]
    Locked,
    /// There is no keychain here.
    #[error("there is no keychain")]
    Missing,
    /// More than [`ENTRY_LIMIT`].
    #[error("the entry is too long")]
    TooLong,
}

/// Small named entries. Calls block, possibly for as long as a prompt of the operating system is open.
pub trait SecretStore: Send + Sync {
    /// An entry, or `None`.
    ///
    /// # Errors
    /// See [`SecretError`].
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError>;

    /// Writes an entry of at most [`ENTRY_LIMIT`] bytes.
    ///
    /// # Errors
    /// See [`SecretError`].
    fn set(&self, name: &str, value: &[u8]) -> Result<(), SecretError>;

    /// Removes an entry; none is fine.
    ///
    /// # Errors
    /// See [`SecretError`].
    fn delete(&self, name: &str) -> Result<(), SecretError>;
}
