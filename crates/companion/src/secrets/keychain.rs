//! The operating system's keychain through keyring: Credential Manager, Keychain Services, Secret Service.
//! Calls may block for as long as an "Unlock" prompt is open, so only `vault` makes them, on a thread that may.

use zeroize::Zeroizing;

use super::{ENTRY_LIMIT, SecretError, SecretStore};

/// The service under which all our entries stand.
const SERVICE: &str = "org.roomed.companion";

/// The keychain of the signed-in operating system account.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsKeychain;

impl OsKeychain {
    #[cfg(not(windows))]
    fn entry(name: &str) -> Result<keyring::Entry, SecretError> {
        keyring::Entry::new(SERVICE, name).map_err(|e| reason(&e))
    }

    /// On this machine only: Windows's default roams with domain profiles (`dependencies.md` T19).
    #[cfg(windows)]
    fn entry(name: &str) -> Result<keyring::Entry, SecretError> {
        keyring::Entry::store_status().as_ref().map_err(reason)?;
        let local = std::collections::HashMap::from([("persistence", "Local")]);
        let inner = keyring_core::Entry::new_with_modifiers(SERVICE, name, &local).map_err(|e| reason(&e))?;
        Ok(keyring::Entry { inner })
    }
}

impl SecretStore for OsKeychain {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        match Self::entry(name)?.get_secret() {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(reason(&error)),
        }
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), SecretError> {
        // Everywhere, not only on Windows: an entry that fits here fits there.
        if value.len() > ENTRY_LIMIT {
            return Err(SecretError::TooLong);
        }
        Self::entry(name)?.set_secret(value).map_err(|e| reason(&e))
    }

    fn delete(&self, name: &str) -> Result<(), SecretError> {
        match Self::entry(name)?.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(reason(&error)),
        }
    }
}

/// keyring's errors carry bytes of the entry in some variants, so none is kept or logged.
fn reason(error: &keyring::Error) -> SecretError {
    match error {
        keyring::Error::NoStorageAccess(_) | keyring::Error::Ambiguous(_) => SecretError::Locked,
        keyring::Error::TooLong(..) => SecretError::TooLong,
        _ => SecretError::Missing,
    }
}
