//! The relay's configuration: one struct per section of `relay.default.toml`, which holds every key and its comment.
//! Reading and merging is in `config/load.rs`, what an organization consists of in `config/organization.rs`,
//! what makes no sense together in `config/validate.rs`.

mod context_link;
mod load;
mod meeting;
mod organization;
mod regions;
mod sending;
mod validate;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use roomed_smart::guard::IpNet;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

pub(crate) use context_link::is_name;
pub use context_link::{Cipher, ContextKinds, ContextLink, ContextNames, Digest, Encoding, IvRule, KeyRule, Padding};
#[cfg(test)]
pub(crate) use load::tests::NORTHSIDE;
pub use load::{ConfigError, DEFAULTS};
pub use meeting::{Lobby, MeetingsConfig};
pub use organization::{
    BasicAuth, Coding, ConnectionStatus, Covering, EhrConfig, EntraConfig, Environment, ExternalIdType, GraphConfig,
    IdentifierSystems, LaunchRedirect, Organization, Profile, Readers, ShowClinician, Vendor, Verb,
};

pub use regions::Elsewhere;
pub use sending::{Carrier, SendingConfig, SmtpTls};

/// Where a relay and its organizations' data are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// Asia and Pacific.
    Apac,
    /// Americas.
    Amer,
    /// Europe, Middle East and Africa.
    Emea,
}

/// Everything the relay is told. `Debug` shows no secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    pub bind: SocketAddr,
    /// The address everybody else knows us by, without a slash at the end.
    pub public_url: String,
    /// This relay's region.
    pub region: Region,
    /// Public addresses of the relays of other regions.
    pub regions: BTreeMap<Region, String>,
    /// Development switches.
    pub dev: Dev,
    /// Logs.
    pub log: Log,
    /// The database.
    pub database: Database,
    /// Keys.
    pub keys: Keys,
    /// Launches and pages.
    pub launch: Launch,
    /// People who are signed in with a browser.
    pub web: Web,
    /// How a visit behaves.
    pub visit: Visit,
    /// What EHRs are asked.
    pub ehr: Ehr,
    /// Meetings and Graph.
    pub meeting: Meeting,
    /// Delivery to EHRs.
    pub outbox: Outbox,
    /// What is kept, and for how long.
    pub retention: Retention,
    /// Bounds.
    pub limits: Limits,
    /// Who is served.
    pub organizations: Vec<Organization>,
    /// Those in the file that the relay of another region serves. Of these no more is kept.
    #[serde(skip)]
    pub elsewhere: Vec<Elsewhere>,
}

/// `[dev]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dev {
    /// Plain http on loopback addresses.
    pub loopback_http: bool,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `tracing` filter for our own crates; third-party crates never log below `warn`.
    pub level: String,
    /// The form.
    pub format: LogFormat,
}

/// `[database]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite:<path>`.
    pub url: SecretString,
    /// Connections: those that read SQLite, all of PostgreSQL's.
    pub readers: u32,
    /// How long a writer waits for another process's lock.
    pub busy_timeout_ms: u32,
}

/// `[keys]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Where daily, signing and certificate keys lie: outside the database and its backups.
    pub directory: PathBuf,
    /// 64 hex digits; meant for the environment.
    pub master_key: Option<SecretString>,
    /// A file that holds them.
    pub master_key_file: Option<PathBuf>,
}

/// `[launch]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Launch {
    /// How long nonces, handles and callbacks are good for.
    pub one_time_seconds: u32,
    /// How long a visit that was begun in a browser is offered to the clinician's companion.
    pub offer_seconds: u32,
    /// How long a visit page's cookie is good for.
    pub page_session_hours: u32,
}

/// `[web]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Web {
    /// How long somebody stays signed in, whatever they do.
    pub session_minutes: u32,
    /// And how long while they do nothing.
    pub idle_minutes: u32,
}

/// Which fact counts as the patient's *connected* for the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectedAt {
    /// The patient is ready, before anyone joined.
    Ready,
    /// The patient was admitted to the meeting.
    Admitted,
}

/// What an arrival must be before anybody is alerted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertOn {
    /// The patient is ready.
    Arrived,
    /// Staff have roomed them.
    Triaged,
}

/// `[visit]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// How long somebody may be gone before it counts as a disconnect.
    pub grace_seconds: u32,
    /// How long before its planned start a patient can be ready.
    pub early_join_minutes: u32,
    /// When the chart is told that the patient is connected.
    pub connected_at: ConnectedAt,
    /// How long after *Join* a clinician may take to be in the meeting before the patient is news again.
    pub call_patience_seconds: u32,
    /// An alert nobody has taken on for so long goes to the delegates as well.
    pub delegate_after_seconds: u32,
    /// After the call ended and nobody is there for so long, the visit is over.
    pub quiet_close_minutes: u32,
    /// A visit nobody ended is closed so long after its planned end.
    pub overrun_minutes: u32,
    /// An end can be undone for so long.
    pub undo_minutes: u32,
    /// What an arrival must be before anybody is alerted.
    pub alert_on: AlertOn,
    /// How long one person on their way into the meeting keeps the next one waiting.
    pub door_seconds: u32,
    /// Whoever acts for a patient shows on the patient's line in the chart.
    pub proxy_in_chart: bool,
    /// An alert nobody acknowledged is repeated.
    pub alert_repeat_seconds: u32,
    /// A wait is shown as long from here on.
    pub wait_long_seconds: u32,
    /// And as too long from here on.
    pub wait_too_long_seconds: u32,
}

/// `[meeting]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meeting {
    /// How long one request to Graph may take.
    pub request_seconds: u32,
    /// How long a Graph subscription is asked for.
    pub watch_minutes: u32,
    /// A subscription is renewed so long before it ends.
    pub renew_before_minutes: u32,
}

/// `[ehr]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ehr {
    /// How often the appointment of an open visit is looked at; 0 never.
    pub poll_seconds: u32,
    /// From how long before its planned start.
    pub poll_before_minutes: u32,
    /// Where EHRs may stand besides the public internet.
    pub private_ranges: Vec<IpNet>,
}

/// `[outbox]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbox {
    /// How long a row is leased.
    pub lease_ms: u32,
    /// How long everything about one attempt may take: less than the lease.
    pub deadline_ms: u32,
    /// After an unknown outcome the current state is asserted again, so long after.
    pub settle_delay_ms: u32,
    /// Waits before the 2nd, 3rd, ... try; the last one repeats.
    pub schedule_ms: Vec<u32>,
    /// A row that failed so often, while the EHR took others, is parked.
    pub park_after_failures: u32,
    /// A row that failed for so long, while the EHR answered, is parked.
    pub park_after_hours: u32,
    /// `Retry-After` is believed up to this.
    pub retry_after_max_seconds: u32,
    /// How often to look for an id that the EHR does not have yet.
    pub identifier_ms: u32,
    /// An id that the EHR does not give for so long parks the row.
    pub identifier_hours: u32,
    /// Rows in flight at once to one EHR connection.
    pub concurrency: u32,
    /// Requests per second to one EHR connection.
    pub per_ehr_per_second: u32,
    /// Requests at once to one EHR connection after a pause.
    pub per_ehr_burst: u32,
    /// So many failures in a row, and an EHR connection is left in peace.
    pub breaker_failures: u32,
    /// For so long; doubled with every probe that fails.
    pub breaker_ms: u32,
    /// At most so long.
    pub breaker_max_ms: u32,
}

/// `[retention]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// A closed visit with a parked write-back keeps its payload for so long; then it is an incident.
    pub parked_days: u32,
    /// Write-backs without payload stay visible to operators for so long.
    pub entry_days: u32,
    /// An event is known to have been heard before for so long.
    pub event_days: u32,
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Largest request body.
    pub body_bytes: u32,
    /// Largest webhook body.
    pub webhook_body_bytes: u32,
    /// How long a request may take.
    pub request_seconds: u32,
    /// Sockets at once.
    pub sockets: u32,
    /// Of one person.
    pub sockets_each: u32,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Requests per minute and address where nobody is signed in.
    pub anonymous_per_minute: u32,
    /// Requests per minute and person.
    pub person_per_minute: u32,
    /// Notices are kept for so long.
    pub notice_days: u32,
}

impl Config {
    /// Entra's tokens carry GUIDs in lower case; what was typed must not lose an alert by being in capitals.
    fn lower_case_guids(&mut self) {
        for organization in &mut self.organizations {
            organization.tid.make_ascii_lowercase();
            organization.organizer_oid.make_ascii_lowercase();
            organization.delegates.iter_mut().for_each(|oid| oid.make_ascii_lowercase());
        }
    }

    /// The organization of a key, if this relay serves it.
    pub fn organization(&self, key: &str) -> Option<&Organization> {
        self.organizations.iter().find(|it| it.key == key)
    }
}
