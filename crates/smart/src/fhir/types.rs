//! FHIR R4 resources as far as Roomed reads them (hl7.org/fhir/R4). Everything is optional that FHIR lets be absent;
//! what is not named here survives in `rest`. `Debug` of a patient shows nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A resource type we know how to read.
pub trait Resource: serde::de::DeserializeOwned {
    /// FHIR's name of it.
    const TYPE: &'static str;
}

/// `Identifier`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    /// Namespace URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The value, as the namespace writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The rest.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// `Coding`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coding {
    /// Code system URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The rest.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// `CodeableConcept`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeableConcept {
    /// In several systems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coding: Vec<Coding>,
    /// The rest.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl CodeableConcept {
    /// True if one coding is exactly this.
    pub fn has(&self, system: &str, code: &str) -> bool {
        self.coding.iter().any(|c| c.system.as_deref() == Some(system) && c.code.as_deref() == Some(code))
    }
}

/// `Reference`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Literal: relative (`Patient/1`) or absolute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Logical.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Identifier>,
    /// The rest.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Reference {
    /// The id, if this is a literal reference to that type (relative, absolute or versioned).
    pub fn id_of(&self, resource_type: &str) -> Option<&str> {
        let text = self.reference.as_deref()?;
        let text = text.split_once("/_history/").map_or(text, |(text, _)| text);
        let (before, id) = text.rsplit_once('/')?;
        let kind = before.rsplit_once('/').map_or(before, |(_, kind)| kind);
        (kind == resource_type && !id.is_empty()).then_some(id)
    }
}

/// `Period`, both ends RFC 3339 or shorter FHIR dates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// From.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Until.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}

/// `Appointment.participant`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentParticipant {
    /// Who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Reference>,
    /// `accepted`, `declined`, `tentative` or `needs-action`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The rest.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// `Appointment`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Appointment {
    /// FHIR id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Business identifiers, among them the CSN.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifier: Vec<Identifier>,
    /// `booked`, `arrived`, `checked-in`, `fulfilled`, `cancelled`, `noshow`, `entered-in-error`, ...
    pub status: String,
    /// The visit type stands in one of these three, by vendor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_type: Vec<CodeableConcept>,
    /// See `service_type`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_category: Vec<CodeableConcept>,
    /// See `service_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointment_type: Option<CodeableConcept>,
    /// Instant, RFC 3339 with any offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Instant, RFC 3339 with any offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Everybody and everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub participant: Vec<AppointmentParticipant>,
    /// The rest.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Appointment {
    /// True if service type, service category or appointment type has this coding.
    pub fn has_type(&self, system: &str, code: &str) -> bool {
        self.service_type
            .iter()
            .chain(&self.service_category)
            .chain(&self.appointment_type)
            .any(|c| c.has(system, code))
    }

    /// Ids of all participants of a resource type.
    pub fn actors<'a>(&'a self, resource_type: &'a str) -> impl Iterator<Item = &'a str> {
        self.participant.iter().filter_map(move |p| p.actor.as_ref()?.id_of(resource_type))
    }

    /// True if somebody of a resource type (`Reference.type`) takes part whose id [`actors`](Self::actors) does not tell.
    pub fn has_nameless(&self, resource_type: &str) -> bool {
        let is_one = |it: &Reference| it.rest.get("type").and_then(Value::as_str) == Some(resource_type);
        let mut actors = self.participant.iter().filter_map(|p| p.actor.as_ref());
        actors.any(|actor| is_one(actor) && actor.id_of(resource_type).is_none())
    }
}

/// `Encounter.participant`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncounterParticipant {
    /// Who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub individual: Option<Reference>,
    /// The rest.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// `Encounter`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Encounter {
    /// FHIR id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Business identifiers, among them the CSN.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifier: Vec<Identifier>,
    /// `planned`, `arrived`, `in-progress`, `finished`, ...
    pub status: String,
    /// `VR` for virtual (v3 ActCode).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Coding>,
    /// Patient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Reference>,
    /// The appointment(s) it came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub appointment: Vec<Reference>,
    /// Clinicians.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub participant: Vec<EncounterParticipant>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// The rest.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// `HumanName`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HumanName {
    /// `official`, `usual`, `old`, ...
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub name_use: Option<String>,
    /// As a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Given names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
}

impl HumanName {
    /// `text`, or given names and family name.
    pub fn display(&self) -> Option<String> {
        if let Some(text) = self.text.as_deref().map(str::trim).filter(|t| !t.is_empty()) {
            return Some(text.to_owned());
        }
        let parts: Vec<&str> = self.given.iter().map(String::as_str).chain(self.family.as_deref()).collect();
        Some(parts.join(" ")).filter(|name| !name.is_empty())
    }
}

/// `Patient`. The relay reads identifiers only; the name is for the companion's banner.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Patient {
    /// FHIR id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Business identifiers, among them the WPR id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifier: Vec<Identifier>,
    /// Names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub name: Vec<HumanName>,
    /// FHIR date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<String>,
    /// The rest.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Patient {
    /// The name to show: `official`, else `usual`, else the first that is not `old`.
    pub fn display_name(&self) -> Option<String> {
        to_show(&self.name)
    }
}

fn to_show(names: &[HumanName]) -> Option<String> {
    let by_use = |wanted: &str| names.iter().find(|n| n.name_use.as_deref() == Some(wanted));
    by_use("official")
        .or_else(|| by_use("usual"))
        .or_else(|| names.iter().find(|n| n.name_use.as_deref() != Some("old")))
        .and_then(HumanName::display)
}

impl std::fmt::Debug for Patient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Patient { .. }")
    }
}

impl std::fmt::Debug for HumanName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HumanName { .. }")
    }
}

/// `Practitioner`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Practitioner {
    /// FHIR id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Business identifiers, among them the EMP id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifier: Vec<Identifier>,
    /// Names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub name: Vec<HumanName>,
    /// The rest.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Practitioner {
    /// The name to show, as of a patient.
    pub fn display_name(&self) -> Option<String> {
        to_show(&self.name)
    }
}

/// `OperationOutcome.issue`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// `fatal`, `error`, `warning`, `information`.
    #[serde(default)]
    pub severity: String,
    /// FHIR's IssueType.
    #[serde(default)]
    pub code: String,
    /// The vendor's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<CodeableConcept>,
}

/// `OperationOutcome`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationOutcome {
    /// At least one.
    #[serde(default)]
    pub issue: Vec<Issue>,
}

/// `Bundle.link`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleLink {
    /// `self`, `next`, ...
    pub relation: String,
    /// Absolute, or relative to the FHIR base.
    pub url: String,
}

/// `Bundle.entry`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BundleEntry {
    /// The resource as JSON; its type is `resourceType`.
    pub resource: Option<Value>,
}

/// `Bundle` of type `searchset`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// Paging.
    #[serde(default)]
    pub link: Vec<BundleLink>,
    /// Matches, included resources and outcomes.
    #[serde(default)]
    pub entry: Vec<BundleEntry>,
}

macro_rules! resources {
    ($($type:ident),*) => { $(impl Resource for $type { const TYPE: &'static str = stringify!($type); })* };
}
resources!(Appointment, Encounter, Patient, Practitioner);

/// The value of the first identifier of a system.
pub(crate) fn identifier_value<'a>(all: &'a [Identifier], system: &str) -> Option<&'a str> {
    all.iter().find(|i| i.system.as_deref() == Some(system)).and_then(|i| i.value.as_deref())
}

macro_rules! identified {
    ($($type:ident),*) => { $(impl $type {
        /// The value of the first identifier of this system.
        pub fn identifier_of(&self, system: &str) -> Option<&str> {
            identifier_value(&self.identifier, system)
        }
    })* };
}
identified!(Appointment, Encounter, Patient, Practitioner);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn what_is_not_named_survives() {
        let json = serde_json::json!({"resourceType":"Appointment","id":"a","status":"booked","minutesDuration":30,
            "identifier":[{"use":"usual","system":"urn:csn","value":"27"}],
            "serviceType":[{"coding":[{"system":"urn:t","code":"VV-TEAMS"}]}],
            "participant":[{"actor":{"reference":"https://h/R4/Practitioner/p1","display":"x"},"status":"accepted"},
                           {"actor":{"reference":"Patient/q"},"status":"accepted"}]});
        let appointment: Appointment = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&appointment).unwrap(), json);
        assert!(appointment.has_type("urn:t", "VV-TEAMS"));
        assert_eq!(appointment.identifier_of("urn:csn"), Some("27"));
        assert_eq!(appointment.actors("Practitioner").collect::<Vec<_>>(), ["p1"]);
        assert_eq!(appointment.actors("Patient").collect::<Vec<_>>(), ["q"]);
    }

    #[test]
    fn the_name_on_the_banner() {
        let json = serde_json::json!({"name":[{"use":"old","text":"Old Name"},{"use":"usual","given":["Ann","B."],"family":"C"}]});
        let patient: Patient = serde_json::from_value(json).unwrap();
        assert_eq!(patient.display_name().as_deref(), Some("Ann B. C"));
        assert_eq!(format!("{patient:?}"), "Patient { .. }");
    }
}
