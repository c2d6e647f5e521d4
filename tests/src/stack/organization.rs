//! From what the sandbox publishes to what an admin and an analyst would type into the relay's configuration.

use anyhow::Context;
use serde_json::{Value, json};

/// What an analyst types of an EHR beside Epic.
const TYPED: [&str; 9] = [
    "vendor",
    "environment",
    "iss",
    "companion_client_id",
    "browser_client_id",
    "patient_client_id",
    "backend_client_id",
    "virtual_visit_types",
    "identifier_systems",
];

/// An organization of the sandbox, as its control address describes it.
#[derive(Debug, Clone)]
pub struct Organization(pub Value);

impl Organization {
    /// A text of it, by JSON pointer.
    pub fn text(&self, pointer: &str) -> anyhow::Result<&str> {
        self.0.pointer(pointer).and_then(Value::as_str).with_context(|| format!("the sandbox publishes no {pointer}"))
    }

    /// The person with this part of a name or user principal name.
    pub fn person(&self, part: &str) -> anyhow::Result<&Value> {
        self.one_of("/people", part)
    }

    /// The patient with this part of a name or MyChart user name.
    pub fn patient(&self, part: &str) -> anyhow::Result<&Value> {
        self.one_of("/patients", part)
    }

    /// The n-th person of a role, e.g. `practitioner`.
    pub fn of_role(&self, role: &str, n: usize) -> anyhow::Result<&Value> {
        let people = self.0.pointer("/people").and_then(Value::as_array).context("the sandbox publishes no people")?;
        people.iter().filter(|person| person["role"] == role).nth(n).with_context(|| format!("there is no {role} {n}"))
    }

    fn one_of(&self, list: &str, part: &str) -> anyhow::Result<&Value> {
        let all = self.0.pointer(list).and_then(Value::as_array).context("the sandbox publishes nobody")?;
        all.iter().find(|one| one.to_string().contains(part)).with_context(|| format!("there is no {part} in {list}"))
    }

    /// What the sandbox publishes of this organization's EHR; `vendor` in the relay's word.
    pub fn ehr(&self, vendor: &str) -> anyhow::Result<&Value> {
        let mut beside_epic = self.0["more_ehrs"].as_array().into_iter().flatten();
        let found = if vendor == "epic" { self.0.get("ehr") } else { beside_epic.find(|it| it["vendor"] == vendor) };
        found.with_context(|| format!("the sandbox publishes no {vendor}"))
    }

    /// The relay's `[[organizations]]`, with Epic.
    pub fn configuration(&self) -> anyhow::Result<Value> {
        self.configuration_at("epic")
    }

    /// The relay's `[[organizations]]`, with one of its EHRs.
    pub fn configuration_at(&self, vendor: &str) -> anyhow::Result<Value> {
        let known = self.0.as_object().context("the sandbox publishes no organization")?;
        let mut ehr = self.ehr(vendor)?.clone();
        if vendor == "epic" {
            ehr["identifier_systems"]["conference"] = known["more_identifier_systems"]["conference"].clone();
        } else {
            // Published beside these are the people, the scopes and the token endpoint, which nobody types.
            let all = ehr.as_object_mut().context("the sandbox publishes no EHR")?;
            all.retain(|name, _| TYPED.contains(&name.as_str()));
        }
        ehr["redirect"] = json!("relay");
        let mut typed = serde_json::Map::new();
        for key in ["key", "name", "region", "tid", "organizer_oid", "delegates", "entra", "graph"] {
            typed.insert(key.to_owned(), known.get(key).cloned().with_context(|| format!("no {key} is published"))?);
        }
        typed.insert("ehr".to_owned(), json!([ehr]));
        Ok(Value::Object(typed))
    }

    /// Its departments, and an app role of staff who see each ([`staff_role`]).
    pub(super) fn add_staff_to(&self, typed: &mut Value) -> anyhow::Result<()> {
        let departments = self.0["departments"].as_array().context("the sandbox publishes no departments")?;
        let known = |it: &Value| {
            json!({ "id": it["number"], "name": it["name"], "numbers": [it["number"]],
                "locations": [it["location_id"]] })
        };
        typed["departments"] = departments.iter().map(known).collect();
        let role = |it: &Value| json!({ "role": staff_role(it), "departments": [it["number"]] });
        typed["staff"] = departments.iter().map(role).collect();
        Ok(())
    }
}

/// The app role of those who see a department that the sandbox publishes.
pub fn staff_role(department: &Value) -> String {
    format!("Staff.{}", department["number"].as_str().unwrap_or_default())
}

/// `[organizations.sending]` for the sandbox's mail relay, which is on this computer; `mail`: what it tells of itself.
pub fn sending(mail: &Value) -> anyhow::Result<Value> {
    let at =
        mail["address"].as_str().and_then(|it| it.strip_prefix("smtp://")).context("the sandbox has no mail relay")?;
    let (host, port) = at.split_once(':').context("the mail relay has no port")?;
    Ok(json!({
        "by": "smtp", "host": host, "port": port.parse::<u16>()?, "tls": "none",
        "from": "Video visits <visits@northside.example>", "sms_gateway": "sms.example",
    }))
}
