//! SMART scopes, v1 and v2, as far as a registered app may have them (SMART App Launch 2.2, scopes and launch context).
//! What an app asks beyond its registration is left out of the grant, not refused; the app must re-read `scope`.

use crate::smart::clients::Audience;

/// Resource types the interactive apps are registered for; reading only.
const READABLE: [&str; 6] = ["Patient", "Practitioner", "Appointment", "Encounter", "RelatedPerson", "Location"];
/// Resource types Backend Services is registered for, with the letters of v2 it may have.
const SYSTEM: [(&str, &str); 7] = [
    ("Patient", "rs"),
    ("Practitioner", "rs"),
    ("Appointment", "rs"),
    ("Encounter", "rs"),
    ("RelatedPerson", "rs"),
    ("Location", "rs"),
    ("Communication", "crs"),
];

/// What an interactive app is granted of what it asked for; `None` if it asked for something no such app may name.
pub(crate) fn interactive(asked: &str, audience: Audience) -> Option<Vec<String>> {
    let mut granted = Vec::new();
    for scope in asked.split_whitespace() {
        match (scope, parse(scope)) {
            ("launch" | "openid" | "fhirUser" | "profile", _) => granted.push(scope.to_owned()),
            ("launch/patient" | "launch/encounter", _) if audience == Audience::Clinician => {
                granted.push(scope.to_owned())
            }
            (_, Some(Scope { context: "system", .. })) => return None,
            (_, Some(Scope { context: "user", .. })) if audience == Audience::Patient => {}
            (_, Some(it))
                if READABLE.contains(&it.resource) && it.letters.chars().all(|letter| "rs".contains(letter)) =>
            {
                granted.push(scope.to_owned());
            }
            _ => {}
        }
    }
    Some(granted)
}

/// What Backend Services is granted; asking for nothing gets everything registered, as Epic does.
pub(crate) fn system(asked: &str) -> Vec<String> {
    if asked.trim().is_empty() {
        return SYSTEM.iter().map(|(resource, letters)| format!("system/{resource}.{letters}")).collect();
    }
    let may = |it: &Scope<'_>| {
        it.context == "system"
            && SYSTEM.iter().any(|(resource, letters)| {
                *resource == it.resource && it.letters.chars().all(|letter| letters.contains(letter))
            })
    };
    asked.split_whitespace().filter(|it| parse(it).is_some_and(|scope| may(&scope))).map(str::to_owned).collect()
}

/// The contexts (`user`, `patient`, `system`) in which `scopes` allow `letter` (c, r, u, d, s) on `resource`.
pub(crate) fn contexts<'a>(scopes: &'a [String], resource: &str, letter: char) -> Vec<&'a str> {
    let allowed = scopes.iter().filter_map(|it| parse(it)).filter(|it| it.resource == resource);
    allowed.filter(|it| it.letters.contains(letter)).map(|it| it.context).collect()
}

struct Scope<'a> {
    context: &'a str,
    resource: &'a str,
    letters: &'static str,
}

fn parse(scope: &str) -> Option<Scope<'_>> {
    let (context, rest) = scope.split_once('/')?;
    let (resource, permission) = rest.split_once('.')?;
    let known = matches!(context, "user" | "patient" | "system");
    // Letters in order, no finer-grained query: Epic offers no more.
    const ORDERED: [&str; 9] = ["c", "r", "s", "rs", "cr", "crs", "cs", "u", "cruds"];
    let letters = match permission {
        "read" => "rs",
        // v1 `write` is create, update, delete; only creating is registered anywhere.
        "write" => "c",
        other => ORDERED.into_iter().find(|it| *it == other)?,
    };
    known.then_some(Scope { context, resource, letters })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_registered_is_left_out() {
        let asked = "launch openid fhirUser user/Patient.rs user/Observation.rs user/Appointment.write offline_access";
        let granted = interactive(asked, Audience::Clinician).unwrap_or_default();
        assert_eq!(granted, ["launch", "openid", "fhirUser", "user/Patient.rs"]);
        assert_eq!(interactive("launch system/Patient.rs", Audience::Clinician), None);
        assert_eq!(system("system/Communication.c system/Patient.u user/Patient.rs"), ["system/Communication.c"]);
        assert_eq!(contexts(&["user/Patient.read".to_owned()], "Patient", 's'), ["user"]);
        assert!(contexts(&["user/Patient.read".to_owned()], "Patient", 'c').is_empty());
    }
}
