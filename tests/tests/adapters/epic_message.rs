//! Epic's `Communication.create`: there is no conditional create, so a message nobody heard of is looked for and, where it is
//! not to be seen, left to an operator.

use roomed_relay::ehr::{ReadBack, Said};
use roomed_relay::outbox::{Presence, Role};
use roomed_relay::store::Channel;
use serde_json::json;

use crate::chart::Chart;

#[tokio::test]
async fn a_message_is_there_once_or_waits_for_an_operator() -> anyhow::Result<()> {
    let chart = Chart::start("epic").await?;
    let appointment = chart.schedule(0, "booked").await?;
    for (n, (fault, wanted)) in [
        (None, "there"),
        (Some(json!({ "mode": "drop_after_apply" })), "there"),
        (Some(json!({ "mode": "status_after_apply", "status": 500 })), "there"),
        (Some(json!({ "mode": "late", "delay_ms": 300 })), "there"),
        (Some(json!({ "mode": "status", "status": 503 })), "there"),
        (Some(json!({ "mode": "revoke" })), "there"),
        (Some(json!({ "mode": "drop_before" })), "double"),
        (Some(json!({ "mode": "status", "status": 500 })), "double"),
        (Some(json!({ "mode": "poison" })), "never"),
        (Some(json!({ "mode": "refuse" })), "never"),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("message-{n}");
        if let Some(mut fault) = fault.clone() {
            fault["target"] = json!("epic.write");
            chart.fault(fault).await?;
        }
        let intent = chart.presence(&appointment, Channel::Message, Role::Patient, Presence::Connected);
        let said = chart.deliver(&intent, &key).await?.said;
        let there = chart.creates(&key).await?;
        let got = match (said, there) {
            (Said::Accepted, 1) => "there",
            (Said::PossibleDouble { .. }, 0) => "double",
            (Said::Never { .. }, 0) => "never",
            other => anyhow::bail!("{fault:?}: {other:?}"),
        };
        assert_eq!(got, wanted, "{fault:?}");
        let shown = chart.shows(&intent, &key).await;
        assert_eq!(shown, if there == 1 { ReadBack::Applied } else { ReadBack::NotApplied }, "{fault:?}");
        if wanted == "there" {
            assert_eq!(chart.deliver(&intent, &key).await?.said, Said::Accepted);
            assert_eq!(chart.creates(&key).await?, 1, "{fault:?}");
        }
    }
    chart.no_fault_left().await
}
