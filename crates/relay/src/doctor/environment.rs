//! Whether a connection's address and its environment belong together. That a name says "production" proves nothing, so the words
//! are "looks like"; that one address is both is certain.

use super::code::FindingCode as C;
use super::ehr::server_of;
use super::finding::Measured;
use super::scene::Door;
use crate::config::Environment;

/// Parts of names of servers and instances that are used for made-up patients: Epic's usual suffixes, and everybody's.
const TEST: [&str; 18] = [
    "test", "tst", "dev", "poc", "sup", "rel", "prj", "trn", "train", "training", "uat", "qa", "stage", "staging",
    "sandbox", "nonprod", "nonprd", "preprod",
];
/// And of those behind which real charts are.
const PRODUCTION: [&str; 4] = ["prd", "prod", "production", "live"];

/// `ehr.environment`
pub(super) async fn environment(it: &Door<'_>) -> Measured {
    let all = it.scene.config.organizations.iter().flat_map(|it| &it.ehr);
    let all: Vec<(Environment, &str)> = all.map(|it| (it.environment, it.iss.as_str())).collect();
    judge(it.connection.environment, &it.connection.iss, &all)
}

fn judge(environment: Environment, iss: &str, all: &[(Environment, &str)]) -> Measured {
    let said = format!("marked as {}", environment.as_str());
    let bare = |iss: &str| iss.trim_end_matches('/').to_ascii_lowercase();
    let mut others = all.iter().filter(|(of, _)| *of != environment);
    if others.clone().any(|(_, it)| bare(it) == bare(iss)) {
        return Measured::new(C::EnvironmentBoth, format!("{said}, and otherwise elsewhere"));
    }
    match (looks(iss), environment) {
        (Some((Environment::Production, word)), Environment::Test) => {
            Measured::new(C::EnvironmentLooksProduction, format!("{said}; the address says \"{word}\""))
        }
        (Some((Environment::Test, word)), Environment::Production) => {
            Measured::new(C::EnvironmentLooksTest, format!("{said}; the address says \"{word}\""))
        }
        _ if others.any(|(_, it)| server_of(it).is_some() && server_of(it) == server_of(iss)) => {
            Measured::new(C::EnvironmentHostShared, format!("{said}; the other environment has the same server"))
        }
        _ => Measured::new(C::EnvironmentFine, said),
    }
}

/// What an address says it is, and by which word. A name that says both, or neither, says nothing.
fn looks(iss: &str) -> Option<(Environment, &'static str)> {
    let address = iss.to_ascii_lowercase();
    let words = || address.split(|it: char| !it.is_ascii_alphanumeric());
    let test = TEST.into_iter().find(|word| words().any(|it| it == *word || it.ends_with(word) && long(word)));
    // Epic's instances are often named as in `ocurprd-oauth`.
    let production = PRODUCTION.into_iter().find(|word| {
        let ends =
            |it: &str| word.starts_with("pr") && it.ends_with(word) && !TEST.iter().any(|test| it.ends_with(test));
        words().any(|it| it == *word || ends(it))
    });
    match (test, production) {
        (Some(word), None) => Some((Environment::Test, word)),
        (None, Some(word)) => Some((Environment::Production, word)),
        _ => None,
    }
}

/// Long enough that a word ends so on purpose: "latest" and "sadev" are nobody's sandbox.
fn long(word: &str) -> bool {
    word.len() >= 6
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Environment = Environment::Test;
    const P: Environment = Environment::Production;

    #[test]
    fn an_address_says_what_it_is_only_in_whole_words() {
        for (iss, wanted) in [
            ("https://ehr.example/interconnect-prd/api/FHIR/R4", Some(P)),
            ("https://lamna.example/fhir/auth/connect-ocurprd-oauth/api/FHIR/R4", Some(P)),
            ("https://prod.ehr.example/api/FHIR/R4", Some(P)),
            ("https://ehr.example/interconnect-tst-oauth/api/FHIR/R4", Some(T)),
            ("https://sandbox.ehr.example/r4", Some(T)),
            ("https://ehr-nonprod.example/r4", Some(T)),
            ("https://ehrnonprod.example/r4", Some(T)),
            ("https://olive.ehr.example/r4", None),
            ("https://latest.ehr.example/r4", None),
            ("https://ehr.example/test/prd/r4", None),
            ("https://fhir.northside.example/r4", None),
        ] {
            assert_eq!(looks(iss).map(|(it, _)| it), wanted, "{iss}");
        }
    }

    #[test]
    fn the_same_address_in_both_is_wrong_and_the_same_server_is_to_be_looked_at() {
        let prd = "https://ehr.example/interconnect-prd/api/FHIR/R4";
        let (one, two) = ("https://ehr.example/a/r4", "https://ehr.example/b/r4");
        assert_eq!(judge(T, prd, &[(T, prd)]).code, C::EnvironmentLooksProduction);
        assert_eq!(judge(P, prd, &[(P, prd)]).code, C::EnvironmentFine);
        assert_eq!(judge(P, "https://tst.ehr.example/r4", &[]).code, C::EnvironmentLooksTest);
        assert_eq!(judge(P, prd, &[(P, prd), (T, &format!("{prd}/"))]).code, C::EnvironmentBoth);
        assert_eq!(judge(T, one, &[(T, one), (P, two)]).code, C::EnvironmentHostShared);
        assert_eq!(judge(T, one, &[(T, one), (T, two)]).code, C::EnvironmentFine);
        let elsewhere = "https://ehr.example:8443/b/r4";
        assert_eq!(judge(T, one, &[(T, one), (P, elsewhere)]).code, C::EnvironmentFine);
    }
}
