//! The leak scan: are any of the values that must stay where they belong found in what we wrote? Each value is looked
//! for raw, percent-encoded, in base64 (at every alignment, both alphabets), in hex and in UTF-16.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::Value;

/// Shorter values would be found by chance.
const SHORTEST: usize = 6;

/// A value that must not be found, and where it comes from.
#[derive(Debug, Clone)]
pub struct Canary {
    /// The field, e.g. `patient.name`.
    pub field: String,
    value: String,
    forms: Vec<Vec<u8>>,
}

impl Canary {
    /// A value with every form it could take.
    pub fn new(field: &str, value: &str) -> Self {
        Self { field: field.to_owned(), value: value.to_owned(), forms: forms(value) }
    }
}

/// The sandbox's `GET /canaries`.
pub fn canaries(published: &Value) -> Vec<Canary> {
    let all = published["canaries"].as_array().cloned().unwrap_or_default();
    let canary = |it: &Value| Some(Canary::new(it["field"].as_str()?, it["value"].as_str()?));
    all.iter().filter_map(canary).filter(|it| it.value.len() >= SHORTEST).collect()
}

/// Something found where it must not be. Names the field and the place, never the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leak {
    /// Which value.
    pub field: String,
    /// Where.
    pub place: String,
}

/// Looks through bytes, once for all values: a log has megabytes, and a run publishes hundreds of values in many forms.
pub fn bytes(place: &str, haystack: &[u8], canaries: &[Canary]) -> Vec<Leak> {
    let mut beginnings: HashMap<&[u8], Vec<(usize, &[u8])>> = HashMap::new();
    // Two bytes tell of most places that nothing begins there.
    let mut pairs = vec![false; 1 << 16];
    let pair = |bytes: &[u8]| usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    for (n, canary) in canaries.iter().enumerate() {
        for form in &canary.forms {
            pairs[pair(form)] = true;
            beginnings.entry(&form[..SHORTEST]).or_default().push((n, form));
        }
    }
    let mut found = BTreeSet::new();
    for (at, beginning) in haystack.windows(SHORTEST).enumerate() {
        if !pairs[pair(beginning)] {
            continue;
        }
        let forms = beginnings.get(beginning).map(Vec::as_slice).unwrap_or_default();
        found.extend(forms.iter().filter(|(_, form)| haystack[at..].starts_with(form)).map(|(n, _)| *n));
    }
    found.into_iter().map(|n| Leak { field: canaries[n].field.clone(), place: place.to_owned() }).collect()
}

/// Looks through a file; one that is not there holds nothing.
pub fn file(path: &Path, canaries: &[Canary]) -> Vec<Leak> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    std::fs::read(path).map(|haystack| bytes(&name, &haystack, canaries)).unwrap_or_default()
}

/// Where to look after a visit, and what was found there.
#[derive(Debug, Default)]
pub struct Places {
    /// The relay's database with its write-ahead log.
    pub database: Vec<Leak>,
    /// Logs, configuration and files of relay and companion.
    pub logs: Vec<Leak>,
    /// Deep links, addresses the browser was asked for, notifications.
    pub urls: Vec<Leak>,
}

/// Where SMART and OAuth put a value themselves, and what the EHR's own launches carry, is not a leak in an address.
const ALLOWED_IN_ADDRESSES: [&str; 6] = ["launch", "code", "appointment.csn", ".nonce", ".state", ".handle"];

/// What went through addresses because SMART and OAuth put it there: from there it must go into no log and no database.
fn from_addresses(directory: &Path) -> Vec<Canary> {
    let read = |name: &str| std::fs::read_to_string(directory.join(name)).unwrap_or_default();
    let mut found = Vec::new();
    for line in [read("opened-addresses"), read("deep-links")].concat().lines() {
        let Ok(address) = url::Url::parse(line) else { continue };
        for (name, value) in address.query_pairs() {
            if ["nonce", "state", "handle"].contains(&&*name) && value.len() >= SHORTEST {
                found.push(Canary::new(&format!("address.{name}"), &value));
            }
        }
    }
    found
}

/// Looks through everything a visit left in `directory` and in the session's home, and through what the desktop was
/// shown. Requests to the EHR and the EHR's own pages are not looked through: that is where these values belong.
pub fn places(
    directory: &Path,
    published: &Value,
    journal: &Value,
    shown: &[crate::notifications::Notification],
) -> Places {
    let all = [canaries(published), from_addresses(directory)].concat();
    let allowed = |canary: &&Canary| !ALLOWED_IN_ADDRESSES.iter().any(|name| canary.field.ends_with(name));
    let in_addresses: Vec<Canary> = all.iter().filter(allowed).cloned().collect();
    let mut urls = file(&directory.join("opened-addresses"), &in_addresses);
    urls.extend(file(&directory.join("deep-links"), &in_addresses));
    for profile in ["browser", "hyperspace", "phone"] {
        urls.extend(file(&directory.join("profiles").join(profile).join("Default/History"), &in_addresses));
    }
    for notification in shown {
        let text = format!("{} {} {}", notification.summary, notification.body, notification.actions.join(" "));
        urls.extend(bytes("notification", text.as_bytes(), &all));
    }
    // What Graph and Teams were told of a visit: nothing of the patient, whatever the field.
    let told = journal["entries"].as_array().cloned().unwrap_or_default();
    let told = told.iter().filter(|entry| entry["who"] == "graph" || entry["who"] == "teams");
    let told: String = told.map(Value::to_string).collect();
    // The EHR's own pages may say where they come from; everybody else's address must hold nothing.
    let asked = |key: &str| journal["asked"][key].as_array().cloned().unwrap_or_default();
    let of_the_ehr =
        |from: &Value| from.as_str().is_some_and(|from| from.contains("/mychart") || from.contains("/hyperspace"));
    let referers: String = asked("referers").iter().filter(|from| !of_the_ehr(from)).map(Value::to_string).collect();
    urls.extend(bytes("Referer", referers.as_bytes(), &in_addresses));
    let graph: String = asked("graph").iter().map(Value::to_string).collect();
    urls.extend(bytes("Graph addresses", graph.as_bytes(), &all));
    let of_patients: Vec<Canary> = all.iter().filter(|it| it.field.starts_with("patient.")).cloned().collect();
    urls.extend(bytes("Graph", told.as_bytes(), &of_patients));
    let files = |names: &[&str], canaries: &[Canary]| -> Vec<Leak> {
        names.iter().flat_map(|name| file(&directory.join(name), canaries)).collect()
    };
    let mut logs = files(&["logs/relay.log", "logs/companion.log"], &all);
    for home in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
        logs.extend(std::env::var_os(home).map(|home| folder(Path::new(&home), &all)).unwrap_or_default());
    }
    Places { database: files(&["relay.sqlite", "relay.sqlite-wal"], &all), logs, urls }
}

/// Looks through every file below a folder: the companion's and its window's own files.
fn folder(path: &Path, canaries: &[Canary]) -> Vec<Leak> {
    let Ok(entries) = std::fs::read_dir(path) else { return Vec::new() };
    let look = |entry: std::fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => folder(&entry.path(), canaries),
        Ok(kind) if kind.is_file() => file(&entry.path(), canaries),
        _ => Vec::new(),
    };
    entries.flatten().flat_map(look).collect()
}

fn forms(value: &str) -> Vec<Vec<u8>> {
    let raw = value.as_bytes();
    let mut forms = vec![raw.to_vec()];
    let percent: String = url::form_urlencoded::byte_serialize(raw).collect();
    forms.push(percent.replace('+', "%20").into_bytes());
    forms.push(percent.into_bytes());
    forms.push(hex::encode(raw).into_bytes());
    forms.push(hex::encode_upper(raw).into_bytes());
    forms.push(value.encode_utf16().flat_map(u16::to_le_bytes).collect());
    forms.push(value.encode_utf16().flat_map(u16::to_be_bytes).collect());
    for shift in 0..3 {
        // Base64 of the value inside something longer: the letters that depend on the neighbours are cut off.
        let padded = [vec![0; shift], raw.to_vec()].concat();
        for encoded in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            let (front, back) = ([0, 2, 3][shift], usize::from(padded.len() % 3 != 0));
            forms.push(encoded.as_bytes()[front..encoded.len() - back].to_vec());
        }
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms.sort();
    forms.dedup();
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_found_inside_something_longer() {
        let value = "Quillfeather, Ada";
        let canaries = [Canary::new("patient.name", value)];
        let around = |inner: &str| format!("x7{inner}Zq");
        let utf16: Vec<u8> = around(value).encode_utf16().flat_map(u16::to_le_bytes).collect();
        let hidden = [
            around(value).into_bytes(),
            around("Quillfeather%2C+Ada").into_bytes(),
            around("Quillfeather%2C%20Ada").into_bytes(),
            around(&hex::encode(value)).into_bytes(),
            STANDARD_NO_PAD.encode(around(value)).into_bytes(),
            STANDARD_NO_PAD.encode(format!("1{}", around(value))).into_bytes(),
            URL_SAFE_NO_PAD.encode(format!("12{}", around(value))).into_bytes(),
            utf16,
        ];
        for (n, haystack) in hidden.iter().enumerate() {
            assert_eq!(bytes("here", haystack, &canaries).len(), 1, "form {n}");
        }
        assert_eq!(bytes("here", b"Quillfeathers elsewhere", &canaries), []);
    }

    #[test]
    fn every_place_is_looked_at_and_counts_in_its_own_column() {
        let published = serde_json::json!({ "canaries": [
            { "field": "patient.name", "value": "Quillfeather" }, { "field": "epic.launch", "value": "launch-token-1" },
        ]});
        let clean = serde_json::json!({ "entries": [], "asked": { "graph": [], "referers": [] } });
        let look = |plant: &dyn Fn(&Path), journal: &Value, shown: &[crate::notifications::Notification]| {
            let folder = tempfile::tempdir().expect("a folder");
            std::fs::create_dir_all(folder.path().join("logs")).expect("a folder");
            std::fs::create_dir_all(folder.path().join("profiles/phone/Default")).expect("a folder");
            plant(folder.path());
            let found = places(folder.path(), &published, journal, shown);
            (found.database.len(), found.logs.len(), found.urls.len())
        };
        let name = "..Quillfeather..";
        let write = |file: &'static str, text: &'static str| {
            move |folder: &Path| {
                std::fs::write(folder.join(file), text).expect("a file");
            }
        };
        assert_eq!(look(&|_| {}, &clean, &[]), (0, 0, 0));
        assert_eq!(look(&write("relay.sqlite", name), &clean, &[]), (1, 0, 0));
        assert_eq!(look(&write("relay.sqlite-wal", name), &clean, &[]), (1, 0, 0));
        assert_eq!(look(&write("logs/relay.log", name), &clean, &[]), (0, 1, 0));
        assert_eq!(look(&write("logs/companion.log", name), &clean, &[]), (0, 1, 0));
        assert_eq!(look(&write("opened-addresses", name), &clean, &[]), (0, 0, 1));
        assert_eq!(look(&write("deep-links", name), &clean, &[]), (0, 0, 1));
        assert_eq!(look(&write("profiles/phone/Default/History", name), &clean, &[]), (0, 0, 1));
        // SMART puts the launch token into an address itself; into a log nobody may.
        assert_eq!(look(&write("opened-addresses", "http://e/?launch=launch-token-1"), &clean, &[]), (0, 0, 0));
        assert_eq!(look(&write("logs/relay.log", "launch-token-1"), &clean, &[]), (0, 1, 0));
        let link = |folder: &Path| {
            std::fs::write(folder.join("deep-links"), "roomed://launch?handle=handle-123").expect("a file");
            std::fs::write(folder.join("logs/relay.log"), "handle-123").expect("a file");
        };
        assert_eq!(look(&link, &clean, &[]), (0, 1, 0));
        let mut journal = clean.clone();
        journal["asked"]["graph"] = serde_json::json!(["/v1.0/Quillfeather"]);
        assert_eq!(look(&|_| {}, &journal, &[]), (0, 0, 1));
        let mut journal = clean.clone();
        journal["asked"]["referers"] = serde_json::json!(["http://relay/?Quillfeather"]);
        assert_eq!(look(&|_| {}, &journal, &[]), (0, 0, 1));
        let mut journal = clean.clone();
        journal["entries"] = serde_json::json!([{ "who": "graph", "detail": "Quillfeather" }]);
        assert_eq!(look(&|_| {}, &journal, &[]), (0, 0, 1));
        let shown = crate::notifications::Notification { summary: "Quillfeather".into(), ..Default::default() };
        assert_eq!(look(&|_| {}, &clean, &[shown]), (0, 0, 1));
    }
}
