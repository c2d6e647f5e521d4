//! How FHIR search compares values: tokens, references, codings, text and dates. Which parameters there are, and of which
//! elements, is each server's own.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde_json::Value;

/// `system|value`, `|value` or `value`.
pub(crate) fn identifier(resource: &Value, wanted: &str) -> Option<bool> {
    let (system, value) = wanted.split_once('|').map_or((None, wanted), |(system, value)| (Some(system), value));
    let mut all = resource["identifier"].as_array().into_iter().flatten();
    Some(all.any(|it| {
        it["value"] == value && system.is_none_or(|system| it["system"].as_str().unwrap_or_default() == system)
    }))
}

/// The id in `id`, `Type/id` or an absolute reference.
pub(crate) fn id_of(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

/// Whether a Reference names what is wanted, whatever form either has.
pub(crate) fn refers(element: &Value, wanted: &str) -> bool {
    element["reference"].as_str().is_some_and(|it| id_of(it) == id_of(wanted))
}

/// Whether a CodeableConcept has a coding: `system|code` or `code`.
pub(crate) fn coded(concept: &Value, wanted: &str) -> bool {
    let (system, code) = wanted.split_once('|').map_or((None, wanted), |(system, code)| (Some(system), code));
    let mut all = concept["coding"].as_array().into_iter().flatten();
    all.any(|it| it["code"] == code && system.is_none_or(|system| it["system"] == system))
}

/// Whether a text begins so, regardless of case.
pub(crate) fn begins(element: &Value, wanted: &str) -> bool {
    element.as_str().is_some_and(|it| it.to_lowercase().starts_with(&wanted.to_lowercase()))
}

/// FHIR's date search on one instant: prefixes eq, ne, gt, lt, ge, le; a bare date is that whole day in UTC.
pub(crate) fn within(instant: &str, wanted: &str) -> Option<bool> {
    let at: Timestamp = instant.parse().ok()?;
    let (prefix, value) = match wanted.get(..2) {
        Some(prefix @ ("eq" | "ne" | "gt" | "lt" | "ge" | "le")) => (prefix, &wanted[2..]),
        _ => ("eq", wanted),
    };
    let (low, high) = match value.parse::<Timestamp>() {
        Ok(exact) => (exact, exact.saturating_add(SignedDuration::from_secs(1)).ok()?),
        Err(_) => {
            let day: Date = value.parse().ok()?;
            let start = |it: Date| it.to_zoned(TimeZone::UTC).map(|it| it.timestamp()).ok();
            (start(day)?, start(day.tomorrow().ok()?)?)
        }
    };
    Some(match prefix {
        "ne" => at < low || at >= high,
        "gt" => at >= high,
        "lt" => at < low,
        "ge" => at >= low,
        "le" => at < high,
        _ => at >= low && at < high,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_compare_as_fhir_says() {
        let at = "2026-05-04T10:30:00Z";
        for (wanted, meets) in [
            ("2026-05-04", true),
            ("2026-05-05", false),
            ("ge2026-05-04T10:30:00Z", true),
            ("gt2026-05-04T10:30:00Z", false),
            ("lt2026-05-04", false),
            ("le2026-05-04", true),
            ("ne2026-05-04", false),
        ] {
            assert_eq!(within(at, wanted), Some(meets), "{wanted}");
        }
        assert_eq!(within(at, "tomorrow"), None);
    }
}
