//! A linked clinician's day without a launch: times and states as the EHR has them, of virtual visits only, and nothing is
//! made by looking.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, refused};

/// A day around now.
fn day() -> String {
    let (from, until) =
        (e2e::clock::now() - SignedDuration::from_hours(6), e2e::clock::now() + SignedDuration::from_hours(6));
    format!("/agenda?from={from}&until={until}")
}

/// When a row begins. EHRs differ in how much of a second they keep.
fn second_of(row: &Value) -> Option<i64> {
    row["start"].as_str()?.parse().ok().map(Timestamp::as_second)
}

fn id(of: &Value) -> &str {
    of["appointment_id"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_linked_clinician_sees_their_day_and_looking_makes_no_visit() -> anyhow::Result<()> {
    for vendor in ["epic", "oracle-health", "fhir-r4"] {
        let ground = Ground::start_at(vendor, |_| {}).await?;
        let (clinician, colleague) = (ground.clinician(0).await?, ground.clinician(1).await?);
        let at = |minutes: i64| e2e::clock::now() + SignedDuration::from_mins(minutes);
        let (first, second, tomorrow) = (at(61), at(122), at(60 * 24 + 3));
        for start in [first, second, tomorrow] {
            ground.schedule_unusual(|it| it["start"] = start.to_string().into()).await?;
        }
        ground.schedule(1, 1).await?;
        assert_eq!(
            clinician.get(&day()).await?["rows"],
            json!([]),
            "{vendor}: nobody knows yet who this is in the EHR"
        );

        let begun = ground.schedule(0, 0).await?;
        let visit = clinician.enter(&ground.stack, id(&begun)).await?;
        let before = ground.written().await?;
        let view = clinician.get(&day()).await?;
        let after = ground.written().await?;
        for table in ["visit", "visit_member", "link", "watch"] {
            assert_eq!(after.rows_of(table), before.rows_of(table), "{vendor}: looking makes nothing: {table}");
        }
        let rows = view["rows"].as_array().cloned().unwrap_or_default();
        // The hospital has other appointments of theirs, too.
        let of = |start: Timestamp| rows.iter().find(|row| second_of(row) == Some(start.as_second()));
        for planned in [first, second] {
            let row = of(planned).unwrap_or_else(|| panic!("{vendor}: {view}"));
            assert_eq!((&row["stage"], &row["visit"]), (&json!("planned"), &Value::Null), "{vendor}");
        }
        assert_eq!(of(tomorrow), None, "{vendor}");
        let open: Vec<&Value> = rows.iter().filter_map(|row| row.get("visit")).collect();
        assert_eq!((open, &view["incomplete"]), (vec![&visit["id"]], &json!(false)), "{vendor}");
        let known: Vec<&String> = rows.iter().filter_map(Value::as_object).flat_map(|row| row.keys()).collect();
        assert!(known.iter().all(|key| ["start", "end", "stage", "visit"].contains(&key.as_str())), "{known:?}");
        assert_eq!(colleague.get(&day()).await?["rows"], json!([]), "{vendor}");
        ground.no_leaks().await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_ehr_that_does_not_answer_leaves_the_day_incomplete_and_a_bad_day_is_refused() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let clinician = ground.clinician(0).await?;
    clinician.enter(&ground.stack, id(&ground.schedule(0, 0).await?)).await?;
    ground.fault(json!({ "target": "epic.fhir", "mode": "status", "times": 0 })).await?;
    let view = clinician.get(&day()).await?;
    assert_eq!((&view["rows"], &view["incomplete"]), (&json!([]), &json!(true)));
    for query in [
        "",
        "?from=x&until=y",
        "?from=2030-01-01T00:00:00Z&until=2030-02-01T00:00:00Z",
        "?from=2030-01-02T00:00:00Z&until=2030-01-01T00:00:00Z",
    ] {
        let answer = clinician.ask(Method::GET, &format!("/agenda{query}"), None).await?;
        refused(query, &answer, (400, "bad-request", "it"));
    }
    Ok(())
}
