//! A linked clinician's day without a launch: times and states as the EHR has them, of virtual visits only, and nothing is
//! made by looking.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, refused};

/// A day around now.
fn day() -> String {
    span().2
}

/// The same with its ends.
fn span() -> (Timestamp, Timestamp, String) {
    let now = e2e::clock::now();
    let (from, until) = (now - SignedDuration::from_hours(6), now + SignedDuration::from_hours(6));
    (from, until, format!("/agenda?from={from}&until={until}"))
}

/// What the hospital has planned for that day: when this practitioner's virtual visits begin, in order, how many virtual ones
/// others have, and how many they have at the office.
async fn planned(
    ground: &Ground,
    practitioner: &Value,
    from: Timestamp,
    until: Timestamp,
) -> anyhow::Result<(Vec<i64>, usize, usize)> {
    let word = crate::chart::sandbox_word(ground.vendor);
    let all = ground.stack.sandbox.get(&format!("/appointments?ehr={word}")).await?;
    let all = all["appointments"].as_array().cloned().unwrap_or_default();
    let in_time = |it: &&Value| {
        let start = it["start"].as_str().and_then(|it| it.parse::<Timestamp>().ok());
        it["org"] == "northside" && start.is_some_and(|start| from <= start && start < until)
    };
    let today: Vec<&Value> = all.iter().filter(in_time).collect();
    let is_virtual = |it: &&&Value| it["type"] != "OFFICE";
    let is_own = |it: &&&Value| it["practitioner_id"] == *practitioner;
    let mut own: Vec<i64> = today.iter().filter(is_own).filter(is_virtual).filter_map(|it| second_of(it)).collect();
    own.sort_unstable();
    let others = today.iter().filter(is_virtual).filter(|it| !is_own(it)).count();
    Ok((own, others, today.iter().filter(is_own).filter(|it| !is_virtual(it)).count()))
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
        // A colleague's, and one of theirs at the office.
        let colleagues = ground.northside.of_role("practitioner", 1)?["practitioner_id"].clone();
        ground
            .schedule_unusual(|it| {
                (it["start"], it["practitioner_id"]) = (at(31).to_string().into(), colleagues);
            })
            .await?;
        ground.schedule_unusual(|it| (it["start"], it["type"]) = (at(41).to_string().into(), "OFFICE".into())).await?;
        assert_eq!(
            clinician.get(&day()).await?["rows"],
            json!([]),
            "{vendor}: nobody knows yet who this is in the EHR"
        );

        let begun = ground.schedule(0, 0).await?;
        let visit = clinician.enter(&ground.stack, id(&begun)).await?;
        let before = ground.written().await?;
        let (from, until, day_of) = span();
        let view = clinician.get(&day_of).await?;
        let after = ground.written().await?;
        for table in ["visit", "visit_member", "link", "watch"] {
            assert_eq!(after.rows_of(table), before.rows_of(table), "{vendor}: looking makes nothing: {table}");
        }
        let rows = view["rows"].as_array().cloned().unwrap_or_default();
        // Exactly their own virtual visits of that day, and none that somebody else has or for which they would meet.
        let (own, others, office) = planned(&ground, &begun["practitioner_id"], from, until).await?;
        assert!(others > 0 && office > 0, "{vendor}: there is somebody else's, and one at the office");
        let mut shown: Vec<i64> = rows.iter().filter_map(second_of).collect();
        shown.sort_unstable();
        assert_eq!(shown, own, "{vendor}: {view}");
        let of = |start: Timestamp| rows.iter().find(|row| second_of(row) == Some(start.as_second()));
        for planned in [first, second] {
            let row = of(planned).unwrap_or_else(|| panic!("{vendor}: {view}"));
            assert_eq!((&row["stage"], &row["visit"]), (&json!("planned"), &Value::Null), "{vendor}");
            assert_eq!(row["who"], "patient", "{vendor}");
        }
        let open: Vec<&Value> = rows.iter().filter_map(|row| row.get("visit")).collect();
        assert_eq!((open, &view["incomplete"]), (vec![&visit["id"]], &json!(false)), "{vendor}");
        let known: Vec<&String> = rows.iter().filter_map(Value::as_object).flat_map(|row| row.keys()).collect();
        assert!(known.iter().all(|key| ["start", "end", "stage", "who", "visit"].contains(&key.as_str())), "{known:?}");
        assert_eq!(colleague.get(&day()).await?["rows"], json!([]), "{vendor}");
        ground.no_leaks().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_group_is_one_row_and_a_visit_of_clinicians_is_with_a_colleague() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let clinician = ground.clinician(0).await?;
    clinician.enter(&ground.stack, id(&ground.schedule(0, 3).await?)).await?;
    ground.schedule_group(&[0, 1, 2]).await?;
    let rows = clinician.get(&day()).await?["rows"].clone();
    let rows = rows.as_array().cloned().unwrap_or_default();
    let of = |who: &str| rows.iter().filter(|row| row["who"] == who).count();
    assert_eq!(of("group"), 1, "{rows:?}");
    assert_eq!(of("patient") + of("group") + of("colleague"), rows.len(), "{rows:?}");
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
