//! `[[organizations]]`: a customer (one Entra tenant, one or more EHR connections) as a Microsoft 365 admin and an EHR
//! analyst type it in. Values that no public vendor page gives have no default; absent means that it cannot be done.

use std::collections::BTreeMap;

use roomed_protocol::PageTexts;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{ContextLink, MeetingsConfig, Region, SendingConfig};

/// One customer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organization {
    /// Stands in launch URLs: lower-case letters, digits and hyphens.
    pub key: String,
    /// Shown to people.
    pub name: String,
    /// The region whose relay serves it.
    pub region: Region,
    /// Entra tenant id.
    pub tid: String,
    /// The mailbox-less account under which meetings are made (Entra object id).
    pub organizer_oid: String,
    /// Entra object ids of those who are alerted when nobody else can be.
    #[serde(default)]
    pub delegates: Vec<String>,
    /// Whether a clinician may begin a colleague's visit.
    #[serde(default)]
    pub covering: Covering,
    /// Sign-in.
    pub entra: EntraConfig,
    /// Meetings.
    pub graph: GraphConfig,
    /// Its departments, as far as staff are told apart by them.
    #[serde(default)]
    pub departments: Vec<DepartmentConfig>,
    /// App roles of the staff page.
    #[serde(default)]
    pub staff: Vec<StaffRole>,
    /// What visit pages say and show.
    #[serde(default)]
    pub pages: PagesConfig,
    /// What the staff page shows.
    #[serde(default)]
    pub staff_page: StaffPageConfig,
    /// What its meetings are like.
    #[serde(default)]
    pub meeting: MeetingsConfig,
    /// How links are sent; absent: by hand only.
    #[serde(default)]
    pub sending: Option<SendingConfig>,
    /// EHR connections.
    pub ehr: Vec<EhrConfig>,
}

/// `[[organizations.departments]]`: a department, by every id the EHR has for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepartmentConfig {
    /// Ours: what staff roles name.
    pub id: String,
    /// Shown to staff.
    pub name: String,
    /// What the launch's context token says (`departmentId`).
    #[serde(default)]
    pub numbers: Vec<String>,
    /// FHIR `Location` ids on its appointments.
    #[serde(default)]
    pub locations: Vec<String>,
}

/// `[[organizations.staff]]`: an app role in Entra, and whose visits it shows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaffRole {
    /// The role's value, as the token carries it.
    pub role: String,
    /// Ids of departments; `"*"` alone for all of them, also for visits whose department nobody has said.
    pub departments: Vec<String>,
}

/// `[organizations.pages]`: the organization's own words on the visit page, by language, and whom pages name. Plain text.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PagesConfig {
    /// Shown on the first step: `notice = { en = "..", es = ".." }`.
    #[serde(default)]
    pub notice: BTreeMap<String, String>,
    /// Agreed to by pressing *I'm ready*.
    #[serde(default)]
    pub consent: BTreeMap<String, String>,
    /// Whether the visit page says who the clinician is.
    #[serde(default)]
    pub clinician: ShowClinician,
}

/// `[organizations.staff_page]`: what staff are shown beside times, roles and states.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StaffPageConfig {
    /// Whether the list says who the clinician is. Front desks tell visits apart by it, so it does unless it is hidden.
    pub clinician: ShowClinician,
}

impl Default for StaffPageConfig {
    fn default() -> Self {
        Self { clinician: ShowClinician::Shown }
    }
}

/// Whether a page says what the clinician is called. Whoever says nothing keeps names off the visit pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShowClinician {
    /// By the name of their `Practitioner` in the EHR.
    Shown,
    /// Not there; where no page shows it, it is not even read.
    #[default]
    Hidden,
}

/// Who reads a clinician's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Patients, and everybody else on a visit page.
    VisitPage,
    /// Front desk and rooming staff.
    Staff,
}

impl PagesConfig {
    /// As the page is told them.
    pub fn texts(&self) -> BTreeMap<String, PageTexts> {
        let mut texts: BTreeMap<String, PageTexts> = BTreeMap::new();
        for (language, text) in &self.notice {
            texts.entry(language.clone()).or_default().notice = Some(text.clone());
        }
        for (language, text) in &self.consent {
            texts.entry(language.clone()).or_default().consent = Some(text.clone());
        }
        texts
    }
}

/// Whether a clinician may begin a colleague's visit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Covering {
    /// Once they say so; it is recorded and shown to both.
    #[default]
    Allowed,
    /// Never.
    Forbidden,
}

/// The organization's Entra tenant and our registrations in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntraConfig {
    /// The tenant's issuer, e.g. `https://login.microsoftonline.com/{tid}/v2.0`.
    pub authority: String,
    /// The companion's public client.
    pub companion_client_id: String,
    /// The relay's confidential client.
    pub relay_client_id: String,
    /// Its secret.
    pub relay_client_secret: SecretString,
    /// The relay's API scope, `api://{relay_client_id}/access_as_user`.
    pub scope: String,
}

/// Graph and the keys its notifications are signed with.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphConfig {
    /// E.g. `https://graph.microsoft.com/v1.0`.
    pub base: String,
    /// Where subscriptions to call events are made; call events are in `beta`.
    pub subscriptions_base: String,
    /// Client credentials.
    pub token_endpoint: String,
    /// JWKS of the `validationTokens`.
    pub validation_keys: String,
    /// Their issuer.
    pub validation_issuer: String,
    /// Their `azp` or `appid`: Graph's own application.
    pub notification_app_id: String,
}

/// What speaks FHIR there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Vendor {
    /// Epic.
    Epic,
    /// Oracle Health (Cerner Millennium).
    OracleHealth,
    /// Any server that says what it can in a FHIR R4 CapabilityStatement.
    FhirR4,
}

impl Vendor {
    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Epic => "epic",
            Self::OracleHealth => "oracle-health",
            Self::FhirR4 => "fhir-r4",
        }
    }
}

/// Whether real charts are behind a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Made-up patients; said on the clinician's screen.
    Test,
    /// Real ones.
    Production,
}

impl Environment {
    /// The word in the configuration and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Production => "production",
        }
    }
}

/// Where the EHR sends the code of a clinician's launch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LaunchRedirect {
    /// To the companion's loopback port (RFC 8252, 7.3).
    Loopback,
    /// To the relay's https page, which passes it on.
    #[default]
    Relay,
}

/// One EHR connection. It stands here because the organization has approved it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EhrConfig {
    /// Who made it.
    pub vendor: Vendor,
    /// Test or production.
    pub environment: Environment,
    /// FHIR base URL, exactly as the EHR sends it in `iss`.
    pub iss: String,
    /// The companion's public SMART client.
    pub companion_client_id: String,
    /// The SMART client of launches that run in the browser, without a companion; absent: they cannot.
    pub browser_client_id: Option<String>,
    /// Where its code goes.
    #[serde(default)]
    pub redirect: LaunchRedirect,
    /// The visit page's SMART client. Oracle Health: for standalone launches too, since links on appointments are opened by
    /// any browser.
    pub patient_client_id: String,
    /// A portal user who is a patient here may come in with another patient in the launch's context: this EHR shows those
    /// who act for a patient so. Elsewhere such a launch is refused as somebody else's.
    #[serde(default)]
    pub proxies_as_patients: bool,
    /// The relay's Backend Services client.
    pub backend_client_id: String,
    /// Base URL of Epic's web services beside FHIR. Needed for `connection_status` only.
    #[serde(default)]
    pub interconnect: String,
    /// Appointment types that are virtual visits.
    pub virtual_visit_types: Vec<Coding>,
    /// Which identifiers launches and the write-back need.
    #[serde(default)]
    pub identifier_systems: IdentifierSystems,
    /// Epic: how to tell the schedule who is connected; absent: it cannot be told.
    pub connection_status: Option<ConnectionStatus>,
    /// Epic: the encrypted link patients may come by instead of SMART; absent: such a link is refused.
    pub context_link: Option<ContextLink>,
    /// A `Communication` for everybody who comes or goes. Epic and `fhir-r4`.
    #[serde(default)]
    pub communication: bool,
    /// An `AuditEvent` for everybody who comes or goes. `fhir-r4` only.
    #[serde(default = "yes")]
    pub audit: bool,
}

fn yes() -> bool {
    true
}

/// A FHIR Coding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coding {
    /// The code system.
    pub system: String,
    /// The code.
    pub code: String,
}

/// `Identifier.system` of the ids the EHR knows people and visits by. Epic needs the first three; elsewhere only `csn` is used,
/// and without it no appointment is found by its number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentifierSystems {
    /// The visit's number, on Appointment and Encounter. Epic: the contact serial number, its ConferenceID.
    pub csn: String,
    /// The user record, on Practitioner.
    pub practitioner: String,
    /// The patient's external id, on Patient.
    pub patient: String,
    /// Epic: the conference id that the appointments of a group visit share, on Appointment. A launch record's session
    /// token is then `%CONFERENCEID%` for a group. Empty: there are no group visits.
    pub conference: String,
}

/// How the connection-status call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Profile {
    /// `SetExternalConnectionStatus` of Epic's context-aware linking (reference: EP-CODE, VI-CFG).
    #[serde(rename = "epic-2018-contextlinking")]
    Epic2018ContextLinking,
}

/// The HTTP method of the connection-status call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// The only one known from a public source.
    Get,
    /// In case an organization's release wants it.
    Post,
}

/// The connection-status service of one EHR connection.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionStatus {
    /// Which service.
    pub profile: Profile,
    /// The method.
    pub verb: Verb,
    /// Under `interconnect`.
    pub path: String,
    /// How the relay says who it is.
    pub auth: BasicAuth,
    /// Goes into `Epic-Client-ID`.
    pub epic_client_id: String,
    /// Goes into `VendorName`.
    pub vendor_name: String,
    /// The number for *connected*.
    pub connected: i64,
    /// The number for *disconnected*. No public page gives it, so there is no default: absent, it cannot be said.
    pub disconnected: Option<i64>,
    /// The numbers for `ExternalIDType`.
    pub external_id_type: ExternalIdType,
}

/// HTTP authentication of the connection-status service.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum BasicAuth {
    /// RFC 7617.
    Basic {
        /// `emp$<user>`.
        user: String,
        /// Its password.
        password: SecretString,
    },
}

/// `ExternalIDType` per role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalIdType {
    /// A clinician's.
    pub practitioner: i64,
    /// A patient's.
    pub patient: i64,
}

impl Organization {
    /// The EHR connection of an `iss`. Nothing else may be launched from.
    pub fn ehr(&self, iss: &str) -> Option<&EhrConfig> {
        self.ehr.iter().find(|it| it.iss == iss)
    }

    /// Whether these readers are told what clinicians are called. Without staff roles there is nobody to read the list.
    pub fn names_clinicians(&self, to: Readers) -> bool {
        match to {
            Readers::VisitPage => self.pages.clinician == ShowClinician::Shown,
            Readers::Staff => self.staff_page.clinician == ShowClinician::Shown && !self.staff.is_empty(),
        }
    }

    /// Whether this person is alerted when nobody else can be.
    pub fn is_delegate(&self, oid: &str) -> bool {
        self.delegates.iter().any(|it| it == oid)
    }
}
