//! Who may pass the lobby, admit, and end a meeting: the meeting's settings turned into answers.
//! Pure. Scopes and roles as in microsoft.md 3.3; leaves out recording and chat, which change no roster.

/// Who stands behind a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// Somebody with a Microsoft work account.
    User {
        /// Entra object id.
        oid: String,
        /// Tenant of the account.
        tenant_id: String,
        /// Display name.
        display_name: String,
        /// Whether it is a guest account of that tenant.
        is_guest: bool,
    },
    /// Somebody in a browser: only the name they typed.
    Guest {
        /// As typed; says nothing about who it is.
        display_name: String,
    },
    /// An app that has joined over Graph's calls API.
    App {
        /// Its client id.
        app_id: String,
        /// Tenant it acts in.
        tenant_id: String,
        /// Display name.
        display_name: String,
        /// Whether no lobby holds it up.
        past_lobby: bool,
    },
}

impl Who {
    /// What tiles and rosters show.
    pub(crate) fn display_name(&self) -> &str {
        match self {
            Self::User { display_name, .. } | Self::Guest { display_name } | Self::App { display_name, .. } => {
                display_name
            }
        }
    }

    /// Whether this is a Teams user; only those start a call.
    pub(crate) fn is_teams_user(&self) -> bool {
        matches!(self, Self::User { .. })
    }

    /// Object id of a Teams user.
    pub(crate) fn oid(&self) -> Option<&str> {
        match self {
            Self::User { oid, .. } => Some(oid),
            Self::Guest { .. } | Self::App { .. } => None,
        }
    }

    fn tenant(&self) -> Option<&str> {
        match self {
            Self::User { tenant_id, .. } | Self::App { tenant_id, .. } => Some(tenant_id),
            Self::Guest { .. } => None,
        }
    }

    /// The word for tests and the journal.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::User { .. } => "user",
            Self::Guest { .. } => "guest",
            Self::App { .. } => "app",
        }
    }
}

/// What the call needs to know of its meeting at this moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    /// Tenant of the meeting.
    pub(crate) tenant_id: String,
    /// Object id of the organizer.
    pub(crate) organizer: String,
    /// Attendees with role coorganizer.
    pub(crate) coorganizers: Vec<String>,
    /// Attendees with role presenter.
    pub(crate) presenters: Vec<String>,
    /// Everyone on the attendee list.
    pub(crate) invited: Vec<String>,
    /// `lobbyBypassSettings.scope`.
    pub(crate) lobby_bypass: String,
    /// `allowedPresenters`.
    pub(crate) allowed_presenters: String,
    /// `allowedLobbyAdmitters`.
    pub(crate) lobby_admitters: String,
}

impl Rules {
    /// Organizer or co-organizer.
    pub(crate) fn may_end(&self, who: &Who) -> bool {
        who.oid().is_some_and(|oid| oid == self.organizer || has(&self.coorganizers, oid))
    }

    /// May let people in from the lobby.
    pub(crate) fn may_admit(&self, who: &Who) -> bool {
        self.may_end(who) || (self.lobby_admitters != "organizerAndCoOrganizers" && self.is_presenter(who))
    }

    /// Goes straight in. Organizer and co-organizers always do.
    pub(crate) fn passes_lobby(&self, who: &Who) -> bool {
        if self.may_end(who) || matches!(who, Who::App { past_lobby: true, .. }) {
            return true;
        }
        let same_tenant = who.tenant() == Some(self.tenant_id.as_str());
        match self.lobby_bypass.as_str() {
            "everyone" => true,
            "organization" => same_tenant,
            "organizationExcludingGuests" => same_tenant && !matches!(who, Who::User { is_guest: true, .. }),
            "organizationAndFederated" => who.is_teams_user() || same_tenant,
            "invited" => who.oid().is_some_and(|oid| has(&self.invited, oid)),
            _ => false,
        }
    }

    /// One word for the people panel.
    pub(crate) fn title(&self, who: &Who) -> &'static str {
        match who.oid() {
            Some(oid) if oid == self.organizer => "Organizer",
            Some(oid) if has(&self.coorganizers, oid) => "Co-organizer",
            Some(_) if matches!(who, Who::User { is_guest: true, .. }) => "Guest",
            Some(_) => "",
            None if matches!(who, Who::App { .. }) => "App",
            None => "Guest",
        }
    }

    fn is_presenter(&self, who: &Who) -> bool {
        let same_tenant = who.tenant() == Some(self.tenant_id.as_str());
        match self.allowed_presenters.as_str() {
            // Anonymous people present at most; they never hold the role, which needs an identity (G-RES)
            "everyone" => who.is_teams_user(),
            "organization" => same_tenant,
            "roleIsPresenter" => who.oid().is_some_and(|oid| has(&self.presenters, oid)),
            _ => false,
        }
    }
}

fn has(list: &[String], oid: &str) -> bool {
    list.iter().any(|it| it == oid)
}
