//! FHIR R4's element definitions, read from `data/r4-elements.txt`: names, cardinalities, types, required codes, and the
//! types a Reference may point at. Checking a resource against them is in `validate.rs`.

use std::{collections::HashMap, sync::OnceLock};

/// What an element may hold.
#[derive(Clone, Debug)]
pub(super) enum Type {
    /// Elements of its own, by the path in the table.
    Backbone(String),
    /// A primitive by its FHIR name.
    Primitive(&'static str),
    /// A code of a required binding.
    Code(Vec<&'static str>),
    /// A datatype.
    Complex(&'static str),
    /// A Reference to one of these; to anything if empty.
    Reference(Vec<&'static str>),
    /// Any datatype.
    Any,
}

/// One element.
#[derive(Clone, Debug)]
pub(super) struct Element {
    /// Its name, for a choice without `[x]`.
    pub(super) name: &'static str,
    /// Whether it is a choice of types.
    pub(super) choice: bool,
    /// Whether it must be there.
    pub(super) required: bool,
    /// Whether it is a list.
    pub(super) many: bool,
    /// What it may hold; one, unless it is a choice.
    pub(super) types: Vec<Type>,
}

/// Whether a type is a primitive; those begin with a small letter.
fn is_primitive(name: &str) -> bool {
    name.starts_with(|it: char| it.is_ascii_lowercase())
}

impl Type {
    /// The name a choice's element ends in.
    pub(super) fn suffix(&self) -> String {
        let name = match self {
            Self::Primitive(name) | Self::Complex(name) => name,
            Self::Code(_) => "code",
            Self::Reference(_) => "Reference",
            Self::Backbone(_) | Self::Any => "",
        };
        let mut letters = name.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    }
}

type Definitions = HashMap<&'static str, Vec<Element>>;

/// The elements at a path: a resource, a datatype or a backbone element.
pub(super) fn elements(path: &str) -> Option<&'static [Element]> {
    static READ: OnceLock<Definitions> = OnceLock::new();
    READ.get_or_init(read).get(path).map(Vec::as_slice)
}

fn read() -> Definitions {
    let mut definitions = Definitions::new();
    let table = include_str!("../../data/r4-elements.txt");
    for line in table.lines().filter(|it| !it.starts_with('#')) {
        let mut words = line.splitn(3, ' ');
        let (Some(path), Some(cardinality), Some(types)) = (words.next(), words.next(), words.next()) else { continue };
        let Some((parent, name)) = path.rsplit_once('.') else { continue };
        definitions.entry(parent).or_default().push(Element {
            name: name.trim_end_matches("[x]"),
            choice: name.ends_with("[x]"),
            required: cardinality.starts_with('1'),
            many: cardinality.ends_with('*'),
            types: types.split(',').map(|it| a_type(path, it)).collect(),
        });
    }
    definitions
}

fn a_type(path: &'static str, text: &'static str) -> Type {
    if text == "{}" {
        Type::Backbone(path.to_owned())
    } else if text == "*" {
        Type::Any
    } else if let Some(codes) = text.strip_prefix("code=") {
        Type::Code(codes.split('|').collect())
    } else if let Some(targets) = text.strip_prefix("Reference(") {
        Type::Reference(targets.trim_end_matches(')').split('|').collect())
    } else if text == "Reference" {
        Type::Reference(Vec::new())
    } else if is_primitive(text) {
        Type::Primitive(text)
    } else {
        Type::Complex(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_and_names_no_type_it_does_not_define() {
        let individual = elements("Encounter.participant").and_then(|it| it.iter().find(|it| it.name == "individual"));
        let Some(Element { types, .. }) = individual else { panic!("no Encounter.participant.individual") };
        assert!(
            matches!(types.as_slice(), [Type::Reference(it)] if it.contains(&"Practitioner") && !it.contains(&"Patient"))
        );
        for parent in
            ["Appointment", "Encounter", "Location", "Communication", "AuditEvent", "Subscription", "Identifier"]
        {
            for element in elements(parent).unwrap_or_default() {
                for it in &element.types {
                    match it {
                        Type::Complex(name) => assert!(elements(name).is_some(), "{name}"),
                        Type::Backbone(path) => assert!(elements(path).is_some(), "{path}"),
                        _ => {}
                    }
                }
            }
        }
        assert!(elements("Patient").is_none());
    }
}
