//! The companion's socket: a hello each way, then hints. A hint carries no fact, so losing one loses nothing.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The version both sides say in their hello. A higher one may add messages; unknown messages are ignored.
pub const PROTOCOL_VERSION: u32 = 2;

/// The header in which a companion says its version with every request; without it, it is 1.
pub const PROTOCOL_HEADER: &str = "roomed-protocol";

/// Relay to companion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum FromRelay {
    /// First message.
    Hello {
        /// See [`PROTOCOL_VERSION`].
        version: u32,
        /// The newest notice of this clinician.
        cursor: u32,
        /// The relay's clock, RFC 3339.
        now: String,
    },
    /// There are notices up to `cursor`: pull.
    Hint {
        /// The newest notice of this clinician.
        cursor: u32,
    },
    /// The relay is stopping: reconnect after a random part of `within_seconds`.
    GoingAway {
        /// Seconds.
        within_seconds: u32,
    },
    /// A message of a later version.
    #[serde(other)]
    Unknown,
}

/// Companion to relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum FromCompanion {
    /// First message.
    Hello {
        /// See [`PROTOCOL_VERSION`].
        version: u32,
        /// The last notice this companion has seen.
        cursor: u32,
    },
    /// A message of a later version.
    #[serde(other)]
    Unknown,
}
