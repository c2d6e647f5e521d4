//! Which of the three EHRs something is about.

use serde::{Deserialize, Serialize};

/// An EHR of the stand-in hospital.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ehr {
    /// Epic.
    #[default]
    Epic,
    /// Oracle Health Millennium.
    Oracle,
    /// A generic FHIR R4 server.
    R4,
}

impl Ehr {
    /// The word in fault targets and in the journal.
    pub fn word(self) -> &'static str {
        match self {
            Self::Epic => "epic",
            Self::Oracle => "oracle",
            Self::R4 => "r4",
        }
    }
}
