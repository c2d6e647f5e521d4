//! Values that must not leak: every patient field and every secret, with where it came from.
//! Scans look for them raw, percent-encoded, base64, hex and UTF-16; that is the scanner's part.

use serde::Serialize;
use std::sync::Mutex;

/// Whether a value identifies a patient or opens a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CanaryKind {
    /// Says something about a patient.
    Patient,
    /// A token, code, launch or password.
    Secret,
}

/// One value to look for.
#[derive(Clone, Debug, Serialize)]
pub struct Canary {
    /// Where it stands, for example `patient.name` or `epic.code`.
    pub field: String,
    /// The value itself.
    pub value: String,
    /// Patient or secret.
    pub kind: CanaryKind,
}

/// All of them. With `unique` on, patients get values found nowhere else.
pub struct Canaries {
    unique: bool,
    all: Mutex<Vec<Canary>>,
}

impl Canaries {
    /// An empty list; `unique` is `--canaries`.
    pub fn new(unique: bool) -> Self {
        Self { unique, all: Mutex::default() }
    }

    /// Whether patient fields are to be made unmistakable.
    pub fn unique(&self) -> bool {
        self.unique
    }

    /// Notes a patient's value.
    pub fn patient(&self, field: &str, value: &str) {
        self.note(field, value, CanaryKind::Patient);
    }

    /// Notes a secret, as it is minted.
    pub fn secret(&self, field: &str, value: &str) {
        self.note(field, value, CanaryKind::Secret);
    }

    fn note(&self, field: &str, value: &str, kind: CanaryKind) {
        super::lock(&self.all).push(Canary { field: field.to_owned(), value: value.to_owned(), kind });
    }

    /// Everything noted so far.
    pub fn all(&self) -> Vec<Canary> {
        super::lock(&self.all).clone()
    }
}
