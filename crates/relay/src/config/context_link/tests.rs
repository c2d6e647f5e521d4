//! What an analyst may type of the encrypted link, and what each mistake is called.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use secrecy::ExposeSecret;

use super::super::{Config, ContextNames, IvRule, NORTHSIDE};

const LINK: &str = r#"
[organizations.ehr.context_link]
cipher = "aes-128-cbc"
secret = "CANARY7890123456"
key = { rule = "raw" }
iv = { rule = "zero" }
padding = "pkcs7"
encoding = "base64"
time_zone = "America/Chicago"
validity_minutes = 60
kinds = { patient = "2", practitioner = "1" }
"#;

fn with(link: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
    let environment = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let config = Config::assemble(&format!("{NORTHSIDE}{link}"), Path::new("test.toml"), environment);
    let config = config.map_err(|error| error.to_string())?;
    config.validate().map_err(|error| error.to_string())?;
    Ok(config)
}

#[test]
fn what_a_public_page_gives_has_a_default_and_the_secret_is_in_no_debug() {
    let config = with(LINK, &[]).unwrap();
    let link = config.organizations[0].ehr[0].context_link.as_ref().unwrap();
    assert_eq!((link.grace_minutes, link.time_format.as_str()), (30, "%m/%d/%Y %I:%M %p"));
    assert_eq!((&link.names, &link.iv), (&ContextNames::default(), &IvRule::Zero {}));
    assert_eq!(link.names.patient, None);
    assert!(!format!("{config:?}").contains("CANARY"));
    assert!(with("", &[]).unwrap().organizations[0].ehr[0].context_link.is_none());
}

#[test]
fn what_no_public_page_gives_must_be_typed() {
    for key in ["cipher", "key", "iv", "padding", "encoding", "time_zone", "validity_minutes", "kinds"] {
        let without: String = LINK.lines().filter(|it| !it.starts_with(key)).map(|it| format!("{it}\n")).collect();
        let problem = with(&without, &[]).unwrap_err();
        assert!(problem.contains(&format!("missing field `{key}`")), "{key}: {problem}");
    }
}

#[test]
fn the_secret_comes_from_the_environment_too() {
    let without = LINK.replace("secret = \"CANARY7890123456\"\n", "");
    let variable = "ROOMED__ORGANIZATIONS__0__EHR__0__CONTEXT_LINK__SECRET";
    let config = with(&without, &[(variable, "1234567890123456")]).unwrap();
    let secret = config.organizations[0].ehr[0].context_link.as_ref().unwrap().secret.as_ref();
    assert_eq!(secret.unwrap().expose_secret(), "1234567890123456");
    with(&without.replace("key =", "secret_file = \"/x\"\nkey ="), &[]).unwrap();
    assert!(with(&without, &[]).unwrap_err().contains("exactly one of secret and secret_file"));
    assert!(with(&LINK.replace("key =", "secret_file = \"/x\"\nkey ="), &[]).unwrap_err().contains("exactly one"));
}

#[test]
fn every_mistake_is_named_and_the_secret_is_not() {
    for (from, to, wanted) in [
        ("aes-128-cbc", "aes-256-cbc", "secret has not the length"),
        ("aes-128-cbc", "des", "cipher"),
        ("\"CANARY7890123456\"", "\"CANARY\"", "secret has not the length"),
        ("\"CANARY7890123456\"", "\"\"", "secret is empty"),
        ("\"CANARY7890123456\"", "12345", "`organizations[0].ehr[0].context_link.secret`: has the wrong kind"),
        ("rule = \"raw\"", "rule = \"hex\"", "secret is not in hexadecimal digits"),
        ("rule = \"raw\"", "rule = \"base64\"", "secret has not the length"),
        ("rule = \"raw\"", "rule = \"md5\"", "context_link.key"),
        ("rule = \"raw\"", "rule = \"raw\", salt = \"x\"", "context_link.key"),
        ("rule = \"raw\"", "rule = \"pbkdf2\", digest = \"sha1\", salt = \"x\", rounds = 0", "context_link.key"),
        ("rule = \"raw\"", "rule = \"pbkdf2\", digest = \"sha1\", salt = \"x\", rounds = 99999999", "key.rounds"),
        ("rule = \"zero\"", "rule = \"derived\"", "iv: \"derived\" goes with"),
        ("rule = \"zero\"", "rule = \"fixed\", hex = \"00\"", "iv.hex must be 32"),
        ("rule = \"zero\"", "rule = \"parameter\", name = \"extData\"", "iv.name must be"),
        ("rule = \"zero\"", "rule = \"prefix\"", "starts_with is needed"),
        ("rule = \"zero\"", "rule = \"parameter\", name = \"iv\"", "starts_with is needed"),
        (
            "iv = { rule = \"zero\" }",
            "iv = { rule = \"prefix\" }\nstarts_with = \"Link=15Letters&\"",
            "starts_with must be of 16",
        ),
        ("key =", "starts_with = \"Link=a b&\"\nkey =", "starts_with must be of letters"),
        ("key =", "starts_with = \"\"\nkey =", "starts_with must be of letters"),
        ("\"America/Chicago\"", "\"Chicago\"", "time_zone is no IANA zone"),
        ("key =", "time_format = \"%m/%d %H:%M\"\nkey =", "time_format must say"),
        ("key =", "time_format = \"%q\"\nkey =", "time_format must say"),
        ("validity_minutes = 60", "validity_minutes = 0", "validity_minutes must be 1 to"),
        ("validity_minutes = 60", "validity_minutes = 43201", "validity_minutes must be 1 to"),
        ("key =", "grace_minutes = 43201\nkey =", "grace_minutes must be 0 to"),
        ("patient = \"2\"", "patient = \"1\"", "kinds must be different"),
        ("patient = \"2\"", "patient = \"\"", "kinds must be different"),
        ("patient = \"2\"", "patient = \"2\", proxy = \"3\"", "names.patient is needed"),
        ("key =", "names = { query = \"iss\" }\nkey =", "names must be"),
        ("key =", "names = { time = \"Timestamp\" }\nkey =", "names must be"),
        ("key =", "names = { person = \"a b\" }\nkey =", "names must be"),
        ("key =", "names = { csn = \"a\" }\nkey =", "csn"),
        ("key =", "salt = \"a\"\nkey =", "salt"),
    ] {
        let problem = with(&LINK.replacen(from, to, 1), &[]).unwrap_err();
        assert!(problem.contains(wanted), "{to}: {problem}");
        assert!(!problem.contains("CANARY") && !problem.contains("12345"), "{to}: {problem}");
    }
}

#[test]
fn it_is_epics_alone() {
    let (before, _) = NORTHSIDE.split_once("[organizations.ehr.connection_status]").unwrap();
    let text = format!("{}{LINK}", before.replace("\"epic\"", "\"oracle-health\""));
    let config = Config::assemble(&text, Path::new("test.toml"), Vec::new()).unwrap();
    assert!(config.validate().unwrap_err().to_string().contains("context_link is Epic's alone"));
}
