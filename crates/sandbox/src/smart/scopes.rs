//! System scopes, v1 and v2, of an app that has no user (SMART App Launch 2.2). No wildcard types, no finer-grained queries.
//! What an app asks beyond its registration is left out of the grant, not refused; the app must re-read `scope`.

/// Resource types with the letters of v2 an app is registered for.
pub(crate) type Registered = [(&'static str, &'static str)];

/// What is granted of what was asked for.
pub(crate) fn granted(asked: &str, registered: &Registered) -> Vec<String> {
    let may = |(resource, letters): (&str, &str)| {
        let own = registered.iter().find(|(it, _)| *it == resource);
        own.is_some_and(|(_, own)| letters.chars().all(|it| own.contains(it)))
    };
    asked.split_whitespace().filter(|it| parse(it).is_some_and(may)).map(str::to_owned).collect()
}

/// Whether `scopes` allow `letter` (c, r, u, d, s) on `resource`.
pub(crate) fn allow(scopes: &[String], resource: &str, letter: char) -> bool {
    scopes.iter().filter_map(|it| parse(it)).any(|(it, letters)| it == resource && letters.contains(letter))
}

/// Everything an app could be granted, in v1 and v2, for `scopes_supported`.
pub(crate) fn all(registered: &Registered) -> Vec<String> {
    let both = registered.iter().flat_map(|(resource, letters)| {
        let write = letters.contains('u').then(|| format!("system/{resource}.write"));
        [Some(format!("system/{resource}.read")), write, Some(format!("system/{resource}.{letters}"))]
    });
    both.flatten().collect()
}

fn parse(scope: &str) -> Option<(&str, &str)> {
    let (resource, permission) = scope.strip_prefix("system/")?.split_once('.')?;
    let letters = match permission {
        "read" => "rs",
        "write" => "cud",
        other => other,
    };
    // Letters in order, each once.
    let order: Vec<usize> = letters.chars().map(|it| "cruds".find(it)).collect::<Option<_>>()?;
    (!order.is_empty() && order.is_sorted_by(|a, b| a < b)).then_some((resource, letters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v1_and_v2_are_granted_as_registered_and_letters_have_an_order() {
        let registered = [("Appointment", "cruds"), ("Patient", "rs")];
        let asked = "system/Appointment.read system/Appointment.write system/Patient.write system/Appointment.ur \
                     system/Patient.rs user/Patient.rs system/*.rs system/Appointment.u";
        let granted = granted(asked, &registered);
        assert_eq!(
            granted,
            ["system/Appointment.read", "system/Appointment.write", "system/Patient.rs", "system/Appointment.u"]
        );
        assert!(allow(&granted, "Appointment", 'u') && !allow(&granted, "Patient", 'u'));
        assert!(!allow(&["system/Appointment.write".to_owned()], "Appointment", 'r'));
        assert!(all(&registered).contains(&"system/Appointment.write".to_owned()));
        assert!(!all(&registered).contains(&"system/Patient.write".to_owned()));
    }
}
