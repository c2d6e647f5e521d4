//! A hospital whose number for "disconnected" nobody knows: connects are told, disconnects are not, and nothing is made up.

use serde_json::{Value, json};

use crate::ground::{Ground, participant, visit_until};
use crate::room::{Running, is};

#[tokio::test]
async fn a_missing_number_is_shown_and_never_invented() -> anyhow::Result<()> {
    let adjust = |configuration: &mut Value| {
        let status = &mut configuration["organizations"][0]["ehr"][0]["connection_status"];
        status.as_object_mut().and_then(|it| it.remove("disconnected"));
    };
    let ground = Ground::start_with(adjust).await?;
    let running = Running::start(&ground, 0).await?;
    for whose in ["patient", "practitioner"] {
        ground.chart_shows(&running.appointment, whose, "Connected").await?;
    }
    running.room.ends().await?;

    let gap = |visit: &Value| {
        ["patient", "practitioner"]
            .iter()
            .all(|role| is(visit, role, "disconnected") && participant(visit, role)["chart"]["state"] == "unsupported")
    };
    let visit = visit_until(&running.clinician, &running.visit, "the visit says what is missing", gap).await?;
    for role in ["patient", "practitioner"] {
        let reason = participant(&visit, role)["chart"]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("disconnected"), "{role}: {reason}");
        assert_eq!(ground.mark(&running.appointment, role).await?, "Connected", "{role}");
        let accepted = ground.accepted(&running.appointment, role).await?;
        let said: Vec<_> = accepted.iter().map(|it| &it["connection_status"]).collect();
        assert_eq!(said, [&json!(1)], "{role}");
    }
    let journal = ground.stack.sandbox.journal().await?;
    let guessed = journal.iter().filter(|it| it.what == "connection_status.refused").count();
    assert_eq!(guessed, 0, "a number was tried out on the chart");
    assert_eq!(ground.figure("roomed_outbox_entries{state=\"unsupported\"}").await?, 2.0);
    ground.no_leaks().await
}
