//! FHIR R4's primitives: which JSON values each may be.

use jiff::{Timestamp, civil::Date};
use serde_json::Value;

/// Whether a value is one of this primitive.
pub(super) fn fits(name: &str, value: &Value) -> bool {
    match name {
        "boolean" => value.is_boolean(),
        "integer" => value.as_i64().is_some_and(|it| i32::try_from(it).is_ok()),
        "unsignedInt" => value.as_u64().is_some_and(|it| i32::try_from(it).is_ok()),
        "positiveInt" => value.as_u64().is_some_and(|it| it > 0 && i32::try_from(it).is_ok()),
        "decimal" => value.is_number(),
        _ => value.as_str().is_some_and(|it| text(name, it)),
    }
}

fn text(name: &str, text: &str) -> bool {
    // Control characters but tab and line ends are in no FHIR string; an empty one is none at all.
    if text.is_empty() || text.chars().any(|it| it.is_control() && !matches!(it, '\t' | '\n' | '\r')) {
        return false;
    }
    match name {
        "id" => id(text),
        "code" => text.trim() == text && !text.contains("  ") && !text.contains(['\t', '\n', '\r']),
        "uri" | "url" | "canonical" => !text.contains(char::is_whitespace),
        "instant" => instant(text),
        "dateTime" => instant(text) || partial_date(text),
        "date" => partial_date(text),
        "time" => text.len() >= 8 && text.parse::<jiff::civil::Time>().is_ok(),
        "base64Binary" => text.bytes().all(|it| it.is_ascii_alphanumeric() || b"+/=\r\n ".contains(&it)),
        "xhtml" => text.starts_with("<div") && text.ends_with("</div>"),
        _ => !text.trim().is_empty(),
    }
}

/// 1 to 64 letters, digits, `-` and `.`.
pub(super) fn id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-.".contains(&it))
}

/// Date and time to the second, with a zone.
fn instant(text: &str) -> bool {
    let shape = text.len() >= 20 && text.is_ascii() && &text[10..11] == "T" && &text[16..17] == ":";
    let zone = text.ends_with('Z') || text.len() > 6 && text[text.len() - 6..].starts_with(['+', '-']);
    shape && zone && text.parse::<Timestamp>().is_ok()
}

/// A year, a month or a day.
fn partial_date(text: &str) -> bool {
    let whole = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        10 => text.to_owned(),
        _ => return false,
    };
    whole.parse::<Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn primitives_are_what_fhir_says() {
        for (name, value, meets) in [
            ("instant", json!("2026-05-04T10:30:00Z"), true),
            ("instant", json!("2026-05-04T10:30:00.123+02:00"), true),
            ("instant", json!("2026-05-04T10:30Z"), false),
            ("instant", json!("2026-05-04T10:30:00"), false),
            ("instant", json!("2026-05-04"), false),
            ("dateTime", json!("2026-05"), true),
            ("dateTime", json!("2026-13"), false),
            ("dateTime", json!(2026), false),
            ("id", json!("a_b"), false),
            ("id", json!("a-b.c"), true),
            ("boolean", json!("true"), false),
            ("positiveInt", json!(0), false),
            ("string", json!(""), false),
            ("code", json!(" booked"), false),
            ("uri", json!("urn:a b"), false),
        ] {
            assert_eq!(fits(name, &value), meets, "{name} {value}");
        }
    }
}
