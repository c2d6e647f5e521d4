//! Ids as types of their own, so that a leg cannot stand where a person is meant.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// Takes the id as it stands.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

id! {
    /// A person in a visit. Opaque, made by the relay, stable within the visit.
    ParticipantId
}
id! {
    /// One connection of one person: a socket of our page, or Graph's `participant.id`, which lives from join to leave.
    LegId
}
id! {
    /// An Entra object id.
    Oid
}
