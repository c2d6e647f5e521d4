//! The configuration's tests: every key stands in the default file, and what is wrong is named.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use secrecy::ExposeSecret;

use super::super::{Config, Covering, LaunchRedirect, Lobby};

pub(crate) const NORTHSIDE: &str = r#"
[keys]
master_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
[dev]
loopback_http = true
[[organizations]]
key = "northside"
name = "Northside Health"
region = "emea"
tid = "6b1c1b4e-59ac-4b0e-9d34-7f2d1c1f0001"
organizer_oid = "6b1c1b4e-59ac-4b0e-9d34-7f2d1c1f0002"
delegates = ["6b1c1b4e-59ac-4b0e-9d34-7f2d1c1f0003"]
[organizations.entra]
authority = "http://127.0.0.1:1/t/v2.0"
companion_client_id = "c"
relay_client_id = "r"
relay_client_secret = "CANARY-SECRET"
scope = "api://r/access_as_user"
[organizations.graph]
base = "http://127.0.0.1:2/v1.0"
subscriptions_base = "http://127.0.0.1:2/beta"
token_endpoint = "http://127.0.0.1:1/t/oauth2/v2.0/token"
validation_keys = "http://127.0.0.1:1/common/discovery/v2.0/keys"
validation_issuer = "https://sts.windows.net/t/"
notification_app_id = "0bf30f3b-4a52-48df-9a82-234910c4a086"
[[organizations.ehr]]
vendor = "epic"
environment = "test"
iss = "http://127.0.0.1:3/fhir"
companion_client_id = "a"
patient_client_id = "b"
backend_client_id = "c"
interconnect = "http://127.0.0.1:3/interconnect"
virtual_visit_types = [{ system = "urn:t", code = "VV" }]
identifier_systems = { csn = "urn:csn", practitioner = "urn:emp", patient = "urn:wpr" }
[organizations.ehr.connection_status]
profile = "epic-2018-contextlinking"
verb = "GET"
path = "/api/set"
auth = { kind = "basic", user = "emp$x", password = "CANARY-PASSWORD" }
epic_client_id = "e"
vendor_name = "Roomed"
connected = 1
external_id_type = { practitioner = 1, patient = 2 }
"#;

fn with(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
    let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let config = Config::assemble(text, Path::new("test.toml"), environment).map_err(|e| e.to_string())?;
    config.validate().map_err(|e| e.to_string())?;
    Ok(config)
}

#[test]
fn a_whole_organization_is_read_and_no_secret_is_in_its_debug() {
    let config = with(NORTHSIDE, &[]).unwrap();
    let it = config.organization("northside").unwrap();
    assert_eq!(it.covering, Covering::Allowed);
    let ehr = it.ehr("http://127.0.0.1:3/fhir").unwrap();
    assert_eq!(ehr.redirect, LaunchRedirect::Relay);
    let status = ehr.connection_status.as_ref().unwrap();
    assert_eq!((status.connected, status.disconnected), (1, None), "disconnected has no default");
    assert!(config.organization("harbor").is_none());
    let shown = format!("{config:?}");
    assert!(!shown.contains("CANARY") && !shown.contains("0001020304"), "{shown}");
}

#[test]
fn the_environment_lies_over_the_file_over_the_defaults() {
    let text = format!("{NORTHSIDE}\n[visit]\ngrace_seconds = 7\n");
    let config = with(
        &text,
        &[
            ("ROOMED__VISIT__EARLY_JOIN_MINUTES", "5"),
            ("ROOMED__ORGANIZATIONS__0__NAME", "12"),
            ("ROOMED__ORGANIZATIONS__0__ENTRA__RELAY_CLIENT_SECRET", "42"),
            ("ROOMED__ORGANIZATIONS__0__EHR__0__CONNECTION_STATUS__DISCONNECTED", "9"),
            ("ROOMED__OUTBOX__SCHEDULE_MS", "[3, 4]"),
            ("HOME", "/root"),
        ],
    )
    .unwrap();
    assert_eq!((config.visit.grace_seconds, config.visit.early_join_minutes), (7, 5));
    assert_eq!(config.visit.quiet_close_minutes, 10, "the default stands");
    assert_eq!(config.outbox.schedule_ms, [3, 4]);
    let it = &config.organizations[0];
    assert_eq!((it.name.as_str(), it.entra.relay_client_secret.expose_secret()), ("12", "42"));
    assert_eq!(it.ehr[0].connection_status.as_ref().unwrap().disconnected, Some(9));
}

#[test]
fn what_is_wrong_is_named_and_its_secret_is_not() {
    type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);
    let cases: [Case; 8] = [
        ("[visit]\ngrase_seconds = 1\n", &[], "grase_seconds"),
        ("[visits]\ngrace_seconds = 1\n", &[], "visits"),
        ("", &[("ROOMED__VISIT__GRASE", "1")], "grase"),
        ("[outbox]\nlease_ms = 5\n", &[], "outbox.deadline_ms must be less"),
        ("bind = 7\n", &[], "`bind`"),
        ("[keys]\nmaster_key = 12345\n", &[], "`keys.master_key`: has the wrong kind of value"),
        ("public_url = \"http://roomed.example/\"\n", &[], "public_url must be https"),
        ("nonsense", &[], "not valid TOML"),
    ];
    for (text, environment, wanted) in cases {
        let problem = with(text, environment).unwrap_err();
        assert!(problem.contains(wanted), "{text}: {problem}");
        assert!(!problem.contains("12345"), "{problem}");
    }
}

#[test]
fn the_example_in_the_default_file_is_one_this_version_reads() {
    let (_, example) = super::DEFAULTS.split_once("Example:\n#\n").unwrap();
    let example: String =
        example.lines().map(|line| line.trim_start_matches("# ").trim_start_matches('#').to_owned() + "\n").collect();
    let config = Config::assemble(&example, Path::new("example"), Vec::new()).unwrap();
    let it = &config.organizations[0];
    assert_eq!((it.key.as_str(), it.ehr.len()), ("northside", 1));
    assert_eq!(it.ehr[0].connection_status.as_ref().unwrap().disconnected, Some(0));
}

#[test]
fn a_lobby_is_careful_unless_it_says_otherwise_and_never_open() {
    let it = with(NORTHSIDE, &[]).unwrap().organizations[0].meeting;
    assert_eq!((it.lobby, it.removal), (Lobby::Organizer, false));
    let lobby = |word: &str| {
        format!("{NORTHSIDE}\n").replace(
            "[organizations.entra]",
            &format!("[organizations.meeting]\nlobby = \"{word}\"\n[organizations.entra]"),
        )
    };
    let it = with(&lobby("organizationAndFederated"), &[]).unwrap().organizations[0].meeting;
    assert_eq!(it.lobby.as_str(), "organizationAndFederated");
    let problem = with(&lobby("everyone"), &[]).unwrap_err();
    assert!(problem.contains("organizations[northside].meeting.lobby = \"everyone\" would let anybody"), "{problem}");
    assert!(with(&lobby("nobody"), &[]).unwrap_err().contains("lobby"));
}

#[test]
fn loopback_http_is_refused_on_any_other_address() {
    let text = format!("bind = \"0.0.0.0:8400\"\n{NORTHSIDE}");
    assert!(with(&text, &[]).unwrap_err().contains("dev.loopback_http is for loopback only"));
    let without = NORTHSIDE.replace("loopback_http = true", "loopback_http = false");
    let problem = with(&without, &[]).unwrap_err();
    assert!(problem.contains("graph.base must be https") && problem.contains("iss must be https"), "{problem}");
}

#[test]
fn an_ehr_is_named_and_stands_where_it_can() {
    for number in ["https://203.0.113.9/FHIR/R4", "https://0x7f.1/FHIR/R4", "https://[2606:4700::1111]/FHIR/R4"] {
        let (before, after) = NORTHSIDE.split_once("iss = \"").unwrap();
        let (_, after) = after.split_once('"').unwrap();
        let text = format!("{before}iss = \"{number}\"{after}");
        let problem = with(&text.replace("loopback_http = true", "loopback_http = false"), &[]).unwrap_err();
        assert!(problem.contains("iss has a number where the server's name belongs"), "{number}: {problem}");
    }
    let ranges = |text: &str| with(&format!("{NORTHSIDE}\n[ehr]\nprivate_ranges = [{text}]\n"), &[]);
    assert_eq!(ranges(r#""10.20.0.0/16", "fd12::/16""#).unwrap().ehr.private_ranges.len(), 2);
    assert!(ranges(r#""127.0.0.0/8""#).unwrap_err().contains("ehr.private_ranges holds 127.0.0.0/8, where no EHR"));
    assert!(ranges(r#""10.20.0.0/99""#).is_err());
}

/// The Epic connection of `NORTHSIDE` as another vendor's.
fn of_vendor(vendor: &str, more: &str) -> String {
    let (before, _) = NORTHSIDE.split_once("[organizations.ehr.connection_status]").unwrap();
    let (before, _) = before.split_once("interconnect =").unwrap();
    let before = before.replace("\"epic\"", &format!("\"{vendor}\""));
    format!("{before}\nvirtual_visit_types = [{{ system = \"urn:t\", code = \"VV\" }}]\n{more}")
}

#[test]
fn each_vendor_needs_what_it_needs_and_no_more() {
    for vendor in ["oracle-health", "fhir-r4"] {
        let config = with(&of_vendor(vendor, ""), &[]).unwrap();
        let ehr = &config.organizations[0].ehr[0];
        assert_eq!((ehr.communication, ehr.audit, ehr.interconnect.as_str()), (false, true, ""), "{vendor}");
        assert_eq!(ehr.identifier_systems.csn, "", "{vendor}");
    }
    with(&of_vendor("fhir-r4", "communication = true\naudit = false"), &[]).unwrap();
    let systems = "identifier_systems = { csn = \"a\", practitioner = \"b\", patient = \"c\" }";
    with(&of_vendor("epic", systems), &[]).unwrap();
    let interconnect = NORTHSIDE.replace("interconnect = \"http://127.0.0.1:3/interconnect\"", "interconnect = \"\"");
    let status = NORTHSIDE.replace("\"epic\"", "\"oracle-health\"");
    let systems = |conference: &str| {
        format!(
            "identifier_systems = {{ csn = \"a\", practitioner = \"b\", patient = \"c\", conference = \"{conference}\" }}"
        )
    };
    for (text, wanted) in [
        (of_vendor("epic", ""), "Epic needs csn, practitioner and patient"),
        (of_vendor("epic", "identifier_systems = { csn = \"a\" }"), "Epic needs csn"),
        (of_vendor("epic", &systems("a")), "conference and csn must be two systems"),
        (of_vendor("fhir-r4", &systems("d")), "identifier_systems.conference is Epic's alone"),
        (interconnect, "interconnect"),
        (status, "connection_status is Epic's alone"),
        (of_vendor("oracle-health", "communication = true"), "takes no Communication"),
        (of_vendor("cerner", ""), "vendor"),
    ] {
        let problem = with(&text, &[]).unwrap_err();
        assert!(problem.contains(wanted), "{wanted}: {problem}");
    }
}

#[test]
fn a_mail_servers_authority_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    let said = || {
        let sending =
            "[organizations.sending]\nby = \"smtp\"\nhost = \"mail.example\"\nfrom = \"a@northside.example\"\n";
        let text =
            NORTHSIDE.replace("[organizations.entra]", &format!("{sending}ca_file = {file:?}\n[organizations.entra]"));
        with(&text, &[]).map(drop)
    };
    assert!(said().unwrap_err().contains("sending.ca_file"), "it is not there");
    for wrong in ["", "not a certificate", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&file, wrong).unwrap();
        assert!(said().unwrap_err().contains("holds no certificate in PEM"), "{wrong:?}");
    }
    let authority = rcgen::generate_simple_self_signed(["mail.example".to_owned()]).unwrap();
    std::fs::write(&file, authority.cert.pem()).unwrap();
    said().unwrap();
}
