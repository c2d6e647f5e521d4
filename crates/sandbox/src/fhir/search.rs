//! Search as a table: which parameters a type has, of which elements, and how they compare. A server's CapabilityStatement
//! is written from the same table. Unknown parameters and modifiers are refused; a comma means *or*, repeating *and*.

use super::{
    Outcome,
    matching::{begins, id_of, within},
};
use crate::web::Parameters;
use serde_json::{Value, json};

const DEFAULT_COUNT: usize = 100;
const MOST: usize = 1000;

/// How a parameter compares. Paths are element names joined by dots; arrays are walked through.
#[derive(Clone, Copy)]
pub(crate) enum How {
    /// The logical id.
    Id,
    /// An Identifier: `system|value`.
    Identifier(&'static str),
    /// References, if so only to one type.
    Reference(&'static [&'static str], Option<&'static str>),
    /// A code.
    Code(&'static str),
    /// A Coding: `system|code`.
    Coding(&'static str),
    /// An instant, a date or the start of a Period.
    Date(&'static str),
    /// The beginning of a text.
    Text(&'static [&'static str]),
}

/// A search parameter.
#[derive(Clone, Copy)]
pub(crate) struct Param {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it compares.
    pub(crate) how: How,
}

/// Shorthand for tables.
pub(crate) const fn param(name: &'static str, how: How) -> Param {
    Param { name, how }
}

impl Param {
    /// FHIR's word for its type.
    pub(crate) fn kind(&self) -> &'static str {
        match self.how {
            How::Id | How::Identifier(_) | How::Code(_) | How::Coding(_) => "token",
            How::Reference(..) => "reference",
            How::Date(_) => "date",
            How::Text(_) => "string",
        }
    }

    fn meets(&self, resource: &Value, wanted: &str) -> Option<bool> {
        let any = |path: &str, test: &dyn Fn(&Value) -> bool| values(resource, path).into_iter().any(test);
        Some(match self.how {
            How::Id => resource["id"] == wanted,
            How::Identifier(path) => any(path, &|it| token(it, "value", wanted)),
            How::Coding(path) => any(path, &|it| token(it, "code", wanted)),
            How::Code(path) => any(path, &|it| it == code_of(wanted)),
            How::Reference(paths, kind) => {
                let target = target(kind, wanted);
                paths.iter().any(|path| any(path, &|it| it["reference"].as_str().is_some_and(|it| target.names(it))))
            }
            How::Date(path) => {
                let mut meets = false;
                // A date nobody can read is refused even where nothing is there to compare it with.
                within("1970-01-01T00:00:00Z", wanted)?;
                for it in values(resource, path) {
                    meets |= within(it.as_str()?, wanted)?;
                }
                meets
            }
            How::Text(paths) => paths.iter().any(|path| any(path, &|it| begins(it, wanted))),
        })
    }

    /// What an index must know to narrow the search by this parameter.
    fn term(&self, wanted: &str) -> Option<String> {
        match self.how {
            How::Identifier(_) => Some(identifier_term(wanted.rsplit_once('|').map_or(wanted, |(_, value)| value))),
            How::Reference(_, kind) => {
                let target = target(kind, wanted);
                Some(reference_term(&format!("{}/{}", target.kind?, target.id)))
            }
            _ => None,
        }
    }
}

/// The index term of an identifier's value.
pub(crate) fn identifier_term(value: &str) -> String {
    format!("i|{value}")
}

/// The index term of a relative reference.
pub(crate) fn reference_term(reference: &str) -> String {
    format!("r|{reference}")
}

struct Target<'a> {
    kind: Option<&'a str>,
    id: &'a str,
}

impl Target<'_> {
    fn names(&self, reference: &str) -> bool {
        let kind = reference.rsplit_once('/').and_then(|(rest, _)| rest.rsplit('/').next());
        id_of(reference) == self.id && self.kind.is_none_or(|it| kind == Some(it))
    }
}

fn target<'a>(kind: Option<&'a str>, wanted: &'a str) -> Target<'a> {
    let said = wanted.rsplit_once('/').and_then(|(rest, _)| rest.rsplit('/').next());
    Target { kind: said.or(kind), id: id_of(wanted) }
}

fn code_of(wanted: &str) -> &str {
    wanted.rsplit_once('|').map_or(wanted, |(_, code)| code)
}

fn token(it: &Value, element: &str, wanted: &str) -> bool {
    let (system, value) = wanted.split_once('|').map_or((None, wanted), |(system, value)| (Some(system), value));
    // `system|` means anything of that system.
    (value.is_empty() && system.is_some() || it[element] == value)
        && system.is_none_or(|system| it["system"].as_str().unwrap_or_default() == system)
}

/// Every value at a path, arrays walked through.
pub(crate) fn values<'a>(resource: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![resource];
    for name in path.split('.') {
        found = found
            .into_iter()
            .filter_map(|it| it.get(name))
            .flat_map(|it| it.as_array().map_or_else(|| vec![it], |all| all.iter().collect()))
            .collect();
    }
    found
}

/// What was asked, taken apart: criteria, and the place in a paged answer.
pub(crate) struct Asked<'a> {
    criteria: Vec<(&'static str, Param, &'a str)>,
    count: usize,
    offset: usize,
    parameters: &'a Parameters,
    page: &'static str,
}

impl<'a> Asked<'a> {
    /// Reads the parameters of a search on a type that has `table`; `page` is the server's own name for the place.
    pub(crate) fn read(table: &[Param], page: &'static str, parameters: &'a Parameters) -> Result<Self, Outcome> {
        let mut asked = Self { criteria: Vec::new(), count: DEFAULT_COUNT, offset: 0, parameters, page };
        for (name, values) in parameters.all() {
            for value in values {
                match name {
                    "_count" => asked.count = value.parse().map_err(|_| wrong(name))?,
                    "_format" if value.contains("json") => {}
                    _ if name == page => asked.offset = value.parse().map_err(|_| wrong(name))?,
                    _ => {
                        let param = table.iter().find(|it| it.name == name).ok_or_else(|| wrong(name))?;
                        if value.is_empty() {
                            return Err(wrong(name));
                        }
                        asked.criteria.push((param.name, *param, value));
                    }
                }
            }
        }
        Ok(asked)
    }

    /// The names of the criteria, repeated if they were.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.criteria.iter().map(|(name, ..)| *name)
    }

    /// The values given for a name.
    pub(crate) fn of(&self, name: &str) -> impl Iterator<Item = &str> {
        self.criteria.iter().filter(move |(it, ..)| *it == name).map(|(.., value)| *value)
    }

    /// Index terms of which a match must have one; `None` if no criterion can be looked up.
    pub(crate) fn terms(&self) -> Option<Vec<String>> {
        self.criteria.iter().find_map(|(_, param, value)| value.split(',').map(|it| param.term(it)).collect())
    }

    /// Whether a resource meets all criteria.
    pub(crate) fn meets(&self, resource: &Value) -> Result<bool, Outcome> {
        for (name, param, value) in &self.criteria {
            let mut any = false;
            for wanted in value.split(',') {
                any |= param.meets(resource, wanted).ok_or_else(|| wrong(name))?;
            }
            if !any {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The searchset of what was found; `url` is base and type.
    pub(crate) fn bundle(&self, url: &str, found: &[Value]) -> Value {
        let count = self.count.clamp(1, MOST);
        let page = found.iter().skip(self.offset).take(count);
        let entry: Vec<Value> = page
            .map(|it| {
                let full = format!("{url}/{}", it["id"].as_str().unwrap_or_default());
                json!({ "fullUrl": full, "resource": it, "search": { "mode": "match" } })
            })
            .collect();
        let mut link = vec![json!({ "relation": "self", "url": self.link(url, None) })];
        if self.offset + count < found.len() {
            link.push(json!({ "relation": "next", "url": self.link(url, Some(self.offset + count)) }));
        }
        let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "total": found.len(), "link": link });
        // An empty array is no valid FHIR.
        if !entry.is_empty() {
            bundle["entry"] = Value::from(entry);
        }
        bundle
    }

    fn link(&self, url: &str, next: Option<usize>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, values) in self.parameters.all().filter(|(name, _)| next.is_none() || *name != self.page) {
            for value in values {
                query.append_pair(name, value);
            }
        }
        if let Some(next) = next {
            query.append_pair(self.page, &next.to_string());
        }
        format!("{url}?{}", query.finish())
    }
}

fn wrong(name: &str) -> Outcome {
    Outcome::bad(format!("The search parameter {name} is not supported, or its value makes no sense."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_compare_by_type_and_identifiers_by_system() {
        let it = json!({
            "id": "1", "identifier": [{ "system": "urn:a", "value": "7" }],
            "participant": [{ "actor": { "reference": "Patient/5" } }, { "actor": { "reference": "Practitioner/6" } }],
        });
        let actor = How::Reference(&["participant.actor"], None);
        let patient = How::Reference(&["participant.actor"], Some("Patient"));
        for (how, wanted, meets) in [
            (actor, "Practitioner/6", true),
            (actor, "Patient/6", false),
            (patient, "5", true),
            (patient, "6", false),
            (patient, "http://base/Patient/5", true),
            (How::Identifier("identifier"), "urn:a|7", true),
            (How::Identifier("identifier"), "urn:b|7", false),
            (How::Identifier("identifier"), "7", true),
            (How::Identifier("identifier"), "urn:a|", true),
            (How::Id, "1", true),
        ] {
            assert_eq!(param("x", how).meets(&it, wanted), Some(meets), "{wanted}");
        }
        assert_eq!(param("x", patient).term("5"), Some("r|Patient/5".to_owned()));
        assert_eq!(param("x", actor).term("5"), None);
        assert_eq!(param("x", How::Identifier("identifier")).term("urn:a|7"), Some("i|7".to_owned()));
    }
}
