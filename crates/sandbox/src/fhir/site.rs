//! An EHR beside Epic: one server, a site per hospital. The people are Epic's, under ids and identifiers of this EHR's own.

use super::people;
use crate::{
    core::{Canaries, Ehr, Hospital, IdentifierSystems, Organization, Random, SigningKey},
    smart::{Tokens, clients::Clients, grants::Grants, scopes::Registered},
};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Mutex};

/// One server.
pub struct Server {
    /// Which EHR it is.
    pub ehr: Ehr,
    /// Its name on a page.
    pub(crate) product: &'static str,
    /// Its sites.
    pub sites: Vec<Site>,
    /// Registered applications, the same at every site.
    pub clients: Clients,
    pub(crate) registered: &'static Registered,
    /// A site's authorization server, which is its issuer too.
    pub(crate) authority: fn(&Hospital, &Site) -> String,
    /// A site's FHIR base.
    pub(crate) base: fn(&Hospital, &Site) -> String,
    /// Of Backend Services.
    pub(crate) tokens: Tokens,
    /// Of whoever launches.
    pub(crate) grants: Grants,
    pub(crate) key: SigningKey,
    /// Browsers that are signed in at the portal: session -> organization key and the patient's FHIR id.
    pub(crate) portal: Mutex<HashMap<String, (String, String)>>,
}

/// What tells one server from another, beside its people.
pub(crate) struct Kind {
    pub(crate) ehr: Ehr,
    pub(crate) product: &'static str,
    pub(crate) registered: &'static Registered,
    pub(crate) authority: fn(&Hospital, &Site) -> String,
    pub(crate) base: fn(&Hospital, &Site) -> String,
}

impl Server {
    pub(crate) fn new(kind: Kind, sites: Vec<Site>, random: &Random) -> Self {
        let Kind { ehr, product, registered, authority, base } = kind;
        Self {
            ehr,
            product,
            sites,
            clients: Clients::new(ehr, random),
            registered,
            authority,
            base,
            tokens: Tokens::default(),
            grants: Grants::new(ehr),
            key: SigningKey::generate(random.stable_token(&format!("{} kid", ehr.word()), 22)),
            portal: Mutex::default(),
        }
    }

    /// Where a site's tokens come from.
    pub(crate) fn token_endpoint(&self, hospital: &Hospital, site: &Site) -> String {
        format!("{}/token", (self.authority)(hospital, site))
    }

    /// The site whose path begins with `segment`.
    pub(crate) fn site(&self, segment: &str) -> Option<&Site> {
        self.sites.iter().find(|it| it.segment == segment)
    }

    /// The site of an organization.
    pub fn of(&self, organization: &str) -> Option<&Site> {
        self.sites.iter().find(|it| it.organization == organization)
    }
}

/// Somebody both EHRs know.
#[derive(Clone, Debug)]
pub struct Known {
    /// FHIR id at Epic.
    pub epic_id: String,
    /// FHIR id here.
    pub id: String,
    /// Value of the identifier in the configured system.
    pub identifier: String,
}

/// A hospital's part of a server.
pub struct Site {
    /// Organization key.
    pub organization: &'static str,
    /// Its segment in the path.
    pub segment: String,
    /// Where it keeps its identifiers.
    pub systems: IdentifierSystems,
    /// Coding system of visit types.
    pub visit_type_system: String,
    /// The code for a Teams video visit.
    pub virtual_code: String,
    /// The code for an ordinary visit.
    pub office_code: String,
    /// Practitioners.
    pub practitioners: Vec<Known>,
    /// Patients.
    pub patients: Vec<Known>,
}

impl Site {
    pub(crate) fn new(
        organization: &Organization,
        ehr: Ehr,
        segment: String,
        visit_type_system: String,
        random: &Random,
        canaries: &Canaries,
    ) -> Self {
        let word = ehr.word();
        let arc =
            format!("urn:oid:2.16.840.1.113883.19.{}", random.stable_digits(&format!("{} {word} arc", segment), 6));
        let known = |kind: &str, epic_id: &str| Known {
            epic_id: epic_id.to_owned(),
            id: match ehr {
                Ehr::Oracle => random.stable_digits(&format!("{word} {kind} {epic_id}"), 8),
                _ => random.stable_guid(&format!("{word} {kind} {epic_id}")),
            },
            identifier: random.stable_digits(&format!("{word} {kind} identifier {epic_id}"), 9),
        };
        let practitioners = organization.people.iter().filter_map(|it| it.practitioner_id.as_deref());
        let site = Self {
            organization: organization.key,
            segment,
            systems: IdentifierSystems {
                csn: format!("{arc}.3"),
                practitioner: format!("{arc}.1"),
                patient: format!("{arc}.2"),
            },
            visit_type_system,
            virtual_code: random.stable_digits(&format!("{word} virtual {}", organization.key), 7),
            office_code: random.stable_digits(&format!("{word} office {}", organization.key), 7),
            practitioners: practitioners.map(|it| known("practitioner", it)).collect(),
            patients: organization.patients.iter().map(|it| known("patient", &it.patient_id)).collect(),
        };
        for patient in &site.patients {
            canaries.patient("patient.id", &patient.id);
            canaries.patient("patient.identifier", &patient.identifier);
        }
        site
    }

    /// A patient by FHIR id here or at Epic.
    pub fn patient(&self, id: &str) -> Option<&Known> {
        self.patients.iter().find(|it| it.id == id || it.epic_id == id)
    }

    /// A practitioner by FHIR id here or at Epic.
    pub fn practitioner(&self, id: &str) -> Option<&Known> {
        self.practitioners.iter().find(|it| it.id == id || it.epic_id == id)
    }

    /// Whether a visit type, in this site's code or the sandbox's word, is virtual; `None` if it is neither.
    pub(crate) fn is_virtual(&self, kind: &str) -> Option<bool> {
        if kind == self.virtual_code || kind == crate::epic::chart::VIRTUAL {
            Some(true)
        } else if kind == self.office_code || kind == crate::epic::chart::OFFICE {
            Some(false)
        } else {
            None
        }
    }

    /// The coding of a visit type.
    pub(crate) fn visit_type(&self, is_virtual: bool) -> Value {
        let (code, display) =
            if is_virtual { (&self.virtual_code, "Video Visit") } else { (&self.office_code, "Office Visit") };
        json!({
            "coding": [{ "system": self.visit_type_system, "code": code, "display": display, "userSelected": true }],
            "text": display,
        })
    }

    /// What its analyst would type into the relay's configuration, and who is who.
    pub(crate) fn configuration(&self, hospital: &Hospital, server: &Server, vendor: &str) -> Value {
        json!({
            "vendor": vendor, "ehr": server.ehr, "environment": "test",
            "iss": (server.base)(hospital, self), "token_endpoint": server.token_endpoint(hospital, self),
            "companion_client_id": server.clients.companion, "browser_client_id": server.clients.browser, "patient_client_id": server.clients.patient,
            "backend_client_id": server.clients.backend, "scopes": crate::smart::scopes::all(server.registered),
            "virtual_visit_types": [{ "system": self.visit_type_system, "code": self.virtual_code }],
            "identifier_systems": self.systems,
            "people": people::linked_practitioners(hospital, self), "patients": people::linked_patients(hospital, self),
        })
    }
}
