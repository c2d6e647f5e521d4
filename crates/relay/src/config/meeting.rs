//! `[organizations.meeting]`: what an organization's meetings are like: who waits in the lobby, and whether ending a visit
//! removes people. Whoever says nothing has the careful choice.

use serde::{Deserialize, Serialize};

/// `[organizations.meeting]`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeetingsConfig {
    /// Who goes in without waiting in the lobby.
    #[serde(default)]
    pub lobby: Lobby,
    /// *End for all* removes whoever stays inside. Wants a permission and a policy of the tenant beside.
    #[serde(default)]
    pub removal: bool,
}

/// Who goes in without waiting in the lobby, in Graph's words (`lobbyBypassScope`). Clinicians of the visit always do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Lobby {
    /// Nobody else.
    #[default]
    Organizer,
    /// Whoever is on the meeting's list: here the visit's clinicians, so nobody else.
    Invited,
    /// Accounts of the tenant that are no guest accounts.
    OrganizationExcludingGuests,
    /// Accounts of the tenant.
    Organization,
    /// And those of tenants it is federated with.
    OrganizationAndFederated,
    /// Everybody: refused, since a link that was passed on would open a visit.
    Everyone,
}

impl Lobby {
    /// Graph's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organizer => "organizer",
            Self::Invited => "invited",
            Self::OrganizationExcludingGuests => "organizationExcludingGuests",
            Self::Organization => "organization",
            Self::OrganizationAndFederated => "organizationAndFederated",
            Self::Everyone => "everyone",
        }
    }
}

impl MeetingsConfig {
    /// What is not to be allowed, each with what to write instead.
    pub fn findings(&self) -> Vec<String> {
        let open = "lobby = \"everyone\" would let anybody who has a link walk into a visit, unseen by its clinician; the \
                    widest there is is \"organizationAndFederated\"";
        if self.lobby == Lobby::Everyone { vec![open.to_owned()] } else { Vec::new() }
    }
}
