//! The report's order and form, and that whatever can be found has words.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::doctor::code::FindingCode as C;
use crate::doctor::words::words;

fn found(check: &'static str, area: Area, code: C) -> Finding {
    let it = words(code);
    Finding {
        check,
        area,
        organization: None,
        ehr: None,
        state: it.state,
        code,
        measured: "5 of 7".into(),
        cause: it.cause,
        owner: it.owner,
        fix: it.fix,
        copy: (code == C::AccessPolicyMissing).then(|| "one\ntwo".into()),
    }
}

fn report() -> Report {
    let at = "2026-11-22T12:00:00Z".parse().unwrap();
    let findings = vec![
        found("database.schema", Area::Database, C::DatabaseFine),
        found("disk.keys", Area::Database, C::DiskLow),
        found("keys.signing", Area::Keys, C::SigningKeysFine),
        found("graph.attendance", Area::Graph, C::NotAsked),
        found("graph.meetings", Area::Graph, C::AccessPolicyMissing),
        found("graph.removal", Area::Graph, C::RemovalNotUsed),
        found("graph.clean", Area::Graph, C::CleanFine),
    ];
    Report::new(at, "https://roomed.example", findings)
}

#[test]
fn what_is_wrong_comes_first_and_the_count_last() {
    insta::assert_snapshot!(report().text(), @"
Roomed's doctor on https://roomed.example at 2026-11-22T12:00:00Z (version 0.1.0)

Microsoft Graph
  WRONG       graph.meetings: 5 of 7
              Why: The relay may not make meetings for the organizer. Granted already? Then it may take up to 30 minutes.
              Who: Microsoft 365 admin
              Fix: Grant the application access policy to the organizer's account (Teams PowerShell, below).
              Copy: one
                    two
  cannot tell graph.attendance: 5 of 7
  fine        graph.clean: 5 of 7
  not used    graph.removal: 5 of 7

Database and disk
  wait        disk.keys: 5 of 7
              Why: Little room is left on the disk: under 1 GiB, or under 5 %.
              Who: IT (who operates the relay)
              Fix: Make room before it is full: a relay that cannot write takes no more visits.
  fine        database.schema: 5 of 7

Keys
  fine        keys.signing: 5 of 7

1 WRONG, 1 wait, 1 cannot tell, 3 fine, 1 not used
");
    assert!(report().is_bad());
    let at = Timestamp::UNIX_EPOCH;
    assert!(!Report::new(at, "", vec![found("disk.keys", Area::Database, C::DiskLow)]).is_bad());
}

#[test]
fn machines_get_every_field_under_names_that_stay() {
    let json = serde_json::to_value(report()).unwrap();
    assert_eq!(json["counts"], serde_json::json!({"wrong": 1, "wait": 1, "cannot-tell": 1, "fine": 3, "not-used": 1}));
    assert_eq!(
        json["findings"][0],
        serde_json::json!({
            "check": "graph.meetings", "area": "graph", "organization": null, "ehr": null, "state": "wrong",
            "code": "access-policy-missing", "measured": "5 of 7",
            "cause": "The relay may not make meetings for the organizer. Granted already? Then it may take up to 30 minutes.",
            "owner": "microsoft-365-admin",
            "fix": "Grant the application access policy to the organizer's account (Teams PowerShell, below).",
            "copy": "one\ntwo",
        })
    );
    assert_eq!((&json["format"], &json["public_url"]), (&1.into(), &"https://roomed.example".into()));
}

#[test]
fn whatever_is_not_fine_has_something_to_do_and_only_that_has() {
    for code in C::ALL {
        let it = words(*code);
        let idle = it.fix == "Nothing to do.";
        match it.state {
            State::Wrong | State::Wait => assert!(!idle, "{code:?}"),
            State::Fine => assert!(idle, "{code:?}"),
            State::CannotTell | State::NotUsed => {}
        }
        assert!(it.cause.ends_with('.') && it.fix.ends_with('.'), "{code:?}");
        assert!(
            !matches!(it.owner, roomed_protocol::WhoCanFix::Clinician),
            "{code:?}: nobody at a bedside repairs a set-up"
        );
    }
}
