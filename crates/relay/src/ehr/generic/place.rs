//! The virtual `Location` at which a patient is "present". Where the server takes Locations and transactions it is one
//! resource for the whole connection, made in the same transaction as the first Encounter that needs it; elsewhere it is
//! contained in each Encounter.

use serde_json::{Value, json};

use super::super::create::{Way, query};
use super::super::resources;
use super::encounter::OURS;

/// The reference to a contained one.
pub(super) const CONTAINED: &str = "#video";

/// How a location is to be had.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// Inside the Encounter.
    Contained,
    /// A resource of its own.
    Own {
        /// Its business key, and its id where we may choose it.
        key: String,
        /// How it is made.
        way: Way,
        /// The patients' page, as the location's address.
        page: String,
    },
}

impl Place {
    /// As `Encounter.location.location`. Without an id of our choice it can only be named within the transaction.
    pub(super) fn reference(&self) -> Value {
        let reference = match self {
            Self::Contained => CONTAINED.to_owned(),
            Self::Own { way: Way::Put { id }, .. } => format!("Location/{id}"),
            Self::Own { key, .. } => full_url(key),
        };
        json!({ "reference": reference, "display": OURS })
    }

    /// Puts a contained one where its reference points.
    pub(super) fn contain_in(&self, encounter: &mut Value) {
        let is_referred = encounter["location"]
            .as_array()
            .is_some_and(|all| all.iter().any(|it| it["location"]["reference"] == CONTAINED));
        let mut contained: Vec<Value> = encounter["contained"].as_array().cloned().unwrap_or_default();
        let is_there = contained.iter().any(|it| it["id"] == CONTAINED[1..]);
        if is_referred && !is_there {
            contained.push(json!({
                "resourceType": "Location", "id": CONTAINED[1..], "status": "active", "mode": "instance", "name": OURS,
            }));
            encounter["contained"] = Value::from(contained);
        }
    }

    /// The transaction of it and an Encounter, with the Encounter's own request.
    pub(super) fn with(&self, encounter: &Value, request: Value) -> Option<Value> {
        let Self::Own { key, way, page } = self else { return None };
        let mut location = json!({
            "resourceType": "Location",
            "identifier": [resources::identifier(key)],
            "status": "active",
            "mode": "instance",
            "name": OURS,
            "telecom": [{ "system": "url", "value": page }],
        });
        let asked = match way {
            Way::Put { id } => {
                location["id"] = Value::from(id.as_str());
                json!({ "method": "PUT", "url": format!("Location/{id}") })
            }
            Way::Conditional => json!({ "method": "POST", "url": "Location", "ifNoneExist": query(key) }),
            Way::Plain => return None,
        };
        Some(json!({
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                { "fullUrl": full_url(key), "resource": location, "request": asked },
                { "resource": encounter, "request": request },
            ],
        }))
    }
}

fn full_url(key: &str) -> String {
    format!("urn:uuid:{key}")
}
