//! App roles of the relay's registration, assigned to people by their tenant's administrator. Nobody has one at first.
//! Left out: groups, and declaring the roles in the manifest: any value Entra would let one declare can be assigned.

use crate::core::{Hospital, lock};
use std::{collections::BTreeMap, sync::Mutex};

/// The longest `value` of an app role.
const LONGEST: usize = 120;

/// Object id -> role values.
#[derive(Default)]
pub(super) struct Assigned(Mutex<BTreeMap<String, Vec<String>>>);

/// The roles somebody has.
pub(crate) fn of(hospital: &Hospital, oid: &str) -> Vec<String> {
    lock(&hospital.entra.assigned.0).get(oid).cloned().unwrap_or_default()
}

/// Gives somebody exactly these roles; says no to a value Entra would not let one declare.
pub(crate) fn assign(hospital: &Hospital, oid: &str, roles: &[String]) -> Result<(), &'static str> {
    if !roles.iter().all(|it| is_value(it)) {
        return Err("a role is 1 to 120 letters, digits or punctuation, without a space and not beginning with a dot");
    }
    let mut roles = roles.to_vec();
    roles.sort();
    roles.dedup();
    hospital.log("entra", "roles.assigned", serde_json::json!({ "oid": oid, "roles": roles }));
    lock(&hospital.entra.assigned.0).insert(oid.to_owned(), roles);
    Ok(())
}

fn is_value(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && !text.starts_with('.')
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || b":!#$%&'()*+,-./;<=>?@[]^_`{|}~".contains(&it))
}
