//! What a check found, as it is reported: typed fields of our own words, numbers and addresses of the configuration. No body of
//! an answer, no secret and nobody's name has a field to stand in.

use roomed_protocol::WhoCanFix;
use serde::Serialize;

use super::code::FindingCode;

/// What a check is about: the groups of the report, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// Where visits are kept.
    Database,
    /// Keys and certificates of the relay.
    Keys,
    /// The address by which others know the relay.
    Address,
    /// Sign-in.
    Entra,
    /// Meetings.
    Graph,
    /// The chart.
    Ehr,
}

impl Area {
    /// The group's heading.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Database => "Database and disk",
            Self::Keys => "Keys",
            Self::Address => "The relay's own address",
            Self::Entra => "Microsoft Entra",
            Self::Graph => "Microsoft Graph",
            Self::Ehr => "EHR",
        }
    }
}

/// How it stands; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Somebody has to act, or visits fail.
    Wrong,
    /// Nothing fails yet, but something is to be seen to, or to be waited for.
    Wait,
    /// It could not be found out.
    CannotTell,
    /// As it should be.
    Fine,
    /// This organization does without.
    NotUsed,
}

impl State {
    /// All, the worst first.
    pub const ALL: [Self; 5] = [Self::Wrong, Self::Wait, Self::CannotTell, Self::Fine, Self::NotUsed];

    /// The word in the report for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Wrong => "WRONG",
            Self::Wait => "wait",
            Self::CannotTell => "cannot tell",
            Self::Fine => "fine",
            Self::NotUsed => "not used",
        }
    }
}

/// What a check measured: what became of it, and the figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Decides words and state.
    pub code: FindingCode,
    /// Numbers and our own words.
    pub text: String,
}

impl Measured {
    pub(super) fn new(code: FindingCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check, e.g. `graph.token`.
    pub check: &'static str,
    /// Its group.
    pub area: Area,
    /// The organization's key, where it is about one.
    pub organization: Option<String>,
    /// `iss`, where it is about an EHR connection.
    pub ehr: Option<String>,
    /// How it stands.
    pub state: State,
    /// What was found, for machines.
    pub code: FindingCode,
    /// The figures.
    pub measured: String,
    /// What it means.
    pub cause: &'static str,
    /// Whose it is.
    pub owner: WhoCanFix,
    /// What they can do.
    pub fix: &'static str,
    /// To be pasted where they do it.
    pub copy: Option<String>,
}

/// What a person is called who can fix something.
pub fn called(owner: WhoCanFix) -> &'static str {
    match owner {
        WhoCanFix::Clinician => "the clinician",
        WhoCanFix::Microsoft365Admin => "Microsoft 365 admin",
        WhoCanFix::EhrAnalyst => "EHR analyst",
        WhoCanFix::It => "IT (who operates the relay)",
    }
}
