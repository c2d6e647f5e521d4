//! Is this a valid R4 resource? Unknown elements, cardinalities, primitives, required codes, types of Reference targets,
//! contained resources. Whether a target exists is the store's to say; business rules are in `rules.rs`.

use super::{
    primitives,
    schema::{Element, Type, elements},
};
use crate::fhir::Outcome;
use serde_json::{Map, Value};

/// What stands around an element.
struct Around<'a> {
    contained: Vec<(&'a str, &'a str)>,
}

/// Checks a whole resource.
pub(super) fn resource(resource: &Value) -> Result<(), Outcome> {
    let contained: Vec<&Value> = resource["contained"].as_array().into_iter().flatten().collect();
    let named = contained.iter().filter_map(|it| Some((it["id"].as_str()?, it["resourceType"].as_str()?)));
    let around = Around { contained: named.collect() };
    if around.contained.len() != contained.len() {
        return Err(invalid("contained", "A contained resource needs a type and an id."));
    }
    whole(resource, &around, true)?;
    for (id, _) in &around.contained {
        if !mentions(resource, &format!("#{id}")) {
            return Err(invalid("contained", "A contained resource must be referred to (dom-3)."));
        }
    }
    Ok(())
}

fn whole(resource: &Value, around: &Around<'_>, outermost: bool) -> Result<(), Outcome> {
    let kind = resource["resourceType"].as_str().unwrap_or_default();
    let object = resource.as_object().ok_or_else(|| invalid(kind, "A resource is an object."))?;
    let own = elements(kind).ok_or_else(|| invalid(kind, "This server does not know this type."))?;
    let mut rest = Map::new();
    for (name, value) in object {
        let path = format!("{kind}.{name}");
        match name.as_str() {
            "resourceType" => {}
            "id" => primitive("id", value, &path)?,
            "language" => primitive("code", value, &path)?,
            "meta" if outermost => complex("Meta", value, &path, around)?,
            "text" if !own.iter().any(|it| it.name == "text") => complex("Narrative", value, &path, around)?,
            "contained" if outermost => {
                let all = value.as_array().filter(|it| !it.is_empty());
                for it in all.ok_or_else(|| invalid(&path, "It is a list."))? {
                    whole(it, around, false)?;
                }
            }
            "extension" => extensions(value, &path, around)?,
            "implicitRules" | "modifierExtension" => {
                return Err(invalid(&path, "It changes the meaning in a way this server does not understand."));
            }
            _ => {
                rest.insert(name.clone(), value.clone());
            }
        }
    }
    members(&rest, own, kind, around)
}

/// Checks an object's elements against their definitions.
fn members(object: &Map<String, Value>, own: &[Element], path: &str, around: &Around<'_>) -> Result<(), Outcome> {
    for (name, value) in object {
        let at = format!("{path}.{name}");
        if let Some(plain) = name.strip_prefix('_') {
            let (_, of) = find(own, plain).ok_or_else(|| invalid(&at, "There is no such element."))?;
            if !matches!(of, Type::Primitive(_) | Type::Code(_)) {
                return Err(invalid(&at, "Only primitives have such a companion."));
            }
            companion(value, &at, around)?;
            continue;
        }
        let (element, of) = find(own, name).ok_or_else(|| invalid(&at, "There is no such element."))?;
        match (element.many, value.as_array()) {
            (true, Some(all)) if !all.is_empty() => {
                for it in all {
                    one(of, it, &at, around)?;
                }
            }
            (true, _) => return Err(invalid(&at, "It is a list with at least one item.")),
            (false, Some(_)) => return Err(invalid(&at, "It is not a list.")),
            (false, None) => one(of, value, &at, around)?,
        }
    }
    for element in own {
        let given = object.keys().filter(|it| find(std::slice::from_ref(element), it).is_some()).count();
        if element.required && given == 0 {
            let at = format!("{path}.{}", element.name);
            return Err(Outcome::unprocessable("required", format!("{at} is required.")).at(at));
        }
        if given > 1 {
            return Err(invalid(&format!("{path}.{}", element.name), "Only one of its types may be given."));
        }
    }
    Ok(())
}

/// The element a JSON name stands for, with the type it says.
fn find<'a>(own: &'a [Element], name: &str) -> Option<(&'a Element, &'a Type)> {
    own.iter().find_map(|element| {
        let of = if element.choice {
            let suffix = name.strip_prefix(element.name)?;
            element.types.iter().find(|it| match it {
                Type::Any => suffix.starts_with(|it: char| it.is_ascii_uppercase()),
                it => it.suffix() == suffix,
            })
        } else {
            element.types.first().filter(|_| element.name == name)
        };
        of.map(|it| (element, it))
    })
}

fn one(of: &Type, value: &Value, path: &str, around: &Around<'_>) -> Result<(), Outcome> {
    match of {
        Type::Primitive(name) => primitive(name, value, path),
        Type::Code(codes) if value.as_str().is_some_and(|it| codes.contains(&it)) => Ok(()),
        Type::Code(_) => {
            let text = format!("{path} is not a code of the required value set.");
            Err(Outcome::unprocessable("code-invalid", text).at(path))
        }
        Type::Complex(name) => complex(name, value, path, around),
        Type::Reference(targets) => reference(targets, value, path, around),
        Type::Any if value.is_null() => Err(invalid(path, "It has no value.")),
        Type::Any => Ok(()),
        Type::Backbone(at) => {
            let mut object = filled(value, path)?.clone();
            for common in ["id", "extension", "modifierExtension"] {
                match (common, object.remove(common)) {
                    ("id", Some(it)) => primitive("string", &it, path)?,
                    ("extension", Some(it)) => extensions(&it, path, around)?,
                    (_, Some(_)) => return Err(invalid(path, "A modifierExtension is not understood.")),
                    (_, None) => {}
                }
            }
            members(&object, elements(at).unwrap_or_default(), path, around)
        }
    }
}

fn primitive(name: &str, value: &Value, path: &str) -> Result<(), Outcome> {
    if primitives::fits(name, value) { Ok(()) } else { Err(invalid(path, &format!("It is not a valid {name}."))) }
}

fn complex(name: &str, value: &Value, path: &str, around: &Around<'_>) -> Result<(), Outcome> {
    let mut object = filled(value, path)?.clone();
    if let Some(it) = object.remove("id") {
        primitive("string", &it, path)?;
    }
    if name == "Extension" {
        let nested = object.contains_key("extension");
        let valued = object.keys().filter(|it| it.starts_with("value")).count();
        if usize::from(nested) + valued != 1 {
            return Err(invalid(path, "An extension has either a value or extensions (ext-1)."));
        }
    }
    if let Some(it) = object.remove("extension") {
        extensions(&it, path, around)?;
    }
    let own = elements(name).ok_or_else(|| invalid(path, "This server does not know this type."))?;
    members(&object, own, path, around)?;
    let time = |name: &str| value[name].as_str().and_then(|it| it.parse::<jiff::Timestamp>().ok());
    if name == "Period" && matches!((time("start"), time("end")), (Some(start), Some(end)) if start > end) {
        return Err(invalid(path, "The period ends before it starts (per-1)."));
    }
    if name == "ContactPoint" && !value["value"].is_null() && value["system"].is_null() {
        return Err(invalid(path, "A value needs a system (cpt-2)."));
    }
    Ok(())
}

fn reference(targets: &[&str], value: &Value, path: &str, around: &Around<'_>) -> Result<(), Outcome> {
    complex("Reference", value, path, around)?;
    let said = value["type"].as_str();
    let pointed = match value["reference"].as_str() {
        None if value["identifier"].is_null() && value["display"].is_null() => {
            return Err(invalid(path, "A reference has a reference, an identifier or a display."));
        }
        None => None,
        Some(it) => Some(pointed(it, around).ok_or_else(|| invalid(path, "This is not a reference to a resource."))?),
    };
    if let (Some(said), Some(pointed)) = (said, pointed)
        && said != pointed
    {
        return Err(invalid(path, "Its type is not that of what it points at."));
    }
    match pointed.or(said) {
        Some(kind) if !targets.is_empty() && !targets.contains(&kind) => {
            Err(invalid(path, &format!("It must not point at {kind}, only at {}.", targets.join(", "))))
        }
        _ => Ok(()),
    }
}

/// The type a reference points at.
fn pointed<'a>(text: &'a str, around: &Around<'a>) -> Option<&'a str> {
    if let Some(id) = text.strip_prefix('#') {
        return around.contained.iter().find(|(it, _)| *it == id).map(|(_, kind)| *kind);
    }
    let plain = text.split_once("/_history/").map_or(text, |(plain, _)| plain);
    let (rest, id) = plain.rsplit_once('/')?;
    let (address, kind) = rest.rsplit_once('/').map_or(("", rest), |(address, kind)| (address, kind));
    let is_type =
        kind.starts_with(|it: char| it.is_ascii_uppercase()) && kind.bytes().all(|it| it.is_ascii_alphabetic());
    let is_base = address.is_empty() || address.starts_with("http://") || address.starts_with("https://");
    (is_type && is_base && primitives::id(id)).then_some(kind)
}

fn extensions(value: &Value, path: &str, around: &Around<'_>) -> Result<(), Outcome> {
    let all = value.as_array().filter(|it| !it.is_empty()).ok_or_else(|| invalid(path, "extension is a list."))?;
    all.iter().try_for_each(|it| complex("Extension", it, path, around))
}

/// `_name` beside a primitive: id and extensions; in a list beside a list.
fn companion(value: &Value, path: &str, around: &Around<'_>) -> Result<(), Outcome> {
    let single = std::slice::from_ref(value);
    for it in value.as_array().map_or(single, Vec::as_slice).iter().filter(|it| !it.is_null()) {
        for (name, value) in filled(it, path)? {
            match name.as_str() {
                "id" => primitive("string", value, path)?,
                "extension" => extensions(value, path, around)?,
                _ => return Err(invalid(path, "It has id and extension only.")),
            }
        }
    }
    Ok(())
}

fn filled<'a>(value: &'a Value, path: &str) -> Result<&'a Map<String, Value>, Outcome> {
    value.as_object().filter(|it| !it.is_empty()).ok_or_else(|| invalid(path, "It is an object with something in it."))
}

fn mentions(value: &Value, reference: &str) -> bool {
    match value {
        Value::Object(it) => {
            it.iter().any(|(name, it)| name == "reference" && it == reference || mentions(it, reference))
        }
        Value::Array(it) => it.iter().any(|it| mentions(it, reference)),
        _ => false,
    }
}

fn invalid(path: &str, text: &str) -> Outcome {
    Outcome::unprocessable("structure", format!("{path}: {text}")).at(path)
}
