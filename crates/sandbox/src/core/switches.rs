//! The named switches: how the stand-in hospital behaves where real ones differ. This is the one table; the control page, the
//! list over HTTP (`GET /switches`) and the doors that ask all read it. What disturbs single requests is in `faults.rs`; what
//! a test does once (book a group, expire a subscription) is an act of the control API, not a switch.

use super::lock;
use std::{collections::BTreeMap, sync::Mutex};

/// One switch. Its first value is how the sandbox begins.
#[derive(Debug)]
pub struct Switch {
    /// Its name, for example `proxies`.
    pub name: &'static str,
    /// What it is about, in words.
    pub words: &'static str,
    /// Whether each organization has its own.
    pub per_organization: bool,
    /// Value and what it means.
    pub values: &'static [(&'static str, &'static str)],
}

/// What a portal's launch says of somebody who acts for a patient.
pub const PROXIES: Switch = Switch {
    name: "proxies",
    words: "People who act for a patient in MyChart, and how their launch names them",
    per_organization: true,
    values: &[
        ("related-person", "patient is whom they act for, fhirUser their RelatedPerson"),
        ("other-patient", "patient is whom they act for, fhirUser their own Patient if they have one"),
        ("none", "nobody may act for anybody"),
    ],
};

/// What the mail relay does with letters.
pub const MAIL: Switch = Switch {
    name: "mail",
    words: "What the mail relay does with letters",
    per_organization: false,
    values: &[
        ("takes", "takes them and says so"),
        ("refuses-for-now", "refuses every recipient with 451: try again later"),
        ("refuses-for-ever", "refuses every recipient with 550: no such mailbox"),
        ("hangs", "never answers the final dot, and keeps nothing"),
        ("cuts-before", "cuts the line at the final dot, and keeps nothing"),
        ("cuts-after", "keeps the letter, then cuts the line without an answer"),
    ],
};

/// Who may submit letters.
pub const MAIL_SIGN_IN: Switch = Switch {
    name: "mail_sign_in",
    words: "Whether the mail relay wants to know who submits a letter",
    per_organization: false,
    values: &[("open", "anybody on this computer may"), ("demanded", "only who signs in with AUTH PLAIN may")],
};

/// How the mail relay is talked to in secret.
pub const MAIL_TLS: Switch = Switch {
    name: "mail_tls",
    words: "How the mail relay is talked to in secret",
    per_organization: false,
    values: &[
        ("none", "not at all, and it offers nothing"),
        ("starttls", "it offers STARTTLS and takes no letter before it"),
        ("implicit", "from the first byte"),
    ],
};

/// Who vouches for the mail relay.
pub const MAIL_CERTIFICATE: Switch = Switch {
    name: "mail_certificate",
    words: "Who has signed the mail relay's certificate",
    per_organization: false,
    values: &[("own", "the hospital's own authority, in GET /mail"), ("strangers", "somebody nobody knows")],
};

/// Whether subscribers and apps hear of people in the lobby.
pub const LOBBY_VISIBLE: Switch = Switch {
    name: "lobby_visible",
    words: "Whether a meeting's roster tells of people in the lobby",
    per_organization: true,
    values: &[("yes", "they are in it, with isInLobby"), ("no", "they are in it only once they have been let in")],
};

/// What somebody is who comes back to a meeting.
pub const REJOIN: Switch = Switch {
    name: "rejoin",
    words: "Who was removed or has gone, and comes back to the meeting",
    per_organization: true,
    values: &[
        ("new-id", "is a new participant, as Graph has it"),
        ("old-id", "has the participant id of before; no source says so, a reader should survive it"),
    ],
};

/// As whom people of another tenant come to a meeting of this one.
pub const GUEST_TENANTS: Switch = Switch {
    name: "guest_tenants",
    words: "People of another tenant in this one's meetings",
    per_organization: true,
    values: &[
        ("federated", "come as themselves: their own tenant and object id"),
        ("invited", "come as guest accounts of this tenant, with an object id that nobody knows"),
    ],
};

/// Whether an app may remove people from this tenant's meetings.
pub const REMOVAL: Switch = Switch {
    name: "removal",
    words: "Whether the relay's app may join this tenant's meetings and remove people",
    per_organization: true,
    values: &[
        ("none", "no permission for calls was granted"),
        ("consented", "it may join, but the tenant's cmdlet to remove participants was not run"),
        ("on", "it may join and remove; at the lobby it is like anybody of the tenant"),
        ("past-lobby", "it may join and remove, and passes every lobby; no source says which of the two it is"),
    ],
};

/// Which application permissions the relay has.
pub const CONSENT: Switch = Switch {
    name: "consent",
    words: "Which of the relay's application permissions the tenant's administrator has consented to",
    per_organization: true,
    values: &[
        ("all", "all it asks for; those of the calls API are the switch removal's"),
        ("no-writing", "all but OnlineMeetings.ReadWrite.All"),
        ("no-attendance", "all but OnlineMeetingArtifact.Read.All"),
        ("no-patient-links", "all but VirtualAppointment.ReadWrite.All"),
        ("withdrawn", "the application is not in the tenant any more (AADSTS700016)"),
    ],
};

/// How the relay's client secret stands.
pub const CLIENT_SECRET: Switch = Switch {
    name: "client_secret",
    words: "How the client secret of the relay's registration stands",
    per_organization: false,
    values: &[("valid", "it is good"), ("expired", "its time is over (AADSTS7000222)")],
};

/// Whether the EHRs have fetched the relay's keys.
pub const KEY_SYNC: Switch = Switch {
    name: "key_sync",
    words: "Whether the EHRs have fetched the relay's published keys",
    per_organization: false,
    values: &[("done", "they look whenever they are asked"), ("not-yet", "no key of the relay's has come there yet")],
};

/// What the servers' clocks say in the Date of an answer.
pub const SERVER_DATE: Switch = Switch {
    name: "server_date",
    words: "What time the hospital's servers say it is, in the Date of every answer",
    per_organization: false,
    values: &[("right", "what this machine's clock says"), ("ahead", "ten minutes more")],
};

/// What Entra says of who somebody is.
pub const ACCOUNT_NAMES: Switch = Switch {
    name: "account_names",
    words: "What Entra's tokens say an account is called",
    per_organization: true,
    values: &[
        ("both", "name and preferred_username"),
        ("sign-in-name", "an account without a display name: preferred_username only"),
        ("neither", "nothing: the profile scope was not granted"),
    ],
};

/// How MyChart begins a visit.
pub const CONTEXT_LINKS: Switch = Switch {
    name: "context_links",
    words: "How MyChart begins a visit for a patient",
    per_organization: true,
    values: &[
        ("smart", "by a SMART launch"),
        ("aes-256", "by an encrypted link, AES-256-CBC, as this organization's description has it"),
        ("aes-128", "by an encrypted link, AES-128-CBC, as this organization's description has it"),
        ("aes-256-beside", "the same with AES-256, the IV beside it, and a known beginning"),
        ("aes-256-hex", "the same with AES-256, the secret in hex, the IV in front, filled up with zeros"),
        ("aes-128-base64", "the same with AES-128, the secret in Base64, the key's beginning as IV, written in hex"),
        ("aes-128-derived", "the same with AES-128, the key by SHA-1 as Windows derives it, a fixed IV"),
        ("aes-256-sha256", "the same with AES-256, the secret's SHA-256 as key"),
        ("aes-256-pbkdf2", "the same with AES-256, key and IV by PBKDF2 with SHA-1"),
        ("aes-128-pbkdf2", "the same with AES-128, the key by PBKDF2 with SHA-256"),
        ("as-told", "by an encrypted link as PUT /context-links has told; until then by SMART"),
    ],
};

/// How large a screen MyChart is on.
pub const MYCHART: Switch = Switch {
    name: "mychart",
    words: "The screen that MyChart is drawn for",
    per_organization: true,
    values: &[("any", "whatever the browser's window is"), ("phone", "a phone of 360 px, however wide the window is")],
};

/// All of them, in the order of the control page.
pub const ALL: [&Switch; 16] = [
    &CONSENT,
    &CLIENT_SECRET,
    &KEY_SYNC,
    &SERVER_DATE,
    &ACCOUNT_NAMES,
    &PROXIES,
    &CONTEXT_LINKS,
    &MYCHART,
    &GUEST_TENANTS,
    &LOBBY_VISIBLE,
    &REJOIN,
    &REMOVAL,
    &MAIL,
    &MAIL_SIGN_IN,
    &MAIL_TLS,
    &MAIL_CERTIFICATE,
];

/// Why a switch was not thrown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotThrown {
    /// No such switch.
    #[error("there is no such switch; GET /switches lists them")]
    Name,
    /// No such value.
    #[error("the switch has no such value; GET /switches lists them")]
    Value,
    /// It is one for the whole hospital, or the organization is unknown.
    #[error("this switch is not one per organization, or there is no such organization")]
    Organization,
}

/// How they stand: only those that were thrown.
#[derive(Default)]
pub struct Switches(Mutex<BTreeMap<(&'static str, String), &'static str>>);

impl Switches {
    /// How a switch stands for an organization; for one of the whole hospital the organization does not matter.
    pub fn of(&self, switch: &Switch, organization: &str) -> &'static str {
        let key = (switch.name, whose(switch, organization));
        lock(&self.0).get(&key).copied().unwrap_or(switch.values[0].0)
    }

    /// Whether a switch stands at `value`.
    pub fn is(&self, switch: &Switch, organization: &str, value: &str) -> bool {
        debug_assert!(switch.values.iter().any(|(it, _)| *it == value), "{} has no {value}", switch.name);
        self.of(switch, organization) == value
    }

    /// Throws a switch, for one of `organizations` or for all.
    pub fn throw(
        &self,
        name: &str,
        value: &str,
        organization: Option<&str>,
        organizations: &[&str],
    ) -> Result<(), NotThrown> {
        let switch = ALL.into_iter().find(|it| it.name == name).ok_or(NotThrown::Name)?;
        let (value, _) = switch.values.iter().find(|(it, _)| *it == value).ok_or(NotThrown::Value)?;
        let fits = organization.is_none_or(|it| switch.per_organization && organizations.contains(&it));
        if !fits {
            return Err(NotThrown::Organization);
        }
        let mut all = lock(&self.0);
        for it in organizations.iter().filter(|it| organization.is_none_or(|wanted| wanted == **it)) {
            all.insert((switch.name, whose(switch, it)), value);
        }
        Ok(())
    }
}

fn whose(switch: &Switch, organization: &str) -> String {
    if switch.per_organization { organization.to_owned() } else { String::new() }
}
