//! What a Reference may refer to: no validator we found looks at that, and an Encounter whose participant is a Patient passes
//! all of them. The table is R4's (hl7.org/fhir/R4, each resource's definition), for the elements that we send or pass on.

use serde_json::Value;

/// `*` is any resource.
const TARGETS: [(&str, &[&str]); 17] = [
    (
        "Appointment.participant.actor",
        &["Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Device", "HealthcareService", "Location"],
    ),
    ("Appointment.slot", &["Slot"]),
    ("AuditEvent.agent.who", WHO),
    ("AuditEvent.agent.location", &["Location"]),
    ("AuditEvent.source.observer", WHO),
    ("AuditEvent.entity.what", &["*"]),
    ("Communication.about", &["*"]),
    ("Communication.encounter", &["Encounter"]),
    (
        "Communication.sender",
        &[
            "Device",
            "Organization",
            "Patient",
            "Practitioner",
            "PractitionerRole",
            "RelatedPerson",
            "HealthcareService",
        ],
    ),
    (
        "Communication.recipient",
        &[
            "Device",
            "Organization",
            "Patient",
            "Practitioner",
            "PractitionerRole",
            "RelatedPerson",
            "Group",
            "CareTeam",
            "HealthcareService",
        ],
    ),
    ("Communication.subject", &["Patient", "Group"]),
    ("Encounter.appointment", &["Appointment"]),
    ("Encounter.location.location", &["Location"]),
    ("Encounter.participant.individual", &["Practitioner", "PractitionerRole", "RelatedPerson"]),
    ("Encounter.serviceProvider", &["Organization"]),
    ("Encounter.subject", &["Patient", "Group"]),
    ("Location.managingOrganization", &["Organization"]),
];

const WHO: &[&str] = &["PractitionerRole", "Practitioner", "Organization", "Device", "Patient", "RelatedPerson"];

/// What is wrong with the references of a resource, or of each in a Bundle.
pub(super) fn wrong(resource: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let entries: &[Value] = resource["entry"].as_array().map_or(&[], Vec::as_slice);
    match resource["resourceType"].as_str() {
        Some("Bundle") => {
            for entry in entries {
                walk(
                    &entry["resource"],
                    entry["resource"]["resourceType"].as_str().unwrap_or("?"),
                    &entry["resource"],
                    entries,
                    &mut found,
                );
            }
        }
        kind => walk(resource, kind.unwrap_or("?"), resource, entries, &mut found),
    }
    found
}

fn walk(it: &Value, path: &str, root: &Value, entries: &[Value], found: &mut Vec<String>) {
    match it {
        Value::Array(all) => all.iter().for_each(|it| walk(it, path, root, entries, found)),
        Value::Object(members) => {
            if members.contains_key("reference") || members.get("identifier").is_some_and(Value::is_object) {
                found.extend(check(it, path, root, entries));
            }
            for (name, member) in members {
                // A contained resource's path begins anew.
                let inner = match (name.as_str(), member["resourceType"].as_str()) {
                    ("contained", _) => {
                        for resource in member.as_array().into_iter().flatten() {
                            walk(resource, resource["resourceType"].as_str().unwrap_or("?"), root, entries, found);
                        }
                        continue;
                    }
                    _ => format!("{path}.{name}"),
                };
                walk(member, &inner, root, entries, found);
            }
        }
        _ => {}
    }
}

fn check(reference: &Value, path: &str, root: &Value, entries: &[Value]) -> Option<String> {
    let Some((_, allowed)) = TARGETS.iter().find(|(it, _)| *it == path) else {
        return Some(format!("{path} is not in the table"));
    };
    let Some(target) = target(reference, root, entries) else { return Some(format!("{path} leads nowhere")) };
    let fits = allowed.contains(&"*") || allowed.contains(&target.as_str());
    (!fits).then(|| format!("{path} refers to a {target}"))
}

/// The type that is referred to.
fn target(reference: &Value, root: &Value, entries: &[Value]) -> Option<String> {
    let said = reference["type"].as_str();
    let Some(literal) = reference["reference"].as_str() else {
        // A logical reference says its type, or means anything.
        return Some(said.unwrap_or("*").to_owned());
    };
    let kind = if let Some(id) = literal.strip_prefix('#') {
        let contained = root["contained"].as_array()?.iter().find(|it| it["id"] == id)?;
        contained["resourceType"].as_str()?.to_owned()
    } else if literal.starts_with("urn:") {
        let entry = entries.iter().find(|it| it["fullUrl"] == literal)?;
        entry["resource"]["resourceType"].as_str()?.to_owned()
    } else {
        let (before, _) = literal.rsplit_once('/')?;
        before.rsplit('/').next()?.to_owned()
    };
    (said.is_none_or(|it| it == kind)).then_some(kind)
}

#[tokio::test]
async fn everything_that_is_sent_refers_only_to_what_it_may() {
    for (name, resource) in super::shapes::all().await {
        assert_eq!(wrong(resource), Vec::<String>::new(), "{name}: {resource}");
    }
}

#[test]
fn bad_references_are_found() {
    use serde_json::json;
    let encounter = |more: Value| {
        let mut it = json!({ "resourceType": "Encounter", "status": "planned" });
        it.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        it
    };
    for (resource, wanted) in [
        (
            encounter(json!({ "participant": [{ "individual": { "reference": "Patient/p1" } }] })),
            "Encounter.participant.individual refers to a Patient",
        ),
        (
            encounter(json!({ "location": [{ "location": { "reference": "#video" } }] })),
            "Encounter.location.location leads nowhere",
        ),
        (
            encounter(json!({ "contained": [{ "resourceType": "Device", "id": "v" }],
                "location": [{ "location": { "reference": "#v" } }] })),
            "Encounter.location.location refers to a Device",
        ),
        (
            encounter(json!({ "subject": { "reference": "https://h/r4/Practitioner/d1" } })),
            "Encounter.subject refers to a Practitioner",
        ),
        (encounter(json!({ "partOf": { "reference": "Encounter/e" } })), "Encounter.partOf is not in the table"),
        (
            json!({ "resourceType": "AuditEvent", "agent": [{ "who": { "type": "Location", "identifier": { "value": "x" } } }] }),
            "AuditEvent.agent.who refers to a Location",
        ),
        (
            json!({ "resourceType": "Bundle", "entry": [{ "resource": encounter(json!({ "location": [
                { "location": { "reference": "urn:uuid:none" } }] })) }] }),
            "Encounter.location.location leads nowhere",
        ),
    ] {
        assert_eq!(wrong(&resource), [wanted]);
    }
}
