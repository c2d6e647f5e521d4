//! Who may act for a patient: people with a portal user of their own and a RelatedPerson in the EHR for each patient they
//! act for. Some are patients themselves; then it is the same portal user.

use super::{Canaries, Patient, Random, fhir_id};
use serde::Serialize;

/// Somebody who acts for patients.
#[derive(Clone, Debug, Serialize)]
pub struct Proxy {
    /// Given and family name.
    pub name: String,
    /// Given name.
    pub given: String,
    /// Family name.
    pub family: String,
    /// The name they sign in to MyChart with.
    pub mychart_user: String,
    /// Their own Patient, by FHIR id, if they are treated here themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_patient_id: Option<String>,
    /// For whom they act.
    pub related: Vec<RelatedPerson>,
}

/// A proxy's record with one patient.
#[derive(Clone, Debug, Serialize)]
pub struct RelatedPerson {
    /// FHIR id of the RelatedPerson.
    pub related_person_id: String,
    /// FHIR id of the Patient (`RelatedPerson.patient`).
    pub patient_id: String,
    /// What they are to the patient: code of HL7's v3 RoleCode.
    pub relationship: &'static str,
    /// The same in a word.
    pub relationship_words: &'static str,
}

/// What somebody is to a patient: code and word.
pub(super) type Relationship = (&'static str, &'static str);

/// A proxy who is not treated here; with canaries on, an unmistakable one.
pub(super) fn proxy(
    random: &Random,
    canaries: &Canaries,
    (given, family): (&str, &str),
    of: &Patient,
    relationship: Relationship,
) -> Proxy {
    let label = format!("{given} {family}");
    let (mut given, mut family) = (given.to_owned(), family.to_owned());
    if canaries.unique() {
        let mark = random.stable_token(&format!("canary {label}"), 6).to_lowercase();
        given = format!("{given}x{mark}");
        family = format!("{family}z{mark}");
    }
    canaries.patient("proxy.given", &given);
    canaries.patient("proxy.family", &family);
    Proxy {
        name: format!("{given} {family}"),
        mychart_user: label.to_lowercase().replace(' ', "."),
        own_patient_id: None,
        related: vec![related(random, canaries, &label, of, relationship)],
        given,
        family,
    }
}

/// A patient who acts for another.
pub(super) fn patient_as_proxy(
    random: &Random,
    canaries: &Canaries,
    who: &Patient,
    of: &Patient,
    relationship: Relationship,
) -> Proxy {
    Proxy {
        name: who.name.clone(),
        given: who.given.clone(),
        family: who.family.clone(),
        mychart_user: who.mychart_user.clone(),
        own_patient_id: Some(who.patient_id.clone()),
        related: vec![related(random, canaries, &who.mychart_user, of, relationship)],
    }
}

fn related(
    random: &Random,
    canaries: &Canaries,
    label: &str,
    of: &Patient,
    (relationship, relationship_words): Relationship,
) -> RelatedPerson {
    let related_person_id = fhir_id(random, &format!("related person {label} {}", of.mychart_user));
    canaries.patient("related_person.id", &related_person_id);
    RelatedPerson { related_person_id, patient_id: of.patient_id.clone(), relationship, relationship_words }
}

/// Somebody who signs in at the portal.
pub struct PortalUser<'a> {
    /// Given name.
    pub given: &'a str,
    /// Given and family name.
    pub name: &'a str,
    /// The name they sign in with.
    pub user: &'a str,
    /// Their own record.
    pub own: Option<&'a Patient>,
    /// Whom else they may act for.
    pub acts_for: Vec<(&'a RelatedPerson, &'a Patient)>,
}

impl super::Organization {
    /// The portal user of that name.
    pub fn portal_user(&self, user: &str) -> Option<PortalUser<'_>> {
        let own = self.patients.iter().find(|it| it.mychart_user == user);
        let proxy = self.proxies.iter().find(|it| it.mychart_user == user);
        let related = proxy.into_iter().flat_map(|it| &it.related);
        let acts_for = related.filter_map(|it| Some((it, self.patient(&it.patient_id)?))).collect();
        let (given, name, user) = match (own, proxy) {
            (Some(own), _) => (&own.given, &own.name, &own.mychart_user),
            (None, Some(proxy)) => (&proxy.given, &proxy.name, &proxy.mychart_user),
            (None, None) => return None,
        };
        Some(PortalUser { given, name, user, own, acts_for })
    }

    /// Everybody who can sign in at the portal: name to sign in with, and name.
    pub fn portal_users(&self) -> impl Iterator<Item = (&str, &str)> {
        let patients = self.patients.iter().map(|it| (it.mychart_user.as_str(), it.name.as_str()));
        let others = self.proxies.iter().filter(|it| it.own_patient_id.is_none());
        patients.chain(others.map(|it| (it.mychart_user.as_str(), it.name.as_str())))
    }
}
