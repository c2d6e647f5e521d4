//! What this server can do is a switch, so that a client's choice of strategy can be tried against servers of every kind.

use serde::{Deserialize, Serialize};

/// How versions are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Versioning {
    /// Not at all: no ETag, no versionId, If-Match is ignored.
    NoVersion,
    /// If-Match is looked at when it is there.
    #[default]
    Versioned,
    /// An update without If-Match is refused.
    VersionedUpdate,
}

/// The switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Capabilities {
    /// Off: `If-None-Exist` is ignored and a duplicate made, as servers that do not know it do.
    pub conditional_create: bool,
    /// Off: a PUT to an id that is not there is 405.
    pub update_create: bool,
    /// Off: POST to the base is 405.
    pub transaction: bool,
    /// How versions are kept.
    pub versioning: Versioning,
    /// Off: there is no Subscription.
    pub subscriptions: bool,
}

impl Default for Capabilities {
    /// Everything a good server has.
    fn default() -> Self {
        Self {
            conditional_create: true,
            update_create: true,
            transaction: true,
            versioning: Versioning::Versioned,
            subscriptions: true,
        }
    }
}
