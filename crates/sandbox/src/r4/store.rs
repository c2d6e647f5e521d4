//! Versioned resources in memory, by site and type, with an index over identifiers and references, so that tens of
//! thousands can be searched. Whoever holds the lock sees and makes changes that are one.

use crate::fhir::{
    Outcome, instant,
    search::{Asked, identifier_term, reference_term},
};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A resource as it stands.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// The resource, with `meta`.
    pub(super) resource: Value,
    /// 1, 2, 3, ...
    pub(super) version: u64,
    /// When it last changed.
    pub(super) updated: Timestamp,
    place: u64,
}

#[derive(Default)]
struct Shelf {
    held: HashMap<String, Held>,
    /// In order of creation.
    order: BTreeMap<u64, String>,
    index: HashMap<String, BTreeSet<u64>>,
}

/// Everything the server holds.
#[derive(Default)]
pub(super) struct Shelves {
    shelves: HashMap<(&'static str, &'static str), Shelf>,
    places: u64,
}

impl Shelves {
    /// A resource.
    pub(super) fn get(&self, site: &'static str, kind: &'static str, id: &str) -> Option<&Held> {
        self.shelves.get(&(site, kind))?.held.get(id)
    }

    /// Puts a resource in its place, as its next version; gives what was there.
    pub(super) fn put(
        &mut self,
        site: &'static str,
        kind: &'static str,
        id: &str,
        mut resource: Value,
        now: Timestamp,
    ) -> Option<Held> {
        let shelf = self.shelves.entry((site, kind)).or_default();
        let before = shelf.take(id);
        let version = before.as_ref().map_or(0, |it| it.version) + 1;
        let place = before.as_ref().map_or_else(
            || {
                self.places += 1;
                self.places
            },
            |it| it.place,
        );
        resource["id"] = Value::from(id);
        resource["meta"]["versionId"] = Value::from(version.to_string());
        resource["meta"]["lastUpdated"] = Value::from(instant(now));
        shelf.lay(id, Held { resource, version, updated: now, place });
        before
    }

    /// Makes it as it was before a `put` or a `remove`.
    pub(super) fn restore(&mut self, site: &'static str, kind: &'static str, id: &str, before: Option<Held>) {
        let shelf = self.shelves.entry((site, kind)).or_default();
        shelf.take(id);
        if let Some(before) = before {
            shelf.lay(id, before);
        }
    }

    /// Takes a resource away.
    pub(super) fn remove(&mut self, site: &'static str, kind: &'static str, id: &str) -> Option<Held> {
        self.shelves.get_mut(&(site, kind))?.take(id)
    }

    /// All of a type, oldest first.
    pub(super) fn all(&self, site: &'static str, kind: &'static str) -> impl Iterator<Item = &Held> {
        let shelf = self.shelves.get(&(site, kind));
        shelf.into_iter().flat_map(|shelf| shelf.order.values().filter_map(|id| shelf.held.get(id)))
    }

    /// All of a type that refer to something, oldest first.
    pub(super) fn referring(
        &self,
        site: &'static str,
        kind: &'static str,
        reference: &str,
    ) -> impl Iterator<Item = &Held> {
        let shelf = self.shelves.get(&(site, kind));
        let places = shelf.and_then(|it| it.index.get(&reference_term(reference)));
        let ids = places.into_iter().flatten().filter_map(move |place| shelf?.order.get(place));
        ids.filter_map(move |id| shelf?.held.get(id))
    }

    /// What meets a search, oldest first.
    pub(super) fn find(
        &self,
        site: &'static str,
        kind: &'static str,
        asked: &Asked<'_>,
    ) -> Result<Vec<&Held>, Outcome> {
        let Some(shelf) = self.shelves.get(&(site, kind)) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let ids: Vec<&String> = match (asked.of("_id").next(), asked.terms()) {
            (Some(ids), _) => {
                ids.split(',').filter_map(|id| shelf.held.get(id)).filter_map(|it| shelf.order.get(&it.place)).collect()
            }
            (None, Some(terms)) => {
                let places: BTreeSet<u64> =
                    terms.iter().filter_map(|it| shelf.index.get(it)).flatten().copied().collect();
                places.iter().filter_map(|it| shelf.order.get(it)).collect()
            }
            (None, None) => shelf.order.values().collect(),
        };
        for held in ids.into_iter().filter_map(|id| shelf.held.get(id)) {
            if asked.meets(&held.resource)? {
                found.push(held);
            }
        }
        Ok(found)
    }
}

impl Shelf {
    fn take(&mut self, id: &str) -> Option<Held> {
        let held = self.held.remove(id)?;
        self.order.remove(&held.place);
        for term in terms(&held.resource) {
            if let Some(places) = self.index.get_mut(&term) {
                places.remove(&held.place);
                if places.is_empty() {
                    self.index.remove(&term);
                }
            }
        }
        Some(held)
    }

    fn lay(&mut self, id: &str, held: Held) {
        for term in terms(&held.resource) {
            self.index.entry(term).or_default().insert(held.place);
        }
        self.order.insert(held.place, id.to_owned());
        self.held.insert(id.to_owned(), held);
    }
}

fn terms(resource: &Value) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for identifier in resource["identifier"].as_array().into_iter().flatten() {
        terms.extend(identifier["value"].as_str().map(identifier_term));
    }
    references(resource, &mut |it| {
        terms.insert(reference_term(it));
    });
    terms
}

/// Calls `each` with every `reference` in a resource.
pub(super) fn references(value: &Value, each: &mut impl FnMut(&str)) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match value.as_str().filter(|_| name == "reference") {
                    Some(it) => each(it),
                    None => references(value, each),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|it| references(it, each)),
        _ => {}
    }
}

/// Replaces every `reference` in a resource by what `with` makes of it.
pub(super) fn rewrite(value: &mut Value, with: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                if name != "reference" || !value.is_string() {
                    rewrite(value, with);
                } else if let Some(other) = value.as_str().and_then(with) {
                    *value = Value::from(other);
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|it| rewrite(it, with)),
        _ => {}
    }
}
