//! What a FHIR R4 server says it can do, read out of its CapabilityStatement, and which way of making something follows
//! (hl7.org/fhir/R4/capabilitystatement.html, http.html). Nothing is taken for granted that the statement does not say.

use std::collections::HashMap;

use serde_json::Value;

use super::create::Way;

/// One resource type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Kind {
    interactions: Vec<String>,
    update_create: bool,
    conditional_create: bool,
    versioned: bool,
    needs_version: bool,
    search: Vec<String>,
}

/// The parts of a CapabilityStatement that decide anything here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Capabilities {
    kinds: HashMap<String, Kind>,
    transaction: bool,
}

impl Capabilities {
    /// Reads a statement.
    pub(super) fn of(statement: &Value) -> Self {
        let codes = |list: &Value, name: &str| -> Vec<String> {
            let all = list.as_array().into_iter().flatten();
            all.filter_map(|it| it[name].as_str().map(str::to_owned)).collect()
        };
        let mut capabilities = Self::default();
        let rest = statement["rest"].as_array().into_iter().flatten();
        for server in rest.filter(|it| it["mode"] == "server") {
            capabilities.transaction |= codes(&server["interaction"], "code").iter().any(|it| it == "transaction");
            for resource in server["resource"].as_array().into_iter().flatten() {
                let Some(name) = resource["type"].as_str() else { continue };
                let kind = Kind {
                    interactions: codes(&resource["interaction"], "code"),
                    update_create: resource["updateCreate"] == true,
                    conditional_create: resource["conditionalCreate"] == true,
                    // A server that says nothing may still send a version, and then means it.
                    versioned: resource["versioning"] != "no-version",
                    needs_version: resource["versioning"] == "versioned-update",
                    search: codes(&resource["searchParam"], "name"),
                };
                capabilities.kinds.insert(name.to_owned(), kind);
            }
        }
        capabilities
    }

    /// Whether several changes can be one.
    pub(super) fn transaction(&self) -> bool {
        self.transaction
    }

    /// Whether a type has an interaction, in FHIR's word.
    pub(super) fn can(&self, kind: &str, interaction: &str) -> bool {
        self.kinds.get(kind).is_some_and(|it| it.interactions.iter().any(|it| it == interaction))
    }

    /// Whether `If-Match` means anything.
    pub(super) fn versioned(&self, kind: &str) -> bool {
        self.kinds.get(kind).is_some_and(|it| it.versioned)
    }

    /// Whether what is there cannot be updated without `If-Match`.
    pub(super) fn update_needs_version(&self, kind: &str) -> bool {
        self.kinds.get(kind).is_some_and(|it| it.needs_version)
    }

    /// Whether a type can be searched by a parameter.
    pub(super) fn searches(&self, kind: &str, parameter: &str) -> bool {
        self.can(kind, "search-type")
            && self.kinds.get(kind).is_some_and(|it| it.search.iter().any(|it| it == parameter))
    }

    /// How to make something that never changes afterwards: under our own id if that is possible, as then nothing can race.
    pub(super) fn way_of_event(&self, kind: &str, id: &str) -> Option<Way> {
        self.put(kind, id).or_else(|| self.conditional(kind)).or_else(|| self.plain(kind))
    }

    /// How to make something that others change afterwards: a PUT that lands late would undo what they did, a conditional
    /// create that lands late does nothing. `None` also where what was made could never be found again: each change would
    /// make another one.
    pub(super) fn way_of_shared(&self, kind: &str, id: &str) -> Option<Way> {
        self.conditional(kind).or_else(|| self.put(kind, id)).or_else(|| {
            let is_found = self.searches(kind, "identifier") || self.searches(kind, "appointment");
            self.plain(kind).filter(|_| is_found)
        })
    }

    fn put(&self, kind: &str, id: &str) -> Option<Way> {
        let may = self.can(kind, "update") && self.kinds.get(kind).is_some_and(|it| it.update_create);
        may.then(|| Way::Put { id: id.to_owned() })
    }

    fn conditional(&self, kind: &str) -> Option<Way> {
        // Only the types that have an identifier to be conditional on.
        let may = self.can(kind, "create")
            && self.searches(kind, "identifier")
            && self.kinds.get(kind).is_some_and(|it| it.conditional_create);
        may.then_some(Way::Conditional)
    }

    fn plain(&self, kind: &str) -> Option<Way> {
        self.can(kind, "create").then_some(Way::Plain)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn server(interactions: &[&str], update_create: bool, conditional_create: bool, search: &[&str]) -> Capabilities {
        let named = |all: &[&str], name: &str| -> Vec<Value> { all.iter().map(|it| json!({ name: it })).collect() };
        let resource = |kind: &str| {
            json!({ "type": kind, "interaction": named(interactions, "code"), "updateCreate": update_create,
                "conditionalCreate": conditional_create, "searchParam": named(search, "name") })
        };
        Capabilities::of(
            &json!({ "rest": [{ "mode": "server", "resource": [resource("Encounter"), resource("AuditEvent")] }] }),
        )
    }

    #[test]
    fn the_statement_decides_the_way() {
        let put = || Some(Way::Put { id: "i".into() });
        let all = &["create", "update", "read", "search-type"];
        // interactions, updateCreate, conditionalCreate, search -> Encounter, AuditEvent
        for (interactions, update_create, conditional, search, encounter, audit) in [
            (&all[..], true, true, &["identifier"][..], Some(Way::Conditional), put()),
            (all, true, false, &["identifier"], put(), put()),
            (all, false, true, &["identifier"], Some(Way::Conditional), Some(Way::Conditional)),
            (all, false, true, &["patient"], None, Some(Way::Plain)),
            (all, false, false, &["appointment"], Some(Way::Plain), Some(Way::Plain)),
            (all, false, false, &["identifier"], Some(Way::Plain), Some(Way::Plain)),
            (&["create"], true, true, &[], None, Some(Way::Plain)),
            (&["update", "read"], true, false, &[], put(), put()),
            (&["update", "read"], false, false, &[], None, None),
            (&["read", "search-type"], true, true, &["identifier"], None, None),
        ] {
            let server = server(interactions, update_create, conditional, search);
            let row = format!("{interactions:?} {update_create} {conditional} {search:?}");
            assert_eq!(server.way_of_shared("Encounter", "i"), encounter, "{row}");
            assert_eq!(server.way_of_event("AuditEvent", "i"), audit, "{row}");
            assert_eq!(server.way_of_event("Communication", "i"), None, "not in the statement");
        }
    }

    #[test]
    fn epics_own_statement_leaves_a_plain_create_and_nothing_else() {
        // As captured from Epic's live server.
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../sandbox/data/epic-fhir-r4-capabilitystatement.json");
        let text = std::fs::read_to_string(file).expect("the captured statement");
        let epic = Capabilities::of(&serde_json::from_str(&text).expect("JSON"));
        assert_eq!(epic.way_of_event("Communication", "i"), Some(Way::Plain));
        assert!(epic.searches("Communication", "identifier") && epic.searches("Communication", "patient"));
        for kind in ["Encounter", "Appointment", "AuditEvent", "Location"] {
            assert_eq!(epic.way_of_shared(kind, "i"), None, "{kind}");
            assert!(!epic.can(kind, "update") && !epic.can(kind, "patch"), "{kind}");
        }
        assert!(!epic.transaction());
    }

    #[test]
    fn what_a_server_can_do_as_a_client_is_not_what_it_does() {
        let client = json!({ "rest": [{ "mode": "client", "interaction": [{ "code": "transaction" }],
            "resource": [{ "type": "Encounter", "interaction": [{ "code": "create" }] }] }] });
        assert_eq!(Capabilities::of(&client), Capabilities::default());
    }
}
