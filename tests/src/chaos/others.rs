//! The EHRs beside Epic: the generic FHIR R4 server, where every coming and going is an `AuditEvent` and a `Communication`
//! made once, and Oracle Health, whose appointment turns *arrived*. How the relay is told of them, and how Oracle Health is
//! judged; what is made once is `creates.rs`, the Encounter `encounters.rs`.

use anyhow::Context;
use serde_json::{Value, json};

use super::checker::Verdict;
use super::crowd::{Crowd, open};
use super::scene::Scene;
use crate::stack::Organization;

/// The vendor's word in the relay's configuration, and the sandbox's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Other {
    /// A generic server.
    FhirR4,
    /// Millennium.
    OracleHealth,
}

impl Other {
    fn vendor(self) -> &'static str {
        match self {
            Self::FhirR4 => "fhir-r4",
            Self::OracleHealth => "oracle-health",
        }
    }

    /// In the sandbox's addresses of things.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::FhirR4 => "r4",
            Self::OracleHealth => "oracle",
        }
    }

    /// What the sandbox publishes of it.
    fn published(self, northside: &Organization) -> anyhow::Result<&Value> {
        let all = northside.0["more_ehrs"].as_array().context("the sandbox has Epic only")?;
        all.iter().find(|it| it["vendor"] == self.vendor()).with_context(|| format!("there is no {}", self.vendor()))
    }

    /// Its FHIR base.
    pub(super) fn iss(self, northside: &Organization) -> anyhow::Result<String> {
        Ok(self.published(northside)?["iss"].as_str().context("an EHR without an address")?.to_owned())
    }

    /// What an analyst would type. No clinician launches from it here.
    fn typed(self, northside: &Organization) -> anyhow::Result<Value> {
        let it = self.published(northside)?;
        Ok(json!({
            "vendor": it["vendor"], "environment": it["environment"], "iss": it["iss"],
            "companion_client_id": "none", "patient_client_id": "none", "backend_client_id": it["backend_client_id"],
            "virtual_visit_types": it["virtual_visit_types"], "identifier_systems": it["identifier_systems"],
            "communication": self == Self::FhirR4,
        }))
    }
}

/// Opens visits at one of them.
pub(super) async fn gather(scene: &Scene, other: Other, visits: usize) -> anyhow::Result<Crowd> {
    let published = other.published(&scene.hospital.northside)?.clone();
    let iss = other.iss(&scene.hospital.northside)?;
    let list = |name: &str| published[name].as_array().cloned().with_context(|| format!("no {name} there"));
    let (practitioners, patients) = (list("people")?, list("patients")?);
    let mut parts = Vec::new();
    for n in 0..visits {
        let practitioner = practitioners.get(n % practitioners.len()).context("nobody works there")?;
        let patient = patients.get(n % patients.len()).context("nobody is treated there")?;
        let appointment = scene.hospital.schedule_at(other.word(), practitioner, patient).await?;
        parts.extend(open(&scene.hospital, &scene.nodes, &iss, &appointment, practitioner, patient).await?);
    }
    Ok(Crowd::of(&scene.nodes, parts))
}

/// The organization with its other EHRs, and with messages at Epic beside the connection status if so wished.
pub(super) fn with(northside: &Organization, others: &[Other], messages: bool) -> anyhow::Result<Value> {
    let mut configuration = northside.configuration()?;
    let ehrs = configuration["ehr"].as_array_mut().context("an organization without an EHR")?;
    ehrs.first_mut().context("an organization without an EHR")?["communication"] = json!(messages);
    for other in others {
        ehrs.push(other.typed(northside)?);
    }
    Ok(configuration)
}

/// Judges the appointments at Oracle Health: arrived where the patient ever came. At quiescence.
pub(super) async fn judge_arrivals(scene: &Scene, crowd: &Crowd) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let standing = scene.hospital.sandbox.get("/standing?ehr=oracle").await?;
    let standing = standing["oracle"]["appointments"].as_array().context("no appointments stand")?;
    for (n, part) in crowd.parts.iter().enumerate().filter(|(_, part)| part.oid.is_none()) {
        let stands = standing.iter().find(|it| it["appointment_id"] == part.appointment.as_str());
        let arrived = stands.is_some_and(|it| it["status"] == "arrived");
        let came = !crowd.said(n)?.is_empty();
        *(if came { &mut verdict.judged.lost } else { &mut verdict.judged.invented }) += 1;
        match (came, arrived) {
            (true, false) => verdict.lost += 1,
            (false, true) => verdict.invented += 1,
            _ => {}
        }
    }
    Ok(verdict)
}
