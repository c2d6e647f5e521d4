//! The types this server has, what can be done to each, and how each is searched: one table for the doors and for the
//! CapabilityStatement.

use crate::fhir::search::{How, Param, param};

/// A type.
pub(super) struct Kind {
    /// Its name.
    pub(super) name: &'static str,
    /// Whether it can be created (update-as-create is a switch).
    pub(super) create: bool,
    /// Whether it can be updated.
    pub(super) update: bool,
    /// Whether it can be deleted.
    pub(super) delete: bool,
    /// Its search parameters.
    pub(super) params: &'static [Param],
}

const ID: Param = param("_id", How::Id);
const UPDATED: Param = param("_lastUpdated", How::Date("meta.lastUpdated"));
const IDENTIFIER: Param = param("identifier", How::Identifier("identifier"));
const STATUS: Param = param("status", How::Code("status"));
const PATIENT: Param = param("patient", How::Reference(&["subject"], Some("Patient")));
const SUBJECT: Param = param("subject", How::Reference(&["subject"], None));
const FAMILY: Param = param("family", How::Text(&["name.family"]));
const GIVEN: Param = param("given", How::Text(&["name.given"]));
const NAME: Param = param("name", How::Text(&["name.family", "name.given", "name.text"]));

const ACTORS: &[&str] = &["participant.actor"];
const SEEN: &[&str] = &["agent.who", "entity.what"];

pub(super) const KINDS: [Kind; 9] = [
    Kind {
        name: "Appointment",
        create: false,
        update: true,
        delete: false,
        params: &[
            ID,
            UPDATED,
            IDENTIFIER,
            STATUS,
            param("date", How::Date("start")),
            param("patient", How::Reference(ACTORS, Some("Patient"))),
            param("practitioner", How::Reference(ACTORS, Some("Practitioner"))),
            param("location", How::Reference(ACTORS, Some("Location"))),
            param("actor", How::Reference(ACTORS, None)),
            param("service-type", How::Coding("serviceType.coding")),
        ],
    },
    Kind {
        name: "Encounter",
        create: true,
        update: true,
        delete: false,
        params: &[
            ID,
            UPDATED,
            IDENTIFIER,
            STATUS,
            PATIENT,
            SUBJECT,
            param("appointment", How::Reference(&["appointment"], Some("Appointment"))),
            param("practitioner", How::Reference(&["participant.individual"], Some("Practitioner"))),
            param("participant", How::Reference(&["participant.individual"], None)),
            param("location", How::Reference(&["location.location"], Some("Location"))),
            param("class", How::Coding("class")),
            param("date", How::Date("period.start")),
        ],
    },
    Kind {
        name: "Location",
        create: true,
        update: true,
        delete: false,
        params: &[ID, UPDATED, IDENTIFIER, STATUS, param("name", How::Text(&["name", "alias"]))],
    },
    Kind {
        name: "HealthcareService",
        create: false,
        update: false,
        delete: false,
        params: &[ID, UPDATED, IDENTIFIER, param("name", How::Text(&["name"]))],
    },
    Kind {
        name: "Communication",
        create: true,
        update: true,
        delete: false,
        params: &[
            ID,
            UPDATED,
            IDENTIFIER,
            STATUS,
            PATIENT,
            SUBJECT,
            param("encounter", How::Reference(&["encounter"], Some("Encounter"))),
            param("sender", How::Reference(&["sender"], None)),
            param("recipient", How::Reference(&["recipient"], None)),
            param("medium", How::Coding("medium.coding")),
            param("sent", How::Date("sent")),
            param("received", How::Date("received")),
        ],
    },
    Kind {
        name: "AuditEvent",
        create: true,
        update: true,
        delete: false,
        params: &[
            ID,
            UPDATED,
            param("patient", How::Reference(SEEN, Some("Patient"))),
            param("entity", How::Reference(&["entity.what"], None)),
            param("agent", How::Reference(&["agent.who"], None)),
            param("source", How::Reference(&["source.observer"], None)),
            param("type", How::Coding("type")),
            param("subtype", How::Coding("subtype")),
            param("action", How::Code("action")),
            param("outcome", How::Code("outcome")),
            param("date", How::Date("recorded")),
        ],
    },
    Kind {
        name: "Patient",
        create: false,
        update: false,
        delete: false,
        params: &[ID, UPDATED, IDENTIFIER, FAMILY, GIVEN, NAME, param("birthdate", How::Date("birthDate"))],
    },
    Kind {
        name: "Practitioner",
        create: false,
        update: false,
        delete: false,
        params: &[ID, UPDATED, IDENTIFIER, FAMILY, GIVEN, NAME],
    },
    Kind {
        name: "Subscription",
        create: true,
        update: true,
        delete: true,
        params: &[ID, UPDATED, STATUS, param("url", How::Code("channel.endpoint"))],
    },
];

/// A type by name, while it is there: Subscription is a switch.
pub(super) fn kind(name: &str, subscriptions: bool) -> Option<&'static Kind> {
    KINDS.iter().find(|it| it.name == name && (subscriptions || it.name != "Subscription"))
}
